\echo
\echo '=== 2. Sessions that expire ==='
\echo 'A keyspace of their own: a foreign server, with a memory limit, eviction and a default time to live.'
\set ECHO queries
CREATE SERVER sessions FOREIGN DATA WRAPPER hotset
    OPTIONS (memory '16MB', eviction 's3fifo', default_ttl '30 minutes');
SELECT kv_set('session:9f3c', '{"user": 42, "cart": ["0ad", "libc6"]}'::jsonb, keyspace => 'sessions') AS stored,
       kv_ttl('session:9f3c', keyspace => 'sessions') AS default_ttl;
\echo 'A session of one second, and what is left of it a little later:'
SELECT kv_set('session:77aa', 'short', ttl => '1 second', keyspace => 'sessions');
SELECT kv_get('session:77aa', keyspace => 'sessions') AS at_once;
SELECT pg_sleep(1.05);
SELECT kv_get('session:77aa', keyspace => 'sessions') AS after_a_second;
\set ECHO none
