-- Cached queries with a name, shared by roles.
CREATE ROLE define_owner;
CREATE ROLE define_user;
CREATE SCHEMA define_data AUTHORIZATION define_owner;
GRANT USAGE ON FOREIGN SERVER kv TO define_owner;
SET ROLE define_owner;
SET search_path = define_data, public;
CREATE TABLE secret (id int PRIMARY KEY, name text);
INSERT INTO secret VALUES (1, 'x'), (2, 'y');
SELECT kv_define('name of secret', 'SELECT name FROM secret WHERE id = $1', 'secret:{1}');
SELECT kv_define('secrets', 'SELECT * FROM secret WHERE id >= $1 ORDER BY id', 'secrets:{1}',
	tags => ARRAY['secrets'], returns => 'rows', ttl => '1 hour', soft_ttl => '1 minute');
SELECT kv_watch('secret', 'secret:{id}', 'secrets');
SELECT kv_fetch_def('name of secret', '1'), kv_fetch_def('name of secret', '1'), kv_fetch_def_jsonb('secrets', '2');
SELECT name, owner, granted, returns, key, tags, ttl, search_path FROM hotset_definitions ORDER BY name;
RESET ROLE;
RESET search_path;

-- others need to be granted it; then they see results, not the table
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1');
SELECT kv_define_grant('name of secret');
SELECT kv_undefine('name of secret');
SELECT count(*) FROM hotset_definitions;
SELECT count(*) FROM hotset_definition;
RESET ROLE;
SELECT kv_define_grant('name of secret', 'define_user'), kv_define_grant('secrets');
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1'), kv_fetch_def('name of secret', '2'), kv_fetch_def('secrets', '1');
SELECT name FROM define_data.secret;
RESET ROLE;
UPDATE define_data.secret SET name = 'xx' WHERE id = 1;
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1'), kv_fetch_def('secrets', '1');
RESET ROLE;
SELECT kv_define_revoke('name of secret', 'define_user');
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1');
RESET ROLE;

-- finding a definition runs nothing of who asks
CREATE SCHEMA define_trap AUTHORIZATION define_user;
SET ROLE define_user;
CREATE FUNCTION define_trap.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'run by %', current_user;
END$$;
CREATE OPERATOR define_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = define_trap.trap);
SET search_path = define_trap, pg_catalog, public;
SELECT kv_fetch_def('nobody');
RESET search_path;
RESET ROLE;
DROP SCHEMA define_trap CASCADE;

-- a temporary table is not what a definition meant
SET ROLE define_owner;
SET search_path = define_data, public;
CREATE TABLE gone AS SELECT 'real' AS a;
SELECT kv_define('gone', 'SELECT a FROM gone', 'gone'), kv_define_grant('gone', 'define_user');
RESET search_path;
DROP TABLE define_data.gone;
SET ROLE define_user;
CREATE TEMP TABLE gone AS SELECT 'false' AS a;
GRANT SELECT ON gone TO define_owner;
SELECT kv_fetch_def('gone');
DROP TABLE gone;
SELECT kv_fetch_def('gone');
RESET ROLE;
SELECT kv_undefine('gone');

-- a definition can be changed by its owner, and everybody sees the new one
SELECT kv_define('name of secret', 'SELECT 1', 'x');
SET ROLE define_owner;
SET search_path = define_data;
SELECT public.kv_define('name of secret', 'SELECT upper(name) FROM secret WHERE id = $1', 'secret:{1}');
SELECT public.kv_fetch_def('name of secret', '1');
RESET search_path;
RESET ROLE;

-- arguments can be written in other ways than rows have them
SET ROLE define_owner;
CREATE TABLE define_data.odd (id int, d date, n numeric(6, 2), c char(5), u uuid, name text);
INSERT INTO define_data.odd VALUES (42, '2026-01-02', 1.5, 'ab', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'old');
SELECT kv_watch('define_data.odd', ARRAY['odd:{id}', '{d}/{n}/{c}/{u}'], ARRAY['odd {id}']);
SELECT kv_define('odd', 'SELECT name FROM define_data.odd WHERE id = $1', 'odd:{1}');
SELECT kv_define('odder', 'SELECT name FROM define_data.odd WHERE d = $1 AND n = $2 AND c = $3 AND u = $4', '{1}/{2}/{3}/{4}');
SELECT kv_define('odd by tag', 'SELECT name FROM define_data.odd WHERE id = $1', 'by tag', tags => ARRAY['odd {1}']);
CREATE FUNCTION define_data.all_odd() RETURNS TABLE (a text, b text, c text, d text) LANGUAGE sql AS $$
	SELECT kv_fetch_def('odd', '042'), kv_fetch_def('odd', ' 42 '), kv_fetch_def('odd by tag', '+42'),
		   kv_fetch_def('odder', 'Jan 2 2026', '1.5000', 'ab  ', 'A0EEBC999C0B4EF8BB6D6BB9BD380A11') $$;
RESET ROLE;
SELECT * FROM define_data.all_odd();
SELECT hotset_cache_stats_reset();
SELECT * FROM define_data.all_odd();
SELECT hits, computed FROM hotset_cache_stats();
UPDATE define_data.odd SET name = 'new';
SELECT * FROM define_data.all_odd();
-- also when it is invalidated as it was asked for
SELECT kv_invalidate('odd:042');
SELECT hotset_cache_stats_reset();
SELECT kv_fetch_def('odd', '042');
SELECT kv_fetch_def('odd', '042');
SELECT hits, computed FROM hotset_cache_stats();
-- one dependency more than there is room for: not kept
SELECT kv_define('odd with tags', 'SELECT name FROM define_data.odd WHERE id = $1', 'odd:{1}', tags => array_fill('t{1}'::text, ARRAY[31]));
SELECT kv_fetch_def('odd with tags', '42'), kv_fetch_def('odd with tags', '42'), kv_fetch_def('odd with tags', '042'), kv_fetch_def('odd with tags', '042');
SELECT hits, computed, fills_refused_label FROM hotset_cache_stats();
SELECT kv_undefine('odd'), kv_undefine('odder'), kv_undefine('odd by tag'), kv_undefine('odd with tags');

-- as many roles as one likes
DO $$ BEGIN
	FOR i IN 1 .. 70 LOOP
		EXECUTE format('CREATE ROLE define_many_%s', i);
		PERFORM kv_define_grant('name of secret', format('define_many_%s', i)::regrole);
	END LOOP;
END $$;
SET ROLE define_many_70;
SELECT kv_fetch_def('name of secret', '1');
RESET ROLE;
DO $$ BEGIN
	FOR i IN 1 .. 70 LOOP
		PERFORM kv_define_revoke('name of secret', format('define_many_%s', i)::regrole);
		EXECUTE format('DROP ROLE define_many_%s', i);
	END LOOP;
END $$;

-- the owner is dropped: what it has defined is nobody's to run
CREATE ROLE define_gone;
GRANT USAGE ON FOREIGN SERVER kv TO PUBLIC;
SET ROLE define_gone;
SELECT kv_define('of nobody', 'SELECT 1 + $1', 'x:{1}'), kv_define_grant('of nobody');
RESET ROLE;
SELECT kv_fetch_def('of nobody', '1');
DROP ROLE define_gone;
SELECT kv_fetch_def('of nobody', '1');
SELECT kv_fetch_def('of nobody', '2');
SELECT kv_undefine('of nobody');
REVOKE USAGE ON FOREIGN SERVER kv FROM PUBLIC;
-- what others may no longer do, or use
SET ROLE define_owner;
SELECT kv_define_grant('name of secret', 'define_user');
RESET ROLE;
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1');
RESET ROLE;
BEGIN;
SELECT kv_define_revoke('name of secret', 'define_user');
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1');
ROLLBACK;
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1');
RESET ROLE;
ALTER TABLE define_data.secret OWNER TO CURRENT_USER;
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1');
RESET ROLE;
ALTER TABLE define_data.secret OWNER TO define_owner;
REVOKE USAGE ON FOREIGN SERVER kv FROM define_owner;
SET ROLE define_user;
SELECT kv_fetch_def('name of secret', '1');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER kv TO define_owner;

-- mistakes
SELECT kv_fetch_def('nobody');
SELECT kv_fetch_def(NULL);
SELECT kv_fetch_def('name of secret');
SELECT kv_fetch_def('name of secret', '1', '2');
SELECT kv_fetch_def('name of secret', 'a');
SELECT kv_define('bad', 'SELECT 1, 2', 'x');
SELECT kv_define('bad', 'DELETE FROM define_data.secret', 'x');
SELECT kv_define('bad', 'SELECT', 'x');
SELECT kv_define('bad', 'SELECT 1', 'x', returns => 'xml');
SELECT kv_define('bad', 'SELECT 1', 'x', ttl => '-1 s');
SELECT kv_define('bad', 'SELECT 1', 'x', tags => array_fill('t'::text, ARRAY[32]));
SELECT kv_define(repeat('x', 100), 'SELECT 1', 'x');
SELECT kv_define(NULL, 'SELECT 1', 'x');
SELECT kv_define('bad', NULL, 'x');
SELECT kv_define('bad', 'SELECT 1', NULL);
-- templates: what is no number of an argument would be one key for all results, which no row makes void
SELECT kv_define('bad', 'SELECT name FROM define_data.secret WHERE id = $1', 'secret:{id}');
SELECT kv_define('bad', 'SELECT $1', 'x:{1');
SELECT kv_define('bad', 'SELECT $1', 'x:{0}');
SELECT kv_define('bad', 'SELECT $1', 'x:{ 1}');
SELECT kv_define('bad', 'SELECT $1', 'x:{1}', tags => ARRAY['{1}', '{-1}']);
SELECT kv_undefine('bad');
SELECT kv_define('braces', 'SELECT $1::text || $2', '}{1}}{2}{1}', tags => ARRAY['}']);
SELECT kv_fetch_def('braces', 'a', 'b');
SELECT count(*) FROM kv_scan('*:}a}ba');
SELECT kv_fetch_def('braces', 'a');
SELECT kv_undefine('braces');

-- row security
ALTER TABLE define_data.secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY one ON define_data.secret TO define_user USING (id = 1);
SELECT kv_fetch_def('name of secret', '1');
SELECT kv_fetch('rls', 'SELECT name FROM define_data.secret WHERE id = 1');
SELECT kv_define('covered', 'SELECT name FROM define_data.secret WHERE id = $1', 'secret:{1}', rls_covered => true);
SELECT kv_fetch_def('covered', '1');

SELECT kv_undefine('name of secret'), kv_undefine('secrets'), kv_undefine('covered');
SELECT count(*) FROM hotset_definition;
-- the owner is dropped: nothing runs with his rights
CREATE ROLE define_gone;
GRANT USAGE ON FOREIGN SERVER kv TO define_gone;
SET ROLE define_gone;
SELECT kv_define('of one gone', 'SELECT 1', 'x'), kv_define_grant('of one gone');
RESET ROLE;
DROP OWNED BY define_gone;
DROP ROLE define_gone;
SELECT kv_fetch_def('of one gone');
SET ROLE define_user;
SELECT kv_fetch_def('of one gone');
SELECT kv_undefine('of one gone');
RESET ROLE;
SELECT kv_undefine('of one gone');
SELECT kv_fetch_def('of one gone');
DROP SCHEMA define_data CASCADE;
REVOKE USAGE ON FOREIGN SERVER kv FROM define_owner;
DROP ROLE define_owner, define_user;
SELECT kv_flush() > 0;
