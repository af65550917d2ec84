-- Rate limits
--
-- Problem   Let each client do something only so often: attempts to log in, calls of an API, mails.
-- Solution  Three functions ask and count in one atomic call:
--           rate_limit_fixed    max per window, the first call opens it. Cheapest; around the end of a window
--                               twice as many may pass.
--           rate_limit_sliding  max in any stretch of time, estimated from two windows. For "100 a minute".
--           rate_limit_bucket   a bucket that fills steadily: bursts up to its size, then an even rate. Calls
--                               can cost more than one.
-- Limits    Counts live in memory: a restart forgives everybody. Refused calls do not count; to punish
--           hammering, count them with a limit of their own. Keep them in a keyspace that does not
--           evict, or whoever was evicted starts anew.

SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SERVER recipe_rates FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB');
SET hotset.keyspace = 'recipe_rates';
CREATE SCHEMA recipe;
SET search_path = recipe, public;

-- Three attempts to log in within ten minutes.
SELECT (r).allowed, (r).remaining, (r).retry_after BETWEEN '9 minutes' AND '10 minutes' AS in_ten_minutes
FROM (SELECT rate_limit_fixed('login:ann', 3, '10 minutes') AS r FROM generate_series(1, 4)) AS calls;
SELECT allowed, remaining FROM rate_limit_fixed('login:bob', 3, '10 minutes');
-- Logged in: forget the attempts.
SELECT kv_del('login:ann') AS forgotten;
SELECT allowed, remaining FROM rate_limit_fixed('login:ann', 3, '10 minutes');

-- A hundred calls in any hour.
SELECT count(*) FILTER (WHERE (r).allowed) AS passed, count(*) FILTER (WHERE NOT (r).allowed) AS refused, max((r).retry_after) <= '2 hours' AS patience
FROM (SELECT rate_limit_sliding('api:ann', 100, '1 hour') AS r FROM generate_series(1, 130)) AS calls;

-- Bursts of ten, then one a minute; a report costs five.
SELECT allowed, remaining FROM rate_limit_bucket('reports:ann', 10, '1 minute', cost => 5);
SELECT allowed, remaining FROM rate_limit_bucket('reports:ann', 10, '1 minute', cost => 4);
SELECT allowed, remaining, retry_after > '3 minutes' AND retry_after <= '4 minutes' AS in_four_minutes FROM rate_limit_bucket('reports:ann', 10, '1 minute', cost => 5);
SELECT allowed, remaining FROM rate_limit_bucket('reports:ann', 10, '1 minute', cost => 0);
SELECT allowed, retry_after IS NULL AS never FROM rate_limit_bucket('reports:ann', 10, '1 minute', cost => 11);

-- As a guard: raises, and says when to come again.
CREATE FUNCTION guard(what text, who text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    r record;
BEGIN
    SELECT * INTO r FROM rate_limit_bucket(what || ':' || who, 2, '1 hour');
    IF NOT r.allowed THEN
        RAISE EXCEPTION 'too many calls of "%"', what
            USING ERRCODE = 'configuration_limit_exceeded', HINT = format('Try again in %s minutes.', ceil(extract(epoch FROM r.retry_after) / 60));
    END IF;
END $$;
SELECT guard('export', 'ann'), guard('export', 'ann');
SELECT guard('export', 'ann');

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_rates;
