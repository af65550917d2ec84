-- Feed of the last N
--
-- Problem   Show each user the latest posts of those they follow, newest first. Sorting everybody's posts
--           at each look is slow; tables of feeds grow without end.
-- Solution  Write to the feeds when something is posted: a list of post ids for each user, cut to the last N.
--           Reading is one range, joined with the posts.
-- Limits    Posting costs one push for each follower: for the very popular, read their posts
--           when the feed is read instead. Between push and trim a feed has one entry more; readers ask for
--           N anyway. Feeds can be made again from the table, and are after a restart: a missing
--           one is filled when it is first read, and only lists that are there are pushed to.

SET client_min_messages = warning;
CREATE SERVER recipe_feeds FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB', eviction 's3fifo', default_ttl '30 days');
SET hotset.keyspace = 'recipe_feeds';
CREATE SCHEMA recipe;
SET search_path = recipe, public;
CREATE TABLE post (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author text, body text);
CREATE TABLE follows (follower text, author text, PRIMARY KEY (follower, author));
INSERT INTO follows VALUES ('ann', 'bob'), ('ann', 'cid'), ('dan', 'bob');

CREATE FUNCTION feed_size() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 5 $$;

-- Call it once the post is committed: feeds would show it even if it is rolled back.
CREATE FUNCTION deliver(post_id int, by_whom text) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
    SELECT count(*) FILTER (WHERE lpushx('feed:' || follower, post_id::text) > 0 AND ltrim('feed:' || follower, 0, feed_size() - 1) >= 0)
    FROM follows WHERE author = by_whom
$$;

-- A feed that is not there is made from the tables, aside; of two who do it at the same time one is first.
CREATE FUNCTION feed(who text) RETURNS TABLE (id int, author text, body text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    aside text := 'feed of ' || who || ' by ' || pg_backend_pid();
BEGIN
    IF NOT kv_exists('feed:' || who) THEN
        PERFORM rpush(aside, array_agg(f.id::text ORDER BY f.id DESC))
        FROM (SELECT p.id FROM post AS p JOIN follows AS o USING (author)
              WHERE o.follower = who ORDER BY p.id DESC LIMIT feed_size()) AS f
        HAVING count(*) > 0;
        IF NOT kv_rename(aside, 'feed:' || who, nx => true) THEN
            PERFORM kv_del(aside);
        END IF;
    END IF;
    RETURN QUERY SELECT p.id, p.author, p.body
        FROM lrange('feed:' || who, 0, feed_size() - 1) AS l JOIN post AS p ON p.id = l.value::int
        ORDER BY l.index;
END $$;

INSERT INTO post (author, body) VALUES ('bob', 'before anybody looked'), ('eve', 'nobody follows me');
SELECT * FROM feed('ann');
INSERT INTO post (author, body) SELECT CASE i % 2 WHEN 0 THEN 'bob' ELSE 'cid' END, 'post ' || i FROM generate_series(1, 9) AS i;
SELECT id, author, deliver(id, author) AS feeds FROM post WHERE id > 2 ORDER BY id;
SELECT * FROM feed('ann');
SELECT llen('feed:ann') AS ann, kv_exists('feed:dan') AS dan;
SELECT * FROM feed('dan');

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_feeds;
