-- Cache groups
--
-- Problem   An application caches pages and fragments under keys of its own, and has to forget all that show
--           a product, or belong to a tenant, when that changes. What the cache stores of Laravel, Symfony and Magento call tags.
-- Solution  Give each key its tags when it is set; one call deletes all keys of a tag, however many there are. Nothing
--           is kept beside the keys, so nothing is left when they expire or are evicted.
-- Limits    Immediate, as DEL in Redis: who computes a page from old rows and sets it after the deletion brings the old
--           page back, until its time to live ends it. Results of queries that must never be stale are for kv_fetch and kv_watch.

SET client_min_messages = warning;
CREATE SERVER recipe_cache FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB', eviction 's3fifo', default_ttl '1 hour');
SET hotset.keyspace = 'recipe_cache';

-- A page carries the tags of all that it shows.
SELECT kv_set('page:/', '<h1>Shop</h1>', tags => '{pages}'),
       kv_set('page:/shoes', '<ul>...', tags => '{pages,category:shoes,product:1,product:2}'),
       kv_set('page:/shoes/1', '<h1>Boot</h1>', tags => '{pages,product:1}'),
       kv_set('price:1', '49.90', ttl => '1 minute', tags => '{product:1}');

SELECT kv_tag_count('pages') AS pages, kv_tag_count('product:1') AS product_1;

-- Product 1 changes: its pages and its price go, in one step for everybody.
SELECT kv_del_tag('product:1') AS deleted;
SELECT key FROM kv_scan() ORDER BY key;

-- A lazy fill: the page is made once, with its tags.
CREATE SCHEMA recipe;
CREATE FUNCTION recipe.page(path text, tags text[]) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    html text := kv_get('page:' || path);
BEGIN
    IF html IS NULL THEN
        html := '<h1>' || path || '</h1>';      -- expensive
        PERFORM kv_set('page:' || path, html, tags => tags || '{pages}'::text[]);
    END IF;
    RETURN html;
END $$;
SELECT recipe.page('/shoes/1', '{product:1}'), kv_tags('page:/shoes/1');

-- A deployment makes all pages anew; several tags go in one call, too.
SELECT kv_del_tag(ARRAY['pages', 'category:shoes']) > 0 AS deleted, kv_count() AS left;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_cache;
