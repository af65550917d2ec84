-- Looking at keyspaces: counters, memory, large and hot keys.
CREATE SERVER w FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB');
CREATE SERVER w_unused FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB');
SET hotset.keyspace = 'w';

-- Counters count what was done, once.
SELECT kv_set('w:a', 'x'), kv_set('w:b', 'y'), kv_set('w:b', 'z');
SELECT kv_get('w:a'), kv_get('w:b'), kv_get('w:c');
SELECT kv_del('w:a');
SELECT keyspace, keys, hits, misses, sets, deletes, expired, evicted, refused, limit_bytes
FROM hotset_stats WHERE keyspace LIKE 'w%' ORDER BY 1;
SELECT keys_by_type, bytes > 0 AS has_bytes, bytes <= limit_bytes AS within_limit,
	live_record_bytes <= record_bytes AS live_within, stats_reset <= now() AS was_reset
FROM hotset_stats WHERE keyspace = 'w';
SELECT hotset_reset_stats();
SELECT keys, hits, misses, sets, deletes FROM hotset_stats WHERE keyspace = 'w';
SELECT stats_reset > now() - interval '1 hour' AS just_reset FROM hotset_stats WHERE keyspace = 'w';

-- Counts of a rolled back transaction stay, as its effects do.
BEGIN;
SELECT kv_get('w:b');
ROLLBACK;
SELECT hits FROM hotset_stats WHERE keyspace = 'w';

-- Counts of all keyspaces that a transaction has used.
SELECT hotset_reset_stats('w'), hotset_reset_stats('w_unused');
SELECT kv_get('w:b'), kv_get('w:b', 'w_unused'), kv_get('w:b'), kv_get('w:c'), kv_get('w:b', 'w_unused');
SELECT keyspace, hits, misses FROM hotset_stats WHERE keyspace LIKE 'w%' ORDER BY 1;

-- Memory of a key.
SELECT kv_memory_usage('w:none') IS NULL AS absent, kv_memory_usage(NULL) IS NULL AS of_null;
SELECT kv_set('w:small', 'x'), kv_set('w:medium', repeat('x', 10000)),
	kv_set('w:large', repeat('x', 1000000));
SELECT key, usage >= size AND usage < size * 1.1 + 100 AS close
FROM (VALUES ('w:small', 1), ('w:medium', 10000), ('w:large', 1000000)) v(key, size),
	kv_memory_usage(key) usage;

-- The largest keys.
SELECT key, type, expires_at IS NULL AS stays FROM hotset_big_keys(3);
SELECT count(*) FROM hotset_big_keys(100);
SELECT count(*) FROM hotset_big_keys(0);
SELECT key FROM hotset_big_keys(1, 'w_unused');
SELECT count(kv_set('w:n' || i, repeat('y', i))) FROM generate_series(1, 2000) i;
SELECT array_agg(key) FROM hotset_big_keys(2);
SELECT count(*), count(DISTINCT key) FROM hotset_big_keys(2002);
SELECT bool_and(bytes <= previous) AS in_order
FROM (SELECT bytes, lag(bytes) OVER () AS previous FROM hotset_big_keys(2002)) b;
-- keys that do not fit into one batch
SELECT count(kv_set(repeat('w', 60000) || i, 'x')) FROM generate_series(1, 30) i;
SELECT count(*), count(DISTINCT key) FROM hotset_big_keys(100) WHERE length(key) > 60000;
\set VERBOSITY sqlstate
SELECT * FROM hotset_big_keys(-1);
SELECT * FROM hotset_big_keys(10001);
SELECT * FROM hotset_hot_keys(-1);
\set VERBOSITY default

-- The keys used most: 'w:hot' gets half of all accesses.
SELECT hotset_reset_stats();
SELECT count(*) FROM hotset_hot_keys();
DO $$
BEGIN
	FOR i IN 1 .. 20000 LOOP
		PERFORM kv_get('w:hot');
		PERFORM kv_get('w:n' || i % 2000);
	END LOOP;
END $$;
SELECT key, share BETWEEN 0.3 AND 0.7 AS half, accesses BETWEEN 12000 AND 28000 AS about_20000
FROM hotset_hot_keys(1);

-- The region.
SELECT use, segments >= 0 AS counted FROM hotset_memory;
SELECT sum(bytes) FILTER (WHERE use <> 'total') = max(bytes) FILTER (WHERE use = 'total') AS adds_up,
	max(bytes) FILTER (WHERE use = 'total') = pg_size_bytes(current_setting('hotset.memory')) AS as_set
FROM hotset_memory;
SELECT use, segments > 0 AS used FROM hotset_memory WHERE use IN ('records', 'large values');

-- The worker can be seen.
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'hotset worker';

-- Every function has a comment and says what it may do.
SELECT p.oid::regprocedure
FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
	AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'hotset')
	AND obj_description(p.oid, 'pg_proc') IS NULL
ORDER BY 1;

-- Checking is right while the worker takes away what has expired elsewhere.
CREATE SERVER w_gone FOREIGN DATA WRAPPER hotset;
SELECT count(kv_set('gone:' || i, repeat('x', 600000), ttl => make_interval(secs => i / 50.0), keyspace => 'w_gone'))
FROM generate_series(1, 20) AS i;
SELECT bool_and(hotset_verify()) AS whole FROM generate_series(1, 200);
DROP SERVER w_gone;

RESET hotset.keyspace;
DROP SERVER w, w_unused;
SELECT hotset_verify();
