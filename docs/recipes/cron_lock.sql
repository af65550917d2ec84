-- Lock around a cron job
--
-- Problem   Several machines start the same job; one of them shall run it. If that one hangs or dies,
--           another takes over, and what the first one still writes later must do no harm.
-- Solution  kv_lock gives the lock to one, until it expires, with a token that is larger than all
--           before it. The job extends the lock while it works and writes with its token: rows
--           refuse a smaller one than they have seen.
-- Limits    The lock alone does not keep two from running: a job that was asleep for longer than the
--           ttl believes it still has it. The comparison in the UPDATE does. Locks are free after a
--           restart; tokens still grow. A lock within one transaction is better done by
--           pg_advisory_xact_lock.

SET client_min_messages = warning;
CREATE SERVER recipe_locks FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB');
SET hotset.keyspace = 'recipe_locks';
CREATE SCHEMA recipe;
SET search_path = recipe, public;
CREATE TABLE report (name text PRIMARY KEY, body text, token bigint NOT NULL DEFAULT 0);
INSERT INTO report VALUES ('nightly', 'old');

-- Write as the holder of the lock: false if a later one has written already.
CREATE FUNCTION write_report(report_name text, new_body text, my_token bigint) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
    WITH written AS (
        UPDATE report SET body = new_body, token = my_token
        WHERE name = report_name AND token <= my_token RETURNING 1)
    SELECT count(*) > 0 FROM written
$$;

-- The job: skipped if somebody else is at it.
CREATE FUNCTION nightly(who text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    my_token bigint := kv_lock('cron:nightly', '10 minutes');
BEGIN
    IF my_token IS NULL THEN
        RETURN 'somebody else is at it';
    END IF;
    FOR part IN 1 .. 3 LOOP
        -- ... work ...
        IF NOT kv_lock_extend('cron:nightly', my_token, '10 minutes') THEN
            RAISE EXCEPTION 'lock lost';
        END IF;
    END LOOP;
    PERFORM write_report('nightly', 'by ' || who, my_token);
    PERFORM kv_unlock('cron:nightly', my_token);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    PERFORM kv_unlock('cron:nightly', my_token);    -- if it is still ours
    RAISE;
END $$;

-- Wait for a lock, at most so long; tries become rarer and do not keep step with others'.
CREATE FUNCTION lock_wait(lock_name text, ttl interval, patience interval) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    give_up timestamptz := clock_timestamp() + patience;
    pause float := 0.01;
    my_token bigint;
BEGIN
    LOOP
        my_token := kv_lock(lock_name, ttl);
        IF my_token IS NOT NULL OR clock_timestamp() >= give_up THEN
            RETURN my_token;
        END IF;
        PERFORM pg_sleep(least(pause * (0.5 + random()), extract(epoch FROM give_up - clock_timestamp())));
        pause := least(pause * 2, 1);
    END LOOP;
END $$;

SELECT nightly('machine 1') AS machine_1;
SELECT body FROM report;
-- Machine 2 takes the lock and falls asleep; machine 3 does not get it ...
SELECT kv_lock('cron:nightly', '2 seconds') AS token_2 \gset
SELECT nightly('machine 3') AS machine_3;
-- ... until it expires.
SELECT lock_wait('cron:nightly', '10 minutes', '1 minute') AS token_3 \gset
SELECT :token_3 > :token_2 AS larger, write_report('nightly', 'by machine 3', :token_3) AS written;
-- Machine 2 wakes up and goes on as if nothing had happened.
SELECT write_report('nightly', 'by machine 2', :token_2) AS written, kv_lock_extend('cron:nightly', :token_2, '1 minute') AS extended, kv_unlock('cron:nightly', :token_2) AS unlocked;
SELECT body FROM report;
SELECT kv_unlock('cron:nightly', :token_3) AS unlocked;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_locks;
