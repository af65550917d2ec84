-- Feature flags
--
-- Problem   Switch features on and off at once for all sessions: for everybody, for some users, for a
--           part of them that stays the same and only grows as the part does.
-- Solution  One hash of flags, a jsonb each. A user's place in a roll-out is a hash of flag and user, so
--           it is another one for each flag, and the same on every server.
-- Limits    Keep the flags in a table and copy them: after a restart the hash is empty and every flag
--           off, until load_flags() ran. A flag can change within a transaction; ask once and keep the
--           answer where that matters.

SET client_min_messages = warning;
CREATE SERVER recipe_flags FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB');
SET hotset.keyspace = 'recipe_flags';
CREATE SCHEMA recipe;
SET search_path = recipe, public;
CREATE TABLE flag (name text PRIMARY KEY, rule jsonb NOT NULL);
INSERT INTO flag VALUES
    ('new checkout', '{"percent": 30, "users": ["ann"]}'),
    ('dark mode', '{"percent": 100}'),
    ('beta', '{"users": ["bob"]}');

CREATE FUNCTION load_flags() RETURNS bigint
LANGUAGE sql VOLATILE AS $$ SELECT hset('flags', jsonb_object_agg(name, rule)) FROM flag $$;

CREATE FUNCTION flag_is_on(flag_name text, who text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce((rule -> 'users') ? who, false)
        OR kv_slot(md5(flag_name || ' ' || who)) % 100 < coalesce((rule ->> 'percent')::int, 0)
    FROM coalesce(hget('flags', flag_name)::jsonb, '{}') AS rule
$$;

-- From now on changes of the table reach everybody as they are committed.
CREATE FUNCTION flag_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.name IS DISTINCT FROM NEW.name THEN
        PERFORM hdel('flags', OLD.name);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM hset('flags', NEW.name, NEW.rule::text);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER flag_changed AFTER INSERT OR UPDATE OR DELETE ON flag
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION flag_changed();

SELECT flag_is_on('dark mode', 'ann') AS before_loading, load_flags() AS loaded;
SELECT who, flag_is_on('new checkout', who) AS new_checkout, flag_is_on('dark mode', who) AS dark_mode, flag_is_on('beta', who) AS beta, flag_is_on('unknown', who) AS unknown
FROM unnest('{ann,bob,cid}'::text[]) AS who;
CREATE TABLE first AS SELECT i FROM generate_series(1, 1000) AS i WHERE flag_is_on('new checkout', 'user ' || i);
SELECT count(*) BETWEEN 250 AND 350 AS about_30_percent FROM first;
-- More of them: those who have it keep it.
UPDATE flag SET rule = '{"percent": 60}' WHERE name = 'new checkout';
SELECT count(*) BETWEEN 540 AND 660 AS about_60_percent, count(*) FILTER (WHERE i IN (SELECT i FROM first)) = (SELECT count(*) FROM first) AS all_of_the_first
FROM generate_series(1, 1000) AS i WHERE flag_is_on('new checkout', 'user ' || i);
-- Off, at once.
UPDATE flag SET rule = '{}' WHERE name = 'new checkout';
SELECT count(*) FROM generate_series(1, 1000) AS i WHERE flag_is_on('new checkout', 'user ' || i);
UPDATE flag SET name = 'light mode' WHERE name = 'dark mode';
DELETE FROM flag WHERE name = 'beta';
SELECT field FROM hkeys('flags') ORDER BY field;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_flags;
