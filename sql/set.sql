-- Sets from SQL.
CREATE EXTENSION IF NOT EXISTS hotset;

-- adding and removing
SELECT sadd('s:a', 'one') AS added, sadd('s:a', 'one') AS there, sadd('s:a', '{two, three, two, one}'::text[]) AS two, sadd('s:a', '') AS empty;
SELECT sadd('s:none', '{}'::text[]) AS nothing, kv_exists('s:none'), kv_type('s:a');
SELECT scard('s:a'), scard('s:none');
SELECT * FROM smembers('s:a') ORDER BY member COLLATE "C";
SELECT srem('s:a', 'one') AS there, srem('s:a', 'one') AS gone, srem('s:a', '{two, none, two}'::text[]) AS one, srem('s:none', 'x') AS none, srem('s:a', '{}'::text[]) AS nothing;
SELECT srem('s:a', '{three, ""}'::text[]), kv_exists('s:a') AS emptied;
-- an array has to say that it is one
SELECT sadd('s:untyped', '{a, b}'), (SELECT array_agg(member) FROM smembers('s:untyped')), srem('s:untyped', '{a, b}');

-- asking
SELECT sadd('s:a', '{a, b, c, d, 17}'::text[]), sadd('s:b', '{c, d, e}'::text[]), sadd('s:c', '{d, f, 17}'::text[]);
SELECT sismember('s:a', 'a'), sismember('s:a', 'e'), sismember('s:none', 'a'), sismember('s:a', '17'), sismember('s:a', '017');
SELECT smismember('s:a', '{a, x, NULL, 17}'), smismember('s:none', '{a}'), smismember('s:a', '{}');
SELECT member FROM smembers('s:none');
SELECT array_agg(m ORDER BY m) FROM (SELECT smembers('s:b') AS m) AS list;
SELECT count(*) FROM (SELECT smembers('s:a') LIMIT 2) AS two;
SELECT k, count(member) FROM unnest('{s:a, s:none, s:b}'::text[]) AS k LEFT JOIN LATERAL smembers(k) ON true GROUP BY k ORDER BY k;

-- null arguments
SELECT sismember(NULL, 'a'), sismember('s:a', NULL), smismember(NULL, '{a}'), smismember('s:a', NULL), scard(NULL), sintercard(NULL);
SELECT count(*) FROM smembers(NULL);
SELECT count(*) FROM srandmember(NULL);
SELECT count(*) FROM srandmember('s:a', NULL);
SELECT count(*) FROM sunion(NULL);

-- several
SELECT array_agg(member ORDER BY member) FROM sunion('{s:a, s:b, s:c}');
SELECT array_agg(member ORDER BY member) FROM sinter('{s:a, s:b, s:c}');
-- the same as arrays
SELECT cardinality(smembers_array('s:a')) = scard('s:a') AS members, smembers_array('s:none') AS none, smembers_array(NULL) IS NULL AS "null",
	(SELECT array_agg(m ORDER BY m) FROM unnest(sinter_array('{s:a, s:b}')) AS m) = (SELECT array_agg(member ORDER BY member) FROM sinter('{s:a, s:b}')) AS inter,
	(SELECT array_agg(m ORDER BY m) FROM unnest(sunion_array('{s:a, s:b}')) AS m) = (SELECT array_agg(member ORDER BY member) FROM sunion('{s:a, s:b}')) AS union,
	(SELECT array_agg(m ORDER BY m) FROM unnest(sdiff_array('{s:a, s:b}')) AS m) = (SELECT array_agg(member ORDER BY member) FROM sdiff('{s:a, s:b}')) AS diff;
SELECT array_agg(member ORDER BY member) FROM sdiff('{s:a, s:b, s:c}');
SELECT array_agg(member ORDER BY member) FROM sdiff('{s:a, s:none}');
SELECT count(*) FROM sinter('{s:a, s:none}');
SELECT count(*) FROM sdiff('{s:none, s:a}');
SELECT count(*) FROM sdiff('{s:a, s:a}');
SELECT array_agg(member ORDER BY member) FROM sinter('{s:a, s:a}');
SELECT sintercard('{s:a, s:b}'), sintercard('{s:a, s:b}', 1) AS up_to_1, sintercard('{s:a, s:none}'), sintercard('{s:a}', 0), sintercard('{s:a}', NULL);

-- and stored; the destination may be one of them, and of another type
SELECT sunionstore('s:u', '{s:a, s:b}'), sinterstore('s:i', '{s:a, s:b}'), sdiffstore('s:d', '{s:a, s:b}');
SELECT (SELECT array_agg(member ORDER BY member) FROM smembers('s:u')) AS u, (SELECT array_agg(member ORDER BY member) FROM smembers('s:i')) AS i,
       (SELECT array_agg(member ORDER BY member) FROM smembers('s:d')) AS d;
SELECT sunionstore('s:u', '{s:u, s:c}'), scard('s:u'), sdiffstore('s:u', '{s:u, s:u}') AS nothing, kv_exists('s:u');
SELECT kv_set('s:string', 'x', ttl => '1 hour'), sinterstore('s:string', '{s:a}'), kv_type('s:string'), kv_ttl('s:string') IS NULL AS no_ttl;
SELECT zadd('s:z', 1, 'x'), sinterstore('s:z', '{s:none}'), kv_exists('s:z') AS emptied;

-- moving
SELECT smove('s:a', 's:b', 'a') AS moved, smove('s:a', 's:b', 'a') AS gone, smove('s:a', 's:new', 'b') AS new_key, smove('s:none', 's:b', 'x') AS none;
SELECT smove('s:b', 's:b', 'c') AS same_set, smove('s:b', 's:b', 'x') AS not_there, smove('s:a', 's:b', 'd') AS there_already;
SELECT sismember('s:b', 'a'), sismember('s:a', 'a'), scard('s:a'), scard('s:b'), scard('s:new');
SELECT smove('s:new', 's:a', 'b'), kv_exists('s:new') AS emptied;

-- random ones
SELECT count(*), count(DISTINCT member), bool_and(sismember('s:b', member)) FROM srandmember('s:b', 100);
SELECT count(*) FROM srandmember('s:b');
SELECT count(*), bool_and(sismember('s:b', member)) FROM srandmember('s:b', -1000);
SELECT count(*) FROM srandmember('s:b', 0);
SELECT count(*) FROM srandmember('s:none', 5);
SELECT sadd('s:p', array_agg('m' || i)) FROM generate_series(1, 10) AS i;
SELECT count(*) FROM spop('s:p');
CREATE TABLE s_popped AS SELECT * FROM spop('s:p', 4);
SELECT count(*), count(DISTINCT member), bool_or(sismember('s:p', member)) AS still_there FROM s_popped;
SELECT scard('s:p'), (SELECT count(*) FROM spop('s:p', 100)) AS rest, kv_exists('s:p') AS emptied;
SELECT count(*) FROM spop('s:p', 0);
SELECT count(*) FROM spop('s:none');
DROP TABLE s_popped;

-- large ones, long members
SELECT sadd('s:big', array_agg('member ' || i)) FROM generate_series(1, 20000) AS i;
SELECT count(*), count(DISTINCT member) FROM smembers('s:big');
SELECT sadd('s:half', array_agg('member ' || i)) FROM generate_series(2, 20000, 2) AS i;
SELECT sintercard('{s:big, s:half}'), sintercard('{s:big, s:half}', 77), (SELECT count(*) FROM sdiff('{s:big, s:half}')), (SELECT count(*) FROM sunion('{s:half, s:big}'));
SELECT sdiffstore('s:odd', '{s:big, s:half}'), sunionstore('s:all', '{s:odd, s:half}'), (SELECT count(*) FROM sdiff('{s:all, s:big}'));
SELECT count(*), count(DISTINCT member) FROM spop('s:all', 15000);
SELECT scard('s:all'), (SELECT count(*) FROM (SELECT smembers('s:all') LIMIT 1500) AS part);
SELECT srem('s:big', array_agg('member ' || i)) FROM generate_series(1, 19995) AS i;
SELECT array_agg(member ORDER BY member) FROM smembers('s:big');
SELECT sadd('s:long', array_agg(repeat(chr(97 + i % 26), 65536 - i))) FROM generate_series(1, 30) AS i;
SELECT count(*), sum(length(member)) FROM smembers('s:long');
SELECT count(*), max(length(member)) FROM srandmember('s:long', 100);
SELECT sintercard('{s:long, s:long}'), count(*) FROM sunion('{s:long, s:b}');

-- copies, dumps and expiry
SELECT kv_copy('s:half', 's:copy'), (SELECT count(*) FROM sdiff('{s:half, s:copy}')) AS missing;
SELECT kv_restore('s:restored', kv_dump('s:half')), (SELECT count(*) FROM sinter('{s:half, s:restored}'));
SELECT kv_restore('s:restored', kv_dump('s:b'), replace => true), (SELECT count(*) FROM sdiff('{s:b, s:restored}')) AS missing, scard('s:restored') = scard('s:b') AS same;
SELECT kv_expire('s:copy', '0'), scard('s:copy');
CREATE SERVER s_ttl FOREIGN DATA WRAPPER hotset OPTIONS (default_ttl '1 hour');
SELECT sadd('s:a', 'x', keyspace => 's_ttl'), sunionstore('s:u', '{s:a}', keyspace => 's_ttl'), smove('s:a', 's:m', 'x', keyspace => 's_ttl');
SELECT key, expires_at IS NOT NULL AS expires FROM kv_scan(keyspace => 's_ttl') ORDER BY key;
DROP SERVER s_ttl;

-- the planner asks how many there are
CREATE FUNCTION s_rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE 'EXPLAIN ' || query INTO line;
    RETURN substring(line FROM 'rows=\d+');
END $$;
SELECT sadd('s:321', array_agg('m' || i)), sadd('s:123', array_agg('m' || i) FILTER (WHERE i <= 123)) FROM generate_series(1, 321) AS i;
SELECT s_rows($$SELECT * FROM smembers('s:321')$$), s_rows($$SELECT * FROM srandmember('s:321', 9)$$), s_rows($$SELECT * FROM spop('s:321', 8)$$),
       s_rows($$SELECT * FROM sunion('{s:321, s:123}')$$), s_rows($$SELECT * FROM sinter('{s:321, s:123}')$$), s_rows($$SELECT * FROM sdiff('{s:321, s:123}')$$);
SELECT scard('s:321') AS not_popped;
DROP FUNCTION s_rows;

-- refusals
\set VERBOSITY sqlstate
SELECT sadd(NULL, 'm');
SELECT sadd('s:a', NULL::text);
SELECT sadd('s:a', '{m, NULL}'::text[]);
SELECT srem('s:a', NULL::text);
SELECT srem('s:a', '{m, NULL}'::text[]);
SELECT smove('s:a', NULL, 'm');
SELECT smove('s:a', 's:b', NULL);
SELECT * FROM spop(NULL);
SELECT * FROM spop('s:a', NULL);
SELECT * FROM spop('s:a', -1);
SELECT * FROM srandmember('s:a', -10000000);
SELECT * FROM sunion('{}');
SELECT * FROM sunion('{s:a, NULL}');
SELECT sunionstore(NULL, '{s:a}');
SELECT sunionstore('s:x', NULL);
SELECT sunionstore('s:x', '{}');
SELECT sintercard('{s:a}', -1);
SELECT sintercard('{}');
SELECT sadd('s:a', repeat('m', 65537));
SELECT sismember('s:a', repeat('m', 65537));
SELECT kv_set('s:string', 'x');
SELECT sadd('s:string', 'm');
SELECT srem('s:string', 'm');
SELECT sismember('s:string', 'm');
SELECT smismember('s:string', '{m}');
SELECT scard('s:string');
SELECT * FROM smembers('s:string');
SELECT * FROM spop('s:string');
SELECT * FROM srandmember('s:string');
SELECT smove('s:string', 's:a', 'm');
SELECT smove('s:none', 's:string', 'm');
SELECT * FROM sunion('{s:a, s:string}');
SELECT sinterstore('s:x', '{s:none, s:string}');
SELECT sintercard('{s:a, s:string}');
SELECT hset('s:a', 'f', 'v');
\set VERBOSITY default
SELECT smove('s:b', 's:string', 'c');
SELECT * FROM sdiff('{s:a, s:string}');
SELECT sismember('s:b', 'c') AS still_there;

SELECT kv_del(array_agg(key)) > 0 AS cleaned FROM kv_scan('s:*');
