-- Tables whose changes invalidate by themselves.
CREATE TABLE watched (id int, name text, grp int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE watched_a PARTITION OF watched FOR VALUES FROM (0) TO (100);
CREATE TABLE watched_b (grp int, name text, id int NOT NULL);
ALTER TABLE watched ATTACH PARTITION watched_b FOR VALUES FROM (100) TO (200);
INSERT INTO watched VALUES (1, 'ann', 1), (2, 'bob', 1), (101, 'cid', 2);
SELECT kv_watch('watched', keys => ARRAY['w:{id}'], tags => ARRAY['wg:{grp}']);
SELECT * FROM hotset_watches ORDER BY kind;
CREATE FUNCTION w(n int) RETURNS text LANGUAGE sql AS $$
	SELECT kv_fetch('w:' || n, 'SELECT name FROM watched WHERE id = $1', ARRAY[n::text]) $$;
CREATE FUNCTION g(n int) RETURNS text LANGUAGE sql AS $$
	SELECT kv_fetch('wgs:' || n, 'SELECT string_agg(name, '','' ORDER BY id) FROM watched WHERE grp = $1',
		ARRAY[n::text], tags => ARRAY['wg:' || n]) $$;
-- everything there is to see; run twice, so that the second time are hits
CREATE FUNCTION look() RETURNS TABLE (w text[], g text[]) LANGUAGE sql AS $$
	SELECT (SELECT array_agg(w(i)) FROM unnest('{1,2,3,101,102,150,201,301}'::int[]) AS i), ARRAY[g(1), g(2)] $$;
SELECT * FROM look(); SELECT * FROM look();
SELECT hotset_cache_stats_reset();
SELECT * FROM look();
SELECT hits, computed FROM hotset_cache_stats();

UPDATE watched SET name = 'amy' WHERE id = 1;
SELECT * FROM look(); SELECT * FROM look();
-- from one partition to another, and between groups
UPDATE watched SET id = 102, grp = 2 WHERE id = 2;
SELECT * FROM look();
-- into a partition directly
INSERT INTO watched_a VALUES (3, 'dan', 2);
SELECT * FROM look();
DELETE FROM watched_b WHERE id = 102;
SELECT * FROM look();
-- a new partition, and one that is attached with its rows, and taken away
CREATE TABLE watched_c PARTITION OF watched FOR VALUES FROM (200) TO (300);
INSERT INTO watched_c VALUES (201, 'eve', 1);
SELECT * FROM look();
TRUNCATE watched_c;
SELECT * FROM look();
CREATE TABLE watched_d (id int NOT NULL, name text, grp int);
INSERT INTO watched_d VALUES (301, 'fay', 1);
ALTER TABLE watched ATTACH PARTITION watched_d FOR VALUES FROM (300) TO (400);
SELECT * FROM look();
UPDATE watched_d SET name = 'fox';
SELECT * FROM look();
ALTER TABLE watched DETACH PARTITION watched_d CONCURRENTLY;
SELECT * FROM look();
COPY watched FROM stdin;
150	gil	1
\.
SELECT * FROM look();
INSERT INTO watched VALUES (150, 'gus', 1) ON CONFLICT (id) DO UPDATE SET name = excluded.name;
SELECT * FROM look();
MERGE INTO watched AS t USING (VALUES (150, 'hal')) AS s (id, name) ON t.id = s.id
WHEN MATCHED THEN UPDATE SET name = s.name;
SELECT * FROM look();
SET session_replication_role = replica;
UPDATE watched SET name = 'ian' WHERE id = 150;
RESET session_replication_role;
SELECT * FROM look();
TRUNCATE watched;
SELECT * FROM look();

-- cascades
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
SELECT kv_watch('child', 'child:{id}', 'parent:{parent}');
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (10, 1), (11, 1), (20, 2);
CREATE FUNCTION children(n int) RETURNS text LANGUAGE sql AS $$
	SELECT kv_fetch('children:' || n, 'SELECT count(*) FROM child WHERE parent = $1', ARRAY[n::text],
		tags => ARRAY['parent:' || n]) $$;
SELECT children(1), children(2), children(3);
DELETE FROM parent WHERE id = 1;
UPDATE parent SET id = 3 WHERE id = 2;
SELECT children(1), children(2), children(3);

-- columns of all types, and nulls
CREATE TABLE typed (i2 int2, i8 int8, t text, v varchar, d date, u uuid, n numeric);
SELECT kv_watch('typed', '{i2}/{i8}/{t}/{v}/{d}/{u}/{n}');
SELECT kv_fetch('-1/9000000000/ä/b/2026-01-02//1.5', 'SELECT count(*) FROM typed');
INSERT INTO typed VALUES (-1, 9000000000, 'ä', 'b', '2026-01-02', NULL, 1.50);
SELECT kv_fetch('-1/9000000000/ä/b/2026-01-02//1.5', 'SELECT count(*) FROM typed');
-- each value has one text, whatever the session of the writer has set
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN code AS char(4);
CREATE TABLE written (b boolean, c char(5), code code, d date, f float8, i interval, m mood, money money, n numeric, o oid, r regclass, ts timestamptz, x bytea);
SELECT kv_watch('written', ARRAY['b={b}', 'c={c}', 'code={code}', 'd={d}', 'f={f}', 'i={i}', 'm={m}', 'money={money}', 'n={n}', 'o={o}', 'r={r}', 'ts={ts}', 'x={x}']);
-- those whose results were not invalidated
CREATE FUNCTION written() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(k, ' ') FROM unnest(ARRAY['b=t', 'c=ab', 'code=äö', 'd=2026-02-01', 'f=0.1', 'f=0', 'i=1 day', 'm=sad', 'money=$1.00', 'n=1.5', 'n=100', 'o=1',
		'r=public.written', 'ts=2026-02-01 00:00:00+00', 'x=\x00ff']) AS k
	 WHERE kv_fetch(k, 'SELECT count(*) FROM public.written')::bigint <> (SELECT count(*) FROM public.written) $$;
CREATE FUNCTION forget_written() RETURNS bigint LANGUAGE sql AS $$ SELECT kv_flush() * 0 $$;
SELECT written();
BEGIN;
SET LOCAL DateStyle = 'German'; SET LOCAL IntervalStyle = 'sql_standard'; SET LOCAL TimeZone = 'Asia/Tokyo'; SET LOCAL extra_float_digits = -10; SET LOCAL bytea_output = 'escape';
SET LOCAL quote_all_identifiers = on; SET LOCAL search_path = pg_catalog, public;
INSERT INTO written VALUES (true, 'ab', 'äö', '01.02.2026', 0.1, '1 day', 'sad', '1', 1.50, 1, 'written', '2026-02-01 00:00Z', '\x00ff');
COMMIT;
SELECT written() AS others, forget_written();
SELECT written();
INSERT INTO written (f, n) VALUES ('-0', 100.00);
SELECT written() AS others, forget_written();
DROP TABLE written;
DROP FUNCTION written, forget_written;
DROP TYPE mood;
DROP DOMAIN code;
-- equal values of these can be written in several ways
CREATE COLLATION loose (PROVIDER = icu, LOCALE = 'und', DETERMINISTIC = false);
CREATE TABLE loosely (t text COLLATE loose, j jsonb, i interval, a int[], n numeric[]);
SELECT kv_watch('loosely', '{t}', '{a}');
SELECT kv_watch('loosely', ARRAY['{j}', '{i}', '{n}']);
DROP TABLE loosely;
DROP COLLATION loose;
-- watching again replaces
SELECT kv_watch('typed', '{t}');
SELECT "table", kind, template, always FROM hotset_watches WHERE "table" = 'typed'::regclass;
ALTER TABLE typed DROP COLUMN t;
INSERT INTO typed (i2) VALUES (1);
SELECT kv_unwatch('typed');
INSERT INTO typed (i2) VALUES (1);

SELECT kv_unwatch('watched');
SELECT "table", kind, template FROM hotset_watches ORDER BY 1, 2;
SELECT kv_unwatch('watched_d');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'hotset%' AND tgrelid::regclass::text LIKE 'watched%';

-- what cannot be watched
SELECT kv_watch('typed', 'x:{nope}');
SELECT kv_watch('typed', 'x:{u');
SELECT kv_watch('typed', tag => '{u}{');
SELECT kv_watch('watched_a', 'x:{id}');
CREATE TEMP TABLE watched_temp (id int);
SELECT kv_watch('watched_temp', 'x:{id}');
DROP TABLE watched_temp;
SELECT kv_watch('typed');
SELECT kv_watch('hotset_stats', 'x');
SELECT kv_watch(NULL, 'x');
SELECT kv_unwatch(NULL);
-- what is not covered, and why
CREATE FUNCTION fault(t regclass, OUT reason text, OUT events text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT c.reason, string_agg(c.event, ', ' ORDER BY c.n) FROM kv_watch_check(t) WITH ORDINALITY AS c (event, covered, reason, n)
	 WHERE NOT c.covered GROUP BY c.reason ORDER BY min(c.n) $$;
SELECT * FROM kv_watch_check('watched');
SELECT kv_watch('watched', 'w:{id}');
SELECT * FROM kv_watch_check('watched');
SELECT count(*) FROM fault('watched_b');
CREATE TABLE watched_e PARTITION OF watched FOR VALUES FROM (500) TO (600);
CREATE FOREIGN DATA WRAPPER watched_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER watched_fdw;
CREATE TABLE spread (id int) PARTITION BY LIST (id);
CREATE TABLE spread_1 PARTITION OF spread FOR VALUES IN (1);
CREATE FOREIGN TABLE spread_2 PARTITION OF spread FOR VALUES IN (2) SERVER elsewhere;
SELECT kv_watch('spread', '{id}');
SELECT * FROM fault('spread');
SELECT * FROM fault('spread_2');
SELECT * FROM fault('watched');
ALTER TABLE watched_a DISABLE TRIGGER hotset_watch;
ALTER TABLE watched_b ENABLE TRIGGER hotset_watch;
SELECT * FROM fault('watched');
ALTER TABLE watched_b ENABLE REPLICA TRIGGER hotset_watch;
SELECT * FROM fault('watched_b');
CREATE TABLE watched_g PARTITION OF watched FOR VALUES FROM (600) TO (700);
CREATE TABLE watched_h PARTITION OF watched FOR VALUES FROM (700) TO (800);
CREATE TABLE watched_i PARTITION OF watched FOR VALUES FROM (800) TO (900);
DROP TRIGGER hotset_watch_truncate ON watched_h;
SELECT * FROM fault('watched') WHERE events LIKE 'TRUNCATE%';
SELECT kv_watch('watched', 'w:{id}');
SELECT count(*) AS watching_again_mends FROM fault('watched');
ALTER TABLE watched RENAME grp TO class;
SELECT kv_watch('watched', keys => ARRAY['w:{id}'], tags => ARRAY['{class}}']);
SELECT count(*) FROM fault('watched');
ALTER TABLE watched DROP COLUMN class;
SELECT * FROM fault('watched');
SELECT * FROM fault('watched_a');
INSERT INTO watched_a VALUES (50, 'x');
-- tables that inherit: queries of one read the other
CREATE TABLE heir (more int) INHERITS (typed);
SELECT kv_watch('typed', '{u}');
SELECT * FROM fault('typed');
SELECT * FROM fault('heir');
SELECT kv_watch('heir', '{u}');
SELECT count(*) FROM fault('typed');
SELECT * FROM kv_watch_check('heir');
SELECT kv_unwatch('typed');
SELECT * FROM fault('heir');
CREATE TRIGGER partly AFTER UPDATE OF i8 ON typed FOR EACH ROW EXECUTE FUNCTION kv_watch_trigger('key={i8}');
CREATE TRIGGER at_times AFTER INSERT ON typed FOR EACH ROW WHEN (new.i8 > 0) EXECUTE FUNCTION kv_watch_trigger('key={i8}');
CREATE TRIGGER idle AFTER DELETE ON typed FOR EACH ROW EXECUTE FUNCTION kv_watch_trigger();
SELECT * FROM fault('typed');
DROP TRIGGER partly ON typed;
DROP TRIGGER at_times ON typed;
DROP TRIGGER idle ON typed;
CREATE CONSTRAINT TRIGGER later AFTER DELETE ON typed DEFERRABLE FOR EACH ROW EXECUTE FUNCTION kv_watch_trigger('key={i8}');
SELECT * FROM fault('typed');
DROP TRIGGER later ON typed;
-- what is no table
CREATE VIEW watched_view AS SELECT * FROM typed;
CREATE MATERIALIZED VIEW watched_matview AS SELECT * FROM typed;
SELECT * FROM fault('watched_view');
SELECT count(*) FROM fault('watched_matview');
SELECT * FROM fault('parent_pkey');
SELECT * FROM fault(NULL);
SELECT reason FROM fault(1);
DROP VIEW watched_view;
DROP MATERIALIZED VIEW watched_matview;
DROP TABLE heir;
DROP TABLE spread;
DROP SERVER elsewhere;
DROP FOREIGN DATA WRAPPER watched_fdw;
DROP FUNCTION fault;
CREATE ROLE cached_reader;
GRANT SELECT ON child TO cached_reader;
SET ROLE cached_reader;
SELECT kv_watch('child', 'x');
SELECT kv_unwatch('child');
RESET ROLE;
CREATE TRIGGER wrong BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION kv_watch_trigger();
INSERT INTO typed (i2) VALUES (1);
DROP TRIGGER wrong ON typed;
-- templates with what could be taken for the end of one, and what is no template
SELECT kv_watch('typed', E'\\000{i2}\\', E'"\\\\''{i8}');
SELECT kind, template FROM hotset_watches WHERE "table" = 'typed'::regclass ORDER BY 1;
CREATE TRIGGER wrong AFTER INSERT ON typed FOR EACH ROW EXECUTE FUNCTION kv_watch_trigger('', 'x');
SELECT kind, template FROM hotset_watches WHERE "table" = 'typed'::regclass ORDER BY 1;
INSERT INTO typed (i2) VALUES (1);

DROP OWNED BY cached_reader;
DROP ROLE cached_reader;
DROP FUNCTION w, g, look, children;
DROP TABLE watched, watched_d, parent, child, typed;
SELECT kv_flush() >= 0 AS done;
