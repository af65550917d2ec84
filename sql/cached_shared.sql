-- Who shares a result, and who must not, however what decides it has changed.
CREATE ROLE shared_a;
CREATE ROLE shared_b;
GRANT USAGE ON FOREIGN SERVER kv TO shared_a, shared_b;
GRANT CREATE ON SCHEMA public TO shared_a, shared_b;

-- a setting that changes in all the ways there are
CREATE FUNCTION shared_zone() RETURNS text LANGUAGE sql
	RETURN kv_fetch('zone', $$SELECT to_char('2026-02-01 00:00Z'::timestamptz, 'HH24:MI')$$);
CREATE FUNCTION shared_dhaka() RETURNS text LANGUAGE plpgsql SET TimeZone = 'Asia/Dhaka' AS $$ BEGIN RETURN shared_zone(); END $$;
CREATE FUNCTION shared_local() RETURNS text LANGUAGE plpgsql SET TimeZone = 'Asia/Dhaka' AS $$
BEGIN
	SET LOCAL TimeZone = 'Asia/Dubai';
	RETURN shared_zone();
END $$;
SELECT current_setting('TimeZone') AS session_zone \gset
SET TimeZone = 'Asia/Tokyo';
SELECT shared_zone();
SET TimeZone = 'Asia/Dubai';
SET TimeZone = 'Asia/Dhaka';
SELECT shared_zone();
SET TimeZone = 'Asia/Tokyo';
SELECT shared_zone(), shared_dhaka(), shared_zone(), shared_local(), shared_zone();
SELECT set_config('TimeZone', 'Asia/Dhaka', false) AS set, shared_zone();
SELECT set_config('TimeZone', 'Asia/Tokyo', false) AS set, shared_zone();
BEGIN;
SET LOCAL TimeZone = 'Asia/Dubai';
SELECT shared_zone() AS in_transaction;
SAVEPOINT s;
SET TimeZone = 'Asia/Dhaka';
SELECT shared_zone() AS in_savepoint;
ROLLBACK TO s;
SELECT shared_zone() AS rolled_back_to;
SET TimeZone = 'Asia/Dhaka';
COMMIT;
SELECT shared_zone() AS committed;
SET TimeZone = 'Asia/Tokyo';
BEGIN;
SET TimeZone = 'Asia/Dhaka';
SELECT shared_zone() AS in_transaction;
ROLLBACK;
SELECT shared_zone() AS rolled_back;
DO $$
BEGIN
	PERFORM set_config('TimeZone', 'Asia/Dubai', false);
	RAISE NOTICE 'in block: %', shared_zone();
	RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
	RAISE NOTICE 'after it: %', shared_zone();
END $$;
SET TimeZone = 'Asia/Dubai';
SELECT shared_zone();
RESET TimeZone;
SELECT current_setting('TimeZone') = :'session_zone' AS reset, shared_zone() = to_char('2026-02-01 00:00Z'::timestamptz, 'HH24:MI') AS equal;
SET TimeZone = 'Asia/Dubai';
DISCARD ALL;
SELECT shared_zone() = to_char('2026-02-01 00:00Z'::timestamptz, 'HH24:MI') AS equal;
ALTER ROLE shared_a SET TimeZone = 'Asia/Dubai';
SET SESSION AUTHORIZATION shared_a;
SELECT shared_zone() = to_char('2026-02-01 00:00Z'::timestamptz, 'HH24:MI') AS not_of_a_login;
RESET SESSION AUTHORIZATION;

-- the search path likewise
CREATE SCHEMA shared_1;
CREATE SCHEMA shared_2;
CREATE FUNCTION shared_1.here() RETURNS text LANGUAGE sql RETURN '1';
CREATE FUNCTION shared_2.here() RETURNS text LANGUAGE sql RETURN '2';
CREATE FUNCTION shared_here() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN public.kv_fetch('here', 'SELECT here()'); END $$;
CREATE FUNCTION shared_here_2() RETURNS text LANGUAGE plpgsql SET search_path = shared_2 AS $$ BEGIN RETURN public.shared_here(); END $$;
SET search_path = shared_1;
SELECT public.shared_here(), public.shared_here_2(), public.shared_here();
-- its text may lie where the one before the last was
SET search_path = shared_3;
SET search_path = shared_2;
SELECT public.shared_here();
BEGIN;
SET LOCAL search_path = shared_1;
SELECT public.shared_here();
COMMIT;
SELECT public.shared_here();
RESET search_path;

-- roles, also within a function
CREATE FUNCTION shared_who() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN kv_fetch('who', 'SELECT current_user'); END $$;
SET ROLE shared_a;
CREATE FUNCTION shared_who_a() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN shared_who(); END $$;
SET ROLE shared_b;
SELECT shared_who(), shared_who_a(), shared_who();
SET ROLE shared_a;
SELECT shared_who(), shared_who_a(), shared_who();
RESET ROLE;
SELECT shared_who() = current_user AS equal, shared_who_a();

-- arguments: where one ends, which are null, how they came; none is none
SELECT kv_fetch('args', $$SELECT $1 || '|' || $2$$, ARRAY['ab', 'c']), kv_fetch('args', $$SELECT $1 || '|' || $2$$, ARRAY['a', 'bc']),
	kv_fetch('args', $$SELECT $1 || '|' || $2$$, ARRAY['a', NULL]) IS NULL AS "null", kv_fetch('args', $$SELECT $1 || '|' || $2$$, ARRAY['a', '']),
	kv_fetch('args', $$SELECT $1 || '|' || $2$$, '[3:4]={ab,c}') AS bounds, kv_fetch('args', $$SELECT $1 || '|' || $2$$, '{{ab},{c}}') AS two_dimensions;
SELECT kv_fetch('args', 'SELECT 1'), kv_fetch('args', 'SELECT 1', '{}'), kv_fetch('args', 'SELECT 1', NULL);
SELECT kv_fetch('args', 'SELECT length($1)', ARRAY[repeat('a', n)]) FROM generate_series(100000, 100002) AS n;
SELECT hotset_cache_stats_reset();
SELECT kv_fetch('args', $$SELECT $1 || '|' || $2$$, ARRAY['a' || 'b', 'c']), kv_fetch('args', 'SELECT 1', '{}');
DO $$
DECLARE
	args text[] := '{x}';
BEGIN
	args[1] := 'ab';
	args := args || 'c'::text;
	RAISE NOTICE '%', kv_fetch('args', $q$SELECT $1 || '|' || $2$q$, args);
END $$;
SELECT computed FROM hotset_cache_stats();
-- a mistake is one on a hit, too
SELECT kv_fetch('args', 'SELECT 1', ttl => '0');
SELECT kv_fetch('args', 'SELECT 1', tags => '{NULL}');
SELECT kv_fetch('args', 'SELECT 1', '{1}');

-- tags
SELECT kv_fetch('tags', 'SELECT random()', tags => '{a,b}') = kv_fetch('tags', 'SELECT random()', tags => '{a,b}') AS "a b",
	kv_fetch('tags', 'SELECT random()', tags => '{a,b}') = kv_fetch('tags', 'SELECT random()', tags => '{a}') AS "a",
	kv_fetch('tags', 'SELECT random()', tags => '{a,b}') = kv_fetch('tags', 'SELECT random()', '{}') AS "none",
	kv_fetch('tags', 'SELECT random()', tags => '{}') = kv_fetch('tags', 'SELECT random()', '{}') AS "none, empty",
	kv_fetch('tags', 'SELECT $1', '{a}') = kv_fetch('tags', 'SELECT $1', '{a}', tags => '{a}') AS "in arguments";

-- kinds
SELECT kv_fetch('kind', $$SELECT '{"a": 1}'::jsonb$$), kv_fetch_jsonb('kind', $$SELECT '{"a": 1}'::jsonb$$), kv_fetch_row('kind', $$SELECT '{"a": 1}'::jsonb$$),
	kv_fetch_rows('kind', $$SELECT '{"a": 1}'::jsonb$$);

-- queries of one length that differ in one byte, short and long, each twice: all by themselves
CREATE FUNCTION shared_text(size int, at int) RETURNS text LANGUAGE sql
	RETURN repeat('-', at - 1) || 'x' || repeat('-', size - at);
SELECT size, count(*), count(*) FILTER (WHERE fetched = wanted) AS equal
	FROM generate_series(1, 2) AS pass, (VALUES (20), (49), (50), (51), (120), (980), (1000), (2000)) AS s (size),
		LATERAL (SELECT shared_text(size, at) AS wanted, kv_fetch('text', format('SELECT %L', shared_text(size, at))) AS fetched
			FROM generate_series(1, size, greatest(1, size / 60)) AS at WHERE pass > 0) AS f
	GROUP BY size ORDER BY size;
-- keys of all lengths, up to the longest
SELECT count(*), count(*) FILTER (WHERE kv_fetch(repeat('k', n), 'SELECT $1', ARRAY[n::text]) = n::text) AS equal
	FROM generate_series(1, 400) AS n, generate_series(1, 2) AS pass;

-- definitions: settings of the caller, path and rights of the owner, arguments, and what they are
CREATE FUNCTION shared_def_1() RETURNS text LANGUAGE plpgsql SET DateStyle = 'German' AS $$ BEGIN RETURN kv_fetch_def('day', '2026-02-01', 'x'); END $$;
SELECT kv_define('day', 'SELECT $1::date || $2', 'day:{1}', tags => ARRAY['day of {2}']), kv_define('days', 'SELECT $2 || $1', 'day:{1}');
SET DateStyle = 'ISO';
SELECT kv_fetch_def('day', '2026-02-01', 'x'), shared_def_1(), kv_fetch_def('day', '2026-02-01', 'x'), kv_fetch_def('day', '2026-02-01', 'y'),
	kv_fetch_def('days', '2026-02-01', 'x'), kv_fetch_def('day', '2026-02-01', NULL) IS NULL AS "null", kv_fetch_def('day', '2026-02-01', '');
SELECT hotset_cache_stats_reset();
SELECT kv_fetch_def('day', '2026-02-01', 'x'), shared_def_1(), kv_fetch_def('days', '2026-02-01', 'x');
SELECT computed FROM hotset_cache_stats();
SELECT kv_define('day', 'SELECT $1::date || $2 || $2', 'day:{1}', tags => ARRAY['day of {2}']);
SELECT kv_fetch_def('day', '2026-02-01', 'x'), shared_def_1();
BEGIN;
SELECT kv_define('day', 'SELECT $1::date || $2', 'day:{1}', tags => ARRAY['day of {2}']);
SELECT kv_fetch_def('day', '2026-02-01', 'x');
ROLLBACK;
SELECT kv_fetch_def('day', '2026-02-01', 'x');
SELECT kv_undefine('day');
SELECT kv_fetch_def('day', '2026-02-01', 'x');
SELECT kv_fetch_def('day ', '2026-02-01', 'x');
SELECT kv_fetch_def('days', '2026-02-01', 'x'), kv_fetch_def('day', '2026-02-01', 'x');
-- all settings count, the path of the caller does not
SELECT kv_define('means', 'SELECT to_tsvector($1)', 'means');
SET default_text_search_config = 'simple';
SELECT kv_fetch_def('means', 'the cats');
SET default_text_search_config = 'english';
SELECT kv_fetch_def('means', 'the cats');
SELECT hotset_cache_stats_reset();
SET search_path = shared_1, public;
SELECT kv_fetch_def('means', 'the cats');
RESET search_path;
RESET default_text_search_config;
SELECT computed FROM hotset_cache_stats();
-- templates; one that kv_define refuses may be in a dump
SELECT kv_define('t1', 'SELECT $1 || $2', '{1}{2}}{1} 1'), kv_define('t2', 'SELECT $1 || $2', 'a{3}'), kv_define('t3', 'SELECT $1 || $2', '{1}{2}'),
	kv_define('t4', 'SELECT $1 || $2', 'a', tags => ARRAY['a{1}']), kv_define('t5', 'SELECT $1', 'a', tags => ARRAY['a{2}']);
UPDATE hotset_definition SET key = '{2}{}{a}{0}{1} {1' WHERE name = 't3';
SELECT kv_fetch_def('t1', 'x', 'y'), kv_fetch_def('t3', 'x', 'y'), kv_fetch_def('t3', NULL, 'y') IS NULL AS "null", kv_fetch_def('t4', 'x', 'y');
SELECT split_part(key, ':', 2) AS definition, split_part(key, ':', 4) AS key FROM kv_scan(E'\x01def:t?:*') ORDER BY 1, 2;
SELECT kv_fetch_def('t2', 'x', 'y');
SELECT kv_fetch_def('t5', 'x');
-- the keyspace is the owner's, as long as it is
SET ROLE shared_a;
SELECT kv_define('t6', 'SELECT $1', 'a'), kv_define_grant('t6');
SET ROLE shared_b;
SELECT kv_fetch_def('t6', 'x');
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER kv FROM shared_a;
SET ROLE shared_b;
SELECT kv_fetch_def('t6', 'x');
RESET ROLE;

SELECT count(kv_undefine('t' || i)) FROM generate_series(1, 6) AS i;
SELECT kv_undefine('days'), kv_undefine('means');
DROP SCHEMA shared_1, shared_2 CASCADE;
DROP FUNCTION shared_zone, shared_dhaka, shared_local, shared_here, shared_here_2, shared_who, shared_who_a, shared_text, shared_def_1;
REVOKE USAGE ON FOREIGN SERVER kv FROM shared_a, shared_b;
REVOKE CREATE ON SCHEMA public FROM shared_a, shared_b;
DROP ROLE shared_a, shared_b;
SELECT kv_flush() > 0;
