-- Sorted sets from SQL.
CREATE EXTENSION IF NOT EXISTS hotset;

-- adding, moving, flags
SELECT zadd('z:a', 1, 'one'), zadd('z:a', 2, 'two'), zadd('z:a', 3, 'three');
SELECT zadd('z:a', 1, 'one') AS same, zadd('z:a', 1.5, 'one') AS moved, zadd('z:a', 1, 'one', ch => true) AS moved_counted,
       zadd('z:a', 1, 'one', ch => true) AS same_counted;
SELECT zadd('z:a', 9, 'one', nx => true, ch => true) AS nx_there, zadd('z:a', 9, 'nine', xx => true, ch => true) AS xx_absent,
       zadd('z:a', 0, 'one', gt => true, ch => true) AS gt_lower, zadd('z:a', 5, 'one', gt => true, ch => true) AS gt_higher,
       zadd('z:a', 6, 'one', lt => true, ch => true) AS lt_higher, zadd('z:a', 1, 'one', lt => true, ch => true) AS lt_lower,
       zadd('z:a', 4, 'four', gt => true) AS gt_new, zadd('z:a', 4, 'four', xx => true, gt => true, ch => true) AS xx_gt;
SELECT * FROM zrange('z:a', 0, -1);
SELECT zadd('z:a', '{10, 5, 50}'::float8[], '{ten, five, five}'::text[]) AS added, zadd('z:a', '{5, 6}'::float8[], '{five, six}'::text[], ch => true) AS and_changed;
SELECT zadd('z:none', '{}'::float8[], '{}'::text[]) AS nothing, zcard('z:none');
SELECT zincrby('z:a', 2.5, 'one') AS was_1, zincrby('z:a', -7, 'new') AS new;

-- one member
SELECT zscore('z:a', 'one'), zscore('z:a', 'nobody'), zscore('z:none', 'one');
SELECT zmscore('z:a', '{two, nobody, NULL, three}'), zmscore('z:none', '{one}'), zmscore('z:a', '{}');
SELECT zrank('z:a', 'new'), zrevrank('z:a', 'new'), zrank('z:a', 'nobody'), zrank('z:none', 'one');
SELECT zcard('z:a'), zcard('z:none');

-- null arguments
SELECT zscore(NULL, 'one'), zscore('z:a', NULL), zmscore('z:a', NULL), zrank(NULL, 'one'), zrevrank('z:a', NULL), zcard(NULL), zcount(NULL, 1, 2), zlexcount(NULL, 'a', 'b'), zintercard(NULL);
SELECT count(*) FROM zrange(NULL, 0, -1);
SELECT count(*) FROM zrange('z:a', NULL, -1);
SELECT count(*) FROM zrevrange('z:a', 0, NULL);
SELECT count(*) FROM zrangebyscore(NULL, 0, 1);
SELECT count(*) FROM zrangebylex(NULL, 'a', 'b');
SELECT count(*) FROM zrandmember(NULL);
SELECT count(*) FROM zunion(NULL);

-- ranges by rank
SELECT * FROM zrange('z:a', 1, 2);
SELECT * FROM zrange('z:a', -2, -1);
SELECT * FROM zrange('z:a', 0, 1, rev => true);
SELECT * FROM zrevrange('z:a', -1, 100);
SELECT * FROM zrange('z:a', 5, 2);
SELECT * FROM zrange('z:a', 9223372036854775807, -9223372036854775808);
SELECT count(*) FROM zrange('z:a', -9223372036854775808, 9223372036854775807);
SELECT (z).member, (z).rank FROM (SELECT zrange('z:a', 0, -1) AS z LIMIT 2) AS first;
SELECT k, z.* FROM unnest('{z:a, z:none, z:a}'::text[]) WITH ORDINALITY AS keys(k, n), LATERAL zrange(k, n, n) AS z ORDER BY n;

-- ranges by score
SELECT * FROM zrangebyscore('z:a', 2, 4);
SELECT member FROM zrangebyscore('z:a', 2, 4, '[)');
SELECT member FROM zrangebyscore('z:a', 2, 4, '(]');
SELECT member FROM zrangebyscore('z:a', 2, 4, bounds => '()');
SELECT member FROM zrangebyscore('z:a', NULL, 2, '()');
SELECT member, rank FROM zrangebyscore('z:a', 5, NULL, rev => true);
SELECT member, rank FROM zrangebyscore('z:a', '-Infinity', 'Infinity', "offset" => 2, "limit" => 2);
SELECT member, rank FROM zrangebyscore('z:a', '-Infinity', 'Infinity', rev => true, "offset" => 1, "limit" => 2);
SELECT count(*) FROM zrangebyscore('z:a', 0, 100, "limit" => 0);
SELECT count(*) FROM zrangebyscore('z:a', 3, 2);
SELECT zcount('z:a', 2, 4), zcount('z:a', 2, 4, '()'), zcount('z:a', NULL, NULL), zcount('z:a', 4, 2), zcount('z:none', 0, 1);

-- scores at the edges
SELECT zadd('z:e', '{Infinity, -Infinity, -0, 1e308, 5e-324}'::float8[], '{inf, minf, zero, big, tiny}'::text[]);
SELECT * FROM zrange('z:e', 0, -1);
SELECT zscore('z:e', 'zero')::text AS positive_zero, zcount('z:e', '-0', 0) AS zeros;
SELECT member FROM zrangebyscore('z:e', '-Infinity', 'Infinity', '()');
SELECT zincrby('z:e', 1e308, 'big') AS overflows;

-- by bytes of the members, whatever the collation
SELECT zadd('z:l', array_fill(0::float8, '{6}'), '{b, a, "", ab, B, ä}'::text[]);
SELECT member, rank FROM zrangebylex('z:l', NULL, NULL);
SELECT member, rank FROM zrangebylex('z:l', 'a', 'b', '[)');
SELECT member, rank FROM zrangebylex('z:l', 'a', NULL, '()', rev => true);
SELECT member FROM zrangebylex('z:l', NULL, 'b', "offset" => 1, "limit" => 2);
SELECT zlexcount('z:l', NULL, NULL), zlexcount('z:l', 'a', 'b'), zlexcount('z:l', '', '', '[]'), zlexcount('z:l', 'b', 'a');

-- removing
SELECT zrem('z:l', 'a') AS there, zrem('z:l', 'a') AS gone, zrem('z:l', '{b, b, nobody, ä}'::text[]) AS two, zrem('z:none', 'a') AS none, zrem('z:l', '{}'::text[]) AS empty;
SELECT zremrangebylex('z:l', NULL, 'B', '[)'), zremrangebylex('z:l', 'ab', 'ab');
SELECT zremrangebyrank('z:a', 1, 2), zremrangebyrank('z:a', -1, -1), zremrangebyscore('z:a', 3, 5, '[)');
SELECT * FROM zrange('z:a', 0, -1);
SELECT zremrangebyscore('z:l', '-Infinity', 'Infinity') AS last_one, zcard('z:l'), kv_memory_usage('z:l');

-- popping, drawing
SELECT * FROM zpopmin('z:e');
SELECT * FROM zpopmax('z:e', 2);
SELECT * FROM zpopmin('z:e', 0);
SELECT zpopmin('z:e', 100);
SELECT * FROM zpopmin('z:e');
SELECT zadd('z:r', i, 'm' || i) FROM generate_series(1, 5) AS i;
SELECT count(DISTINCT member), min(score), max(score), count(*) FROM zrandmember('z:r', 10);
SELECT count(*), count(DISTINCT member) BETWEEN 1 AND 5 AS some FROM zrandmember('z:r', -20);
SELECT count(*) FROM zrandmember('z:r');
SELECT count(*) FROM zrandmember('z:none', -3);
SELECT count(DISTINCT member) > 1 AS differ FROM generate_series(1, 100) AS i, LATERAL zrandmember('z:r', 1 + 0 * i);

-- several sets
SELECT zadd('z:x', '{1, 2, 3}'::float8[], '{a, b, c}'::text[]), zadd('z:y', '{10, 20, 30}'::float8[], '{b, c, d}'::text[]);
SELECT * FROM zunion('{z:x, z:y}');
SELECT * FROM zunion('{z:x, z:y}', '{2, 0.5}', 'max');
SELECT * FROM zunion('{z:x, z:y, z:none}', aggregate => 'MIN');
SELECT * FROM zinter('{z:x, z:y}');
SELECT * FROM zinter('{z:x, z:y}', '{1, -1}');
SELECT * FROM zinter('{z:x, z:none}');
SELECT * FROM zdiff('{z:x, z:y}');
SELECT * FROM zdiff('{z:x}');
SELECT * FROM zunion('{z:x, z:x}');
SELECT zunionstore('z:d', '{z:x, z:y}'), zinterstore('z:d2', '{z:x, z:y}', aggregate => 'max'), zdiffstore('z:d3', '{z:y, z:x}');
SELECT * FROM zrange('z:d', 0, -1);
SELECT * FROM zrange('z:d2', 0, -1);
SELECT * FROM zrange('z:d3', 0, -1);
SELECT zunionstore('z:x', '{z:x, z:d3}') AS over_itself, zcard('z:x');
SELECT zinterstore('z:d', '{z:x, z:none}') AS empty, kv_memory_usage('z:d');
SELECT zintercard('{z:x, z:y}'), zintercard('{z:x, z:y}', 1), zintercard('{z:x}'), zintercard('{z:x, z:none}');
SELECT zrangestore('z:d', 'z:x', 1, -1), zrangestore('z:d2', 'z:x', 0, 0, rev => true);
SELECT * FROM zrange('z:d', 0, -1);
SELECT * FROM zrange('z:d2', 0, -1);
SELECT zrangestorebyscore('z:d', 'z:y', 20, NULL, rev => true, "limit" => 1), zrangestorebylex('z:d2', 'z:y', NULL, 'c', '()');
SELECT * FROM zrange('z:d', 0, -1);
SELECT * FROM zrange('z:d2', 0, -1);
SELECT zrangestore('z:y', 'z:y', 0, 0) AS onto_itself, zcard('z:y'), zrangestore('z:d', 'z:none', 0, -1) AS of_nothing, zcard('z:d');

-- a large set: many batches, rows of one call in order
SELECT zadd('z:big', array_agg((i * 7919 % 20011)::float8), array_agg('member:' || i)) FROM generate_series(1, 20000) AS i;
SELECT count(*), min(rank), max(rank), count(DISTINCT member), bool_and(in_order) AS in_order
  FROM (SELECT member, rank, (score, member COLLATE "C") > lag((score, member COLLATE "C")) OVER (ORDER BY rank) IS NOT FALSE AS in_order
          FROM zrange('z:big', 0, -1)) AS rows;
SELECT count(*), min(rank), max(rank), max(score) FROM zrange('z:big', 5000, 14999, rev => true);
SELECT count(*), sum(score) = (SELECT sum(i) FROM generate_series(2000, 17999) AS i WHERE zcount('z:big', i, i) = 1) AS sum FROM zrangebyscore('z:big', 2000, 18000, '[)');
SELECT count(*) FROM (SELECT zrange('z:big', 0, -1)) AS rows;
SELECT zrank('z:big', 'member:123') AS rank, zrevrank('z:big', 'member:123') AS revrank, zscore('z:big', 'member:123');
SELECT count(*), sum((zrank('z:big', member) = rank)::int) AS agree FROM zrange('z:big', 0, -1);
SELECT zunionstore('z:big2', '{z:big, z:x}', '{1, 1000}'), zintercard('{z:big, z:big2}'), zdiffstore('z:big3', '{z:big2, z:big}');
SELECT count(*) FROM zunion('{z:big, z:big2}');
SELECT count(*), min(score), max(score) FROM zpopmax('z:big2', 15000);
SELECT zremrangebyrank('z:big', 100, -1), zcard('z:big');
-- long members: each batch is as large as it must be
SELECT zadd('z:long', i, repeat(chr(64 + i), 60000)) FROM generate_series(1, 9) AS i;
SELECT rank, score, length(member), left(member, 1) FROM zrange('z:long', 0, -1) ORDER BY rank DESC LIMIT 2;
SELECT sum(length(member)) FROM zrandmember('z:long', 9);
SELECT sum(length(member)) FROM zpopmin('z:long', 9);

-- cursors end early and go backwards
BEGIN;
SELECT zadd('z:c', i, 'm' || i) FROM generate_series(1, 4) AS i;
DECLARE c SCROLL CURSOR FOR SELECT * FROM zrange('z:c', 0, -1);
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
DECLARE early CURSOR FOR SELECT zrange('z:c', 0, -1);
FETCH 1 FROM early;
CLOSE early;
COMMIT;
-- a call that goes on after others have changed the set: no member twice
SELECT count(*), count(DISTINCT (z).member) FROM (SELECT zrange('z:c', 0, -1) AS z, zadd('z:c', 9, 'm9') AS added) AS rows;

-- generic plans and parallel workers get the same
PREPARE p(text, bigint) AS SELECT member, score FROM zrange($1, 0, $2);
SET plan_cache_mode = force_generic_plan;
EXECUTE p('z:c', 1);
EXECUTE p('z:none', 1);
RESET plan_cache_mode;
DEALLOCATE p;
CREATE TABLE z_names AS SELECT 'm' || i AS member FROM generate_series(1, 1000) AS i;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(zscore('z:c', member)), sum(zrank('z:c', member)) FROM z_names;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE z_names;

-- members of every length around those that are stored and checked in another way
SELECT sum(zadd('z:len', i, repeat(chr(97 + i % 26), i))), sum(zadd('z:len', i + 0.5, repeat('é', i) || i)) FROM generate_series(0, 140) AS i;
SELECT count(*), sum(length(member)), bool_and(rank = score * 2),
       bool_and(member = CASE WHEN rank % 2 = 0 THEN repeat(chr(97 + score::int % 26), score::int) ELSE repeat('é', (score - 0.5)::int) || (score - 0.5) END)
  FROM zrange('z:len', 0, -1);
SELECT string_agg(octet_length(member)::text, ' ' ORDER BY score) FROM zpopmax('z:len', 5) AS z;
SELECT kv_del('z:len');

-- blocking pops that need not wait, or not for long
SELECT * FROM bzpopmin('{z:none, z:c, z:r}', '1 second');
SELECT * FROM bzpopmax('{z:r, z:c}');
SELECT * FROM bzpopmin('{z:none, z:none, z:none2}', '1 millisecond');
SELECT bzpopmin('{z:c}', '1 millisecond');
-- the first key that has a member is taken from, whatever those after it hold
SELECT zadd('z:first', 1, 'a'), kv_set('z:text', 'x');
SELECT * FROM bzpopmin('{z:none, z:first, z:text}', '1 second');
SELECT * FROM bzpopmin('{z:none, z:first, z:text}', '1 second');
SELECT zadd('z:first', 1, 'a');
SELECT * FROM bzpopmax('{z:text, z:first}', '1 second');
SELECT zcard('z:first'), kv_del('{z:first, z:text}'::text[]);

-- keys that expire by default
CREATE SERVER z_default FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', default_ttl '1 hour');
SELECT zadd('z:t', 1, 'one', keyspace => 'z_default'), zincrby('z:t', 1, 'two', 'z_default'), zunionstore('z:t2', '{z:t}', keyspace => 'z_default'), zrangestore('z:t3', 'z:t', 0, 0, keyspace => 'z_default');
SELECT key, expires_at > clock_timestamp() AS expires FROM hotset_big_keys(keyspace => 'z_default') ORDER BY key;
SELECT zcard('z:t') AS elsewhere;

-- a full keyspace refuses, and is as it was
CREATE SERVER z_small FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
\set VERBOSITY sqlstate
SET hotset.keyspace = 'z_small';
SELECT zadd('z:f', array_agg(i::float8), array_agg('member:' || i)) FROM generate_series(1, 200000) AS i;
SELECT zcard('z:f'), zadd('z:f', 1, 'one'), zcard('z:f');
RESET hotset.keyspace;
DROP SERVER z_small;

-- errors
SELECT pfadd('z:hll', 'x');
SELECT zadd('z:hll', 1, 'a');
SELECT zadd('z:hll', '{1}'::float8[], '{a}'::text[]);
SELECT zincrby('z:hll', 1, 'a');
SELECT zrem('z:hll', 'a');
SELECT zremrangebyrank('z:hll', 0, 1);
SELECT zscore('z:hll', 'a');
SELECT zmscore('z:hll', '{a}');
SELECT zrank('z:hll', 'a');
SELECT zcard('z:hll');
SELECT zcount('z:hll', 0, 1);
SELECT zlexcount('z:hll', 'a', 'b');
SELECT * FROM zrange('z:hll', 0, 1);
SELECT zrange('z:hll', 0, 1);
SELECT * FROM zrangebyscore('z:hll', 0, 1);
SELECT * FROM zrangebylex('z:hll', 'a', 'b');
SELECT * FROM zpopmin('z:hll');
SELECT * FROM zrandmember('z:hll');
SELECT * FROM zunion('{z:c, z:hll}');
SELECT * FROM zinter('{z:hll, z:c}');
SELECT * FROM zdiff('{z:hll}');
SELECT zunionstore('z:d', '{z:hll}');
SELECT zintercard('{z:hll}');
SELECT zrangestore('z:d', 'z:hll', 0, 1);
SELECT * FROM bzpopmin('{z:none, z:hll}', '1 second');
\set VERBOSITY terse
SELECT zscore('z:hll', 'a');
SELECT zdiffstore('z:d', '{z:c, z:hll}');
SELECT * FROM bzpopmax('{z:none, z:hll}', '1 second');
\set VERBOSITY sqlstate
-- storing replaces a value of any type
SELECT zunionstore('z:hll', '{z:none}'), zcard('z:hll');
-- contradicting flags
SELECT zadd('z:a', 1, 'a', nx => true, xx => true);
SELECT zadd('z:a', 1, 'a', nx => true, gt => true);
SELECT zadd('z:a', 1, 'a', nx => true, lt => true);
SELECT zadd('z:a', 1, 'a', gt => true, lt => true);
\set VERBOSITY terse
SELECT zadd('z:a', 1, 'a', nx => true, lt => true);
SELECT zadd('z:a', '{1}'::float8[], '{a}'::text[], gt => true, lt => true);
\set VERBOSITY sqlstate
SELECT zadd('z:none', 1, 'a', nx => NULL, xx => NULL, ch => NULL) AS nulls_are_false, zrem('z:none', 'a');
-- no numbers
SELECT zadd('z:a', 'NaN'::float8, 'a');
SELECT zadd('z:a', '{1, NaN}'::float8[], '{x, y}'::text[]);
SELECT zscore('z:a', 'x') AS nothing_half_done;
SELECT zincrby('z:a', 'NaN', 'a');
SELECT zadd('z:i', 'Infinity'::float8, 'a');
SELECT zincrby('z:i', '-Infinity', 'a');
SELECT zcount('z:a', 'NaN', 1);
SELECT * FROM zrangebyscore('z:a', 1, 'NaN');
SELECT zremrangebyscore('z:a', 'NaN', 'NaN');
SELECT * FROM zunion('{z:a}', '{NaN}');
SELECT zinterstore('z:a', '{z:none}', '{NaN}');
SELECT zrem('z:i', 'a');
-- bad ranges
SELECT zcount('z:a', 0, 1, '[');
SELECT zcount('z:a', 0, 1, '][');
SELECT zlexcount('z:a', 'a', 'b', '');
SELECT * FROM zrangebyscore('z:a', 0, 1, '[]]');
SELECT zcount('z:a', 2, 4, NULL) AS default_bounds;
SELECT * FROM zrangebyscore('z:a', 0, 1, "offset" => -1);
SELECT * FROM zrangebylex('z:a', 'a', 'b', "limit" => -1);
SELECT * FROM zpopmin('z:a', -1);
SELECT * FROM zrandmember('z:a', -9223372036854775808);
SELECT zintercard('{z:a}', -1);
-- arrays
SELECT zadd('z:a', '{1, 2}'::float8[], '{a}'::text[]);
SELECT zadd('z:a', '{1, NULL}'::float8[], '{a, b}'::text[]);
SELECT zadd('z:a', '{1, 2}'::float8[], '{a, NULL}'::text[]);
SELECT zrem('z:a', ARRAY[NULL]);
SELECT * FROM zunion('{}');
SELECT * FROM zunion('{z:a, NULL}');
SELECT * FROM zunion('{z:a}', '{1, 2}');
SELECT * FROM zunion('{z:a}', '{NULL}');
SELECT * FROM zinter('{z:a}', aggregate => 'avg');
SELECT * FROM bzpopmin('{}', '1 second');
SELECT * FROM bzpopmin('{NULL}', '1 second');
SELECT * FROM bzpopmin(array_fill('z:none'::text, '{65}'), '1 second');
SELECT * FROM bzpopmin('{z:none}', '-1 second');
-- nulls in writes
SELECT zadd(NULL, 1, 'a');
SELECT zadd('z:a', NULL::float8, 'a');
SELECT zadd('z:a', 1, NULL);
SELECT zadd('z:a', NULL::float8[], '{a}');
SELECT zadd('z:a', '{1}'::float8[], NULL);
SELECT zincrby('z:a', NULL, 'a');
SELECT zincrby('z:a', 1, NULL);
SELECT zrem(NULL, 'a');
SELECT zrem('z:a', NULL::text);
SELECT zrem('z:a', NULL::text[]);
SELECT zremrangebyrank('z:a', NULL, 1);
SELECT zremrangebyscore('z:a', NULL, 1);
SELECT zremrangebyscore('z:a', 1, NULL);
SELECT zremrangebylex(NULL, 'a', 'b');
SELECT * FROM zpopmin(NULL);
SELECT * FROM zpopmax('z:a', NULL);
SELECT zunionstore(NULL, '{z:a}');
SELECT zunionstore('z:d', NULL);
SELECT zrangestore(NULL, 'z:a', 0, 1);
SELECT zrangestore('z:d', NULL, 0, 1);
SELECT zrangestore('z:d', 'z:a', NULL, 1);
SELECT * FROM bzpopmin(NULL, '1 second');
-- lengths
SELECT zadd(repeat('k', 65536), 1, repeat('m', 65536)), zscore(repeat('k', 65536), repeat('m', 65536)), zrem(repeat('k', 65536), repeat('m', 65536));
SELECT zadd(repeat('k', 65537), 1, 'm');
SELECT zadd('z:a', 1, repeat('m', 65537));
SELECT zscore(repeat('k', 65537), 'm');
SELECT zadd('', 1, ''), zscore('', ''), zrank('', ''), zrem('', '');
-- keyspaces
SELECT zadd('z:a', 1, 'a', keyspace => 'nowhere');
SELECT * FROM zrange('z:a', 0, 1, keyspace => 'nowhere');
EXPLAIN (COSTS OFF) SELECT * FROM zrange('z:a', 0, 1, keyspace => 'nowhere');
CREATE ROLE z_outsider;
SET ROLE z_outsider;
SELECT zscore('z:a', 'a');
SELECT * FROM zrange('z:a', 0, 1);
SELECT * FROM bzpopmin('{z:a}', '1 second');
EXPLAIN (COSTS OFF) SELECT * FROM zrange('z:a', 0, 1);
RESET ROLE;
DROP ROLE z_outsider;
\set VERBOSITY default

-- writes in a READ ONLY transaction
BEGIN READ ONLY;
SELECT zadd('z:a', 1, 'read only'), zrem('z:a', 'read only');
ROLLBACK;

-- what the planner estimates
CREATE FUNCTION z_estimate(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' -> 'Plan Rows';
END $$;
SELECT zadd('z:p', array_agg(i::float8), array_agg('m' || i)) FROM generate_series(1, 5000) AS i;
SELECT q AS query, z_estimate('SELECT * FROM ' || q) AS rows FROM unnest(ARRAY[
	$$zrange('z:p', 0, 9)$$, $$zrange('z:p', 0, -1)$$, $$zrange('z:p', -10, -1)$$, $$zrange('z:p', 4990, 6000)$$, $$zrange('z:p', 9, 0)$$,
	$$zrange('z:p', 0, -1, rev => true)$$, $$zrevrange('z:p', 0, -101)$$, $$zrange('z:p', NULL, 1)$$, $$zrange(NULL, 0, 1)$$,
	$$zrange('z:absent', 0, 24)$$, $$zrange('z:absent', 0, -1)$$, $$zrange('z:p', 0, (random() * 10)::bigint)$$,
	$$zrangebyscore('z:p', 1001, 2000)$$, $$zrangebyscore('z:p', 1001, 2000, '()')$$, $$zrangebyscore('z:p', NULL, 2000)$$,
	$$zrangebyscore('z:p', NULL, NULL, "limit" => 30)$$, $$zrangebyscore('z:p', NULL, NULL, "offset" => 4999)$$, $$zrangebyscore('z:absent', 1, 2, "limit" => 30)$$,
	$$zrangebyscore('z:p', 'NaN', 2)$$, $$zrangebyscore('z:p', 1, 2, 'x')$$, $$zrangebylex('z:p', NULL, NULL, "limit" => 7)$$,
	$$zpopmin('z:p', 3)$$, $$zrandmember('z:p', -40)$$, $$zunion('{z:p, z:p}')$$, $$zinter('{z:p, z:r}')$$, $$zdiff('{z:r, z:p}')$$,
	$$zrange('z:p', 0, -1, keyspace => 'nowhere')$$]) AS q;
DROP FUNCTION z_estimate(text);

-- every function says what it is, how it behaves in a plan, and what it costs
SELECT p.oid::regprocedure, p.provolatile, p.proparallel, p.prorows, p.proretset
  FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
 WHERE p.proname ~ '^b?z' AND p.proname !~ '^z_' AND p.proname !~ '_support$'
   AND NOT (p.procost >= 10 AND NOT p.proisstrict AND p.proargnames @> '{keyspace}' AND obj_description(p.oid, 'pg_proc') <> '')
 ORDER BY 1;

-- nothing is left behind
SELECT count(zremrangebyrank(k, 0, -1)) FROM (SELECT key AS k FROM hotset_big_keys(1000) WHERE key LIKE 'z:%' AND type = 'zset') AS keys;
SELECT key FROM hotset_big_keys(1000) WHERE key LIKE 'z:%';
DROP SERVER z_default;
