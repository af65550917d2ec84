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
