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

-- A few hundred fields expire at one instant, which each of them has for its value; whatever
-- reads them, copies or takes them with it shows none that has expired before it began.
CREATE FUNCTION load_due_many(n int, ttl_ms int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'many:' || n % 4;
	mine text := 'many-of:' || pg_backend_pid();
	before timestamptz := clock_timestamp();
	instant timestamptz := before + make_interval(secs => ttl_ms / 1000.0);
	seen timestamptz;
	dump bytea;
BEGIN
	IF dice < 25 THEN
		PERFORM kv_del(mine, 'strict');
		PERFORM hset(mine, array_agg('f' || i), array_agg(instant::text), 'strict'), hexpire_at(mine, array_agg('f' || i), instant, keyspace => 'strict')
		   FROM generate_series(1, 1 + dice * 20) AS i;
		PERFORM kv_rename(mine, k, keyspace => 'strict');
		RETURN;
	ELSIF dice < 40 THEN
		SELECT min(value::timestamptz) INTO seen FROM hgetall(k, 'strict');
	ELSIF dice < 50 THEN
		SELECT min(value::timestamptz) INTO seen FROM hrandfield(k, 20, 'strict');
	ELSIF dice < 60 THEN
		SELECT min(v::timestamptz) INTO seen FROM unnest(hmget(k, ARRAY['f1', 'f2', 'f100'], 'strict')) AS v;
	ELSIF dice < 75 THEN
		PERFORM kv_copy(k, mine, true, 'strict');
		before := clock_timestamp();
		SELECT min(value::timestamptz) INTO seen FROM hgetall(mine, 'strict');
	ELSIF dice < 85 THEN
		dump := kv_dump(k, 'strict');
		PERFORM kv_restore(mine, dump, replace => true, keyspace => 'strict') WHERE dump IS NOT NULL;
		before := clock_timestamp();
		SELECT min(value::timestamptz) INTO seen FROM hvals(mine, 'strict') AS value;
	ELSIF dice < 95 THEN
		PERFORM sadd(mine || 's', array_agg(i::text), 'strict'), sexpire_at(mine || 's', array_agg(i::text), instant, keyspace => 'strict')
		   FROM generate_series(1, 300) AS i;
		PERFORM sunionstore(mine || 'u', ARRAY[mine || 's', 'due-set', mine || 'none'], 'strict'), spop(mine || 'u', 400, 'strict');
		PERFORM pg_sleep(ttl_ms / 2000.0);
		IF clock_timestamp() < instant AND NOT sismember(mine || 's', '7', 'strict') AND clock_timestamp() < instant THEN
			RAISE EXCEPTION 'a member has gone before its time %', instant;
		END IF;
	ELSE
		IF hlen(k, 'strict') <> 0 AND hlen(k, 'strict') NOT IN (0, 1) AND hlen(k, 'strict') % 20 NOT IN (0, 1) THEN
			RAISE EXCEPTION 'only some of the fields of "%" have expired', k;
		END IF;
	END IF;
	IF seen <= before THEN
		RAISE EXCEPTION 'field of % was read after %', seen, before;
	END IF;
END $$;

-- Fields of many sizes tell what they hold; two that are written in one call agree; sums of a
-- hash stay zero.
CREATE FUNCTION load_hashes(n int, size int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'hash:' || n % 6;
	f text := 'field:' || n;
	pair text[];
BEGIN
	IF dice < 30 THEN
		PERFORM hset(k, f, value_make(f, size), 'strict');
	ELSIF dice < 45 THEN
		PERFORM value_check(f, hget(k, f, 'strict'));
	ELSIF dice < 60 THEN
		PERFORM hdel(k, f, 'strict');
	ELSIF dice < 64 THEN
		PERFORM value_check(field, value) FROM hgetall(k, 'strict');
	ELSIF dice < 66 THEN
		PERFORM hexpire(k, f, '20 ms', keyspace => 'strict');
	ELSIF dice < 68 AND size % 10 = 0 THEN
		PERFORM kv_del(k, 'strict');
	ELSIF dice < 80 THEN
		PERFORM hset('twins:' || n % 3, ARRAY['a', 'b', 'x' || n], ARRAY[repeat('a', size), repeat('a', size), n::text], 'strict');
		PERFORM hdel('twins:' || n % 3, 'x' || n - 7, 'strict');
	ELSIF dice < 90 THEN
		pair := hmget('twins:' || n % 3, ARRAY['a', 'b'], 'strict');
		IF pair[1] IS DISTINCT FROM pair[2] THEN
			RAISE EXCEPTION 'twins of % and % bytes', length(pair[1]), length(pair[2]);
		END IF;
	ELSE
		PERFORM hincrby('sums', 'f' || n, size), hincrby('sums', 'f' || n + 1, -size);
	END IF;
END $$;

-- 300 members are in one of two sets each, and go from one to the other; a third one grows and shrinks.
CREATE FUNCTION load_sets(n int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	mine text := 'team-of:' || pg_backend_pid();
	seen bigint;
BEGIN
	IF dice < 50 THEN
		PERFORM CASE WHEN dice % 2 = 0 THEN smove('team:a', 'team:b', 'player ' || n) ELSE smove('team:b', 'team:a', 'player ' || n) END;
		RETURN;
	ELSIF dice < 60 THEN
		SELECT count(*) INTO seen FROM sunion(ARRAY['team:a', 'team:b']);
	ELSIF dice < 65 THEN
		SELECT count(*) INTO seen FROM sunion(ARRAY['team:a', 'team:none', 'team:b']);
	ELSIF dice < 75 THEN
		seen := sunionstore(mine, ARRAY['team:b', 'team:a']);
		IF seen <> scard(mine) OR (SELECT count(*) FROM spop(mine, n)) <> n OR scard(mine) <> seen - n OR kv_exists(mine) <> (n < 300) THEN
			RAISE EXCEPTION '% of % members were taken, and % are left', n, seen, scard(mine);
		END IF;
	ELSIF dice < 80 THEN
		seen := 300 + sintercard(ARRAY['team:a', 'team:b']);
	ELSE
		PERFORM CASE WHEN dice < 95 THEN sadd('crowd', ARRAY[value_make('s' || n, n * 20), n::text, '-' || n]) ELSE srem('crowd', ARRAY[n::text, '-' || n]) END;
		PERFORM kv_del('crowd') WHERE dice = 99 AND n % 20 = 0;
		seen := 300;
	END IF;
	IF seen <> 300 THEN
		RAISE EXCEPTION 'the teams have % members', seen;
	END IF;
END $$;

-- 200 numbers go around four lists; jobs are taken once each, some by who waited for them; a
-- list of values of all sizes is cut, searched and changed.
CREATE FUNCTION load_lists(n int, size int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	l text := 'values:' || n % 3;
	job record;
BEGIN
	IF dice < 25 THEN
		PERFORM lmove('ring:' || n % 4, 'ring:' || size % 4, n % 3 = 0, n % 5 = 0);
	ELSIF dice < 30 THEN
		PERFORM blmove('ring:' || n % 4, 'ring:' || size % 4, n % 3 = 0, n % 5 = 0, '5 milliseconds');
	ELSIF dice < 40 THEN
		PERFORM rpush('line:' || n % 2, ARRAY['job ' || kv_incr('line-in'), 'job ' || kv_incr('line-in')]);
	ELSIF dice < 50 THEN
		FOR job IN SELECT * FROM blpop(ARRAY['line:0', 'line:1'], '10 milliseconds') LOOP
			PERFORM kv_incr('line-out');
		END LOOP;
	ELSIF dice < 55 THEN
		PERFORM kv_incr('line-out', (SELECT count(*) FROM rpop('line:' || n % 2, 2)));
	ELSIF dice < 70 THEN
		PERFORM rpush(l, ARRAY[l || '/' || n || '|' || value_make(n::text, size), l || '/' || n + 1 || '|' || value_make((n + 1)::text, n)], 'strict');
	ELSIF dice < 80 THEN
		PERFORM value_check(substring(value FROM '/(\d+)\|'), substring(value FROM '\|(.*)$')) FROM lrange(l, n, n + 20, 'strict');
	ELSIF dice < 85 THEN
		PERFORM lset(l, n, l || '/' || n || '|' || value_make(n::text, size), 'strict') WHERE llen(l, 'strict') > 1000;
	ELSIF dice < 90 THEN
		PERFORM linsert(l, true, lindex(l, n, 'strict'), l || '/5|' || value_make('5', size), 'strict') WHERE llen(l, 'strict') > 1000;
	ELSIF dice < 95 THEN
		PERFORM lrem(l, 2, lindex(l, n, 'strict'), 'strict') WHERE llen(l, 'strict') > 1000;
	ELSE
		PERFORM ltrim(l, -500, CASE WHEN n < 10 THEN -501 ELSE -1 END, 'strict');
	END IF;
END $$;

-- Who sets a bit adds to a counter what that changed; fields of bits are sums as well.
CREATE FUNCTION load_bits(n int, "bit" int, dice int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k text := 'bitmap:' || n % 3;
BEGIN
	IF dice < 80 THEN
		-- the third one is of the size of large values
		PERFORM kv_incr('bits-set', dice % 2 - kv_setbit(k, CASE WHEN n % 3 = 2 THEN "bit" * 200 ELSE "bit" END, dice % 2 = 1));
	ELSIF dice < 90 THEN
		PERFORM kv_bitfield('bitsums', ARRAY['INCRBY', 'u32', '#' || n % 50, dice::text]), kv_incr('bits-sum', dice);
	ELSIF dice < 95 THEN
		PERFORM kv_bitop('xor', 'bitmap-xor:' || pg_backend_pid(), ARRAY['bitmap:1', 'bitmap:0', 'bitmap:1']);
	ELSIF kv_bitcount(k) NOT BETWEEN 0 AND 100000 THEN
		RAISE EXCEPTION 'bitmap % has % bits', k, kv_bitcount(k);
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
SELECT sadd('team:a', array_agg('player ' || i)) FROM generate_series(1, 300) AS i;
SELECT rpush('ring:0', array_agg(i::text)) FROM generate_series(1, 200) AS i;
