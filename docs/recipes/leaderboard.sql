-- Leaderboard by week, with decay
--
-- Problem   Ranks among millions of players, of this week and over all time; who played long ago
--           should not stay on top for ever.
-- Solution  A sorted set a week, which expires some weeks later, and one over all. At the end of a week
--           the latter becomes half of itself plus the week: one call, and everybody sees the new ranks at
--           once. A rank costs O(log n), whatever the place.
-- Limits    After a restart the boards are gone: keep results in a table and fill them again. Equal
--           scores are ordered by name; to let the first one win, make the time part of the score.

SET client_min_messages = warning;
CREATE SERVER recipe_boards FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB');
SET hotset.keyspace = 'recipe_boards';
CREATE SCHEMA recipe;
SET search_path = recipe, public;
CREATE TABLE player (name text PRIMARY KEY, country text);
INSERT INTO player VALUES ('ann', 'FR'), ('bob', 'BR'), ('cid', 'FR'), ('dan', 'IN'), ('eve', 'IN');

CREATE FUNCTION board(at date) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT 'week ' || to_char(at, 'IYYY-IW') $$;

-- Points for a player: the score of the week.
CREATE FUNCTION scored(who text, points float8, at date) RETURNS float8
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    now_has float8 := zincrby(board(at), points, who);
BEGIN
    PERFORM kv_expire(board(at), '5 weeks', nx => true);
    RETURN now_has;
END $$;

-- At the end of a week, once.
CREATE FUNCTION close_week(at date) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT zunionstore('all time', ARRAY['all time', board(at)], weights => '{0.5,1}')
    WHERE kv_set('closed ' || board(at), 'yes', nx => true, ttl => '5 weeks')
$$;

SELECT count(scored(p, points, date '2026-06-01')) AS scores
FROM (VALUES ('ann', 300), ('bob', 250), ('cid', 120), ('bob', 100), ('dan', 80), ('eve', 80)) AS v(p, points);
-- The top three, with what the table knows of them.
SELECT z.rank + 1 AS place, z.member, z.score, p.country
FROM zrange(board('2026-06-07'), 0, 2, rev => true) AS z JOIN player AS p ON p.name = z.member ORDER BY place;
-- A player's place, and the neighbours.
SELECT z.rank + 1 AS place, z.member, z.score
FROM zrevrank(board('2026-06-01'), 'cid') AS r, LATERAL zrange(board('2026-06-01'), greatest(r - 1, 0), r + 1, rev => true) AS z ORDER BY place;
-- How many are ahead of 100 points?
SELECT zcount(board('2026-06-01'), 100, 'Infinity', bounds => '()') AS ahead;

SELECT close_week('2026-06-01') AS players, close_week('2026-06-01') AS twice;
SELECT count(scored(p, points, date '2026-06-08')) AS scores FROM (VALUES ('eve', 200), ('cid', 150)) AS v(p, points);
SELECT close_week('2026-06-08') AS players;
SELECT rank + 1 AS place, member, score FROM zrange('all time', 0, -1, rev => true) ORDER BY place;
SELECT kv_ttl(board('2026-06-08')) > '34 days' AS five_weeks;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_boards;
