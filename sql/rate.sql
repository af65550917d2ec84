--
-- Rate limits.  What they say when time passes is in test/unit/test_rate.c.
--
-- each row has its own call because the arguments depend on it; (f(x)).* would call three times
SELECT i, l.* FROM generate_series(1, 3) i, rate_limit_fixed('rate:f', 3 + 0 * i, '1 hour') l;
SELECT allowed, remaining, retry_after BETWEEN '59 min' AND '1 hour' AS retry FROM rate_limit_fixed('rate:f', 3, '1 hour');
SELECT kv_get('rate:f') AS count, kv_ttl('rate:f') <= '1 hour' AS ttl;
SELECT * FROM rate_limit_fixed('rate:never', 0, '1 hour');

SELECT i, l.* FROM generate_series(1, 3) i, rate_limit_sliding('rate:s', 3 + 0 * i, '1 hour') l;
SELECT allowed, remaining, retry_after BETWEEN '1:15' AND '1:20' AS retry FROM rate_limit_sliding('rate:s', 3, '1 hour');

SELECT c, l.* FROM unnest(ARRAY[0, 1, 2]) c, rate_limit_bucket('rate:b', 3, '1 hour', cost => c) l;
SELECT allowed, remaining, retry_after BETWEEN '59 min' AND '1 hour' AS retry FROM rate_limit_bucket('rate:b', 3, '1 hour');
SELECT allowed, remaining, retry_after BETWEEN '1:59' AND '2:00' AS retry FROM rate_limit_bucket('rate:b', 3, '1 hour', 2);
SELECT * FROM rate_limit_bucket('rate:b', 3, '1 hour', 4);
SELECT * FROM rate_limit_bucket('rate:never', 0, '1 hour');
SELECT * FROM rate_limit_bucket('rate:refill', 1, '10 ms');
SELECT pg_sleep(0.02);
SELECT * FROM rate_limit_bucket('rate:refill', 1, '10 ms');

-- in a query: one limit per user
SELECT u, count(*) FILTER (WHERE (rate_limit_fixed('rate:u:' || u, 2, '1 hour')).allowed) AS allowed
FROM unnest(ARRAY['ann', 'bob', 'ann', 'ann']) u GROUP BY u ORDER BY u;

-- what is no limit
SELECT kv_set('rate:text', 'x');
\set VERBOSITY terse
SELECT rate_limit_fixed('rate:text', 3, '1 hour');
SELECT rate_limit_sliding('rate:text', 3, '1 hour');
SELECT rate_limit_bucket('rate:s', 3, '1 hour');
SELECT rate_limit_fixed(NULL, 3, '1 hour');
SELECT rate_limit_fixed('rate:f', NULL, '1 hour');
SELECT rate_limit_fixed('rate:f', 3, NULL);
SELECT rate_limit_fixed('rate:f', -1, '1 hour');
SELECT rate_limit_fixed('rate:f', 1, '0');
SELECT rate_limit_sliding('rate:s', 1, '-1 hour');
SELECT rate_limit_bucket('rate:b', -1, '1 hour');
SELECT rate_limit_bucket('rate:b', 1, '1 hour', -1);
SELECT rate_limit_bucket('rate:b', 9223372036854775807, '1 hour');
SELECT rate_limit_sliding('rate:x', 1, '200000 years');
\set VERBOSITY sqlstate
SELECT rate_limit_fixed('rate:f', -1, '1 hour');
SELECT zadd('rate:z', 1, 'm');
SELECT rate_limit_fixed('rate:z', 1, '1 hour');
SELECT rate_limit_fixed('rate:text', 1, '1 hour');
\set VERBOSITY default
SELECT count(kv_del(key)) > 0 AS cleaned FROM kv_scan('rate:*');
