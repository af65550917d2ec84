-- Which statements void cached results, and which do not.
CREATE TABLE ddl_user (id int PRIMARY KEY, name text);
CREATE TABLE ddl_other (id int);
INSERT INTO ddl_user VALUES (1, 'ann'), (2, 'bob');
SELECT kv_watch('ddl_user', 'du:{id}');
-- true: the result was still there
CREATE FUNCTION kept() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
	name text;
BEGIN
	SELECT computed INTO before FROM hotset_cache_stats();
	name := kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
	RETURN (SELECT computed = before FROM hotset_cache_stats()) AND name = 'ann';
END $$;
SELECT kept();
SELECT kept();

-- an application that makes temporary tables all day
SELECT hotset_cache_stats_reset();
CREATE TEMP TABLE t (a int PRIMARY KEY, b text);
CREATE TEMP TABLE t2 AS SELECT 1 AS a;
SELECT 1 AS a INTO TEMP t3;
CREATE TEMP VIEW tv AS SELECT * FROM t;
CREATE TEMP SEQUENCE ts;
CREATE INDEX ON t (b);
ALTER TABLE t ADD c int;
ALTER TABLE t RENAME TO t4;
ALTER SEQUENCE ts RESTART;
CREATE TRIGGER r BEFORE INSERT ON t4 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
GRANT SELECT ON t4, t2 TO PUBLIC;
TRUNCATE t4, t2;
DO $$ BEGIN EXECUTE 'EXPLAIN ANALYZE CREATE TEMP TABLE t5 AS SELECT 1 AS a'; END $$;
DROP VIEW tv;
DROP TABLE t4, t2;
DROP TABLE IF EXISTS t6;
BEGIN;
CREATE TEMP TABLE t7 (a int) ON COMMIT DROP;
INSERT INTO t7 VALUES (1);
COMMIT;
SELECT kept();
-- one that hides what the query means, as long as it does
CREATE TEMP TABLE ddl_user AS SELECT 1 AS id, 'temporary' AS name;
SELECT kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
BEGIN;
DROP TABLE pg_temp.ddl_user;
SELECT kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
ROLLBACK;
SELECT kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
BEGIN;
SAVEPOINT a;
DROP TABLE pg_temp.ddl_user;
SELECT kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
ROLLBACK TO a;
SELECT kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
ROLLBACK;
DROP TABLE pg_temp.ddl_user;
SELECT kept();
-- and in what a function does, where nobody sees it
CREATE FUNCTION ddl_name() RETURNS text LANGUAGE plpgsql AS $$ DECLARE n text; BEGIN EXECUTE 'SELECT name FROM ddl_user WHERE id = 1' INTO n; RETURN n; END $$;
SELECT kv_fetch('du:1', 'SELECT ddl_name()');
CREATE TEMP TABLE ddl_user AS SELECT 1 AS id, 'temporary' AS name;
SELECT kv_fetch('du:1', 'SELECT ddl_name()');
UPDATE pg_temp.ddl_user SET name = 'changed';
SELECT kv_fetch('du:1', 'SELECT ddl_name()');
DISCARD TEMP;
SELECT kv_fetch('du:1', 'SELECT ddl_name()');
DROP FUNCTION ddl_name;
SELECT kept();
SELECT kept();
SELECT hotset_cache_stats_reset();

-- what makes queries faster or slower, or concerns others
COMMENT ON TABLE ddl_user IS 'x';
VACUUM ddl_user;
ANALYZE ddl_user;
CREATE INDEX ddl_index ON ddl_user (name);
CREATE INDEX CONCURRENTLY ddl_index2 ON ddl_user (name);
REINDEX TABLE ddl_user;
REINDEX INDEX CONCURRENTLY ddl_index;
CLUSTER ddl_user USING ddl_user_pkey;
DROP INDEX ddl_index;
DROP INDEX CONCURRENTLY ddl_index2;
CREATE STATISTICS ddl_statistics ON id, name FROM ddl_user;
DROP STATISTICS ddl_statistics;
CREATE ROLE ddl_role;
ALTER ROLE ddl_role SET work_mem = '1MB';
SET client_min_messages = error;
CREATE PUBLICATION ddl_publication;
RESET client_min_messages;
EXPLAIN (COSTS off) CREATE TABLE ddl_planned AS SELECT 1 AS a;
-- tables that are not watched change as their rows do
TRUNCATE ddl_other;
SELECT invalidations FROM hotset_cache_stats();
SELECT kept();

-- a rollback voids nothing, a commit does, and nobody hits in the transaction itself
BEGIN;
CREATE TABLE ddl_new (id int);
SELECT kept();
ROLLBACK;
SELECT kept();
DO $$ BEGIN
	CREATE TABLE ddl_new (id int);
	RAISE EXCEPTION 'undone';
EXCEPTION WHEN raise_exception THEN
END $$;
SELECT kept();
SELECT kept();

-- what does
CREATE FUNCTION voids(command text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN true;
END $$;
CREATE PROCEDURE check_voids(commands text[]) LANGUAGE plpgsql AS $$
DECLARE
	command text;
BEGIN
	FOREACH command IN ARRAY commands LOOP
		PERFORM kept();
		COMMIT;
		IF NOT kept() THEN
			RAISE 'nothing was kept before %', command;
		END IF;
		COMMIT;
		EXECUTE command;
		COMMIT;
		IF kept() THEN
			RAISE WARNING 'kept by %', command;
		END IF;
		COMMIT;
	END LOOP;
END $$;
CALL check_voids(ARRAY[
	'CREATE TABLE ddl_a (id int)', 'ALTER TABLE ddl_a ADD b int', 'ALTER TABLE ddl_a RENAME TO ddl_b', 'DROP TABLE ddl_b',
	'CREATE TABLE ddl_a AS SELECT 1 AS a', 'EXPLAIN ANALYZE CREATE TABLE ddl_b AS SELECT 1 AS a', 'DROP TABLE ddl_a, ddl_b',
	'DO ''BEGIN CREATE TABLE ddl_a (id int); END''', 'SELECT voids(''DROP TABLE ddl_a'')',
	'CREATE SCHEMA ddl_schema CREATE TABLE ddl_a (id int)', 'ALTER TABLE ddl_schema.ddl_a SET SCHEMA public', 'DROP TABLE ddl_a', 'DROP SCHEMA ddl_schema',
	'CREATE VIEW ddl_view AS SELECT 1 AS a', 'CREATE OR REPLACE VIEW ddl_view AS SELECT 2 AS a', 'ALTER VIEW ddl_view RENAME a TO b', 'DROP VIEW ddl_view',
	'CREATE MATERIALIZED VIEW ddl_view AS SELECT 1 AS a', 'REFRESH MATERIALIZED VIEW ddl_view', 'CREATE UNIQUE INDEX ddl_i ON ddl_view (a); REFRESH MATERIALIZED VIEW CONCURRENTLY ddl_view', 'DROP MATERIALIZED VIEW ddl_view',
	'CREATE FUNCTION ddl_f() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'CREATE OR REPLACE FUNCTION ddl_f() RETURNS int LANGUAGE sql AS ''SELECT 2''', 'ALTER FUNCTION ddl_f() SET search_path = public', 'DROP FUNCTION ddl_f',
	'CREATE TYPE ddl_e AS ENUM (''b'')', 'ALTER TYPE ddl_e ADD VALUE ''a'' BEFORE ''b''', 'ALTER TYPE ddl_e RENAME VALUE ''a'' TO ''c''', 'DROP TYPE ddl_e',
	'CREATE DOMAIN ddl_d AS int', 'ALTER DOMAIN ddl_d SET DEFAULT 1', 'DROP DOMAIN ddl_d',
	'CREATE TYPE ddl_c AS (a int)', 'ALTER TYPE ddl_c ADD ATTRIBUTE b int', 'DROP TYPE ddl_c',
	'CREATE AGGREGATE ddl_sum (int) (SFUNC = int4pl, STYPE = int)', 'DROP AGGREGATE ddl_sum (int)',
	'CREATE OPERATOR @@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)', 'DROP OPERATOR @@@ (int, int)',
	'CREATE COLLATION ddl_collation (LOCALE = ''C'')', 'DROP COLLATION ddl_collation',
	'CREATE TEXT SEARCH CONFIGURATION ddl_ts (COPY = simple)', 'ALTER TEXT SEARCH CONFIGURATION ddl_ts DROP MAPPING FOR word', 'DROP TEXT SEARCH CONFIGURATION ddl_ts',
	'CREATE RULE ddl_rule AS ON INSERT TO ddl_other DO INSTEAD NOTHING', 'DROP RULE ddl_rule ON ddl_other',
	'CREATE POLICY ddl_policy ON ddl_other', 'ALTER TABLE ddl_other ENABLE ROW LEVEL SECURITY', 'ALTER TABLE ddl_other DISABLE ROW LEVEL SECURITY', 'DROP POLICY ddl_policy ON ddl_other',
	'GRANT SELECT ON ddl_user TO ddl_role', 'GRANT SELECT ON ddl_user, ddl_other TO ddl_role', 'REVOKE SELECT ON ddl_user FROM ddl_role', 'GRANT USAGE ON SCHEMA public TO ddl_role', 'REVOKE USAGE ON SCHEMA public FROM ddl_role',
	'CREATE ROLE ddl_role2 ROLE ddl_role', 'REVOKE ddl_role2 FROM ddl_role', 'GRANT ddl_role2 TO ddl_role', 'ALTER ROLE ddl_role BYPASSRLS', 'ALTER ROLE ddl_role2 RENAME TO ddl_role3', 'DROP ROLE ddl_role3',
	'ALTER TABLE ddl_user DISABLE TRIGGER hotset_watch', 'ALTER TABLE ddl_user ENABLE ALWAYS TRIGGER hotset_watch', 'ALTER TABLE ddl_other OWNER TO ddl_role', 'REASSIGN OWNED BY ddl_role TO CURRENT_USER', 'GRANT SELECT ON ddl_other TO ddl_role', 'DROP OWNED BY ddl_role',
	'SELECT kv_watch(''ddl_user'', ''du:{id}'')', 'ALTER SEQUENCE IF EXISTS nothing RESTART; CREATE SEQUENCE ddl_s', 'DROP SEQUENCE ddl_s']);

-- partitions get triggers for TRUNCATE when they come
CREATE TABLE ddl_parts (id int, b int) PARTITION BY LIST (id);
CREATE TABLE ddl_part1 PARTITION OF ddl_parts FOR VALUES IN (1);
SELECT kv_watch('ddl_parts', 'dp:{id}');
ALTER TABLE ddl_parts OWNER TO ddl_role;
GRANT CREATE ON SCHEMA public TO ddl_role;
SET ROLE ddl_role;
CREATE TABLE ddl_part2 PARTITION OF ddl_parts FOR VALUES IN (2);
CREATE TABLE ddl_part3 (b int, id int) PARTITION BY LIST (b);
CREATE TABLE ddl_part3a PARTITION OF ddl_part3 FOR VALUES IN (1);
ALTER TABLE ddl_parts ATTACH PARTITION ddl_part3 FOR VALUES IN (3);
CREATE TABLE ddl_part3b PARTITION OF ddl_part3 FOR VALUES IN (2);
ALTER TABLE ddl_parts DETACH PARTITION ddl_part2;
ALTER TABLE ddl_parts ATTACH PARTITION ddl_part2 FOR VALUES IN (2);
RESET ROLE;
SELECT tgrelid::regclass, tgname, tgenabled, tgisinternal FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'ddl_part%' ORDER BY tgrelid::regclass::text, tgname;
SELECT event, reason FROM kv_watch_check('ddl_parts') WHERE NOT covered;
CALL check_voids(ARRAY['TRUNCATE ddl_parts', 'TRUNCATE ddl_part2', 'TRUNCATE ddl_part3b', 'SET session_replication_role = replica; TRUNCATE ddl_part3a; RESET session_replication_role',
	'ALTER TABLE ddl_parts DETACH PARTITION ddl_part2', 'TRUNCATE ddl_user; INSERT INTO ddl_user VALUES (1, ''ann'')']);
CREATE TABLE ddl_refers (id int REFERENCES ddl_user);
CALL check_voids(ARRAY['TRUNCATE ddl_user CASCADE; INSERT INTO ddl_user VALUES (1, ''ann'')']);

-- privileges lost after a result was kept
GRANT SELECT ON ddl_user TO ddl_role;
GRANT USAGE ON FOREIGN SERVER kv TO ddl_role;
SET ROLE ddl_role;
SELECT kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1'), kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
RESET ROLE;
REVOKE SELECT ON ddl_user FROM ddl_role;
SET ROLE ddl_role;
SELECT kv_fetch('du:1', 'SELECT name FROM ddl_user WHERE id = 1');
RESET ROLE;

DROP PUBLICATION ddl_publication;
DROP TABLE ddl_user, ddl_other, ddl_parts, ddl_part2, ddl_refers;
REVOKE ALL ON SCHEMA public FROM ddl_role;
REVOKE USAGE ON FOREIGN SERVER kv FROM ddl_role;
DROP ROLE ddl_role;
DROP FUNCTION kept, voids;
DROP PROCEDURE check_voids;
SELECT kv_flush() > 0;
