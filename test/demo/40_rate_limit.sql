\echo
\echo '=== 4. A rate limit in one call ==='
\echo 'Three calls a minute for this client; the fourth and fifth are told when to come back.'
\set ECHO queries
SELECT call, rate_limit_fixed('api:client-7', 3, '1 minute') AS "(allowed,remaining,retry_after)"
  FROM generate_series(1, 5) AS call;
\set ECHO none
