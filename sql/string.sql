--
-- Strings: what each function returns, and what it says of bad input
--
-- set and get
SELECT kv_set('str:a', 'one'), kv_get('str:a'), kv_get('str:none') IS NULL AS missing;
SELECT kv_set('str:a', 'two', nx => true) AS nx, kv_set('str:b', 'two', xx => true) AS xx, kv_get('str:a');
SELECT kv_set('str:b', '', nx => true), kv_get('str:b') = '' AS empty, kv_strlen('str:b');
SELECT kv_set('str:a', 'with ttl', ttl => '1 hour'), kv_ttl('str:a') BETWEEN '59 min' AND '1 hour' AS ttl;
SELECT kv_set('str:a', 'kept', keep_ttl => true), kv_ttl('str:a') IS NOT NULL AS has_ttl;
SELECT kv_set('str:a', 'dropped'), kv_ttl('str:a') IS NULL AS no_ttl;

-- bytea and jsonb
SELECT kv_set('str:bytes', '\x00ff00'::bytea), kv_get_bytea('str:bytes'), kv_strlen('str:bytes');
SELECT kv_set('str:json', '{"b": [1, 2.50], "a": null}'::jsonb), kv_get_jsonb('str:json'), kv_get('str:json'),
       convert_from(kv_get_bytea('str:json'), 'UTF8') AS bytes, kv_strlen('str:json');
SELECT kv_get_jsonb('str:json') -> 'b' ->> 1 AS element, kv_getrange('str:json', 1, 3), kv_getrange('str:json', -5, -1),
       kv_getrange('str:json', 100, 200) = '' AS beyond;
SELECT kv_set('str:text', '{"x": 1}'), kv_get_jsonb('str:text'), kv_get_bytea('str:text');
SELECT kv_set('str:scalar', '"text"'::jsonb), kv_get('str:scalar'), kv_get_jsonb('str:scalar');
SELECT kv_set('str:long', to_jsonb(repeat('x', 100000))), length(kv_get('str:long')),
       kv_get_jsonb('str:long') = to_jsonb(repeat('x', 100000)) AS same;

-- long ones, of each form of storage
SELECT n, kv_set('str:long', repeat('0123456789', n)), md5(kv_get('str:long')) = md5(repeat('0123456789', n)) AS same,
       kv_strlen('str:long') AS length, kv_getrange('str:long', -3, -1) AS tail
FROM unnest(ARRAY[10, 400, 410, 820, 6550, 6554, 13200, 500000]) n;

-- get with something else
SELECT kv_set('str:a', 'first'), kv_getset('str:a', 'second'), kv_getset('str:new', 'x') IS NULL AS new;
SELECT kv_getset('str:a', '{"j": 1}'::jsonb), kv_getset('str:a', '\xff'::bytea);
SELECT kv_getset('str:a', 'third'::bytea);
SELECT kv_getex('str:a', ttl => '1 hour'), kv_ttl('str:a') > '59 min' AS ttl, kv_getex('str:a'), kv_ttl('str:a') IS NULL AS still;
SELECT kv_getex('str:a', persist => true), kv_ttl('str:a') IS NULL AS no_ttl, kv_getex('str:none') IS NULL AS missing;
SELECT kv_getdel('str:a'), kv_get('str:a') IS NULL AS gone, kv_getdel('str:a') IS NULL AS missing;
SELECT kv_getdel_bytea('str:bytes'), kv_exists('str:bytes');

-- several
SELECT kv_mset(ARRAY['str:1', 'str:2', 'str:1'], ARRAY['a', 'b', 'c']);
SELECT kv_mget(ARRAY['str:2', 'str:none', 'str:1', NULL, 'str:2']);
SELECT kv_mset(ARRAY['str:3', 'str:1'], ARRAY['x', 'y'], nx => true), kv_mget(ARRAY['str:1', 'str:3']);
SELECT kv_mset(ARRAY['str:3', 'str:4'], ARRAY['x', 'y'], nx => true, ttl => '1 hour'), kv_ttl('str:4') IS NOT NULL AS ttl;
SELECT kv_mset('{}', '{}'), kv_mget('{}'), kv_mget(NULL) IS NULL AS null;
SELECT kv_mset(array_agg('str:m' || i), array_agg(repeat(i::text, i))) FROM generate_series(1, 500) i;
SELECT count(*), sum(length(v)) FROM unnest(kv_mget((SELECT array_agg('str:m' || i) FROM generate_series(1, 500) i))) v;
-- of every kind; with jsonb or a large value under locks
SELECT kv_incr('str:mn', -9223372036854775808), kv_set('str:me', ''), kv_set('str:mb', '\x414243'::bytea), sadd('str:ms', 'a'),
       kv_set('str:mj', '{"a": 1}'::jsonb), kv_set('str:ml', repeat('l', 100000));
SELECT kv_mget('{str:mn,str:me,str:mb,str:ms,NULL,str:mn}');
SELECT kv_mget('{str:mb,str:me,str:mn}') = ARRAY['ABC', '', '-9223372036854775808'] AS equal,
       pg_column_size(kv_mget('{str:mb,str:me,str:mn}')) = pg_column_size(ARRAY['ABC', '', '-9223372036854775808']) AS same_size;
SELECT kv_mget('{str:mn,str:me,str:mb,str:ms,NULL,str:mj}');
SELECT array_agg(length(v)) FROM unnest(kv_mget('{str:mn,str:me,str:ml,str:mb,str:ms,NULL,str:mj}')) v;
SELECT kv_mget('{{str:mn,str:me},{str:mb,NULL}}');
SELECT count(v), count(*) FROM unnest(kv_mget((SELECT array_agg('str:m' || i) FROM generate_series(-4000, 500) i))) v;
SELECT kv_del('{str:mn,str:me,str:mb,str:ms,str:mj,str:ml}'::text[]);
SELECT kv_del(array_agg('str:m' || i)) FROM generate_series(1, 501) i;

-- parts
SELECT kv_append('str:p', 'Hello '), kv_append('str:p', 'World'), kv_get('str:p');
SELECT kv_setrange('str:p', 6, 'Redis'), kv_get('str:p'), kv_getrange('str:p', 0, 4), kv_getrange('str:p', -5, -3);
SELECT kv_setrange('str:pad', 3, 'x'), kv_get_bytea('str:pad'), kv_setrange('str:pad', 0, 'abc'), kv_get('str:pad');
SELECT kv_append('str:b2', '\x00'::bytea), kv_append('str:b2', '\xff'::bytea), kv_get_bytea('str:b2');
SELECT kv_setrange('str:b2', 1, '\xfe'::bytea), kv_getrange_bytea('str:b2', 0, 0), kv_getrange_bytea('str:b2', 1, 1);
SELECT kv_setrange('str:none', 5, ''), kv_exists('str:none'), kv_getrange('str:none', 0, -1) IS NULL AS missing;
SELECT kv_set('str:p', repeat('x', 200000)), kv_append('str:p', repeat('y', 200000)), kv_setrange('str:p', 199999, 'ab'),
       kv_getrange('str:p', 199998, 200001), md5(kv_get('str:p')) = md5(repeat('x', 199999) || 'ab' || repeat('y', 199999)) AS same;

-- counters
SELECT kv_incr('str:n'), kv_incr('str:n', 10), kv_decr('str:n'), kv_decr('str:n', 5), kv_get('str:n'), kv_strlen('str:n');
SELECT kv_get_int('str:n'), kv_set('str:i', '12') AND kv_get_int('str:i') = 12 AS parsed, kv_get_int('str:none') IS NULL AND kv_get_int(NULL) IS NULL AS missing;
SELECT kv_set('str:i', '12a');
SELECT kv_get_int('str:i');
SELECT zadd('str:z1', 1, 'a');
SELECT kv_get_int('str:z1');
SELECT kv_del('{str:i,str:z1}'::text[]);
SELECT kv_incr('str:w', ttl => '1 hour'), kv_incr('str:w', ttl => '2 hours'), kv_ttl('str:w') < '61 min' AS first_ttl;
SELECT kv_set('str:n', '41'), kv_incr('str:n'), kv_append('str:n', '0'), kv_incr('str:n'), kv_get_jsonb('str:n'), kv_get_bytea('str:n');
SELECT kv_getrange('str:n', 0, 1), kv_set_if('str:n', '5', '421'), kv_incr('str:n');
SELECT kv_incrbyfloat('str:f', 10.5), kv_incrbyfloat('str:f', 0.1), kv_get('str:f'), kv_incrbyfloat('str:n', 0.5);

-- compare and set
SELECT kv_set('str:c', 'v1'), kv_version('str:none') IS NULL AS missing;
SELECT kv_version('str:c') AS v \gset
SELECT kv_version('str:c') = :v AS same, kv_cas('str:c', 'v2', :v), kv_cas('str:c', 'v3', :v), kv_get('str:c'), kv_version('str:c') > :v AS later;
SELECT kv_cas('str:none', 'x', :v), kv_cas('str:c', '{}'::jsonb, kv_version('str:c')), kv_cas('str:c', '\x01'::bytea, kv_version('str:c'), '1 hour'),
       kv_ttl('str:c') IS NOT NULL AS ttl;
SELECT kv_set_if('str:i', 'a', NULL) AS created, kv_set_if('str:i', 'b', NULL) AS exists, kv_set_if('str:i', 'b', 'x') AS other,
       kv_set_if('str:i', 'b', 'a', '1 hour') AS done, kv_get('str:i'), kv_ttl('str:i') IS NOT NULL AS ttl;
SELECT kv_set_if('str:i', '{"n": 1.0}'::jsonb, NULL::jsonb), kv_del('str:i'), kv_set_if('str:i', '{"n": 1.0}'::jsonb, NULL::jsonb),
       kv_set_if('str:i', '[2]'::jsonb, '{"n": 1.00}'::jsonb) AS equal, kv_set_if('str:i', '[3]'::jsonb, '[1]'::jsonb) AS other,
       kv_set_if('str:i', 'text', '[2]') AS by_text, kv_get('str:i');
SELECT kv_set_if('str:i', '\x01'::bytea, 'text'::bytea), kv_del_if('str:i', '\x02'::bytea), kv_del_if('str:i', '\x01'::bytea), kv_del_if('str:i', '\x01'::bytea);
SELECT kv_set('str:i', 'token'), kv_del_if('str:i', 'other'), kv_del_if('str:i', NULL), kv_del_if('str:i', 'token'), kv_exists('str:i');
SELECT kv_set('str:i', '[1]'::jsonb), kv_del_if('str:i', '[2]'::jsonb), kv_del_if('str:i', '[1.0]'::jsonb);

-- text that is none
SELECT kv_set('str:bad', '\xc3'::bytea);
\set VERBOSITY sqlstate
SELECT kv_get('str:bad');
SELECT kv_mget(ARRAY['str:bad']);
SELECT kv_getdel('str:bad');
SELECT kv_getex('str:bad', '1 hour');
SELECT kv_getset('str:bad', 'x');
SELECT kv_get_jsonb('str:bad');
SELECT kv_set('str:cut', 'é'), kv_getrange('str:cut', 0, 0);
SELECT kv_get_jsonb('str:1');
\set VERBOSITY default
SELECT kv_get_bytea('str:bad'), kv_ttl('str:bad') IS NULL AS untouched;
SELECT kv_append('str:bad', '\xa9'::bytea), kv_get('str:bad'), kv_getset('str:bad', 'x'), kv_getdel('str:bad');

-- nulls: nothing for reads, an error for writes
SELECT kv_get(NULL) IS NULL AND kv_get_bytea(NULL) IS NULL AND kv_get_jsonb(NULL) IS NULL AND kv_strlen(NULL) IS NULL AND
       kv_getrange(NULL, 0, 1) IS NULL AND kv_getrange('str:p', NULL, 1) IS NULL AND kv_version(NULL) IS NULL AS nothing;
\set VERBOSITY terse
SELECT kv_set(NULL, 'v');
SELECT kv_set('str:k', NULL::bytea);
SELECT kv_getset(NULL, 'v');
SELECT kv_getdel(NULL);
SELECT kv_getex(NULL);
SELECT kv_mset(ARRAY['a', NULL], ARRAY['b', 'c']);
SELECT kv_mset(ARRAY['a', 'b'], ARRAY['b', NULL]);
SELECT kv_mset(NULL, ARRAY['b']);
SELECT kv_append('str:k', NULL::text);
SELECT kv_setrange('str:k', NULL, 'x');
SELECT kv_incr(NULL);
SELECT kv_incr('str:k', NULL);
SELECT kv_incrbyfloat('str:k', NULL);
SELECT kv_cas('str:k', 'v', NULL);
SELECT kv_set_if('str:k', NULL::text, 'x');
SELECT kv_del_if(NULL, 'x');
\set VERBOSITY default
SELECT kv_set('str:k', NULL::text);
-- a null option is the default
SELECT kv_set('str:k', 'v', ttl => NULL, nx => NULL, xx => NULL, keep_ttl => NULL);

-- contradictions
SELECT kv_set('str:k', 'v', nx => true, xx => true);
SELECT kv_set('str:k', 'v', ttl => '1 hour', keep_ttl => true);
SELECT kv_getex('str:k', ttl => '1 hour', persist => true);
SELECT kv_mset(ARRAY['a', 'b'], ARRAY['c']);
SELECT kv_setrange('str:k', -1, 'x');

-- values that are no numbers
SELECT kv_incr('str:k');
SELECT kv_incrbyfloat('str:k', 1);
SELECT kv_set('str:json', '5'::jsonb), kv_append('str:json', 'x');
\set VERBOSITY sqlstate
SELECT kv_incr('str:json');

-- other types
SELECT zadd('str:z', 1, 'm');
SELECT kv_get('str:z');
SELECT kv_set_if('str:z', 'v', 'x');
SELECT kv_getset('str:z', 'v');
SELECT kv_append('str:z', 'v');
SELECT kv_incr('str:z');
SELECT kv_strlen('str:z');
SELECT kv_getrange('str:z', 0, 1);
\set VERBOSITY default
SELECT kv_getdel('str:z');
SELECT kv_mget(ARRAY['str:z', 'str:1']), kv_set('str:z', 'replaced'), kv_get('str:z');

-- not undone by ROLLBACK
BEGIN;
SELECT kv_set('str:tx', 'kept');
ROLLBACK;
SELECT kv_get('str:tx');

-- writes are allowed where nothing else is
BEGIN READ ONLY;
SELECT kv_set('str:tx', 'read only'), kv_get('str:tx');
COMMIT;

-- what expires while a large value is copied is not there any more
DO $$
DECLARE
    large text := repeat('x', 16000000);
BEGIN
    FOR i IN 1..5 LOOP
        PERFORM kv_set('str:short', 'v', ttl => '100 us');
        IF kv_set('str:short', large, ttl => '1 hour', xx => true) THEN
            RAISE 'set %', i;
        END IF;
        IF NOT kv_set('str:short', large, ttl => '1 hour', nx => true) THEN
            RAISE 'not set %', i;
        END IF;
        PERFORM kv_del('str:short');
    END LOOP;
END$$;

SELECT count(*) > 0 AS cleaned FROM (SELECT kv_del(key) FROM kv_scan('str:*')) d;
