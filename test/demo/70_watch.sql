\echo
\echo '=== 7. Memory and hit statistics ==='
\echo 'One row a keyspace; bytes are what it holds of hotset.memory.'
\set ECHO queries
SELECT keyspace, keys, pg_size_pretty(bytes) AS memory, hits, misses, sets, expired, evicted FROM hotset_stats;
\echo 'The memory of single keys:'
SELECT key, kv_type(key), kv_memory_usage(key) AS bytes
  FROM unnest(ARRAY['page:libc6', 'views:libc6', 'needed']) AS key;
\echo 'And of all keyspaces together:'
SELECT use, pg_size_pretty(bytes) AS memory FROM hotset_memory;
\set ECHO none
