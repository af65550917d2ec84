-- Web session store
--
-- Problem   Every request asks who is logged in. Sessions end some time after the last
--           request, or when the user logs out, on one device or on all.
-- Solution  A hash a session, named by a random token; a set of tokens for each user. The keyspace's
--           default_ttl makes a session expire even if whoever began it died at once; each request
--           sets the time again.
-- Limits    Sessions are gone when the server restarts: users log in again. With eviction
--           's3fifo' a full keyspace drops sessions that nobody uses before their time.

SET client_min_messages = warning;
CREATE SERVER recipe_sessions FOREIGN DATA WRAPPER hotset
    OPTIONS (memory '4MB', eviction 's3fifo', default_ttl '30 minutes');
SET hotset.keyspace = 'recipe_sessions';
CREATE SCHEMA recipe;
SET search_path = recipe, public;

-- Begin a session: its token.
CREATE FUNCTION login(who text, data jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    token text := gen_random_uuid();
BEGIN
    PERFORM hset('session:' || token, jsonb_build_object('user', who) || data);
    PERFORM sadd('sessions of ' || who, token), kv_expire('sessions of ' || who, '30 minutes');
    RETURN token;
END $$;

-- Who is it? NULL if there is no such session; else it lasts half an hour longer.
CREATE FUNCTION current_login(token text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    who text := hget('session:' || token, 'user');
BEGIN
    IF who IS NULL OR NOT kv_expire('session:' || token, '30 minutes') THEN
        RETURN NULL;
    END IF;
    PERFORM kv_expire('sessions of ' || who, '30 minutes');    -- as long as the last of them
    RETURN who;
END $$;

CREATE FUNCTION logout(token text) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    who text := hget('session:' || token, 'user');
BEGIN
    PERFORM srem('sessions of ' || who, token) WHERE who IS NOT NULL;
    RETURN kv_del('session:' || token);
END $$;

-- On all devices: sessions ended. Tokens of sessions that have expired are in the set, too, and do no harm.
CREATE FUNCTION logout_everywhere(who text) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT kv_del(coalesce(array_agg('session:' || member), '{}')) FROM spop('sessions of ' || who, 1000000)
$$;

SELECT login('ann', '{"theme": "dark"}') AS phone, login('ann') AS desktop, login('bob') AS bobs \gset
SELECT current_login(:'phone') AS phone, current_login(:'bobs') AS bobs, current_login('made up') AS nobody;
SELECT hget('session:' || :'phone', 'theme') AS theme, kv_ttl('session:' || :'phone') BETWEEN '29 minutes' AND '30 minutes' AS half_an_hour;
-- Carry something along.
SELECT hset('session:' || :'phone', 'cart', '3 items') AS new_fields, hgetall_jsonb('session:' || :'phone') AS session;
SELECT logout(:'desktop') AS ended, logout(:'desktop') AS again, current_login(:'desktop') AS desktop;
SELECT logout_everywhere('ann') AS ended, current_login(:'phone') AS phone, current_login(:'bobs') AS bobs;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_sessions;
