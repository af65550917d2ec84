-- Patterns of kv_scan: as in Redis, byte by byte.
CREATE SERVER glob FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB');
SET hotset.keyspace = 'glob';

-- pattern, key, does it match
CREATE TABLE glob_cases (pattern text, key text, expected boolean);
INSERT INTO glob_cases VALUES
	('', '', true), ('', 'a', false), ('*', '', true), ('*', 'a', true), ('**', 'abc', true),
	('?', '', false), ('?', 'a', true), ('?', 'ab', false), ('a?c', 'abc', true), ('a?c', 'ac', false),
	('abc', 'abc', true), ('abc', 'ABC', false), ('abc', 'abcd', false), ('abcd', 'abc', false),
	('a*', 'abc', true), ('*c', 'abc', true), ('a*c', 'abc', true), ('a*c', 'ac', true),
	('a*c', 'abcd', false), ('*b*', 'abc', true), ('*b*', 'xyz', false), ('a*b*c', 'a1b2b3c', true),
	('a*b*c', 'acb', false), ('*abc', 'ababc', true), ('*aab', 'aaaab', true), ('a*?', 'a', false),
	('a*?', 'ab', true), ('user:*:name', 'user:42:name', true), ('user:*:name', 'user:42:nam', false),
	('[abc]', 'b', true), ('[abc]', 'd', false), ('[a-c]', 'b', true), ('[a-c]', 'd', false),
	('[c-a]', 'b', true), ('[^a-c]', 'd', true), ('[^a-c]', 'b', false), ('[^a]', '', false),
	('x[0-9]y', 'x5y', true), ('x[0-9]y', 'xay', false), ('[a-cx-z]', 'y', true), ('[a-]', '-', true),
	('[-a]', '-', true), ('[\]]', ']', true), ('[\-]', '-', true), ('[a\-c]', 'b', false),
	('[abc', 'b', true), ('[', 'a', false), ('[]', 'a', false), ('[^]', 'a', true), ('[^', 'a', true),
	('\*', '*', true), ('\*', 'a', false), ('\?', '?', true), ('\[a]', '[a]', true), ('\\', '\', true),
	('a\', 'a\', true), ('a\b', 'ab', true), ('*[0-9]', 'abc7', true), ('*[0-9]*', 'a7c', true),
	('*?*', '', false), ('?*?', 'a', false), ('?*?', 'ab', true), ('*.*', 'a.b', true),
	-- two bytes in UTF-8
	('?', 'é', false), ('??', 'é', true), ('*é', 'caf' || 'é', true), ('caf*', 'café', true),
	-- long keys and patterns are compared in another place
	(repeat('a', 200), repeat('a', 200), true), (repeat('a', 200), repeat('a', 199), false),
	('*' || repeat('b', 100) || '*', repeat('a', 1000) || repeat('b', 100), true),
	('*' || repeat('b', 101) || '*', repeat('a', 1000) || repeat('b', 100), false);

-- each key by itself
CREATE FUNCTION glob_matches(pattern text, key text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM kv_flush();
	PERFORM kv_set(key, 'v');
	RETURN EXISTS (SELECT FROM kv_scan(pattern) s WHERE s.key = glob_matches.key);
END $$;
SELECT left(pattern, 20) AS pattern, left(key, 20) AS key, expected
FROM glob_cases WHERE glob_matches(pattern, key) <> expected;

-- Many stars cost no more than their number.
SELECT kv_flush() >= 0 AS flushed, kv_set(repeat('a', 60000), 'v');
SET statement_timeout = '10s';
SELECT count(*) FROM kv_scan(repeat('*a', 1000) || '*b');
SELECT count(*) FROM kv_scan(repeat('a*', 1000) || 'a');
SELECT count(*) FROM kv_scan(repeat('?*', 1000));
RESET statement_timeout;

DROP FUNCTION glob_matches;
DROP TABLE glob_cases;
RESET hotset.keyspace;
DROP SERVER glob;
