--
-- HyperLogLog keys: pfadd, pfcount, pfmerge, pfget, pfset
--
CREATE SERVER hll_keys FOREIGN DATA WRAPPER hotset;
SET hotset.keyspace = 'hll_keys';

-- adding tells of changes
SELECT pfadd('visitors', 'ann'), pfadd('visitors', 'bob') AS other, pfadd('visitors', 'ann') AS again;
SELECT pfcount('visitors'), pfcount('nobody') AS absent;
SELECT pfadd('many', ARRAY['a', 'b', 'c', 'a']), pfadd('many', '{a,b}'::text[]) AS again, pfcount('many');
SELECT pfadd('many', "values" => '{c,d}'), pfcount('many');
-- no values make a key, as in Redis, once
SELECT pfadd('empty', '{}'::text[]), pfadd('empty', '{}'::text[]) AS again, pfcount('empty');
SELECT pfadd('', ''), pfadd('', '') AS again, pfcount('');

-- several keys at once
SELECT pfcount('{visitors,many,nobody,visitors}'::text[]), pfcount('{}'::text[]) AS none,
       pfcount(ARRAY['visitors', NULL]) AS with_null;
SELECT pfmerge('all', '{visitors,many,nobody}'), pfmerge('all', '{visitors}') AS again, pfcount('all');
SELECT pfmerge('all', '{}') AS nothing, pfmerge('made', '{}') AS made, pfcount('made'), pfcount('all');
SELECT pfmerge('visitors', '{visitors,visitors}') AS itself, pfcount('visitors');

-- sketches out and in
SELECT pfget('nobody') IS NULL AS absent, hll_cardinality(pfget('all')),
       pfget('all')::text = (SELECT hll_add_agg(x)::text FROM unnest('{ann,bob,a,b,c,d}'::text[]) x) AS as_aggregate;
SELECT pfset('copy', hll_add(pfget('all'), 'zoe'::text)), pfcount('copy'), pfcount('{copy,all}'::text[]) AS both;
SELECT pfset('copy', hll_empty()), pfcount('copy');

-- thousands, one by one and all at once, sparse and dense
SELECT count(*) FILTER (WHERE pfadd('one by one', i::text)) AS changes FROM generate_series(1, 3072) i;
SELECT pfcount('one by one');
SELECT count(pfadd('one by one', i::text)) FROM generate_series(2000, 20000) i;
SELECT pfadd('at once', array_agg(i::text)) FROM generate_series(1, 20000) i;
SELECT pfget('one by one')::text = pfget('at once')::text AS same,
       abs(pfcount('at once') / 20000.0 - 1) < 0.02 AS close;
SELECT bool_and(pfadd('group ' || i % 50, i::text)) FROM generate_series(1, 10000) i;
SELECT count(*), min(pfcount('group ' || g)), max(pfcount('group ' || g)) FROM generate_series(0, 49) g;
SELECT pfcount(array_agg('group ' || g)) = hll_cardinality(hll_union_agg(pfget('group ' || g)))::bigint AS same
FROM generate_series(0, 49) g;

-- other keyspaces are other keys
CREATE SERVER hll_others FOREIGN DATA WRAPPER hotset OPTIONS (default_ttl '1 hour');
SELECT pfcount('visitors', 'hll_others'), pfadd('visitors', 'eve', 'hll_others'),
       pfcount('visitors', keyspace => 'hll_others'), pfcount('visitors');

-- times to live: of the keyspace or given, kept by adding, replaced by setting
SELECT pfset('t', hll_empty(), ttl => '1 minute'), pfadd('t', 'x'), kv_ttl('t') <= interval '1 minute' AS kept;
SELECT pfset('t', hll_empty()), kv_ttl('t') IS NULL AS gone;
SELECT kv_ttl('visitors', 'hll_others') BETWEEN interval '59 minutes' AND interval '1 hour' AS default_ttl;
SELECT kv_expire('t', interval '1 day'), pfmerge('t', '{all}'), kv_ttl('t') > interval '23 hours' AS kept;
SELECT pfadd('short', 'x'), kv_expire_at('short', clock_timestamp() - interval '1 second'), pfcount('short'), pfget('short');
SELECT kv_type('visitors'), kv_exists('visitors'), kv_del('visitors'), pfcount('visitors');

-- through a dump
SELECT kv_restore('restored', kv_dump('at once')), pfget('restored')::text = pfget('at once')::text AS same;

-- at once and for good, also where tables cannot be written
BEGIN READ ONLY;
SELECT pfadd('kept', 'x');
ROLLBACK;
SELECT pfcount('kept');

-- nulls
SELECT pfcount(NULL::text), pfcount(NULL::text[]), pfget(NULL);
\set VERBOSITY sqlstate
SELECT pfadd(NULL, 'x');
SELECT pfadd('k', NULL::text);
SELECT pfadd('k', NULL::text[]);
SELECT pfadd('k', ARRAY['x', NULL]);
SELECT pfmerge(NULL, '{x}');
SELECT pfmerge('k', NULL);
SELECT pfmerge('k', ARRAY['x', NULL]);
SELECT pfset(NULL, hll_empty());
SELECT pfset('k', NULL);
SELECT kv_exists('k');

-- wrong types, too long, bad times, no such keyspace
SELECT kv_set('string', 'text'), kv_set('counter', '1');
SELECT pfadd('string', 'x');
SELECT pfcount('counter');
SELECT pfget('string');
SELECT pfset('string', hll_empty());
SELECT pfmerge('string', '{all}');
SELECT kv_get('all');
SELECT pfadd(repeat('k', 65537), 'x');
SELECT pfcount(ARRAY['all', repeat('k', 65537)]);
SELECT pfset('k', hll_empty(), '-1 second');
SELECT pfadd('k', 'x', 'no such keyspace');
\set VERBOSITY default
SELECT pfcount('{all,string}'::text[]);
SELECT pfmerge('all', '{copy,counter}');
SELECT pfadd(repeat('k', 65536), 'x'), pfcount(repeat('k', 65536));

-- full: refused, and nothing changed
CREATE SERVER hll_small FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
CREATE FUNCTION pg_temp.fill() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..1000 LOOP
        PERFORM pfset('k' || i, (SELECT pfget('at once')), keyspace => 'hll_small');
    END LOOP;
    RETURN 'not full';
EXCEPTION WHEN out_of_memory THEN
    RETURN SQLSTATE;
END $$;
SELECT pg_temp.fill();
SELECT count(*) FILTER (WHERE pfget('k' || i, 'hll_small')::text = pfget('at once')::text) > 50 AS kept,
       count(*) FILTER (WHERE pfget('k' || i, 'hll_small')::text <> pfget('at once')::text) AS damaged
FROM generate_series(1, 1000) i;

-- memory comes back
SELECT hotset_verify();
DROP SERVER hll_keys;
DROP SERVER hll_others;
DROP SERVER hll_small;
SELECT hotset_verify();
RESET hotset.keyspace;
