--
-- Bad input and hard moments: limits of keys, values, numbers and times
--
\set VERBOSITY sqlstate
-- keys
SELECT kv_set('', 'empty key'), kv_get(''), kv_exists(''), kv_del('');
SELECT kv_set(repeat('k', 65536), 'v'), kv_get(repeat('k', 65536)), kv_set(repeat('k', 65536), repeat('v', 100000)), kv_strlen(repeat('k', 65536)),
       kv_rename(repeat('k', 65536), repeat('l', 65536)), kv_expire(repeat('l', 65536), '1 hour'), kv_incr(repeat('m', 65536)), kv_version(repeat('l', 65536)) > 0 AS version;
SELECT count(*), max(length(key)) FROM kv_scan('[lm]*');
SELECT kv_del(ARRAY[repeat('l', 65536), repeat('m', 65536)]);
SELECT kv_set(repeat('k', 65537), 'v');
SELECT kv_get(repeat('k', 65537));
SELECT kv_mset(ARRAY['limits:a', repeat('k', 65537)], ARRAY['1', '2']);
SELECT kv_exists('limits:a');
SELECT kv_mget(ARRAY[repeat('k', 65537)]);
SELECT kv_rename('limits:a', repeat('k', 65537));
SELECT kv_incr(repeat('k', 70000));
SELECT * FROM rate_limit_fixed(repeat('k', 70000), 1, '1 s');
\set VERBOSITY default
SELECT kv_exists(repeat('k', 65537));
-- what is too long has its name; where something is only looked for, none has that name
SELECT zadd('limits:z', 1, repeat('m', 65537));
SELECT sadd('limits:s', repeat('m', 65537));
SELECT hset('limits:h', repeat('f', 65537), 'v');
SELECT hexpire('limits:h', repeat('f', 65537), '1 hour');
SELECT sadd(repeat('k', 65537), 'm');
SELECT sunionstore('limits:s', ARRAY['limits:t', repeat('k', 65537)]);
SELECT zscore('limits:z', repeat('m', 65537)), sismember('limits:s', repeat('m', 65537)), hget('limits:h', repeat('f', 65537));
SELECT kv_exists('{limits:z,limits:s,limits:h}'::text[]);
\set VERBOSITY sqlstate

-- values
SET hotset.max_value = '1MB';
SELECT kv_set('limits:v', repeat('x', 1048576)), kv_strlen('limits:v');
SELECT kv_set('limits:v', repeat('x', 1048577));
SELECT kv_append('limits:v', 'x');
SELECT kv_setrange('limits:v', 1048575, 'y');
SELECT kv_setrange('limits:v', 1048576, 'y');
SELECT kv_setrange('limits:v', 9223372036854775807, 'y');
SELECT kv_mset(ARRAY['limits:v', 'limits:w'], ARRAY['short', repeat('x', 1048577)]);
SELECT kv_getset('limits:v', repeat('x', 1048577));
SELECT kv_restore('limits:w', '');
SELECT kv_strlen('limits:v'), right(kv_get('limits:v'), 2), kv_exists('limits:w');
\set VERBOSITY default
SELECT kv_set('limits:v', repeat('x', 1048577)::bytea);
\set VERBOSITY sqlstate
RESET hotset.max_value;
-- more than there is
SELECT kv_append('limits:v', repeat('x', 1000000000));
SELECT kv_strlen('limits:v');
-- as much as fits, and then some more, many times
DO $$
BEGIN
	FOR i IN 1..200 LOOP
		BEGIN
			PERFORM kv_append('limits:v', repeat('y', 5000000));
		EXCEPTION WHEN out_of_memory OR program_limit_exceeded THEN
			PERFORM kv_set('limits:v', 'again');
		END;
	END LOOP;
END $$;
SELECT kv_strlen('limits:v') > 0 AS there, kv_del('limits:v');
-- zero bytes
SELECT kv_set('limits:z', '\x000000'::bytea), kv_get_bytea('limits:z'), kv_strlen('limits:z');
SELECT kv_get('limits:z');
SELECT kv_getdel_bytea('limits:z');

-- numbers
SELECT kv_set('limits:n', '9223372036854775806'), kv_incr('limits:n');
SELECT kv_incr('limits:n');
SELECT kv_decr('limits:n', -9223372036854775808);
SELECT kv_incr('limits:n', -9223372036854775808), kv_decr('limits:n', 9223372036854775807);
SELECT kv_decr('limits:n');
SELECT kv_get('limits:n');
SELECT kv_set('limits:n', '9223372036854775808');
SELECT kv_incr('limits:n');
SELECT kv_incrbyfloat('limits:f', 1e308), kv_incrbyfloat('limits:f', 'NaN');
SELECT kv_incrbyfloat('limits:f', 'Infinity');
SELECT kv_incrbyfloat('limits:f', 1.7e308);
SELECT kv_get('limits:f');

-- times
SELECT kv_set('limits:t', 'v', '0');
SELECT kv_set('limits:t', 'v', '-1 second');
SELECT kv_set('limits:t', 'v', '290000 years');
SELECT kv_incr('limits:t', ttl => '0');
SELECT kv_mset(ARRAY['limits:t'], ARRAY['v'], ttl => '-1 day');
SELECT kv_exists('limits:t');
SELECT kv_set('limits:t', 'v', '100000 years'), kv_ttl('limits:t') > '99000 years' AS ttl, kv_expires_at('limits:t') > '100000-01-01' AS at;
SELECT kv_expire('limits:t', '290000 years');
SELECT kv_expire('limits:t', '170000000 years');
SELECT kv_expire_at('limits:t', '294276-12-31 23:59:59+00'), kv_expires_at('limits:t') = '294276-12-31 23:59:59+00' AS at, kv_ttl('limits:t') > '99000 years' AS ttl;
SELECT kv_set('limits:t', 'v', '1 microsecond'), pg_sleep(0.001);
SELECT kv_exists('limits:t');

-- patterns that could take for ever do not
SELECT kv_set('limits:' || repeat('a', 200), 'v');
SELECT count(*) FROM kv_scan(repeat('*a', 50) || 'b');
SELECT count(*) FROM kv_scan('[');
SELECT count(*) FROM kv_scan('limits:\');

-- a keyspace that is full
CREATE SERVER limits_small FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
SET hotset.keyspace = 'limits_small';
DO $$
DECLARE
	n int := 0;
BEGIN
	LOOP
		PERFORM kv_set('k' || n, repeat('x', 1000));
		n := n + 1;
	END LOOP;
EXCEPTION WHEN out_of_memory THEN
	IF n < 1000 THEN
		RAISE EXCEPTION 'only % keys fit', n;
	END IF;
END $$;
SELECT kv_set('new', repeat('x', 1000000));
SELECT kv_get('new') IS NULL AS nothing, kv_strlen('k1'), kv_count() > 1000 AS others;
SELECT kv_mset(array_agg('m' || i), array_agg(repeat('x', 1000))) FROM generate_series(1, 3000) i;
SELECT count(*) FROM kv_scan('m*');
SELECT kv_flush() > 1000 AS flushed, kv_count(), kv_random_key() IS NULL AS none;
-- appending makes a new value, for which there is no room beside the old one
SELECT kv_set('new', repeat('x', 1000000));
SELECT kv_append('new', 'y');
SELECT kv_strlen('new');
RESET hotset.keyspace;
DROP SERVER limits_small;

-- a keyspace that evicts
CREATE SERVER limits_cache FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', eviction 's3fifo');
SELECT count(kv_set('k' || i, repeat('x', 1000), keyspace => 'limits_cache')) FROM generate_series(1, 10000) i;
SELECT kv_count('limits_cache') BETWEEN 1000 AND 2000 AS some_left, kv_get('k10000', 'limits_cache') = repeat('x', 1000) AS last;
SELECT kv_set('long', repeat('x', 1000000), keyspace => 'limits_cache'), kv_strlen('long', 'limits_cache');
DROP SERVER limits_cache;

SELECT count(kv_del(key)) > 0 AS cleaned FROM kv_scan('limits:*');
