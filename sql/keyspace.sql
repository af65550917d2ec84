-- Keyspaces are foreign servers: options, privileges, transactions.

-- what other tests left must not be given back while we look at memory
SELECT kv_flush() >= 0 AS flushed;

-- What the extension brings.
SELECT srvname, fdwname, srvoptions
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
WHERE fdwname = 'hotset';
SHOW hotset.keyspace;

-- Two keyspaces, same key.
CREATE SERVER ks_a FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', eviction 's3fifo', default_ttl '1 hour');
CREATE SERVER ks_b FOREIGN DATA WRAPPER hotset;
SELECT kv_set('k', 'in a', keyspace => 'ks_a'), kv_set('k', 'in b', keyspace => 'ks_b');
SELECT kv_get('k', 'ks_a'), kv_get('k', 'ks_b'), kv_get('k');
SET hotset.keyspace = 'ks_a';
SELECT kv_get('k'), kv_get('k', keyspace => NULL), kv_get('k', 'ks_b');
SET hotset.keyspace = 'ks_b';
SELECT kv_get('k');
BEGIN;
SET LOCAL hotset.keyspace = 'ks_a';
SELECT kv_get('k');
ROLLBACK;
SELECT kv_get('k');
RESET hotset.keyspace;
SELECT kv_get('k');

-- A default time to live, unless another one is given.
SELECT kv_ttl('k', 'ks_a') BETWEEN interval '59 minutes' AND interval '1 hour' AS default_ttl,
	kv_ttl('k', 'ks_b') IS NULL AS none;
SELECT kv_set('k2', 'v', ttl => '1 minute', keyspace => 'ks_a');
SELECT kv_ttl('k2', 'ks_a') < interval '2 minutes' AS given;

-- Unknown and unsuitable names.
SELECT kv_get('k', 'ks_none');
SET hotset.keyspace = 'ks_none';
SELECT kv_get('k');
SET hotset.keyspace = '';
SELECT kv_get('k');
RESET hotset.keyspace;
CREATE FOREIGN DATA WRAPPER ks_other;
CREATE SERVER ks_foreign FOREIGN DATA WRAPPER ks_other;
SELECT kv_get('k', 'ks_foreign');
-- the validator does not make a wrapper ours
CREATE FOREIGN DATA WRAPPER ks_forged VALIDATOR hotset_fdw_validator;
CREATE SERVER ks_forgery FOREIGN DATA WRAPPER ks_forged;
SELECT kv_get('k', 'ks_forgery');
\set VERBOSITY sqlstate
SELECT kv_get('k', 'ks_none');
SELECT kv_get('k', 'ks_foreign');
\set VERBOSITY default
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER ks_other, ks_forged CASCADE;
RESET client_min_messages;

-- any number of wrong names costs nothing
DO $$
BEGIN
	FOR i IN 1 .. 2000 LOOP
		BEGIN
			PERFORM kv_get('k', ('ks_wrong_' || i)::name);
		EXCEPTION WHEN undefined_object THEN NULL;
		END;
	END LOOP;
END $$;
SELECT total_bytes < 100000 AS is_small FROM pg_backend_memory_contexts WHERE name = 'hotset keyspaces';

-- Options that are refused.
CREATE SERVER ks_bad FOREIGN DATA WRAPPER hotset OPTIONS (memori '1MB');
ALTER SERVER ks_a OPTIONS (ADD foo 'bar');
ALTER SERVER ks_a OPTIONS (SET memory '64');
ALTER SERVER ks_a OPTIONS (SET memory '100kB');
ALTER SERVER ks_a OPTIONS (SET memory '-1MB');
ALTER SERVER ks_a OPTIONS (SET memory '1e300GB');
ALTER SERVER ks_a OPTIONS (SET memory '129GB');
ALTER SERVER ks_a OPTIONS (SET memory 'much');
ALTER SERVER ks_a OPTIONS (SET memory '');
ALTER SERVER ks_a OPTIONS (SET eviction 'lru');
ALTER SERVER ks_a OPTIONS (SET default_ttl '0');
ALTER SERVER ks_a OPTIONS (SET default_ttl '-1 s');
ALTER SERVER ks_a OPTIONS (SET default_ttl 'soon');
ALTER SERVER ks_a OPTIONS (ADD transactional 'maybe');
ALTER SERVER ks_a OPTIONS (ADD durability 'eternal');
\set VERBOSITY sqlstate
ALTER SERVER ks_a OPTIONS (ADD foo 'bar');
ALTER SERVER ks_a OPTIONS (SET memory '64');
ALTER SERVER ks_a OPTIONS (SET eviction 'lru');
ALTER SERVER ks_a OPTIONS (ADD transactional 'on');
ALTER SERVER ks_a OPTIONS (ADD durability 'snapshot');
ALTER SERVER ks_a OPTIONS (ADD durability 'logged');
ALTER FOREIGN DATA WRAPPER hotset OPTIONS (ADD foo 'bar');
CREATE USER MAPPING FOR CURRENT_USER SERVER ks_a OPTIONS (password 'x');
CREATE FOREIGN TABLE ks_table (key text) SERVER ks_a;
\set VERBOSITY default
-- and those that say what is so anyway
ALTER SERVER ks_a OPTIONS (SET memory ' 2 MB ', ADD transactional 'off', ADD durability 'none');

-- ALTER SERVER takes effect at commit, for everybody, keys stay.
CREATE VIEW ks_limits AS
	SELECT keyspace, limit_bytes FROM hotset_stats WHERE keyspace IN ('ks_a', 'ks_b')
		AND limit_bytes < 32 * 1024 * 1024 ORDER BY 1;
SELECT * FROM ks_limits;
ALTER SERVER ks_a OPTIONS (SET memory '4MB');
SELECT * FROM ks_limits;
BEGIN;
ALTER SERVER ks_a OPTIONS (SET memory '8MB', DROP default_ttl);
SELECT * FROM ks_limits;
SELECT kv_set('k3', 'v', keyspace => 'ks_a'), kv_ttl('k3', 'ks_a') IS NULL AS new_default;
SELECT * FROM ks_limits;
ROLLBACK;
SELECT * FROM ks_limits;
BEGIN;
ALTER SERVER ks_a OPTIONS (SET memory '8MB');
SAVEPOINT s;
ALTER SERVER ks_a OPTIONS (SET memory '16MB');
ROLLBACK TO s;
ALTER SERVER ks_a OPTIONS (DROP default_ttl);
COMMIT;
SELECT * FROM ks_limits;
SELECT kv_set('k4', 'v', keyspace => 'ks_a'), kv_ttl('k4', 'ks_a') IS NULL AS no_default;
SELECT kv_get('k', 'ks_a');
-- a new name
ALTER SERVER ks_a RENAME TO ks_c;
SELECT kv_get('k', 'ks_c');
\set VERBOSITY sqlstate
SELECT kv_get('k', 'ks_a');
\set VERBOSITY default
ALTER SERVER ks_c RENAME TO ks_a;
SELECT kv_get('k', 'ks_a');

-- CREATE SERVER rolled back leaves nothing; used or not, nested or not.
CREATE VIEW ks_segments AS SELECT segments FROM hotset_memory WHERE use = 'records';
SELECT segments AS before FROM ks_segments \gset
BEGIN;
CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset;
SELECT kv_set('k', 'v', keyspace => 'ks_t');
SELECT kv_get('k', 'ks_t');
SELECT segments > :before AS more FROM ks_segments;
ROLLBACK;
SELECT segments - :before AS more FROM ks_segments;
\set VERBOSITY sqlstate
SELECT kv_get('k', 'ks_t');
\set VERBOSITY default
BEGIN;
SAVEPOINT s;
CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset;
SELECT kv_set('k', 'v1', keyspace => 'ks_t');
ROLLBACK TO s;
SELECT segments - :before AS more FROM ks_segments;
SAVEPOINT s;
CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset;
SELECT kv_get('k', 'ks_t') IS NULL AS empty, kv_set('k', 'v2', keyspace => 'ks_t');
RELEASE s;
COMMIT;
SELECT kv_get('k', 'ks_t');

-- DROP SERVER: at commit, not before; rolled back it drops nothing.
BEGIN;
DROP SERVER ks_t;
SELECT segments > :before AS still FROM ks_segments;
ROLLBACK;
SELECT kv_get('k', 'ks_t');
BEGIN;
SAVEPOINT s;
DROP SERVER ks_t;
ROLLBACK TO s;
COMMIT;
SELECT kv_get('k', 'ks_t');
DROP SERVER ks_t;
SELECT segments - :before AS more FROM ks_segments;
CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset;
SELECT kv_get('k', 'ks_t') IS NULL AS empty;
BEGIN;
DROP SERVER ks_t;
CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset;
SELECT kv_set('k', 'new', keyspace => 'ks_t');
COMMIT;
SELECT kv_get('k', 'ks_t');
DROP SERVER ks_t;

-- In a function, with an exception handler.
DO $$
BEGIN
	BEGIN
		CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset;
		PERFORM kv_set('k', 'v', keyspace => 'ks_t');
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN
		RAISE NOTICE 'handled';
	END;
END $$;
SELECT segments - :before AS more FROM ks_segments;

-- Two-phase commit: what is not about keyspaces is not our business.
\set VERBOSITY sqlstate
BEGIN;
CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset;
PREPARE TRANSACTION 'ks';
BEGIN;
ALTER SERVER ks_a OPTIONS (SET memory '2MB');
PREPARE TRANSACTION 'ks';
BEGIN;
DROP SERVER ks_a;
PREPARE TRANSACTION 'ks';
\set VERBOSITY default
SELECT kv_get('k', 'ks_a');
BEGIN;
CREATE FOREIGN DATA WRAPPER ks_other;
CREATE SERVER ks_foreign FOREIGN DATA WRAPPER ks_other;
SELECT kv_set('prepared', 'v', keyspace => 'ks_a');
PREPARE TRANSACTION 'ks';
SELECT kv_get('prepared', 'ks_a');
COMMIT PREPARED 'ks';
DROP SERVER ks_foreign;
DROP FOREIGN DATA WRAPPER ks_other;

-- Privileges: the keyspace is the gate.
CREATE ROLE regress_hotset_app;
CREATE ROLE regress_hotset_group;
GRANT regress_hotset_group TO regress_hotset_app;
SET ROLE regress_hotset_app;
SELECT kv_get('k', 'ks_b');
\set VERBOSITY sqlstate
SELECT kv_get('k', 'ks_b');
\set VERBOSITY default
SELECT keyspace FROM hotset_stats;
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER ks_b TO regress_hotset_group;
SET ROLE regress_hotset_app;
SELECT kv_get('k', 'ks_b');
SELECT keyspace FROM hotset_stats;
\set VERBOSITY sqlstate
SELECT kv_get('k', 'ks_a');
SELECT kv_get('k');
SELECT hotset_reset_stats('ks_b');
CREATE SERVER ks_mine FOREIGN DATA WRAPPER hotset;
\set VERBOSITY default
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER ks_b FROM regress_hotset_group;
SET ROLE regress_hotset_app;
\set VERBOSITY sqlstate
SELECT kv_get('k', 'ks_b');
\set VERBOSITY default
RESET ROLE;
-- a role that may create keyspaces owns what it creates
GRANT USAGE ON FOREIGN DATA WRAPPER hotset TO regress_hotset_app;
SET ROLE regress_hotset_app;
CREATE SERVER ks_mine FOREIGN DATA WRAPPER hotset OPTIONS (memory '1MB');
SELECT kv_set('k', 'mine', keyspace => 'ks_mine');
SELECT hotset_reset_stats('ks_mine');
RESET ROLE;
SELECT kv_get('k', 'ks_mine');
DROP OWNED BY regress_hotset_app, regress_hotset_group;
SELECT segments - :before AS more FROM ks_segments;
DROP ROLE regress_hotset_app, regress_hotset_group;

-- Writing is allowed where tables cannot be written: the effect is this node's.
BEGIN READ ONLY;
SELECT kv_set('ro', 'v', keyspace => 'ks_a');
COMMIT;
SELECT kv_get('ro', 'ks_a');

-- A server built with assertions can empty all caches at every chance: names are found all the same.
BEGIN;
SELECT set_config('debug_discard_caches', least(max_val::int, 1)::text, true) IS NOT NULL AS set
FROM pg_settings WHERE name = 'debug_discard_caches';
SELECT kv_set('ro', 'w', keyspace => 'ks_a'), kv_get('ro', 'ks_a');
COMMIT;

-- Parallel workers resolve keyspaces themselves, also one of their leader's making.
CREATE TABLE ks_rows AS SELECT i FROM generate_series(1, 10000) i;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(kv_get('k' || i % 2, 'ks_a')) FROM ks_rows;
BEGIN;
CREATE SERVER ks_t FOREIGN DATA WRAPPER hotset OPTIONS (memory '3MB');
SELECT count(kv_get('k' || i % 2, 'ks_t')) FROM ks_rows;
SELECT kv_set('k1', 'v', keyspace => 'ks_t');
SELECT count(kv_get('k' || i % 2, 'ks_t')) FROM ks_rows;
ALTER SERVER ks_t OPTIONS (SET memory '5MB');
SELECT count(kv_get('k' || i % 2, 'ks_t')) FROM ks_rows;
SELECT limit_bytes FROM hotset_stats WHERE keyspace = 'ks_t';
ROLLBACK;
SELECT segments - :before AS more FROM ks_segments;
SELECT hotset_reset_stats('ks_a');
SELECT count(kv_get('k' || i % 2, 'ks_a')) FROM ks_rows;
SELECT hits + misses AS counted FROM hotset_stats WHERE keyspace = 'ks_a';
DROP TABLE ks_rows;

-- default_ttl is for every key that a call makes without a ttl of its own
CREATE SERVER ks_d FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB', default_ttl '1 hour');
SET hotset.keyspace = 'ks_d';
SELECT count(*) AS made FROM (SELECT kv_set('set', 'x'), kv_mset('{mset}', '{x}'), kv_getset('getset', 'x'), kv_set('keep', 'x', keep_ttl => true), kv_append('append', 'x'), kv_append('append_big', repeat('x', 300000)),
	kv_setrange('setrange', 3, 'x'), kv_incr('incr'), kv_decr('decr'), kv_incrbyfloat('incrbyfloat', 0.5), kv_setbit('setbit', 1, true), kv_bitfield('bitfield', '{SET u8 0 1}'),
	kv_bitop('or', 'bitop', '{setbit}'), kv_set_if('set_if', 'x', NULL::text), kv_copy('set', 'copy'), kv_restore('restore', kv_dump('set')),
	hset('hset', 'f', 'x'), hset('hset_json', '{"f": 1}'::jsonb), hset_row('hset_row', ROW(1)), hsetnx('hsetnx', 'f', 'x'), hincrby('hincrby', 'f', 1), hincrbyfloat('hincrbyfloat', 'f', 1),
	sadd('sadd', 'm'), sadd('moved', 'm'), smove('moved', 'smove', 'm'), sunionstore('sunionstore', '{sadd}'), sinterstore('sinterstore', '{sadd}'), sdiffstore('sdiffstore', '{sadd,none}'),
	zadd('zadd', 1, 'm'), zincrby('zincrby', 1, 'm'), zunionstore('zunionstore', '{zadd}'), zinterstore('zinterstore', '{zadd}'), zdiffstore('zdiffstore', '{zadd}'),
	zrangestore('zrangestore', 'zadd', 0, -1), zrangestorebyscore('zrangestorebyscore', 'zadd', 0, 9), zrangestorebylex('zrangestorebylex', 'zadd', NULL, NULL),
	lpush('lpush', 'x'), rpush('rpush', '{x,y}'::text[]), lmove('rpush', 'lmove', true, true), pfadd('pfadd', 'x'), pfmerge('pfmerge', '{pfadd}'), pfset('pfset', hll_empty()),
	kv_fill('fill', 'x', (SELECT lease FROM kv_get_lease('fill')))) AS q;
SELECT kv_fetch('fetch', 'SELECT 1'), kv_define('ks defined', 'SELECT 2', 'defined');
SELECT kv_fetch_def('ks defined');
SELECT count(*) FILTER (WHERE expires_at BETWEEN now() + '59 minutes' AND now() + '61 minutes') AS expire, count(*) FILTER (WHERE expires_at IS NULL) AS "do not" FROM kv_scan();
SELECT key FROM kv_scan() WHERE expires_at IS NULL ORDER BY key;
-- a change of one that is there leaves its own
SELECT kv_persist('set'), kv_append('set', 'y'), kv_setrange('set', 0, 'z'), kv_set('number', '1', ttl => '2 hours'), kv_incrbyfloat('number', 1), kv_incr('number'), kv_getex('number');
SELECT kv_ttl('set') AS set, kv_ttl('number') > '1 hour 59 minutes' AS number;
SELECT kv_undefine('ks defined');
RESET hotset.keyspace;
DROP SERVER ks_d;
DROP VIEW ks_limits, ks_segments;
DROP SERVER ks_a, ks_b;
SELECT hotset_verify();
