-- A NULL as any argument of any function: it is the default of the argument, or the
-- result is NULL or no rows, or 22004 that names the argument.
CREATE TABLE nulls_result (function text, argument text, is_read boolean, message text);
CREATE TABLE nulls_table (a int);

-- A harmless value for an argument of that name, or else of that type.
CREATE FUNCTION nulls_value(argument text, type text, function text) RETURNS text LANGUAGE sql AS $$
SELECT coalesce(CASE argument
	WHEN 'keyspace' THEN 'NULL::name'
	WHEN 'bounds' THEN '''[]''::text'
	WHEN 'aggregate' THEN '''sum''::text'
	WHEN 'op' THEN '''and''::text'
	WHEN 'ops' THEN '''{GET u8 0}''::text[]'
	WHEN 'query' THEN format('''SELECT NULL::%s''::text', coalesce(substring(function, 'bytea|jsonb'), 'text'))
	WHEN 'args' THEN '''{}''::text[]'
	WHEN 'returns' THEN '''text''::text'
	WHEN 'type' THEN '''string''::text'
	WHEN 'pattern' THEN '''nulls:*''::text'
	WHEN 'dump' THEN 'kv_dump(''nulls:full'')'
	WHEN 'name' THEN CASE WHEN function LIKE 'kv\_%define%' OR function LIKE 'kv\_fetch%' THEN '''nulls''::text' END
	WHEN 'keys' THEN CASE function WHEN 'kv_watch' THEN '''{nulls:1}''::text[]' END
	END, CASE type
	WHEN 'text' THEN '''nulls:1'''
	WHEN 'text[]' THEN '''{nulls:1,nulls:2}'''
	WHEN 'double precision[]' THEN '''{1,2}'''
	WHEN 'bytea' THEN '''\x61'''
	WHEN 'jsonb' THEN '''{"a": 1}'''
	WHEN 'boolean' THEN 'false'
	WHEN 'interval' THEN '''10 ms'''
	WHEN 'timestamp with time zone' THEN '''2100-01-01'''
	WHEN 'record' THEN 'ROW(1)'
	WHEN 'anyelement' THEN '1'
	WHEN 'hll' THEN 'hll_empty()'
	WHEN 'regclass' THEN '''nulls_table'''
	WHEN 'regrole' THEN 'current_user'
	WHEN 'name' THEN '''kv'''
	ELSE '1' END || CASE WHEN type LIKE 'any%' OR type = 'record' THEN '' ELSE '::' || type END)
$$;

DO $$
DECLARE
	f record;
	call text;
	found text;
BEGIN
	PERFORM kv_set('nulls:full', 'x');
	PERFORM kv_define('nulls', 'SELECT NULL::text', 'nulls:1');
	FOR f IN
		SELECT p.oid, p.proname, p.provolatile = 's' AS is_read, a.n, a.names[a.n] AS argument, a.types, a.names, p.provariadic <> 0 AS is_variadic
		FROM pg_proc p
			JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
			JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'hotset',
			LATERAL (SELECT p.proargnames[1:p.pronargs] AS names,
				ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS u(t, o) ORDER BY o) AS types) AS t,
			LATERAL (SELECT n, t.names, t.types FROM generate_series(1, p.pronargs) AS n) AS a
		WHERE p.prokind = 'f' AND NOT p.proisstrict AND p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype
			AND NOT p.proargtypes::oid[] && ARRAY['internal', 'cstring']::regtype[]::oid[]
			AND a.names[a.n] NOT IN ('keyspace', 'timeout')		-- without a timeout they wait
		ORDER BY 2, 1, 3
	LOOP
		SELECT format('SELECT %I(%s)', f.proname, string_agg(
			CASE WHEN f.is_variadic AND n = cardinality(f.types) THEN 'VARIADIC ' ELSE '' END ||
			CASE WHEN n <> f.n THEN nulls_value(f.names[n], f.types[n], f.proname)
				WHEN f.types[n] = 'anyelement' THEN 'NULL::int'
				WHEN f.types[n] = 'record' THEN 'NULL::nulls_table'
				ELSE 'NULL::' || f.types[n] END, ', ' ORDER BY n))
		INTO call FROM generate_series(1, cardinality(f.types)) AS n;
		found := '';
		BEGIN
			EXECUTE call;
		EXCEPTION
			WHEN null_value_not_allowed THEN
				found := sqlerrm;
			WHEN OTHERS THEN
				found := sqlstate || ' ' || sqlerrm || ': ' || call;
		END;
		INSERT INTO nulls_result VALUES (f.proname, f.argument, f.is_read, found);
		PERFORM kv_del('{nulls:1,nulls:2}'::text[]);
	END LOOP;
	PERFORM kv_del('nulls:full');
	PERFORM kv_undefine('nulls');
	PERFORM kv_unwatch('nulls_table');
END
$$;

-- there are some of both kinds
SELECT is_read, message <> '' AS raises, count(*) > 100 AS many FROM nulls_result GROUP BY 1, 2 ORDER BY 1, 2;
-- anything but 22004
SELECT DISTINCT function, argument, message FROM nulls_result WHERE message ~ '^[0-9A-Z]{5} ' ORDER BY 1, 2;
-- another name than the argument's, or that of its elements
SELECT DISTINCT function, argument, message FROM nulls_result
WHERE message <> '' AND message NOT IN (argument || ' must not be null', rtrim(argument, 's') || ' must not be null') ORDER BY 1, 2;
-- what changes nothing, and a NULL key or member is none there
SELECT function, string_agg(argument, ' ') AS arguments FROM nulls_result
WHERE argument IN ('key', 'keys', 'member', 'members', 'field', 'fields') AND NOT is_read AND message = ''
GROUP BY 1 ORDER BY 1;

DROP FUNCTION nulls_value;
DROP TABLE nulls_result, nulls_table;
