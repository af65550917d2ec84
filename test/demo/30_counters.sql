\echo
\echo '=== 3. Counters ==='
\echo 'One page view for each line of the dependency table, counted per package, in one statement.'
\set ECHO queries
SELECT count(kv_incr('views:' || needs)) AS increments FROM dependency;
SELECT name, kv_get_int('views:' || name) AS views
  FROM unnest(ARRAY['libc6', 'perl', 'python3']) AS name;
\set ECHO none
