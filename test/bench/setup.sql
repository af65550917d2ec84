-- What all sections need in the database.
CREATE EXTENSION hotset;
CREATE SCHEMA pghll;
CREATE EXTENSION IF NOT EXISTS pgmemcache;
CREATE EXTENSION IF NOT EXISTS hll SCHEMA pghll;

-- Nanoseconds of CPU this backend has used: unlike the clock, not disturbed by
-- whatever else runs on the machine.
CREATE FUNCTION cpu_ns() RETURNS float8 LANGUAGE c VOLATILE AS '$libdir/hotset_noop';

-- So many rows as zrange() has them, of one member each: what the executor takes for them.
CREATE FUNCTION noop_rows(n bigint) RETURNS TABLE (member text, score float8, rank bigint)
    LANGUAGE c STABLE ROWS 100 AS '$libdir/hotset_noop';

-- noop_x for a function x: declared as x is, but it only returns a constant.
DO $do$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_proc WHERE proname IN ('kv_get', 'kv_mget', 'kv_set', 'kv_incr') AND oidvectortypes(proargtypes) !~ '^text, (bytea|jsonb)'
    LOOP
        EXECUTE regexp_replace(regexp_replace(pg_get_functiondef(f), 'FUNCTION public\.', 'FUNCTION public.noop_'),
            'AS .*', format('AS ''$libdir/hotset_noop'', ''noop_%s''',
                (SELECT replace(prorettype::regtype::text, '[]', '_array') FROM pg_proc WHERE oid = f)));
    END LOOP;
END $do$;

-- The same draws for every system: seeds of one generator (Park and Miller's),
-- which Lua's numbers hold exactly too; Bench.pm has it in Lua.  A key has 10
-- bytes, a member 13, scores are in [0, 1000000).
CREATE UNLOGGED TABLE draws (seed int, range int, numbers int[], keys text[], members text[], scores float8[], PRIMARY KEY (seed, range));
ALTER TABLE draws ALTER keys SET STORAGE EXTERNAL, ALTER members SET STORAGE EXTERNAL,
    ALTER numbers SET STORAGE EXTERNAL, ALTER scores SET STORAGE EXTERNAL;
CREATE FUNCTION draw(seed int, range int, n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    x bigint := seed;
    numbers int[];
    scores float8[];
BEGIN
    FOR i IN 1 .. n LOOP
        x := x * 16807 % 2147483647;
        numbers[i] := x % range;
        x := x * 16807 % 2147483647;
        scores[i] := x % 1000000;
    END LOOP;
    INSERT INTO draws SELECT seed, range, numbers, ARRAY(SELECT key_of(i) FROM unnest(numbers) AS i), ARRAY(SELECT member_of(i) FROM unnest(numbers) AS i), scores;
END $$;
CREATE FUNCTION key_of(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT (1000000000 + i)::text $$;
CREATE FUNCTION fresh_of(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'novice:' || lpad(i::text, 6, '0') $$;
CREATE FUNCTION member_of(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'member:' || lpad(i::text, 6, '0') $$;
