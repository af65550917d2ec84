-- Keyspaces and self-checking functions for the mixed load of run.sh.  Each
-- function is one transaction of one client; it raises an error when anything
-- it reads cannot be.
CREATE EXTENSION hotset;
CREATE SERVER strict FOREIGN DATA WRAPPER hotset OPTIONS (memory '96MB');
CREATE SERVER small FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB', eviction 's3fifo');

-- A value that tells which key it belongs to, how long it is, and whether it is whole.
CREATE FUNCTION value_make(key text, size int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT left(body, 32) || substr(body, 33)
	  FROM (SELECT md5(key || ':' || size) || repeat(md5(key || size), size / 32) || '#' || size AS body) AS b
$$;

CREATE FUNCTION value_check(key text, value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF value IS NOT NULL AND value <> value_make(key, substring(value FROM '#(\d+)$')::int) THEN
		RAISE EXCEPTION 'wrong value of % bytes for key "%": %', length(value), key, left(value, 60);
	END IF;
	RETURN value IS NOT NULL;
END $$;

-- Values of many sizes come and go in a keyspace that refuses when it is full.
CREATE FUNCTION load_keys(n int, size int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'key:' || n;
	version bigint;
BEGIN
	IF dice < 50 THEN
		PERFORM value_check(k, kv_get(k, 'strict'));
	ELSIF dice < 75 THEN
		PERFORM kv_set(k, value_make(k, size), keyspace => 'strict');
	ELSIF dice < 85 THEN
		PERFORM kv_del(k, 'strict');
	ELSIF dice < 90 THEN
		PERFORM value_check(k, kv_getset(k, value_make(k, size), keyspace => 'strict'));
	ELSIF dice < 95 THEN
		PERFORM value_check(k, kv_getdel(k, 'strict'));
	ELSE
		version := kv_version(k, 'strict');
		IF version IS NOT NULL AND kv_cas(k, value_make(k, size), version, keyspace => 'strict')
		   AND kv_cas(k, value_make(k, size), version, keyspace => 'strict') THEN
			RAISE EXCEPTION 'version % of key "%" was accepted twice', version, k;
		END IF;
	END IF;
END $$;

-- More than fits: eviction; popular keys are read more often.
CREATE FUNCTION load_eviction(n int, size int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'cache:' || n;
BEGIN
	IF NOT value_check(k, kv_get(k, 'small')) THEN
		PERFORM kv_set(k, value_make(k, size), keyspace => 'small');
	END IF;
END $$;

-- The value is the instant at which it must go: not a microsecond later may it
-- be read.  It gets that expiry under a name of its own first.
CREATE FUNCTION load_expiry(n int, ttl_ms int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'ttl:' || n;
	mine text := 'ttl-of:' || pg_backend_pid();
	before timestamptz := clock_timestamp();
	value text := kv_get(k, 'small');
	instant timestamptz;
BEGIN
	IF value::timestamptz <= before THEN
		RAISE EXCEPTION 'key "%" expired at % and was read after %', k, value, before;
	ELSIF value IS NULL THEN
		instant := clock_timestamp() + make_interval(secs => ttl_ms / 1000.0);
		PERFORM kv_set(mine, instant::text, keyspace => 'small');
		PERFORM kv_expire_at(mine, instant, keyspace => 'small');
		-- false: it has expired already, or was evicted
		PERFORM kv_rename(mine, k, keyspace => 'small');
	END IF;
END $$;

-- The same of a field, whose value is the instant at which it must go.  It gets that expiry
-- under a key of its own, which is then renamed; many fields live in one hash, too.
CREATE FUNCTION load_dues(n int, ttl_ms int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'due:' || n % 20;
	f text := n::text;
	mine text := 'due-of:' || pg_backend_pid();
	before timestamptz := clock_timestamp();
	value text := hget(k, f, 'small');
	instant timestamptz;
BEGIN
	IF value::timestamptz <= before THEN
		RAISE EXCEPTION 'field "%" expired at % and was read after %', f, value, before;
	END IF;
	instant := clock_timestamp() + make_interval(secs => ttl_ms / 1000.0);
	IF n % 3 = 0 THEN
		PERFORM hset(mine, f, instant::text, 'small'), hexpire_at(mine, f, instant, keyspace => 'small');
		PERFORM kv_rename(mine, k, keyspace => 'small');
	ELSE
		PERFORM sadd('due-set', f, 'strict'), sexpire_at('due-set', f, instant, keyspace => 'strict');
		PERFORM zadd('due-zset', ttl_ms, f, keyspace => 'strict'), zexpire('due-zset', f, '50 ms', keyspace => 'strict');
	END IF;
END $$;

-- Every increment counts twice: the sum of the counters is the total.
CREATE FUNCTION load_counters(n int, by int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM kv_incr('count:' || n, by);
	PERFORM kv_incr('count:all', by);
	PERFORM rate_limit_fixed('rate:' || n % 10, 5, '1 second');
END $$;

-- What one member gains another loses: scores add up to zero.  No one leaves.
CREATE FUNCTION load_transfers(a int, b int, amount int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	rank bigint;
BEGIN
	PERFORM zincrby('accounts', -amount, 'member:' || a);
	PERFORM zincrby('accounts', amount, 'member:' || b);
	IF zcard('accounts') <> 1000 THEN
		RAISE EXCEPTION 'accounts has % members', zcard('accounts');
	END IF;
	rank := zrank('accounts', 'member:' || a);
	IF rank IS NULL OR rank NOT BETWEEN 0 AND 999 THEN
		RAISE EXCEPTION 'rank % of member %', rank, a;
	END IF;
END $$;

-- A board that grows into a large set and shrinks again; what is read in one call is in order.
CREATE FUNCTION load_board(n int, score int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	board text := 'board:' || n % 4;
	wrong bigint;
BEGIN
	IF dice < 50 THEN
		PERFORM zadd(board, score, 'player:' || n);
	ELSIF dice < 60 THEN
		PERFORM zrem(board, 'player:' || n);
	ELSIF dice < 62 THEN
		PERFORM zremrangebyscore(board, score, score + 500);
	ELSIF dice < 65 THEN
		PERFORM zpopmin(board, 3);
	ELSE
		SELECT count(*) INTO wrong
		  FROM (SELECT z.score AS this_score, z.rank AS this_rank, z.member AS this_member, lag(z.score) OVER o AS last_score, lag(z.member) OVER o AS last_member,
					   lag(z.rank) OVER o AS last_rank
				  FROM zrange(board, dice, dice + 50) AS z WINDOW o AS (ORDER BY z.rank)) AS pairs
		 WHERE (this_score, this_member COLLATE "C") <= (last_score, last_member COLLATE "C") OR this_rank <> last_rank + 1;
		IF wrong > 0 THEN
			RAISE EXCEPTION 'board % is out of order', board;
		END IF;
	END IF;
END $$;

-- Jobs are numbered as they come in; each is taken once, some by who waited for it.
CREATE FUNCTION load_queue(n int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	job record;
BEGIN
	IF dice < 50 THEN
		IF zadd('queue:' || n % 3, n, 'job:' || kv_incr('queue-in')) <> 1 THEN
			RAISE EXCEPTION 'a job was there already';
		END IF;
	ELSE
		FOR job IN SELECT * FROM bzpopmin(ARRAY['queue:0', 'queue:1', 'queue:2'], '20 milliseconds') LOOP
			PERFORM kv_incr('queue-out');
		END LOOP;
	END IF;
END $$;

-- Two keys are written in one call: whoever reads both in one call sees them agree.
CREATE FUNCTION load_pairs(n int, value int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	keys text[] := ARRAY['left:' || n, 'right:' || n];
	seen text[];
BEGIN
	IF value % 3 = 0 THEN
		PERFORM kv_mset(keys, ARRAY[value, value]::text[]);
	ELSE
		seen := kv_mget(keys);
		IF seen[1] IS DISTINCT FROM seen[2] THEN
			RAISE EXCEPTION 'pair % is torn: % and %', n, seen[1], seen[2];
		END IF;
	END IF;
END $$;

-- Estimates only grow, and stay near the number of values there can be.
CREATE FUNCTION load_sketches(n int, value int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'sketch:' || n;
	before bigint := pfcount(ARRAY[k]);
BEGIN
	PERFORM pfadd(k, value::text);
	IF pfcount(ARRAY[k]) < before OR pfcount(ARRAY[k]) > 105000 THEN
		RAISE EXCEPTION 'sketch % went from % to %', k, before, pfcount(ARRAY[k]);
	END IF;
END $$;

-- Values above a segment: pages, blocks, pinned readers.
CREATE FUNCTION load_large(n int, size int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'large:' || n;
BEGIN
	IF NOT value_check(k, kv_get(k, 'strict')) OR size % 4 = 0 THEN
		PERFORM kv_set(k, value_make(k, size), ttl => '2 seconds', keyspace => 'strict');
	END IF;
END $$;

-- Scans run, and somebody looks at the statistics.
CREATE FUNCTION load_look() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT count(*) FROM kv_scan('count:*')) NOT BETWEEN 0 AND 101 THEN
		RAISE EXCEPTION 'scan returned a key twice';
	END IF;
	IF EXISTS (SELECT FROM hotset_stats
				WHERE least(keys, bytes, hits, misses, sets, deletes, expired, evicted) < 0 OR bytes > limit_bytes) THEN
		RAISE EXCEPTION 'impossible statistics: %', (SELECT jsonb_agg(s) FROM hotset_stats AS s);
	END IF;
END $$;

-- Keyspaces come and go, in transactions of their own.
CREATE FUNCTION passing_create(client int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE SERVER passing_%s FOREIGN DATA WRAPPER hotset OPTIONS (memory ''2MB'', eviction ''s3fifo'')', client);
END $$;

CREATE FUNCTION passing_use(client int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	server name := 'passing_' || client;
BEGIN
	PERFORM kv_set('key:' || i, value_make('key:' || i, i), keyspace => server) FROM generate_series(1, 200) AS i;
	PERFORM value_check('key:7', kv_get('key:7', server));
	PERFORM kv_flush(server);
	IF kv_count(server) <> 0 THEN
		RAISE EXCEPTION 'keys are left after a flush';
	END IF;
	PERFORM kv_set('key:' || i, value_make('key:' || i, i), keyspace => server) FROM generate_series(1, 200) AS i;
END $$;

CREATE FUNCTION passing_drop(client int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DROP SERVER passing_%s', client);
END $$;

SELECT zadd('accounts', array_fill(0::float8, ARRAY[1000]), array_agg('member:' || i)) FROM generate_series(0, 999) AS i;
