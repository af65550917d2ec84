-- Hashes from SQL.
CREATE EXTENSION IF NOT EXISTS hotset;

-- setting
SELECT hset('h:a', 'name', 'Ann') AS added, hset('h:a', 'name', 'Anna') AS there, hset('h:a', 'visits', '7') AS another, hset('h:a', '', '') AS empty;
SELECT hget('h:a', 'name'), hget('h:a', 'visits'), hget('h:a', '') = '' AS empty, hget('h:a', 'none') IS NULL AS no_field, hget('h:none', 'name') IS NULL AS no_key;
SELECT hsetnx('h:a', 'name', 'Bob') AS there, hsetnx('h:a', 'email', 'ann@example.org') AS absent, hsetnx('h:b', 'bytes', '\x00ff'::bytea) AS new_key;
SELECT hget('h:a', 'name'), hget('h:a', 'email'), hget_bytea('h:b', 'bytes'), hget_bytea('h:a', 'name');
SELECT hset('h:a', '{x, y, name}', '{1, 2, Carl}') AS no_array, hset('h:a', '{x, z, x}'::text[], '{10, 30, 11}'::text[]) AS typed, hget('h:a', 'x') AS later_wins;
SELECT hset('h:a', '{}'::text[], '{}'::text[]) AS nothing, hset('h:none', '{}'::text[], '{}'::text[]) AS no_key, kv_exists('h:none');
SELECT * FROM hgetall('h:a') ORDER BY field;

-- values of other types: bytes, json in its text form
SELECT hset('h:t', 'bytes', '\x616263'::bytea), hget('h:t', 'bytes'), hset('h:t', 'json', '{"b": [1, 2.50], "a": "x"}'::jsonb), hget('h:t', 'json'), hget('h:t', 'json')::jsonb ->> 'a' AS a;
SELECT hset('h:t', 'scalar', '"text"'::jsonb), hget('h:t', 'scalar'), hset('h:t', 'integer', '-12'::bytea), hincrby('h:t', 'integer', 2);

-- objects: a null in one removes the field
SELECT hset('h:o', '{"s": "text", "n": 1.50, "b": true, "f": false, "null": null, "a": [1, "x"], "o": {"k": null}, "e": ""}') AS added;
SELECT field, value FROM hgetall('h:o') ORDER BY field COLLATE "C";
SELECT hset('h:o', '{"s": null, "n": 2, "new": "x", "none": null}'::jsonb) AS added, hget('h:o', 's') IS NULL AS removed, hget('h:o', 'n');
SELECT hset('h:o', '{}'::jsonb) AS nothing, hset('h:none', '{}'::jsonb), hset('h:none', '{"a": null}'::jsonb), kv_exists('h:none');
SELECT hset('h:o1', '{"a": "1"}'::jsonb), hset('h:o1', '{"a": null}'::jsonb), kv_exists('h:o1') AS emptied;
SELECT hgetall_jsonb('h:o'), hgetall_jsonb('h:none') IS NULL AS none, hgetall_jsonb(NULL) IS NULL AS of_null;
SELECT hset('h:o2', hgetall_jsonb('h:o')), hgetall_jsonb('h:o2') = hgetall_jsonb('h:o') AS copied;

-- a name that no field can have: nothing is done
\set VERBOSITY terse
SELECT hset('h:o3', jsonb_build_object('a', '1', repeat('x', 70000), NULL));
\set VERBOSITY default
SELECT kv_exists('h:o3') AS done;

-- rows: a field for each column
CREATE TABLE h_user (id bigint, name text, dropped int, born date, tags text[], note text);
ALTER TABLE h_user DROP COLUMN dropped;
INSERT INTO h_user VALUES (1, 'Ann', '2000-02-29', '{a,"b c"}', NULL), (2, 'Bob', NULL, NULL, '');
SET datestyle = 'ISO';
SELECT hset_row('h:user:' || id, u) FROM h_user AS u ORDER BY id;
SELECT hgetall_jsonb('h:user:1'), hgetall_jsonb('h:user:2');
SELECT hset('h:user:1', 'note', 'old'), hset_row('h:user:1', u) AS none_added, hexists('h:user:1', 'note') AS note FROM h_user AS u WHERE id = 1;
SELECT (jsonb_populate_record(NULL::h_user, hgetall_jsonb('h:user:1'))).*;
SELECT hset_row('h:anon', r) FROM (SELECT 1.5 AS price, 'x'::text AS "Code") AS r;
SELECT hset_row('h:anon', ROW(1, 'b', NULL)) AS unnamed, hgetall_jsonb('h:anon');
SELECT hset_row('h:row' || i, r) FROM generate_series(1, 2) AS i, LATERAL (SELECT i AS a, NULL::text AS b) AS r;
SELECT hset_row('h:none', r), kv_exists('h:none') FROM (SELECT NULL::int AS a) AS r;
ALTER TABLE h_user ADD COLUMN more int DEFAULT 5;
SELECT hset_row('h:user:1', u) AS more FROM h_user AS u WHERE id = 1;
-- rows of different types through the same call
DO $$
DECLARE
    r record;
BEGIN
    FOR i IN 1 .. 3 LOOP
        IF i = 1 THEN SELECT 1 AS a, 'x'::text AS b INTO r; END IF;
        IF i = 2 THEN SELECT '{2}'::int[] AS a, 2.5 AS c INTO r; END IF;
        IF i = 3 THEN SELECT * FROM h_user WHERE id = 2 INTO r; END IF;
        PERFORM hset_row('h:types:' || i, r);
    END LOOP;
END $$;
SELECT hgetall_jsonb('h:types:1'), hgetall_jsonb('h:types:2'), hgetall_jsonb('h:types:3');
DROP TABLE h_user;

-- asking
SELECT hmget('h:a', '{name, none, NULL, y, name}'), hmget('h:none', '{a, b}'), hmget('h:a', '{}');
SELECT hexists('h:a', 'name'), hexists('h:a', 'none'), hexists('h:none', 'name');
SELECT hlen('h:a'), hlen('h:none'), hstrlen('h:a', 'name'), hstrlen('h:a', ''), hstrlen('h:a', 'none') IS NULL AS none;
SELECT array_agg(field ORDER BY field) FROM hkeys('h:a');
SELECT array_agg(value ORDER BY value) FROM hvals('h:a');
SELECT count(*) FROM hgetall('h:none');
SELECT kv_type('h:a'), kv_ttl('h:a') IS NULL AS no_ttl;

-- in a select list, laterally, and with a limit
SELECT (x).field, (x).value FROM (SELECT hgetall('h:t') AS x) AS rows ORDER BY 1;
SELECT hkeys('h:o1'), 1 AS one;
SELECT count(*) FROM (SELECT hvals('h:a') LIMIT 2) AS two;
SELECT k, count(field) FROM unnest('{h:a, h:none, h:t}'::text[]) AS k LEFT JOIN LATERAL hkeys(k) ON true GROUP BY k ORDER BY k;

-- null arguments
SELECT hget(NULL, 'f'), hget('h:a', NULL), hget_bytea(NULL, 'f'), hmget(NULL, '{f}'), hmget('h:a', NULL), hexists(NULL, 'f'), hexists('h:a', NULL), hlen(NULL), hstrlen('h:a', NULL);
SELECT count(*) FROM hgetall(NULL);
SELECT count(*) FROM hkeys(NULL);
SELECT count(*) FROM hrandfield(NULL);
SELECT count(*) FROM hrandfield('h:a', NULL);

-- removing; the last field takes the key with it
SELECT hdel('h:a', 'x') AS there, hdel('h:a', 'x') AS gone, hdel('h:a', '{y, z, none, z, "{x, y, name}"}'::text[]) AS two, hdel('h:none', 'x') AS none, hdel('h:a', '{}'::text[]) AS nothing;
SELECT hdel('h:b', 'bytes'), kv_exists('h:b');

-- counting
SELECT hincrby('h:n', 'i') AS one, hincrby('h:n', 'i', 41), hincrby('h:n', 'i', -50), hget('h:n', 'i');
SELECT hset('h:n', 'max', '9223372036854775806'), hincrby('h:n', 'max'), hget('h:n', 'max');
SELECT hincrbyfloat('h:n', 'f', 10.5), hincrbyfloat('h:n', 'f', 0.1), hset('h:n', 'e', '5.0e3'), hincrbyfloat('h:n', 'e', 200), hincrbyfloat('h:n', 'i', 0.5), hget('h:n', 'i');

-- random ones
SELECT count(*), count(DISTINCT field) FROM hrandfield('h:o', 100);
SELECT count(*) FROM hrandfield('h:o');
SELECT count(*), bool_and(hget('h:o', field) = value) AS with_values FROM hrandfield('h:o', -1000);
SELECT count(*) FROM hrandfield('h:o', 0);
SELECT count(*) FROM hrandfield('h:none', 5);

-- a large one, and long fields and values
SELECT hset('h:big', array_agg('field ' || i), array_agg('value ' || i)) FROM generate_series(1, 20000) AS i;
SELECT count(*), count(DISTINCT field), bool_and(replace(value, 'value', 'field') = field) FROM hgetall('h:big');
SELECT hlen('h:big'), hget('h:big', 'field 777'), (SELECT count(*) FROM jsonb_object_keys(hgetall_jsonb('h:big')));
SELECT count(*) FROM (SELECT hkeys('h:big') LIMIT 1500) AS part;
SELECT count(*), count(DISTINCT field) FROM hrandfield('h:big', 5000);
SELECT hdel('h:big', array_agg('field ' || i)) FROM generate_series(1, 19990) AS i;
SELECT array_agg(value ORDER BY value) FROM hvals('h:big');
SELECT hset('h:long', repeat('f', 65536), repeat('v', 1000000)), hstrlen('h:long', repeat('f', 65536)), md5(hget('h:long', repeat('f', 65536))) = md5(repeat('v', 1000000)) AS same;
SELECT length(value) FROM hgetall('h:long');
SELECT length(hgetall_jsonb('h:long')::text);
SELECT hset('h:wide', array_agg('w' || i), array_agg(repeat(chr(97 + i % 26), 3000 * i))) FROM generate_series(1, 60) AS i;
SELECT count(*), sum(length(value)) FROM hgetall('h:wide');
SELECT array_length(hmget('h:wide', array_agg('w' || i)), 1) FROM generate_series(1, 100) AS i;

-- copies, dumps and expiry
SELECT kv_copy('h:o', 'h:copy'), hgetall_jsonb('h:copy') = hgetall_jsonb('h:o') AS same;
SELECT kv_restore('h:restored', kv_dump('h:o')), hgetall_jsonb('h:restored') = hgetall_jsonb('h:o') AS same;
SELECT kv_restore('h:restored', kv_dump('h:big'), replace => true), (SELECT count(*) FROM hkeys('h:restored'));
SELECT kv_expire('h:copy', '1 hour'), hset('h:copy', 's', 'x'), kv_ttl('h:copy') > '59 minutes' AS stays;
SELECT kv_expire('h:copy', '0'), hlen('h:copy');
CREATE SERVER h_ttl FOREIGN DATA WRAPPER hotset OPTIONS (default_ttl '1 hour');
SELECT hset('h:t', 'f', 'v', keyspace => 'h_ttl'), hsetnx('h:u', 'f', 'v', keyspace => 'h_ttl'), hincrby('h:v', 'f', keyspace => 'h_ttl'), hset('h:w', '{"a": 1}'::jsonb, keyspace => 'h_ttl');
SELECT key, expires_at IS NOT NULL AS expires FROM kv_scan(keyspace => 'h_ttl') ORDER BY key;
DROP SERVER h_ttl;

-- the planner asks how many there are
CREATE FUNCTION h_rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE 'EXPLAIN ' || query INTO line;
    RETURN substring(line FROM 'rows=\d+');
END $$;
SELECT hset('h:count', array_agg('f' || i), array_agg('v' || i)) FROM generate_series(1, 321) AS i;
SELECT h_rows($$SELECT * FROM hgetall('h:count')$$), h_rows($$SELECT * FROM hkeys('h:count')$$), h_rows($$SELECT * FROM hvals('h:count')$$),
       h_rows($$SELECT * FROM hrandfield('h:count', -7)$$), h_rows($$SELECT * FROM hgetall('h:none')$$), h_rows($$SELECT * FROM hgetall(NULL)$$);
DROP FUNCTION h_rows;

-- refusals
\set VERBOSITY sqlstate
SELECT hset(NULL, 'f', 'v');
SELECT hset('h:a', NULL, 'v');
SELECT hset('h:a', 'f', NULL::bytea);
SELECT hset('h:a', 'f', NULL::jsonb);
SELECT hset('h:a', '{a, NULL}'::text[], '{a, b}'::text[]);
SELECT hset('h:a', '{a, b}'::text[], '{a, NULL}'::text[]);
SELECT hset('h:a', '{a, b}'::text[], '{a}'::text[]);
SELECT hset('h:a', NULL::text[], '{a}'::text[]);
SELECT hset('h:a', NULL::jsonb);
SELECT hset(NULL, '{"a": 1}'::jsonb);
SELECT hset('h:a', '[1]'::jsonb);
SELECT hset('h:a', '1'::jsonb);
SELECT hset_row('h:a', NULL);
SELECT hset_row(NULL, ROW(1));
SELECT hsetnx('h:a', 'f', NULL);
SELECT hdel(NULL, 'f');
SELECT hdel('h:a', NULL::text);
SELECT hdel('h:a', '{NULL}'::text[]);
SELECT hincrby('h:a', 'name');
SELECT hincrby('h:n', 'max');
SELECT hincrby('h:n', 'min', NULL);
SELECT hincrby(NULL, 'min');
SELECT hincrbyfloat('h:a', 'name', 1);
SELECT hincrbyfloat('h:n', 'f', 'NaN');
SELECT hincrbyfloat('h:n', 'f', 'Infinity');
SELECT hset('h:n', 'huge', '1.7e308'), hincrbyfloat('h:n', 'huge', 1.7e308);
SELECT hset('h:a', repeat('f', 65537), 'v');
SELECT hget('h:a', repeat('f', 65537));
SELECT hget(repeat('k', 65537), 'f');
SELECT * FROM hrandfield('h:a', -10000000);
SELECT hset('h:bytes', 'f', '\xff'::bytea);
SELECT hget('h:bytes', 'f');
SELECT hmget('h:bytes', '{f}');
SELECT * FROM hgetall('h:bytes');
SELECT hgetall_jsonb('h:bytes');
SET hotset.max_value = 10;
SELECT hset('h:a', 'f', '0123456789') AS fits;
SELECT hset('h:a', 'f', '0123456789x');
SELECT hset('h:a', '{"f": "0123456789x"}'::jsonb);
RESET hotset.max_value;
SELECT hset('h:a', 'f', repeat('x', 64 * 1024 * 1024 + 1));
SELECT kv_set('h:string', 'x');
SELECT hset('h:string', 'f', 'v');
SELECT hset('h:string', '{}'::jsonb);
SELECT hget('h:string', 'f');
SELECT hmget('h:string', '{f}');
SELECT hlen('h:string');
SELECT hexists('h:string', 'f');
SELECT hdel('h:string', 'f');
SELECT hincrby('h:string', 'f');
SELECT * FROM hgetall('h:string');
SELECT hgetall_jsonb('h:string');
SELECT * FROM hrandfield('h:string');
SELECT kv_get('h:a');
SELECT zadd('h:a', 1, 'm');
\set VERBOSITY default
SELECT hincrby('h:a', 'name');
SELECT hincrby('h:n', 'max', 5);
SELECT hset('h:a', 'name', NULL);
SELECT hset('h:a', '[1]'::jsonb);
SELECT hget('h:string', 'f');
SELECT hset('h:string', 'f', 'v');
SELECT hgetall_jsonb('h:a');
SELECT kv_del(array_agg(key)) > 0 AS cleaned FROM kv_scan('h:*');
