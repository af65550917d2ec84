-- Plans of queries on a board of many members: the planner knows how many rows come.
CREATE EXTENSION IF NOT EXISTS hotset;
CREATE TABLE player AS SELECT 'player:' || i AS name, i AS id, repeat('x', 50) AS about FROM generate_series(1, 50000) AS i;
ALTER TABLE player ADD PRIMARY KEY (name);
ANALYZE player;
SELECT zadd('zp:board', array_agg(id * 7919::bigint % 50021), array_agg(name)) FROM player;
SET max_parallel_workers_per_gather = 0;

-- the top ten: an index lookup for each
EXPLAIN (COSTS OFF)
SELECT * FROM zrange('zp:board', 0, 9, rev => true) AS z JOIN player p ON p.name = z.member;
EXPLAIN (COSTS OFF)
SELECT * FROM zrangebyscore('zp:board', 1000, 50000, "limit" => 10) AS z JOIN player p ON p.name = z.member;
EXPLAIN (COSTS OFF)
SELECT * FROM zrangebyscore('zp:board', 1000, 1009) AS z JOIN player p ON p.name = z.member;
SELECT count(*), sum(p.id) FROM zrange('zp:board', 0, 9, rev => true) AS z JOIN player p ON p.name = z.member;

-- everyone: one pass over the table
EXPLAIN (COSTS OFF)
SELECT * FROM zrange('zp:board', 0, -1) AS z JOIN player p ON p.name = z.member;
EXPLAIN (COSTS OFF)
SELECT * FROM zrangebyscore('zp:board', NULL, NULL) AS z JOIN player p ON p.name = z.member;
SELECT count(*), sum(p.id) FROM zrange('zp:board', 0, -1) AS z JOIN player p ON p.name = z.member;

-- who is in the top hundred: looked up from the few, not tested for each of the many
EXPLAIN (COSTS OFF)
SELECT * FROM player p WHERE EXISTS (SELECT FROM zrange('zp:board', 0, 99) AS z WHERE z.member = p.name);
SELECT count(*) FROM player p WHERE EXISTS (SELECT FROM zrange('zp:board', 0, 99) AS z WHERE z.member = p.name);

-- arguments from a parameter: known when the plan is made for them
PREPARE top(bigint) AS SELECT * FROM zrange('zp:board', 0, $1) AS z JOIN player p ON p.name = z.member;
SET plan_cache_mode = force_custom_plan;
EXPLAIN (COSTS OFF) EXECUTE top(9);
EXPLAIN (COSTS OFF) EXECUTE top(-1);
RESET plan_cache_mode;
DEALLOCATE top;

-- from one row to the next
EXPLAIN (COSTS OFF)
SELECT p.id, z.* FROM player p, LATERAL zrange('zp:board', zrank('zp:board', p.name) - 1, zrank('zp:board', p.name) + 1) AS z
 WHERE p.name = 'player:17';
SELECT count(*) FROM player p, LATERAL zrange('zp:board', zrank('zp:board', p.name) - 1, zrank('zp:board', p.name) + 1) AS z
 WHERE p.name = 'player:17';

-- in order as they come: no sort
EXPLAIN (COSTS OFF) SELECT * FROM zrange('zp:board', 0, -1) ORDER BY rank;
EXPLAIN (COSTS OFF) SELECT * FROM zrange('zp:board', 0, -1) ORDER BY score, rank;
EXPLAIN (COSTS OFF) SELECT * FROM zrange('zp:board', 0, -1, rev => true) ORDER BY score DESC;
EXPLAIN (COSTS OFF) SELECT * FROM zrevrange('zp:board', 0, -1) ORDER BY score DESC, rank;
EXPLAIN (COSTS OFF) SELECT * FROM zrangebylex('zp:board', 'a', NULL) ORDER BY rank;
EXPLAIN (COSTS OFF)
SELECT * FROM zrange('zp:board', 0, 9) AS z JOIN player p ON p.name = z.member ORDER BY z.rank;
-- the other way round they have to be sorted
EXPLAIN (COSTS OFF) SELECT * FROM zrange('zp:board', 0, -1) ORDER BY score DESC;
EXPLAIN (COSTS OFF) SELECT * FROM zrevrange('zp:board', 0, -1) ORDER BY score;
EXPLAIN (COSTS OFF) SELECT * FROM zrangebylex('zp:board', 'a', NULL) ORDER BY score;
EXPLAIN (COSTS OFF) SELECT * FROM zrangebyscore('zp:board', NULL, NULL, rev => random() > 0.5) ORDER BY score;

-- a limit on the rows of a call alone becomes part of it
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, -1) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 5, 100000, rev => true) ORDER BY rank OFFSET 5 LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrevrange('zp:board', 0, -1) ORDER BY score DESC LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrangebyscore('zp:board', 10, NULL, "offset" => 3) ORDER BY score LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrangebylex('zp:board', 'a', NULL, "limit" => 100) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT k, z.member FROM (VALUES ('zp:board')) AS v(k), LATERAL (SELECT * FROM zrange(k, 0, -1) LIMIT 3) AS z;
SELECT array_agg(rank) FROM (SELECT rank FROM zrange('zp:board', 5, 100000, rev => true) ORDER BY rank OFFSET 5 LIMIT 4) AS rows;
SELECT array_agg(rank) FROM (SELECT rank FROM zrangebyscore('zp:board', NULL, NULL, "offset" => 3) OFFSET 2 LIMIT 4) AS rows;
SELECT count(*) FROM (SELECT zrange.* FROM zrange('zp:board', 49995, -1) LIMIT 10) AS rows;
-- not where more rows than the limit are needed, or the arguments say less, or differently
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, -1) WHERE score > 10 LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, -1) ORDER BY score DESC LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, -1) ORDER BY rank FETCH FIRST 10 ROWS WITH TIES;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, 5) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, -100) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', -100, -1) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrangebyscore('zp:board', NULL, NULL, "limit" => 5) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT sum(score) FROM zrange('zp:board', 0, -1) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT DISTINCT score FROM zrange('zp:board', 0, 99) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member, generate_series(1, 0) FROM zrange('zp:board', 0, 99) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, 99), generate_series(1, 2) LIMIT 10;
EXPLAIN (VERBOSE, COSTS OFF) SELECT member FROM zrange('zp:board', 0, -1) WITH ORDINALITY LIMIT 10;

-- A call in the select list reads on as rows are asked for: what is removed
-- behind its back does not come any more.  In FROM everything is read at once.
DO $$
DECLARE
	in_list CURSOR FOR SELECT (zrange('zp:board', 0, -1)).member;
	in_from CURSOR FOR SELECT member FROM zrange('zp:board', 0, -1);
	m text;
	n_list int := 0;
	n_from int := 0;
BEGIN
	OPEN in_list;
	FETCH in_list INTO m;
	OPEN in_from;
	FETCH in_from INTO m;
	PERFORM zremrangebyrank('zp:board', 2000, -1);
	WHILE FOUND LOOP
		n_list := n_list + 1;
		FETCH in_list INTO m;
	END LOOP;
	FETCH in_from INTO m;
	WHILE FOUND LOOP
		n_from := n_from + 1;
		FETCH in_from INTO m;
	END LOOP;
	RAISE NOTICE 'in the select list: %, in FROM: %', n_list, n_from + 1;
END $$;

DROP TABLE player;
SELECT zremrangebyrank('zp:board', 0, -1);
