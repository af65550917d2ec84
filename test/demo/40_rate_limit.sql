\echo
\echo '=== 4. A rate limit in one call ==='
\echo 'Three calls a minute for this client; the fourth and fifth are told when to come back.'
\set ECHO queries
SELECT call, l.allowed, l.remaining, date_trunc('second', l.retry_after) AS retry_after
  FROM generate_series(1, 5) AS call,
       LATERAL rate_limit_fixed('api:client-' || left(call::text, 0) || '7', 3, '1 minute') AS l;
\set ECHO none
