-- Cached results: hits are what the query would return.
CREATE TABLE cached_user (id int PRIMARY KEY, name text, team int);
INSERT INTO cached_user VALUES (1, 'ann', 1), (2, 'bob', 1), (3, 'cid', 2);
CREATE FUNCTION cached_counts(OUT hits bigint, OUT computed bigint, OUT fills bigint)
LANGUAGE sql AS 'SELECT hits, computed, fills FROM hotset_cache_stats()';
CREATE FUNCTION cached_name(n int) RETURNS text LANGUAGE sql AS $$
	SELECT kv_fetch('user:' || n, 'SELECT name FROM cached_user WHERE id = $1', ARRAY[n::text]) $$;
SELECT hotset_cache_stats_reset();

-- the second one is a hit
SELECT cached_name(1), cached_name(1), cached_name(2);
SELECT * FROM cached_counts();

-- forms of results
SELECT kv_fetch('n', 'SELECT count(*) FROM cached_user');
SELECT kv_fetch_bytea('b', $$SELECT '\x00ff'::bytea$$), kv_fetch_bytea('b', $$SELECT '\x00ff'::bytea$$);
SELECT kv_fetch_jsonb('j', $$SELECT '{"a": [1, 2]}'::jsonb$$), kv_fetch_jsonb('j', $$SELECT '{"a": [1, 2]}'::jsonb$$)->'a'->0;
SELECT kv_fetch_row('r', 'SELECT * FROM cached_user WHERE id = $1 -- one', '{2}'), kv_fetch_row('r', 'SELECT * FROM cached_user WHERE id = $1 -- one', '{2}')->>'name';
SELECT kv_fetch_rows('rs', 'SELECT id, name FROM cached_user ORDER BY id'), kv_fetch_rows('rs', 'SELECT id FROM cached_user WHERE false');

-- no row and null are results, too
SELECT kv_fetch('none', 'SELECT name FROM cached_user WHERE id = 9') IS NULL AS none,
	kv_fetch('null', 'SELECT NULL::text') IS NULL AS "null";
SELECT hotset_cache_stats_reset();
SELECT kv_fetch('none', 'SELECT name FROM cached_user WHERE id = 9') IS NULL AS none,
	kv_fetch('null', 'SELECT NULL::text') IS NULL AS "null";
SELECT * FROM cached_counts();

-- another query, other arguments, other tags, another role, other settings: another result
SELECT kv_fetch('same', 'SELECT 1'), kv_fetch('same', 'SELECT 2'), kv_fetch('same', 'SELECT $1::int', '{3}'),
	kv_fetch('same', 'SELECT $1::int', '{4}'), kv_fetch('same', 'SELECT $1::text', '{NULL}'), kv_fetch('same', 'SELECT $1::text', '{NULL}') IS NULL;
SET datestyle = 'German';
SELECT kv_fetch('day', $$SELECT '2026-02-01'::date$$);
SET datestyle = 'ISO';
SELECT kv_fetch('day', $$SELECT '2026-02-01'::date$$);
RESET datestyle;
SELECT kv_fetch('where', 'SELECT name FROM cached_user WHERE id = 1');
CREATE TEMP TABLE cached_user (id int, name text);
SELECT kv_fetch('where', 'SELECT name FROM cached_user WHERE id = 1') IS NULL AS of_the_temporary_table;
DROP TABLE pg_temp.cached_user;

-- invalidation: at commit, not on rollback, at once for oneself
BEGIN;
UPDATE cached_user SET name = 'amy' WHERE id = 1;
SELECT kv_invalidate('user:1');
SELECT cached_name(1);
ROLLBACK;
SELECT cached_name(1);
BEGIN;
UPDATE cached_user SET name = 'amy' WHERE id = 1;
SELECT kv_invalidate('user:1');
COMMIT;
SELECT cached_name(1);
BEGIN;
SAVEPOINT a;
UPDATE cached_user SET name = 'abe' WHERE id = 1;
SELECT kv_invalidate(ARRAY['user:1', 'user:2']);
ROLLBACK TO a;
SELECT cached_name(1);
COMMIT;
SELECT cached_name(1), cached_name(2);

-- tags
CREATE FUNCTION cached_team(n int) RETURNS text LANGUAGE sql AS $$
	SELECT kv_fetch('team:' || n, 'SELECT string_agg(name, '','' ORDER BY id) FROM cached_user WHERE team = $1',
		ARRAY[n::text], tags => ARRAY['team ' || n, 'teams']) $$;
SELECT cached_team(1), cached_team(2);
BEGIN;
UPDATE cached_user SET name = upper(name);
SELECT kv_invalidate_tag('team 1');
COMMIT;
SELECT cached_team(1), cached_team(2) AS not_said;
SELECT kv_invalidate_tag(ARRAY['teams']);
SELECT cached_team(1), cached_team(2);

-- leases
SELECT value, found, lease IS NOT NULL AS has_lease FROM kv_get_lease('doc');
SELECT lease FROM kv_get_lease('doc') \gset
SELECT kv_fill('doc', 'one', :lease);
SELECT value, found, lease IS NULL AS has_none FROM kv_get_lease('doc');
SELECT kv_get_cached('doc'), kv_type('doc');
SELECT kv_invalidate('doc');
SELECT kv_get_cached('doc') IS NULL AS gone, kv_fill('doc', 'old', :lease) AS refused;
SELECT lease FROM kv_get_lease('doc', ARRAY['t']) \gset
SELECT kv_fill('doc', 'two', :lease) AS other_tags, kv_fill('doc2', 'two', :lease, tags => ARRAY['t']) AS other_key,
	kv_fill('doc', 'two', NULL) AS no_lease, kv_fill('doc', 'two', :lease, tags => ARRAY['t']) AS right;
SELECT kv_invalidate_tag('t');
SELECT kv_get_cached('doc') IS NULL AS gone;
SELECT lease FROM kv_get_lease('doc') \gset
SELECT kv_fill('doc', NULL::text, :lease);
SELECT value, found FROM kv_get_lease('doc');
SELECT lease FROM kv_get_lease_jsonb('docj') \gset
SELECT kv_fill('docj', '{"a": 1}'::jsonb, :lease), kv_get_cached_jsonb('docj'), kv_get_cached('docj');
SELECT lease FROM kv_get_lease_bytea('docb') \gset
SELECT kv_fill('docb', '\x00ff'::bytea, :lease), kv_get_cached_bytea('docb');
-- a transaction with changes of its own fills nothing
BEGIN;
SELECT lease FROM kv_get_lease('doc3') \gset
SELECT pg_current_xact_id() IS NOT NULL;
SELECT kv_fill('doc3', 'mine', :lease), (kv_get_lease('doc3')).lease;
COMMIT;

-- large results
SELECT length(kv_fetch('large', $$SELECT repeat('x', 1000000)$$)), length(kv_fetch('large', $$SELECT repeat('x', 1000000)$$));
SELECT kv_invalidate('large');
SELECT length(kv_fetch('large', $$SELECT repeat('y', 50000)$$)), md5(kv_fetch('large', $$SELECT repeat('y', 50000)$$)) = md5(repeat('y', 50000));

-- times to live
SELECT kv_fetch('short', 'SELECT 1', ttl => '1 hour', soft_ttl => '1 ms');
SELECT pg_sleep(0.01);
SELECT kv_fetch('short', 'SELECT 1', ttl => '1 hour', soft_ttl => '1 ms');
SELECT hotset_cache_stats_reset();
SELECT kv_fetch('brief', 'SELECT 1', ttl => '1 ms');
SELECT pg_sleep(0.01);
SELECT kv_fetch('brief', 'SELECT 1', ttl => '1 ms');
SELECT hits, misses_absent, computed FROM hotset_cache_stats;

-- serializable transactions do without, unless told otherwise
SELECT hotset_cache_stats_reset();
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT cached_name(2);
COMMIT;
SET hotset.serializable_hits = on;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT cached_name(2);
COMMIT;
RESET hotset.serializable_hits;
SELECT hits, misses_refused FROM hotset_cache_stats();

-- what is not a query to be cached
SELECT kv_fetch('x', 'DELETE FROM cached_user');
SELECT kv_fetch('x', 'SELECT 1; SELECT 2');
SELECT kv_fetch('x', 'SELECT name FROM cached_user FOR SHARE');
SELECT kv_fetch('x', 'WITH gone AS (DELETE FROM cached_user RETURNING name) SELECT max(name) FROM gone');
SELECT kv_define('x', 'WITH gone AS (DELETE FROM cached_user RETURNING name) SELECT max(name) FROM gone', 'x');
SELECT kv_fetch('x', 'SELECT 1, 2');
SELECT kv_fetch('x', 'SELECT id FROM cached_user');
SELECT kv_fetch('x', 'SELECT id FROM cached_user WHERE id = 1 FOR UPDATE');
SELECT kv_fetch('x', 'SELECT nextval(''no_such'')');
SELECT kv_fetch('x', 'SELECT $1::int');
SELECT kv_fetch('x', 'SELECT $1::int', '{a}');
SELECT kv_fetch('x', 'SELECT 1', '{1}');
SELECT kv_fetch('x', 'SELECT $2::int', '{1,2}');
SELECT kv_fetch_bytea('x', 'SELECT 1');
SELECT kv_fetch_jsonb('x', 'SELECT 1');
SELECT kv_fetch('x', 'SELECT 1', ttl => '-1 s');
SELECT kv_fetch('x', 'SELECT 1', wait => '-1 s');
SELECT kv_fetch(NULL, 'SELECT 1');
SELECT kv_fetch('x', NULL);
SELECT kv_fetch('x', 'SELECT 1', tags => ARRAY['a', NULL]);
SELECT kv_fetch('x', 'SELECT 1', tags => array_fill('a'::text, ARRAY[32]));
CREATE FUNCTION cached_self() RETURNS text LANGUAGE sql AS $$ SELECT kv_fetch('self', 'SELECT cached_self()') $$;
SELECT cached_self();

-- a cached result is no string, and the other way round
SELECT lease FROM kv_get_lease('doc4') \gset
SELECT kv_fill('doc4', 'x', :lease);
SELECT kv_get('doc4');
SELECT kv_append('doc4', 'x');
SELECT kv_rename('doc4', 'doc5');
SELECT kv_copy('doc4', 'doc5');
SELECT kv_dump('doc4');
SELECT kv_set('doc6', 'plain');
SELECT kv_get_cached('doc6');
SELECT kv_fill(E'\x01doc', 'x', 1);
SELECT kv_del('doc4');
SELECT kv_get_cached('doc4') IS NULL AS gone;
SELECT kv_invalidate(NULL::text);
SELECT kv_invalidate(ARRAY['a', NULL]);
SELECT kv_invalidate_tag(NULL::text);
BEGIN READ ONLY;
SELECT cached_name(2);
SELECT kv_invalidate('user:2');
ROLLBACK;

-- statements that change what queries mean
SELECT kv_fetch('col', 'SELECT * FROM (SELECT name FROM cached_user WHERE id = 3) AS s');
ALTER TABLE cached_user ALTER name TYPE text USING lower(name);
SELECT kv_fetch('col', 'SELECT * FROM (SELECT name FROM cached_user WHERE id = 3) AS s');
CREATE VIEW cached_view AS SELECT 1 AS a;
SELECT kv_fetch('view', 'SELECT a FROM cached_view');
CREATE OR REPLACE VIEW cached_view AS SELECT 2 AS a;
SELECT kv_fetch('view', 'SELECT a FROM cached_view');
TRUNCATE cached_user;
SELECT cached_name(1) IS NULL AS truncated;

-- what is new may hide what was there
CREATE SCHEMA cached_first;
SET search_path = cached_first, public;
SELECT kv_fetch('hidden', 'SELECT a FROM cached_view');
CREATE TABLE cached_first.cached_view AS SELECT 3 AS a;
SELECT kv_fetch('hidden', 'SELECT a FROM cached_view');
DROP TABLE cached_first.cached_view;
SELECT kv_fetch('hidden', 'SELECT a FROM cached_view');
CREATE TEMP TABLE cached_view AS SELECT 4 AS a;
SELECT kv_fetch('hidden', 'SELECT a FROM cached_view');
UPDATE cached_view SET a = 5;
SELECT kv_fetch('hidden', 'SELECT a FROM cached_view');
TRUNCATE cached_view;
SELECT kv_fetch('hidden', 'SELECT a FROM cached_view') IS NULL AS truncated;
DISCARD TEMP;
SELECT kv_fetch('hidden', 'SELECT a FROM cached_view');
RESET search_path;
DROP SCHEMA cached_first;

-- settings that change what a query means
SET default_text_search_config = 'simple';
SELECT kv_fetch('means', 'SELECT to_tsvector($1)::text', ARRAY['the cats']);
SET default_text_search_config = 'english';
SELECT kv_fetch('means', 'SELECT to_tsvector($1)::text', ARRAY['the cats']);
RESET default_text_search_config;

-- queries that run more queries than plans are kept, and themselves
CREATE FUNCTION cached_many(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..300 LOOP
		PERFORM kv_fetch('many ' || i, format('SELECT %s + $1', i), ARRAY[n::text]);
	END LOOP;
	RETURN CASE WHEN n > 1 THEN kv_fetch('many', 'SELECT cached_many($1)', ARRAY[(n - 1)::text]) ELSE '' END || n;
END$$;
SELECT kv_fetch('many', 'SELECT cached_many($1)', ARRAY['3']);
CREATE DOMAIN cached_domain AS int CHECK (cached_many(VALUE) <> '');
SELECT kv_fetch('many', 'SELECT $1::cached_domain + $2', ARRAY['1', '2']);
DROP DOMAIN cached_domain;
DROP FUNCTION cached_many;

-- the results of kv_fetch are not for kv_get_cached
SELECT kv_get_cached(E'\x01fetch:10:');
SELECT * FROM kv_get_lease(E'\x01fetch:10:');
-- whatever somebody puts in their place, the query is run
SELECT kv_fetch('in the way', 'SELECT 1');
SELECT count(kv_set(key, 'not a result')) > 0 AS is_there FROM kv_scan('*in the way*');
SELECT kv_fetch('in the way', 'SELECT 2'), kv_fetch('in the way', 'SELECT 1');
SELECT count(kv_del(key)) > 0 AS was_there FROM kv_scan('*in the way*');

DROP VIEW cached_view;
DROP FUNCTION cached_name, cached_team, cached_self, cached_counts;
DROP TABLE cached_user;
SELECT kv_flush() > 0;
