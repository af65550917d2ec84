-- Tag index
--
-- Problem   Find articles by tags: all of these, any of those, but none of that; with counts for
--           the next click.
-- Solution  A set of articles for each tag, and one of tags for each article, to know what to take out when
--           it changes. Intersections run over the smallest set.
-- Limits    The sets are an index beside the table: change both, the table first. Two calls that tag
--           the same article at once need a lock of the row, as here FOR UPDATE. After a restart fill it again.

SET client_min_messages = warning;
CREATE SERVER recipe_tags FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB');
SET hotset.keyspace = 'recipe_tags';
CREATE SCHEMA recipe;
SET search_path = recipe, public;
CREATE TABLE article (id int PRIMARY KEY, title text, tags text[]);

CREATE FUNCTION tag(article_id int, new_tags text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM article WHERE id = article_id FOR UPDATE;
    UPDATE article SET tags = new_tags WHERE id = article_id;
    PERFORM srem('tag:' || member, article_id::text) FROM smembers('tags of ' || article_id) WHERE member <> ALL (new_tags);
    PERFORM kv_del('tags of ' || article_id);
    PERFORM sadd('tags of ' || article_id, t), sadd('tag:' || t, article_id::text) FROM unnest(new_tags) AS t;
END $$;

-- All of 'wanted', none of 'unwanted'.
CREATE FUNCTION tagged(wanted text[], unwanted text[] DEFAULT '{}') RETURNS SETOF article
LANGUAGE sql STABLE AS $$
    SELECT a.*
    FROM sinter((SELECT array_agg('tag:' || t) FROM unnest(wanted) AS t)) AS s JOIN article AS a ON a.id = s.member::int
    WHERE NOT EXISTS (SELECT FROM unnest(unwanted) AS u WHERE sismember('tag:' || u, s.member))
    ORDER BY a.id
$$;

INSERT INTO article VALUES (1, 'Indexes'), (2, 'Vacuum'), (3, 'Caches'), (4, 'Locks');
SELECT tag(1, '{postgres,performance}'), tag(2, '{postgres,admin}'), tag(3, '{performance,redis,postgres}'), tag(4, '{postgres,admin,performance}');
SELECT id, title FROM tagged('{postgres,performance}');
SELECT id, title FROM tagged('{postgres,performance}', unwanted => '{redis}');
SELECT string_agg(member, ', ' ORDER BY member) AS redis_or_admin FROM sunion('{tag:redis,tag:admin}');
-- What the next click would find.
SELECT t AS and_also, sintercard(ARRAY['tag:postgres', 'tag:' || t]) AS articles
FROM unnest('{performance,admin,redis}'::text[]) AS t ORDER BY articles DESC, t;
-- Changed tags leave nothing behind.
SELECT tag(3, '{redis}');
SELECT scard('tag:postgres') AS postgres, scard('tag:redis') AS redis, sismember('tag:performance', '3') AS still_performance;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_tags;
