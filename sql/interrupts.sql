-- Commands that go through many members of many keys can be canceled, and change nothing then.
SELECT sadd('s', (SELECT array_agg('member ' || i) FROM generate_series(1, 20000) AS i));
SELECT zadd('z', (SELECT array_agg(i::float8) FROM generate_series(1, 20000) AS i),
	(SELECT array_agg('member ' || i) FROM generate_series(1, 20000) AS i));
SELECT pfadd('p', (SELECT array_agg('member ' || i) FROM generate_series(1, 20000) AS i));
SELECT sadd('t', (SELECT array_agg('other ' || i) FROM generate_series(1, 20000) AS i)), sadd('dest', 'as it was');

-- each of them would take some seconds or minutes
SET statement_timeout = '100ms';
SELECT sintercard(array_fill('s'::text, ARRAY[20000]));
SELECT count(*) FROM sinter(array_fill('s'::text, ARRAY[20000]));
SELECT sinterstore('dest', array_fill('s'::text, ARRAY[20000]));
SELECT sdiffstore('dest', 's'::text || array_fill('t'::text, ARRAY[20000]));
SELECT zintercard(array_fill('z'::text, ARRAY[20000]));
SELECT count(*) FROM zinter(array_fill('z'::text, ARRAY[20000]));
SELECT zinterstore('dest', array_fill('z'::text, ARRAY[20000]));
SELECT zunionstore('dest', array_fill('z'::text, ARRAY[500]));
SELECT pfcount(array_fill('p'::text, ARRAY[1000000]));
SELECT pfmerge('dest', array_fill('p'::text, ARRAY[1000000]));
RESET statement_timeout;

SELECT smembers('dest');
SELECT sintercard('{s,s}'), zintercard('{z,z}'), pfcount('{p,p}'::text[]) BETWEEN 19000 AND 21000 AS about_20000;
SELECT kv_del('{s,t,z,p,dest}'::text[]);
