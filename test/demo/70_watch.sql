\echo
\echo '=== 7. Memory and hit statistics ==='
\echo 'One row a keyspace; bytes are what the keyspace holds of hotset.memory.'
\set ECHO queries
SELECT * FROM hotset_stats;
SELECT key, kv_type(key), kv_memory_usage(key) AS bytes
  FROM unnest(ARRAY['page:libc6', 'views:libc6', 'needed']) AS key;
\set ECHO none
