-- Commands called from PL/pgSQL by a backend under callgrind; instructions.sh
-- puts the functions of hotset_bench.sql before.  For single-user mode: a
-- statement ends with a semicolon and an empty line.
CREATE EXTENSION hotset;

SELECT kv_define('defined', 'SELECT $1', 'defined:{1}');

SELECT count(kv_fetch_def('defined', i::text)) FROM generate_series(0, 19999) AS i;

-- A round is 5000 calls with k = prefix || a number.  Once to warm up, then one and two
-- rounds: the difference is one round.
CREATE PROCEDURE measure(what text, prefix text, statement text) LANGUAGE plpgsql AS $measure$
BEGIN
    FOR rounds IN 0 .. 2 LOOP
        EXECUTE format($do$
DO $body$
DECLARE
    names text[]; k text; v text; b bool; n bigint := 0; f float8; r record; hour interval := '1 hour'; hundred text[]; j jsonb;
BEGIN
    SELECT array_agg(%2$L || i * 7919 %% 20000) INTO names FROM generate_series(1, 5000) AS i;
    hundred := names[1:100];
    PERFORM bench_count(NULL);
    FOR pass IN 1 .. %1$s LOOP
        FOREACH k IN ARRAY names LOOP
            %3$s
        END LOOP;
    END LOOP;
    PERFORM bench_count('sql|%4$s|' || %1$s * 5000);
END $body$ $do$, greatest(rounds, 1), prefix, statement, CASE WHEN rounds = 0 THEN 'warming up' ELSE what END);
    END LOOP;
END $measure$;

-- After all DDL, which voids cached results.
SELECT count(kv_set('key:' || i, repeat('v', 40))), count(kv_set('ttl:' || i, repeat('v', 40), ttl => '1 hour')),
       count(kv_incr('count:' || i)), count(zadd('board', i * 7919 % 100000, 'player:' || i)),
       count(pfadd('visitors', 'visitor:' || i)),
       count(kv_fill('cached:' || i, repeat('v', 40), (kv_get_lease('cached:' || i)).lease)), count(kv_fetch('fetched:' || i, 'SELECT 1')),
       count(kv_fetch_rows('rows:' || i, 'SELECT o.id, o.customer, o.amount FROM (VALUES (1, 2, 3), (4, 5, 6)) AS o (id, customer, amount) WHERE o.customer = $1::int ORDER BY o.amount DESC, o.id LIMIT 10',
                           ARRAY['2']))
  FROM generate_series(0, 19999) AS i;

DO $$
BEGIN
    ASSERT (SELECT count(kv_get_cached('cached:' || i)) FROM generate_series(0, 19999) AS i) = 20000, 'not all of them hit';
END $$;

CALL measure('loop', 'key:', 'NULL;');

CALL measure('octet_length', 'key:', 'n := octet_length(k);');

CALL measure('kv_get', 'key:', 'v := kv_get(k);');

CALL measure('kv_get, missing', 'nokey:', 'v := kv_get(k);');

CALL measure('kv_get_cached', 'cached:', 'v := kv_get_cached(k);');

CALL measure('kv_fetch, a hit', 'fetched:', $$v := kv_fetch(k, 'SELECT 1');$$);

CALL measure('kv_fetch_rows, a hit', 'rows:', $$j := kv_fetch_rows(k, 'SELECT o.id, o.customer, o.amount FROM (VALUES (1, 2, 3), (4, 5, 6)) AS o (id, customer, amount) WHERE o.customer = $1::int ORDER BY o.amount DESC, o.id LIMIT 10',
                                           ARRAY['2']);$$);

CALL measure('kv_fetch_def, a hit', '', $$v := kv_fetch_def('defined', k);$$);

CALL measure('kv_mget of 100', 'key:', 'n := cardinality(kv_mget(hundred));');

CALL measure('kv_set', 'key:', $$b := kv_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv');$$);

CALL measure('kv_set, ttl', 'ttl:', $$b := kv_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', hour);$$);

CALL measure('kv_set and kv_del', 'new:', $$b := kv_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv'); b := kv_del(k);$$);

CALL measure('kv_incr', 'count:', $$n := kv_incr(k);$$);

CALL measure('zadd, new score', 'player:', $$n := n + 7919; f := zadd('board', n % 100000, k);$$);

CALL measure('zincrby', 'player:', $$f := zincrby('board', 1, k);$$);

CALL measure('zscore', 'player:', $$f := zscore('board', k);$$);

CALL measure('zrevrank', 'player:', $$n := zrevrank('board', k);$$);

CALL measure('zrange, top 10', 'player:', $$FOR r IN SELECT member, score FROM zrange('board', 0, 9, rev => true) LOOP n := n + 1; END LOOP;$$);

CALL measure('pfadd', 'visitor:', $$b := pfadd('visitors', k);$$);

