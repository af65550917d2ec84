-- The small data set of several sections.  Variable: nkeys.

-- A cache table as one writes it: expiry column and index, unlogged.
CREATE UNLOGGED TABLE cache (key text PRIMARY KEY, value text, expires_at timestamptz);
CREATE INDEX ON cache (expires_at);
CREATE UNLOGGED TABLE counter (key text PRIMARY KEY, value bigint NOT NULL);
CREATE UNLOGGED TABLE board (member text PRIMARY KEY, score float8 NOT NULL);
CREATE INDEX ON board (score, member);

-- The keys in an order of their own, and the same for every system.
CREATE TABLE names (keys text[], members text[]);
SELECT setseed(0.42);
INSERT INTO names
    SELECT array_agg('key:' || i ORDER BY random()), array_agg('member:' || i ORDER BY random())
      FROM generate_series(1, :nkeys) AS i;

SELECT count(kv_set(k, repeat('v', 40))), count(kv_incr('n' || k)) FROM names, unnest(keys) AS k;
SELECT count(zadd('board', floor(random() * 1000000), m)) FROM names, unnest(members) AS m;
INSERT INTO cache SELECT k, repeat('v', 40), NULL FROM names, unnest(keys) AS k;
INSERT INTO counter SELECT 'n' || k, 1 FROM names, unnest(keys) AS k;
INSERT INTO board SELECT m, floor(random() * 1000000) FROM names, unnest(members) AS m;
VACUUM ANALYZE cache, counter, board;
