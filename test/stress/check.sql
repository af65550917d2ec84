-- After the load of run.sh has ended: what must hold now.
\set ON_ERROR_STOP on
DO $$
DECLARE
	total bigint;
	parts bigint;
	scores float8;
	differing text;
BEGIN
	PERFORM hotset_verify();
	SELECT sum(kv_get(key)::bigint) FILTER (WHERE key <> 'count:all'), max(kv_get(key)::bigint) FILTER (WHERE key = 'count:all')
	  INTO parts, total FROM kv_scan('count:*');
	IF parts IS DISTINCT FROM total THEN
		RAISE EXCEPTION 'counters add up to %, not %', parts, total;
	END IF;
	SELECT sum(score) INTO scores FROM zrange('accounts', 0, -1);
	IF scores <> 0 THEN
		RAISE EXCEPTION 'scores of accounts add up to %', scores;
	END IF;
	IF kv_get('queue-in')::bigint <> kv_get('queue-out')::bigint + zcard('queue:0') + zcard('queue:1') + zcard('queue:2') THEN
		RAISE EXCEPTION '% jobs came, % were taken, and others are left', kv_get('queue-in'), kv_get('queue-out');
	END IF;
	IF kv_get('line-in')::bigint <> kv_get('line-out')::bigint + llen('line:0') + llen('line:1') THEN
		RAISE EXCEPTION '% jobs came into lines, % were taken, and others are left', kv_get('line-in'), kv_get('line-out');
	END IF;
	IF (SELECT array_agg(value::int ORDER BY value::int) FROM generate_series(0, 3) AS i, lrange('ring:' || i, 0, -1))
	   IS DISTINCT FROM (SELECT array_agg(i) FROM generate_series(1, 200) AS i) THEN
		RAISE EXCEPTION 'the ring of lists has lost or found something';
	END IF;
	IF (SELECT sum(value::bigint) FROM hgetall('sums')) <> 0 THEN
		RAISE EXCEPTION 'fields of sums add up to %', (SELECT sum(value::bigint) FROM hgetall('sums'));
	END IF;
	IF kv_bitcount('bitmap:0') + kv_bitcount('bitmap:1') + kv_bitcount('bitmap:2') <> kv_get('bits-set')::bigint THEN
		RAISE EXCEPTION '% bits were set', kv_get('bits-set');
	END IF;
	IF (SELECT sum((kv_bitfield_ro('bitsums', ARRAY['GET', 'u32', '#' || i]))[1]) FROM generate_series(0, 49) AS i) <> kv_get('bits-sum')::bigint THEN
		RAISE EXCEPTION 'fields of bits do not add up to %', kv_get('bits-sum');
	END IF;
	SELECT string_agg(format('%s: %s keys counted, %s scanned', s.keyspace, kv_count(s.keyspace), n), '; ') INTO differing
	  FROM hotset_stats AS s, LATERAL (SELECT count(*) AS n FROM kv_scan(keyspace => s.keyspace)) AS scanned
	 WHERE s.keyspace <> 'small' AND (kv_count(s.keyspace) <> n OR s.bytes > s.limit_bytes OR s.keys < n);
	IF differing IS NOT NULL THEN
		RAISE EXCEPTION '%', differing;
	END IF;
	PERFORM value_check(key, kv_get(key, 'strict')) FROM kv_scan(type => 'string', keyspace => 'strict');
	PERFORM value_check(key, kv_get(key, 'small')) FROM kv_scan('cache:*', keyspace => 'small');
END $$;
SELECT keyspace, keys, pg_size_pretty(bytes) AS memory, hits, misses, sets, deletes, expired, evicted, refused FROM hotset_stats;
DROP EXTENSION hotset CASCADE;
CREATE EXTENSION hotset;
DO $$
BEGIN
	-- everything was given back
	PERFORM hotset_verify();
	IF (SELECT sum(bytes) FROM hotset_stats) > 0 OR (SELECT sum(keys) FROM hotset_stats) > 0 THEN
		RAISE EXCEPTION 'memory is left: %', (SELECT jsonb_agg(s) FROM hotset_stats AS s);
	END IF;
END $$;
