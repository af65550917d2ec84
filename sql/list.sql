-- Lists from SQL.
CREATE EXTENSION IF NOT EXISTS hotset;

-- pushing
SELECT rpush('l:a', 'b'), rpush('l:a', 'c'), lpush('l:a', 'a');
SELECT rpush('l:a', '{d, e}'::text[]), lpush('l:a', '{z, y}'::text[]) AS one_after_the_other;
SELECT * FROM lrange('l:a', 0, -1);
SELECT lpushx('l:a', 'x'), rpushx('l:a', '{f, g}'::text[]), lpushx('l:none', 'x'), rpushx('l:none', '{x, y}'::text[]);
SELECT rpush('l:none', '{}'::text[]) AS nothing, lpush('l:a', '{}'::text[]) AS as_before, kv_exists('l:none');
SELECT llen('l:a'), llen('l:none'), kv_type('l:a');

-- reading
SELECT lindex('l:a', 0), lindex('l:a', -1), lindex('l:a', 3), lindex('l:a', 10), lindex('l:a', -11), lindex('l:none', 0);
SELECT * FROM lrange('l:a', 2, 4);
SELECT * FROM lrange('l:a', -2, 100);
SELECT lrange_array('l:a', 2, 4), lrange_array('l:a', 5, 2) AS empty, lrange_array('l:none', 0, -1) AS none, lrange_array('l:a', NULL, 1) IS NULL AS "null",
	array_lower(lrange_array('l:a', 0, -1), 1), lrange_array('l:a', 0, -1) = (SELECT array_agg(value ORDER BY index) FROM lrange('l:a', 0, -1)) AS same;
SELECT count(*) FROM lrange('l:a', 5, 2);
SELECT count(*) FROM lrange('l:a', 9223372036854775807, -9223372036854775808);
SELECT count(*) FROM lrange('l:a', -9223372036854775808, 9223372036854775807);
SELECT count(*) FROM lrange('l:none', 0, -1);
SELECT (l).value, (l).index FROM (SELECT lrange('l:a', 3, -1) AS l LIMIT 2) AS first;
SELECT string_agg(value, '' ORDER BY index DESC) FROM lrange('l:a', 0, -1);
SELECT k, l.* FROM unnest('{l:a, l:none, l:a}'::text[]) WITH ORDINALITY AS keys(k, n), LATERAL lrange(k, n, n) AS l ORDER BY n;

-- finding
SELECT rpush('l:p', '{a, b, c, 1, 2, 3, c, c}'::text[]);
SELECT lpos('l:p', 'c'), lpos('l:p', 'c', 2), lpos('l:p', 'c', -1), lpos('l:p', 'c', rank => 4), lpos('l:p', 'nothing'), lpos('l:none', 'c');
SELECT lpos('l:p', 'c', 1, 0), lpos('l:p', 'c', -1, 2), lpos('l:p', 'c', 2, 10), lpos('l:p', 'c', 1, 1, 2), lpos('l:p', 'c', 1, count => 0, maxlen => 7), lpos('l:p', 'nothing', 1, 0), lpos('l:none', 'c', 1, 0);
SELECT rpush('l:same', array_agg('s' || i % 2)) FROM generate_series(1, 3000) AS i;
SELECT cardinality(lpos('l:same', 's1', 1, 0)), (lpos('l:same', 's1', 1, 1000))[1000], (lpos('l:same', 's0', -1, 0))[1500];

-- changing inside
SELECT lset('l:p', 0, 'A'), lset('l:p', -1, 'last'), lset('l:p', 8, 'x') AS beyond, lset('l:p', -9, 'x') AS beyond, lset('l:none', 0, 'x') AS absent;
SELECT linsert('l:p', true, 'c', 'before c'), linsert('l:p', false, 'c', 'after c'), linsert('l:p', true, 'no pivot', 'x'), linsert('l:none', true, 'c', 'x');
SELECT array_agg(value ORDER BY index) FROM lrange('l:p', 0, -1);
SELECT lrem('l:p', 1, 'c') AS first, lrem('l:p', 0, 'nothing'), lrem('l:none', 0, 'c');
SELECT rpush('l:p', '{r, s, r, t, r}'::text[]), lrem('l:p', -2, 'r') AS the_last_two;
SELECT array_agg(value ORDER BY index) FROM lrange('l:p', 0, -1);
SELECT ltrim('l:p', 1, -3) AS removed, ltrim('l:p', 0, -1) AS none, ltrim('l:none', 0, 0);
SELECT array_agg(value ORDER BY index) FROM lrange('l:p', 0, -1);
SELECT ltrim('l:p', 5, 4) AS all, kv_exists('l:p');
SELECT lrem('l:same', 0, 's0'), lrem('l:same', 0, 's1'), kv_exists('l:same');

-- popping
SELECT lpop('l:a'), rpop('l:a'), lpop('l:none'), rpop('l:none');
SELECT * FROM lpop('l:a', 2);
SELECT * FROM rpop('l:a', 2);
SELECT lpop('l:a', 0) AS nothing;
SELECT lpop('l:a', 2);
SELECT count(*) FROM rpop('l:a', 100);
SELECT kv_exists('l:a'), lpop('l:a');

-- from one to another
SELECT rpush('l:src', '{1, 2, 3, 4}'::text[]);
SELECT lmove('l:src', 'l:dst', true, true), lmove('l:src', 'l:dst', true, false), lmove('l:src', 'l:dst', from_left => false, to_left => true), lmove('l:none', 'l:dst', true, true);
SELECT array_agg(value ORDER BY index) FROM lrange('l:dst', 0, -1);
SELECT lmove('l:dst', 'l:dst', true, false) AS rotated, lmove('l:dst', 'l:dst', true, true) AS stays;
SELECT array_agg(value ORDER BY index) FROM lrange('l:dst', 0, -1);
SELECT lmove('l:src', 'l:dst', true, true), kv_exists('l:src'), kv_del('l:dst');

-- integers, empty values, values alike, long ones
SELECT rpush('l:v', '{0, -0, 007, 42, -42, +42, 9223372036854775807, -9223372036854775808, 9223372036854775808, 1e3, ""}'::text[]);
SELECT array_agg(value ORDER BY index) FROM lrange('l:v', 0, -1);
SELECT lpos('l:v', '42'), lpos('l:v', '+42'), lpos('l:v', '7'), lpos('l:v', ''), lpos('l:v', '-9223372036854775808');
SELECT rpush('l:v', '{ünïcödé, 漢字}'::text[]), lindex('l:v', -1), lindex('l:v', -2);
SELECT rpush('l:v', repeat('long', 250)), rpush('l:v', repeat('longer', 100000)), lpush('l:v', repeat('x', 600)), length(lindex('l:v', -1)), length(lindex('l:v', 0));
SELECT sum(length(value)), count(*) FROM lrange('l:v', 0, -1);
SELECT length(lmove('l:v', 'l:w', false, true)), length(lpop('l:w')), length(rpop('l:v')), length(lpop('l:v'));
SELECT lset('l:v', 3, repeat('y', 5000)), lrem('l:v', 0, repeat('y', 5000)), llen('l:v');
SELECT kv_del('l:v');

-- a long list, and all of it once more by index
SELECT rpush('l:big', array_agg('element:' || i)) FROM generate_series(0, 99999) AS i;
SELECT count(*), bool_and(value = 'element:' || index), sum(index) FROM lrange('l:big', 0, -1);
SELECT bool_and(lindex('l:big', i) = 'element:' || i) FROM generate_series(0, 99999, 777) AS i;
SELECT kv_memory_usage('l:big') < 100000 * 10 AS compact;
SELECT linsert('l:big', false, 'element:50000', 'inserted'), lindex('l:big', 50001), lset('l:big', 50001, 'replaced'), lpos('l:big', 'replaced'), lrem('l:big', 1, 'replaced');
SELECT count(*), min(value), max(value) FROM lpop('l:big', 5000);
SELECT ltrim('l:big', 100, 199), lindex('l:big', 0), lindex('l:big', -1), llen('l:big');

-- as any key
SELECT kv_copy('l:big', 'l:copy'), kv_rename('l:copy', 'l:other'), llen('l:other'), kv_expire('l:other', '1 hour'), rpush('l:other', 'one more'), kv_ttl('l:other') > '59 minutes' AS lives;
SELECT kv_restore('l:restored', kv_dump('l:big')), (SELECT array_agg(value ORDER BY index) FROM lrange('l:restored', 0, -1)) = (SELECT array_agg(value ORDER BY index) FROM lrange('l:big', 0, -1)) AS same;
SELECT kv_restore('l:damaged', overlay(kv_dump('l:big') PLACING '\x00'::bytea FROM 30));
SELECT key, type FROM kv_scan('l:*') ORDER BY key;
SELECT lpush('l:other', 'x'), kv_expire('l:other', '0'), llen('l:other');
SELECT kv_set('l:big', 'text'), kv_del('l:big'), kv_del('l:restored');

-- null arguments
SELECT llen(NULL), lindex(NULL, 0), lindex('l:none', NULL), lpos(NULL, 'x'), lpos('l:none', NULL), lpos(NULL, 'x', 1, 0);
SELECT count(*) FROM lrange(NULL, 0, -1);
SELECT count(*) FROM lrange('l:none', 0, NULL);
\set VERBOSITY sqlstate
SELECT lpush(NULL, 'x');
SELECT lpush('l:n', NULL::text);
SELECT lpush('l:n', NULL::text[]);
SELECT rpush('l:n', '{a, NULL}'::text[]);
SELECT rpushx(NULL, 'x');
SELECT lpop(NULL);
SELECT rpop(NULL, 1);
SELECT rpop('l:n', NULL::bigint);
SELECT lset('l:n', 0, NULL);
SELECT lset('l:n', NULL, 'x');
SELECT linsert('l:n', NULL, 'a', 'b');
SELECT linsert('l:n', true, NULL, 'b');
SELECT lrem('l:n', NULL, 'x');
SELECT ltrim('l:n', 0, NULL);
SELECT lmove('l:n', NULL, true, true);
SELECT lmove('l:n', 'l:m', true, NULL);
SELECT blmove('l:n', NULL, true, true, '1 ms');
SELECT blpop(NULL);
SELECT * FROM brpop('{l:n, NULL}');
SELECT kv_exists('l:n');

-- errors
SELECT kv_set('l:text', 'x');
SELECT lpush('l:text', 'x');
SELECT rpop('l:text');
SELECT * FROM lpop('l:text', 2);
SELECT llen('l:text');
SELECT lindex('l:text', 0);
SELECT * FROM lrange('l:text', 0, 1);
SELECT lpos('l:text', 'x');
SELECT lset('l:text', 0, 'x');
SELECT linsert('l:text', true, 'x', 'y');
SELECT lrem('l:text', 0, 'x');
SELECT ltrim('l:text', 0, 1);
SELECT lmove('l:text', 'l:n', true, true);
SELECT rpush('l:n', '{1, 2}'::text[]);
SELECT lmove('l:n', 'l:text', true, true);
SELECT lmove('l:none', 'l:text', true, true);
SELECT blmove('l:n', 'l:text', true, true, '1 ms');
SELECT * FROM blpop('{l:text}', '1 ms');
SELECT zadd('l:n', 1, 'x');
SELECT lpop('l:n', -1);
SELECT lpos('l:n', 'x', 0);
SELECT lpos('l:n', 'x', 1, -1);
SELECT lpos('l:n', 'x', 1, 1, -1);
SELECT * FROM blpop('{}');
SELECT * FROM blpop('{l:n}', '-1 second');
SELECT llen('l:n');
SET hotset.max_value = 100;
SELECT lpush('l:n', repeat('x', 100)), length(lpop('l:n'));
SELECT lpush('l:n', repeat('x', 101));
SELECT lset('l:n', 0, repeat('x', 101));
SELECT linsert('l:n', true, '1', repeat('x', 101));
RESET hotset.max_value;
\set VERBOSITY default
SELECT lpush('l:text', 'x');
SELECT lpos('l:n', 'x', 0);

-- waiting, where that is not needed, or not for long
SELECT * FROM blpop('{l:none, l:n}', '1 second');
SELECT * FROM brpop('{l:n}');
SELECT * FROM blpop('{l:n, l:none}', '1 millisecond');
SELECT blpop('{l:n}', '1 millisecond');
SELECT blmove('l:n', 'l:m', true, true, '1 millisecond') IS NULL AS nothing;
SELECT rpush('l:n', '{1, 2}'::text[]), blmove('l:n', 'l:m', true, true), blmove('l:n', 'l:m', true, false, timeout => '1 second');
SELECT array_agg(value ORDER BY index) FROM lrange('l:m', 0, -1);
SELECT kv_del('{l:n, l:m, l:text}'::text[]);

-- the planner knows how many rows there will be
SELECT rpush('l:plan', array_agg(i::text)) FROM generate_series(1, 5000) AS i;
EXPLAIN (COSTS ON) SELECT * FROM lrange('l:plan', 0, -1) \g (format=unaligned tuples_only=on) | sed 's/.*rows=\([0-9]*\).*/rows=\1/'
EXPLAIN (COSTS ON) SELECT * FROM lrange('l:plan', -10, -1) \g (format=unaligned tuples_only=on) | sed 's/.*rows=\([0-9]*\).*/rows=\1/'
EXPLAIN (COSTS ON) SELECT * FROM lpop('l:plan', 7) \g (format=unaligned tuples_only=on) | sed 's/.*rows=\([0-9]*\).*/rows=\1/'
SELECT kv_del('l:plan');

-- keys that expire by default
CREATE SERVER l_default FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', default_ttl '1 hour');
SELECT lpush('l:t', 'one', keyspace => 'l_default'), lmove('l:t', 'l:t2', true, true, 'l_default'), blmove('l:t2', 'l:t3', true, true, keyspace => 'l_default'), rpush('l:t4', '{a}'::text[], 'l_default');
SELECT key, expires_at > clock_timestamp() + interval '59 minutes' AS expires FROM hotset_big_keys(keyspace => 'l_default') ORDER BY key;
SELECT llen('l:t3') AS elsewhere;
DROP SERVER l_default;

-- a full keyspace refuses, and is as it was
CREATE SERVER l_small FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
\set VERBOSITY sqlstate
SET hotset.keyspace = 'l_small';
SELECT lpush('l:f', array_agg(md5(i::text))) FROM generate_series(1, 100000) AS i;
SELECT llen('l:f'), lpush('l:f', 'one'), llen('l:f');
DO $$ BEGIN LOOP PERFORM lpush('l:f', md5(random()::text)); END LOOP; EXCEPTION WHEN out_of_memory THEN NULL; END $$;
SELECT llen('l:f') > 40000 AS many, count(*) = llen('l:f') AS all_there FROM lrange('l:f', 0, -1);
SELECT count(*) FROM lpop('l:f', 10000);
SELECT rpush('l:f', 'again') > 0 AS goes_on, ltrim('l:f', 1, 0) > 0 AS emptied;
RESET hotset.keyspace;
DROP SERVER l_small;
\set VERBOSITY default
SELECT count(*) FROM kv_scan('l:*');
