-- Tables, and readers that compare each cached value with the row under the same
-- snapshot.  v only grows, so a smaller cached value is stale and a larger one newer.
CREATE EXTENSION hotset;
CREATE TABLE item (id int PRIMARY KEY, grp int NOT NULL, v bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO item SELECT i, i % 5, 1 FROM generate_series(1, 20) AS i;
CREATE INDEX ON item (grp);
CREATE TABLE tally (reader text, checks bigint, hits bigint, stale bigint, newer bigint);
ALTER TABLE item SET (parallel_workers = 2);

-- One statement, so one snapshot: look at every row and at the cached value of it.
CREATE FUNCTION compare(OUT checks bigint, OUT hits bigint, OUT stale bigint, OUT newer bigint)
LANGUAGE sql VOLATILE AS $$
	SELECT count(*), count(c), count(*) FILTER (WHERE c < v), count(*) FILTER (WHERE c > v)
	  FROM (SELECT v, kv_get_cached('item:' || id)::bigint AS c FROM item OFFSET 0) AS s
$$;

CREATE FUNCTION note(reader text, checks bigint, hits bigint, stale bigint, newer bigint)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO tally VALUES (reader, checks, hits, stale, newer)
$$;

-- Miss, compute, fill: three statements, and time for others between them.
CREATE FUNCTION lease_round(n int, nap float8) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	r record;
	x bigint;
BEGIN
	r := kv_get_lease('item:' || n);
	IF r.found OR r.lease IS NULL THEN
		RETURN;
	END IF;
	IF nap > 0 THEN
		PERFORM pg_sleep(nap);
	END IF;
	SELECT v INTO x FROM item WHERE id = n;
	IF nap > 0 THEN
		PERFORM pg_sleep(nap);
	END IF;
	PERFORM kv_fill('item:' || n, x::text, r.lease);
END $$;

-- The same with one snapshot for all, that of the statement that calls it.
CREATE FUNCTION lease_stable(n int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
	r record;
	x bigint;
BEGIN
	r := kv_get_lease('item:' || n);
	IF r.found OR r.lease IS NULL THEN
		RETURN false;
	END IF;
	SELECT v INTO x FROM item WHERE id = n;
	RETURN kv_fill('item:' || n, x::text, r.lease);
END $$;

-- Single statements that compute and compare.
CREATE FUNCTION fetch_compare(OUT checks bigint, OUT hits bigint, OUT stale bigint, OUT newer bigint)
LANGUAGE sql VOLATILE AS $$
	SELECT count(*), count(c), count(*) FILTER (WHERE c < v), count(*) FILTER (WHERE c > v)
	  FROM (SELECT v, kv_fetch('item:' || id, 'SELECT v FROM item WHERE id = $1', ARRAY[id::text])::bigint AS c
			  FROM item OFFSET 0) AS s
$$;

-- Sums over groups: a value of many rows, kept true by a tag.
CREATE FUNCTION tag_compare(OUT checks bigint, OUT hits bigint, OUT stale bigint, OUT newer bigint)
LANGUAGE sql VOLATILE AS $$
	SELECT count(*), count(c), count(*) FILTER (WHERE c < v), count(*) FILTER (WHERE c > v)
	  FROM (SELECT v, kv_fetch('sum:' || grp, 'SELECT sum(v) FROM item WHERE grp = $1',
							   ARRAY[grp::text], tags => ARRAY['grp:' || grp, 'all'])::bigint AS c
			  FROM (SELECT grp, sum(v) AS v FROM item GROUP BY grp) AS g OFFSET 0) AS s
$$;

-- A reader: n comparisons, each under a snapshot of its own in READ COMMITTED, all under
-- one in REPEATABLE READ.  What it found is noted by the caller in another transaction.
CREATE FUNCTION reads(what text, n int, nap float8) RETURNS tally LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	t tally := ROW(what, 0, 0, 0, 0);
	c record;
BEGIN
	FOR i IN 1 .. n LOOP
		IF what LIKE 'fetch%' THEN
			SELECT * INTO c FROM fetch_compare();
		ELSIF what LIKE 'tag%' THEN
			SELECT * INTO c FROM tag_compare();
		ELSIF what LIKE 'watch%' THEN
			SELECT * INTO c FROM watch_compare();
		ELSE
			PERFORM lease_round(1 + (random() * 19)::int, 0);
			SELECT * INTO c FROM compare();
		END IF;
		t.checks := t.checks + c.checks;
		t.hits := t.hits + c.hits;
		t.stale := t.stale + c.stale;
		t.newer := t.newer + c.newer;
		IF nap > 0 THEN
			PERFORM pg_sleep(nap);
		END IF;
	END LOOP;
	RETURN t;
END $$;

-- What everybody would write: delete in the transaction, set what was read.
CREATE FUNCTION naive_reads(n int) RETURNS tally LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	t tally := ROW('naive', 0, 0, 0, 0);
	c record;
	k int;
	x bigint;
BEGIN
	FOR i IN 1 .. n LOOP
		k := 1 + (random() * 19)::int;
		IF kv_get('naive:' || k) IS NULL THEN
			SELECT v INTO x FROM item WHERE id = k;
			PERFORM kv_set('naive:' || k, x::text);
		END IF;
		SELECT count(*) AS checks, count(s.c) AS hits, count(*) FILTER (WHERE s.c < s.v) AS stale,
			   count(*) FILTER (WHERE s.c > s.v) AS newer INTO c
		  FROM (SELECT v, kv_get('naive:' || id)::bigint AS c FROM item OFFSET 0) AS s;
		t.checks := t.checks + c.checks;
		t.hits := t.hits + c.hits;
		t.stale := t.stale + c.stale;
		t.newer := t.newer + c.newer;
	END LOOP;
	RETURN t;
END $$;

-- What a writer says it has changed.
CREATE FUNCTION changed(n int) RETURNS void LANGUAGE sql VOLATILE AS $$
	SELECT kv_invalidate('item:' || n), kv_del('naive:' || n),
		   kv_invalidate_tag('grp:' || n % 5)
$$;

-- More subtransactions than a snapshot has room for.
CREATE FUNCTION overflow(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 70 LOOP
		BEGIN
			UPDATE item SET v = v + 1 WHERE id = n;
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;

-- Says so at the very end of the transaction.
CREATE FUNCTION changed_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM changed(NEW.id);
	RETURN NULL;
END $$;
CREATE TABLE late (id int PRIMARY KEY, v bigint);

-- A watched table: partitions, cascades from another one, nobody who invalidates by hand.
CREATE SEQUENCE tick;
CREATE TABLE owner (id int PRIMARY KEY);
CREATE TABLE part (id int, owner int NOT NULL REFERENCES owner ON DELETE CASCADE, shard int, v bigint, PRIMARY KEY (id, shard)) PARTITION BY LIST (shard);
CREATE TABLE part_0 PARTITION OF part FOR VALUES IN (0);
CREATE TABLE part_1 (v bigint, shard int NOT NULL, id int NOT NULL, owner int NOT NULL);
ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES IN (1);
SELECT kv_watch('part', 'part:{id}', 'owner:{owner}');
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);

-- What there should be, 10 rows of 5 owners, as far as it is missing.
CREATE FUNCTION fill_parts(o int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO owner VALUES (o) ON CONFLICT DO NOTHING;
	INSERT INTO part SELECT i, o, i % 3, nextval('tick') FROM unnest(ARRAY[o, o + 5]) AS i
	 WHERE NOT EXISTS (SELECT FROM part WHERE id = i)
$$;
SELECT fill_parts(o) FROM generate_series(0, 4) AS o;

-- One at a time for each owner: rows that move while they are changed are an error.
CREATE FUNCTION change_part(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(n % 5);
	CASE (random() * 6)::int
		WHEN 0 THEN
			UPDATE part SET shard = (shard + 1) % 3, v = nextval('tick') WHERE id = n;
		WHEN 1 THEN
			DELETE FROM owner WHERE id = n % 5;
		WHEN 2 THEN
			UPDATE part_1 SET v = nextval('tick') WHERE id = n;
		WHEN 3 THEN
			DELETE FROM part WHERE id = n;
		ELSE
			UPDATE part SET v = nextval('tick') WHERE id = n;
	END CASE;
	IF random() < 0.5 THEN
		PERFORM fill_parts(n % 5);
	END IF;
END $$;

-- No row is a value, too: whatever differs and is not newer is stale.
CREATE FUNCTION watch_compare(OUT checks bigint, OUT hits bigint, OUT stale bigint, OUT newer bigint)
LANGUAGE sql VOLATILE AS $$
	SELECT count(*), count(c), count(*) FILTER (WHERE c IS DISTINCT FROM v AND (c > v) IS NOT TRUE), count(*) FILTER (WHERE c > v)
	  FROM (SELECT (SELECT v FROM part WHERE part.id = i) AS v,
				   kv_fetch('part:' || i, 'SELECT v FROM part WHERE id = $1', ARRAY[i::text])::bigint AS c
			  FROM generate_series(0, 9) AS i
			UNION ALL
			SELECT (SELECT sum(v) FROM part WHERE owner = o),
				   kv_fetch('owned:' || o, 'SELECT sum(v) FROM part WHERE owner = $1', ARRAY[o::text], tags => ARRAY['owner:' || o])::bigint
			  FROM generate_series(0, 4) AS o OFFSET 0) AS s
$$;
