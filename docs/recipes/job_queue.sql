-- Job queue with reliable hand-over
--
-- Problem   Workers take jobs from a queue. One that dies must not take its job with it.
-- Solution  lmove moves a job from the queue to a list of the worker's own, in one step: at every
--           instant it is on one of the two. Finished, it is removed there. A worker shows that it lives
--           by a key that expires; jobs of one that does not go back to the queue.
-- Limits    At least once: a worker that is only slow may see its job done twice, so jobs should bear
--           that, or use a fencing token (cron_lock.sql). A restart of the server empties
--           the queue: what must not be lost is a row with a state, and the list holds its key.
--           Instead of asking again and again a worker waits:
--           blmove('jobs', 'working:w1', false, true, timeout => '1 minute').

SET client_min_messages = warning;
CREATE SERVER recipe_jobs FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB');
SET hotset.keyspace = 'recipe_jobs';
CREATE SCHEMA recipe;
SET search_path = recipe, public;

CREATE FUNCTION enqueue(VARIADIC jobs text[]) RETURNS bigint
LANGUAGE sql VOLATILE AS $$ SELECT lpush('jobs', jobs) $$;

-- The oldest job, now this worker's; NULL if there is none.
CREATE FUNCTION take(worker text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM kv_set('alive:' || worker, 'yes', ttl => '30 seconds');
    RETURN lmove('jobs', 'working:' || worker, false, true);
END $$;

CREATE FUNCTION done(worker text, job text) RETURNS boolean
LANGUAGE sql VOLATILE AS $$ SELECT lrem('working:' || worker, 1, job) > 0 $$;

-- Put back what workers that have not been seen for 30 seconds left; run it now and then. It finds their
-- lists by their names: a set of workers beside them could miss one that has just come back.
CREATE FUNCTION rescue() RETURNS TABLE (worker text, job text)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    FOR worker IN
        SELECT name FROM kv_scan('working:*') AS k, substr(k.key, length('working:') + 1) AS name
        WHERE NOT kv_exists('alive:' || name) ORDER BY 1
    LOOP
        LOOP
            -- to the end that is next
            job := lmove('working:' || worker, 'jobs', true, false);
            EXIT WHEN job IS NULL;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;

SELECT enqueue('mail 1', 'mail 2', 'mail 3', 'mail 4') AS waiting;
SELECT take('w1') AS w1, take('w2') AS w2, take('w1') AS w1_too;
SELECT done('w1', 'mail 1') AS done, done('w1', 'mail 1') AS twice;
SELECT llen('jobs') AS waiting, (SELECT array_agg(value) FROM lrange('working:w1', 0, -1)) AS w1, (SELECT array_agg(value) FROM lrange('working:w2', 0, -1)) AS w2;
-- w1 dies: its key would expire within 30 seconds.
SELECT kv_del('alive:w1') AS dead;
SELECT * FROM rescue();
SELECT take('w2') AS rescued, take('w2') AS last, take('w2') AS none;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_jobs;
