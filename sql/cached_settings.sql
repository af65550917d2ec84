-- Each setting that shapes results, or says what queries mean, has results of its own.
CREATE FUNCTION plain(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r text;
BEGIN
	EXECUTE q INTO r;
	RETURN r;
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate;
END $$;
CREATE FUNCTION fetched(q text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN public.kv_fetch('probe', q);
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate;
END $$;
CREATE TYPE public.here AS (value text);

CREATE PROCEDURE compare(setting text, a text, b text, query text) LANGUAGE plpgsql AS $$
DECLARE
	before text := current_setting(setting);
	computed bigint;
	plain_a text;
	plain_b text;
	fetched_a text;
	fetched_b text;
BEGIN
	computed := (public.hotset_cache_stats()).computed;
	PERFORM set_config(setting, a, false);
	plain_a := public.plain(query);
	fetched_a := public.fetched(query);
	PERFORM set_config(setting, b, false);
	plain_b := public.plain(query);
	fetched_b := public.fetched(query);
	PERFORM set_config(setting, a, false);
	PERFORM public.fetched(query);
	PERFORM set_config(setting, before, false);
	RAISE NOTICE '%: % %, % computed', setting, fetched_a, fetched_b, (public.hotset_cache_stats()).computed - computed;
	IF (plain_a, plain_b) IS DISTINCT FROM (fetched_a, fetched_b) THEN
		RAISE WARNING 'but it is % %', plain_a, plain_b;
	END IF;
END $$;
SET client_min_messages = notice;
SET escape_string_warning = off;
CALL compare('DateStyle', 'ISO, DMY', 'German, DMY', $$SELECT '2026-02-01'::date$$);
CALL compare('DateStyle', 'ISO, MDY', 'ISO, DMY', $$SELECT ('02/01/' || '2026')::date$$);
CALL compare('IntervalStyle', 'postgres', 'iso_8601', $$SELECT '1 day'::interval$$);
CALL compare('TimeZone', 'UTC', 'Asia/Tokyo', $$SELECT '2026-02-01 00:00Z'::timestamptz$$);
CALL compare('timezone_abbreviations', 'Default', 'Australia', $$SELECT extract(epoch FROM ('2026-02-01 00:00 ' || 'EST')::timestamptz)$$);
CALL compare('extra_float_digits', '1', '0', $$SELECT 0.1::float8 + 0.2$$);
CALL compare('bytea_output', 'hex', 'escape', $$SELECT '\x00ff'::bytea$$);
CALL compare('xmlbinary', 'base64', 'hex', $$SELECT xmlelement(name a, '\x00ff'::bytea)$$);
CALL compare('xmloption', 'content', 'document', $$SELECT ('a' || 'b')::xml$$);
CALL compare('default_text_search_config', 'simple', 'english', $$SELECT to_tsvector('cats')$$);
CALL compare('array_nulls', 'on', 'off', $$SELECT (('{' || 'NULL}')::text[])[1]$$);
CALL compare('transform_null_equals', 'off', 'on', $$SELECT (1 = NULL)::text$$);
CALL compare('standard_conforming_strings', 'on', 'off', $$SELECT 'a\\b'$$);
CALL compare('backslash_quote', 'safe_encoding', 'off', $$SELECT E'\''$$);
CALL compare('quote_all_identifiers', 'off', 'on', $$SELECT quote_ident('a')$$);
CALL compare('search_path', 'public', 'pg_catalog', $$SELECT to_regtype('here')$$);
-- those whose other values the machine may lack, and of which only a part of the queries takes notice
CALL compare('lc_monetary', 'C', 'POSIX', 'SELECT 10');
CALL compare('lc_numeric', 'C', 'POSIX', 'SELECT 11');
CALL compare('lc_time', 'C', 'POSIX', 'SELECT 12');
CALL compare('gin_fuzzy_search_limit', '0', '10', 'SELECT 13');
CALL compare('row_security', 'on', 'off', 'SELECT 14');
-- the others share
CALL compare('work_mem', '1MB', '2MB', 'SELECT 2');
CALL compare('application_name', 'a', 'b', 'SELECT 3');
SET app.request = '';
CALL compare('app.request', 'a', 'b', 'SELECT 4');

-- what looks at the session is refused, also in a view
SET app.tenant = '1';
CREATE VIEW of_tenant AS SELECT 'a' AS name WHERE current_setting('app.tenant') = '1';
SELECT kv_fetch('t', 'SELECT name FROM of_tenant');
SELECT kv_fetch('t', 'SELECT session_user');
SELECT kv_fetch('t', 'SELECT count(*) FROM generate_series(1, pg_backend_pid()) AS g WHERE g = 1');
SELECT kv_fetch('t', 'WITH s AS (SELECT current_setting(''app.tenant'', true) AS tenant) SELECT tenant FROM s');
SELECT kv_fetch('t', 'SELECT setting FROM pg_settings WHERE name = ''TimeZone''');
SELECT kv_fetch('t', 'SELECT current_schemas(true)');
SELECT kv_fetch('t', 'SELECT pg_client_encoding()');
-- so is what does so in functions, as far as their bodies tell
CREATE FUNCTION tenant() RETURNS text LANGUAGE sql STABLE AS $$ SELECT Current_Setting('app.tenant') $$;
CREATE FUNCTION tenant_parsed() RETURNS text LANGUAGE sql STABLE RETURN current_setting('app.tenant');
CREATE FUNCTION tenant_called() RETURNS text LANGUAGE sql STABLE RETURN 'of ' || tenant_parsed();
CREATE FUNCTION tenant_pl() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT setting FROM pg_settings WHERE name = 'app.tenant'); END $$;
CREATE FUNCTION is_tenant(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN $1 || $2 = current_setting('app.tenant'); END $$;
CREATE OPERATOR @@@ (LEFTARG = text, RIGHTARG = text, FUNCTION = is_tenant);
CREATE VIEW of_tenant_too AS SELECT 'a' AS name WHERE tenant() = '1';
SELECT kv_fetch('t', 'SELECT tenant()');
SELECT kv_fetch('t', 'SELECT tenant_called()');
SELECT kv_fetch('t', 'SELECT 1 WHERE ''x'' = tenant_pl()');
SELECT kv_fetch('t', 'SELECT ''1'' @@@ ''''');
SELECT kv_fetch('t', 'SELECT name FROM of_tenant_too');
CREATE OR REPLACE FUNCTION tenant_parsed() RETURNS text LANGUAGE sql STABLE RETURN CASE WHEN random() > 2 THEN tenant_called() ELSE 'nobody' END;
SELECT kv_fetch('t', 'SELECT tenant_called()');
CREATE FUNCTION named_alike(pg_settings_id int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE my_session_user text; BEGIN RETURN pg_settings_id; END $$;
SELECT kv_fetch('t', 'SELECT named_alike(1)');
DROP FUNCTION named_alike;
DROP VIEW of_tenant_too;
DROP OPERATOR @@@ (text, text);
DROP FUNCTION tenant, tenant_called, tenant_parsed, tenant_pl, is_tenant;
SELECT kv_fetch('t', 'SELECT ''of tenant '' || $1', ARRAY[current_setting('app.tenant')]);
SELECT kv_define('t', 'SELECT current_setting(''app.tenant'') WHERE $1::text IS NOT NULL', 't:{1}'), kv_fetch_def('t', '1');
SELECT kv_define('t', 'SELECT current_setting(''app.tenant'') WHERE $1::text IS NOT NULL', 't:{1}', rls_covered => true);
SELECT kv_fetch_def('t', '1');
SELECT kv_undefine('t');

-- and so is what depends on row security, also in functions
CREATE TABLE secured (id int, owner text);
INSERT INTO secured VALUES (1, 'a'), (2, 'b');
CREATE FUNCTION of_secured() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM secured); END $$;
CREATE FUNCTION of_secured_sql() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT 0; SELECT count(*) FROM secured $$;
CREATE VIEW secured_view WITH (security_barrier) AS SELECT * FROM secured;
SELECT kv_fetch('s', 'SELECT of_secured()'), kv_fetch('s', 'SELECT of_secured_sql()'), kv_fetch('s', 'SELECT count(*) FROM secured_view');
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON secured USING (owner = current_setting('app.tenant'));
SELECT kv_fetch('s', 'SELECT of_secured()');
SELECT kv_fetch('s', 'SELECT of_secured_sql()');
SELECT kv_fetch('s', 'SELECT count(*) FROM secured_view');
SELECT kv_define('s', 'SELECT of_secured() + 0 * $1', 's:{1}'), kv_fetch_def('s', '1');
SELECT kv_define('s', 'SELECT of_secured() + 0 * $1', 's:{1}', rls_covered => true);
SELECT kv_fetch_def('s', '1');
SELECT kv_undefine('s');
DO $$ BEGIN
	PERFORM kv_fetch('s', 'SELECT of_secured()');
EXCEPTION WHEN feature_not_supported THEN
	RAISE NOTICE 'what was refused leaves no trace: %', kv_fetch('s', 'SELECT 5');
END $$;

DROP TABLE secured CASCADE;
DROP VIEW of_tenant;
DROP FUNCTION plain, fetched, of_secured, of_secured_sql;
DROP PROCEDURE compare;
DROP TYPE here;
SELECT kv_flush() > 0;
