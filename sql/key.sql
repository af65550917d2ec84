--
-- Keys of any type: existence, expiry, names, walking, dump and restore
--
SELECT kv_set('key:s', 'v'), zadd('key:z', ARRAY[1, 2]::float8[], ARRAY['a', 'b']), pfadd('key:h', 'x');
SELECT k, kv_type(k), kv_exists(k) FROM unnest(ARRAY['key:s', 'key:z', 'key:h', 'key:none', NULL]) k;
SELECT kv_exists(ARRAY['key:s', 'key:none', 'key:s', NULL]), kv_exists('{}'::text[]), kv_exists(NULL::text[]) IS NULL AS null;
SELECT kv_touch('key:s'), kv_touch('key:none'), kv_touch(ARRAY['key:s', 'key:z', 'key:none']);
SELECT kv_del('key:s'), kv_del('key:s'), kv_del(ARRAY['key:z', 'key:none', 'key:z', 'key:h']), kv_del('{}'::text[]);

-- expiry
SELECT kv_set('key:e', 'v'), kv_expire('key:none', '1 hour') AS missing, kv_expire('key:e', '1 hour', xx => true) AS xx;
SELECT kv_expire('key:e', '1 hour', gt => true) AS gt, kv_expire('key:e', '1 hour', lt => true) AS lt, kv_expire('key:e', '1 hour', nx => true) AS nx,
       kv_expire('key:e', '2 hours', nx => true) AS nx, kv_expire('key:e', '30 min', gt => true) AS gt, kv_expire('key:e', '2 hours', gt => true) AS gt,
       kv_expire('key:e', '3 hours', lt => true) AS lt, kv_expire('key:e', '1 day', xx => true) AS xx;
SELECT kv_ttl('key:e') BETWEEN '23:59' AND '1 day' AS ttl, kv_expires_at('key:e') BETWEEN now() + '23:59' AND now() + '1 day 00:01' AS at;
SELECT kv_persist('key:e'), kv_persist('key:e'), kv_ttl('key:e') IS NULL AS no_ttl, kv_expires_at('key:e') IS NULL AS no_time;
SELECT kv_expire_at('key:e', '2100-01-01 00:00:00+00'), kv_expires_at('key:e') = '2100-01-01 00:00:00+00' AS at;
SELECT kv_expire_at('key:e', 'infinity'), kv_expires_at('key:e') IS NULL AS never;
SELECT kv_expire('key:e', '0'), kv_exists('key:e'), kv_expire('key:e', '0');
SELECT kv_set('key:e', 'v'), kv_expire('key:e', '-1 hour'), kv_exists('key:e');
SELECT kv_set('key:e', 'v'), kv_expire_at('key:e', '1999-01-01'), kv_exists('key:e');
SELECT kv_set('key:e', 'v'), kv_expire_at('key:e', '-infinity'), kv_exists('key:e');
SELECT kv_set('key:e', 'v', '20 ms'), kv_get('key:e'), pg_sleep(0.03);
SELECT kv_get('key:e') IS NULL AS gone, kv_exists('key:e'), kv_ttl('key:e') IS NULL AS no_ttl, count(*) AS seen FROM kv_scan('key:e');
SELECT kv_ttl('key:none') IS NULL AND kv_expires_at('key:none') IS NULL AND kv_ttl(NULL) IS NULL AND kv_type(NULL) IS NULL AS nothing;
-- an expiry on other types, too
SELECT zadd('key:z', 1, 'm'), kv_expire('key:z', '20 ms'), pg_sleep(0.03);
SELECT kv_exists('key:z'), zcard('key:z');

-- a keyspace's own time to live
CREATE SERVER key_ttl FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB', default_ttl '1 hour');
SET hotset.keyspace = 'key_ttl';
SELECT kv_set('a', 'v'), kv_ttl('a') > '59 min' AS set, kv_incr('b'), kv_ttl('b') > '59 min' AS incr,
       kv_mset(ARRAY['c'], ARRAY['v']), kv_ttl('c') > '59 min' AS mset, kv_getset('d', 'v') IS NULL AS getset, kv_ttl('d') > '59 min' AS ttl;
SELECT kv_persist('a'), kv_ttl('a') IS NULL AS none, kv_expire('a', NULL), kv_ttl('a') > '59 min' AS again,
       kv_set('a', 'v', '2 days'), kv_ttl('a') > '1 day' AS own;
RESET hotset.keyspace;
SELECT kv_exists('a') AS elsewhere, kv_exists('a', 'key_ttl') AS there, kv_count('key_ttl'), kv_flush('key_ttl'), kv_count('key_ttl');
DROP SERVER key_ttl;
SELECT kv_get('a', 'key_ttl');

-- names
SELECT kv_set('key:a', '1', '1 hour'), kv_rename('key:a', 'key:b'), kv_get('key:a') IS NULL AS gone, kv_get('key:b'), kv_ttl('key:b') > '59 min' AS ttl;
SELECT kv_set('key:a', '2'), kv_rename('key:a', 'key:b', nx => true) AS nx, kv_get('key:b'), kv_rename('key:a', 'key:b'), kv_get('key:b'),
       kv_ttl('key:b') IS NULL AS no_ttl, kv_rename('key:none', 'key:b') AS missing, kv_rename('key:b', 'key:b') AS same;
SELECT kv_copy('key:b', 'key:c'), kv_copy('key:b', 'key:c') AS again, kv_incr('key:b'), kv_copy('key:b', 'key:c', replace => true), kv_mget(ARRAY['key:b', 'key:c']),
       kv_copy('key:none', 'key:c', true) AS missing;
SELECT count(zadd('key:big', i, 'm' || i)) FROM generate_series(1, 20000) i;
SELECT i, kv_copy('key:big', 'key:big' || i), zcard('key:big' || i), zrank('key:big' || i, 'm19999'), kv_rename('key:big' || i, 'key:big'), zcard('key:big')
FROM generate_series(1, 8) i;
SELECT kv_set('key:long', repeat('x', 1000000)), kv_copy('key:long', 'key:long2'), kv_rename('key:long2', 'key:long3'), kv_strlen('key:long3'),
       kv_get('key:long') = kv_get('key:long3') AS same;
SELECT kv_copy('key:big', 'key:long', replace => true), kv_type('key:long'), kv_del('key:big'), zcard('key:long');

-- walking
SELECT kv_del(array_agg(key)) > 0 AS cleaned FROM kv_scan('key:*');
SELECT count(kv_set('key:' || i, i::text)) FROM generate_series(1, 5000) i;
SELECT zadd('key:z', 1, 'm'), kv_set('other', 'x'), kv_expire('key:7', '1 hour');
SELECT count(*), count(DISTINCT key), count(expires_at), min(bytes) > 0 AS bytes FROM kv_scan('key:*');
SELECT key, type, expires_at IS NOT NULL AS expires FROM kv_scan('key:?') ORDER BY key;
SELECT count(*) FROM kv_scan('key:[12]??');
SELECT count(*) FROM kv_scan('key:[^1-8]??');
SELECT key, type FROM kv_scan(type => 'zset') WHERE key LIKE 'key:%';
SELECT count(*) FROM kv_scan('key:*', 'hash');
SELECT count(*) FROM kv_scan(NULL);
SELECT count(*) FROM (SELECT kv_scan('key:*') LIMIT 3) s;
SELECT kv_set('key:\*', 'star'), kv_set('key:' || repeat('k', 60000), 'long');
SELECT length(key) FROM kv_scan('key:\\\*') UNION ALL SELECT length(key) FROM kv_scan('key:kkk*');
SELECT kv_count() >= 5004 AS count, kv_random_key() IS NOT NULL AS random;
-- a walk while keys go: what stays is seen once
SELECT count(DISTINCT key), count(*) FILTER (WHERE kv_del(key)) AS deleted FROM kv_scan('key:[1-4]*');
SELECT count(*) FROM kv_scan('key:[0-9]*');
SELECT kv_scan(type => 'tree');
-- all keys of a prefix, whatever they hold, and no others; byte by byte, no pattern
SELECT kv_mset(array_agg('kpre:' || i), array_agg('x'::text)) FROM generate_series(1, 3000) AS i;
SELECT zadd('kpre:z', 1, 'm'), sadd('kpre:', 'm'), kv_set('kpre', 'shorter'), kv_set('kpree:1', 'other'), kv_set('kpre:*', 'star'),
	kv_set('kpre:gone', 'x', ttl => '1 ms'), kv_set('kpre:' || repeat('k', 60000), 'long');
SELECT pg_sleep(0.01);
SELECT kv_del_prefix('kpre:*'), kv_del_prefix('kpre:1'), kv_del_prefix('kpre:'), kv_del_prefix('kpre:'), kv_del_prefix(repeat('k', 70000));
SELECT key FROM kv_scan('kpre*') ORDER BY key;
SELECT kv_del_prefix('');
SELECT kv_del_prefix(NULL);
SELECT kv_del_prefix('x', 'nobody');
SELECT kv_del_prefix('kpre');
-- what the planner expects, and of a keyspace that one may not use
CREATE FUNCTION pg_temp.expected(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
CREATE SERVER key_plan FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB');
SELECT count(kv_set('k' || i, 'v', keyspace => 'key_plan')), count(zadd('z' || i, 1, 'm', keyspace => 'key_plan')) FROM generate_series(1, 2000) i;
SELECT pg_temp.expected($$SELECT * FROM kv_scan(keyspace => 'key_plan')$$) AS all_keys,
       pg_temp.expected($$SELECT * FROM kv_scan(type => 'zset', keyspace => 'key_plan')$$) AS of_a_type,
       pg_temp.expected($$SELECT * FROM kv_scan('k*', keyspace => 'key_plan')$$) AS pattern,
       pg_temp.expected($$SELECT * FROM kv_scan('k1', keyspace => 'key_plan')$$) AS one,
       pg_temp.expected($$SELECT * FROM kv_scan(keyspace => 'key_none')$$) AS unknown;
CREATE ROLE regress_key_nobody;
SET ROLE regress_key_nobody;
SELECT pg_temp.expected($$SELECT * FROM kv_scan(keyspace => 'key_plan')$$) AS not_told;
SELECT count(*) FROM kv_scan(keyspace => 'key_plan');
RESET ROLE;
DROP ROLE regress_key_nobody;
DROP SERVER key_plan;

-- dump and restore
SELECT kv_set('key:s', 'text'), kv_set('key:b', '\x00ff'::bytea), kv_set('key:j', '{"a": [1.50, "x"]}'::jsonb), kv_incr('key:n', 42),
       zadd('key:z', 'Infinity'::float8, 'inf'), pfadd('key:h', ARRAY['a', 'b', 'c']), kv_set('key:l', repeat('x', 100000));
SELECT k, kv_restore(k || ':2', kv_dump(k)) AS restored, kv_type(k || ':2') FROM unnest(ARRAY['key:s', 'key:b', 'key:j', 'key:n', 'key:z', 'key:h', 'key:l']) k;
SELECT kv_get('key:s:2'), kv_get_bytea('key:b:2'), kv_get_jsonb('key:j:2') -> 'a' ->> 0 AS json, kv_incr('key:n:2'), zscore('key:z:2', 'inf'), pfcount('key:h:2'),
       kv_strlen('key:l:2');
SELECT k, kv_dump(k) = kv_dump(k || ':2') AS same FROM unnest(ARRAY['key:s', 'key:b', 'key:j', 'key:z', 'key:h', 'key:l']) k;
SELECT kv_restore('key:s', kv_dump('key:n')) AS exists, kv_restore('key:s', kv_dump('key:n'), '1 hour', replace => true), kv_get('key:s'), kv_ttl('key:s') > '59 min' AS ttl;
SELECT kv_dump('key:none') IS NULL AND kv_dump(NULL) IS NULL AS nothing, encode(kv_dump('key:b'), 'hex');
\set VERBOSITY terse
SELECT kv_restore('key:x', '');
SELECT kv_restore('key:x', 'HSDU');
SELECT kv_restore('key:x', set_byte(kv_dump('key:s'), 9, get_byte(kv_dump('key:s'), 9) # 1));
SELECT kv_restore('key:x', substr(kv_dump('key:z'), 1, 20));
SELECT kv_restore(NULL, kv_dump('key:s'));
SELECT kv_restore('key:x', NULL);
-- a right checksum does not make acceptable what cannot be checked: binary jsonb, broken JSON
SELECT kv_restore('key:x', '\x4853445501000010616263d5cfb0172180d3cc');
SELECT kv_restore('key:x', '\x48534455010001007b2261220968a5cf695d0c56');
SELECT kv_exists('key:x');
-- nor does it make text of bytes that are none
SELECT kv_restore('key:x', '\x4853445501000008c34ce4ae687688ec0d'), kv_get_bytea('key:x');
SELECT kv_get('key:x');

-- a sorted set of a database with another encoding
SELECT kv_restore('key:x', '\x485344550104000001000000000000000000f03f01000000e906123535c924e8dc', replace => true);
SELECT kv_type('key:x');

-- contradictions
SELECT kv_expire('key:s', '1 hour', nx => true, gt => true);
SELECT kv_expire('key:s', '1 hour', gt => true, lt => true);
SELECT kv_del(NULL::text);
SELECT kv_del(ARRAY['a', NULL]);
SELECT kv_rename('key:s', NULL);
SELECT kv_copy(NULL, 'key:s');
SELECT kv_expire(NULL, '1 hour');
SELECT kv_expire_at('key:s', NULL);
SELECT kv_persist(NULL);
SELECT kv_touch(NULL::text);
\set VERBOSITY default

-- hash slots
SELECT kv_slot('123456789'), kv_slot('foo'), kv_slot('{foo}.bar'), kv_slot('foo{}{bar}'), kv_slot(''), kv_slot(NULL) IS NULL AS null;

SELECT kv_del('other'), count(kv_del(key)) > 0 AS cleaned FROM kv_scan('key:*');
