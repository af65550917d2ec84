-- When memory runs out: a clear error that names what to change, nothing lost,
-- nothing half done, and room again as soon as there is some.

-- fill the keyspace with keys of so many bytes until it is full; say what happened
CREATE FUNCTION full_fill(keyspace name, size int, OUT message text, OUT hint text, OUT state text)
LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 10000000 LOOP
		PERFORM kv_set('full:' || i, repeat('x', size), keyspace => keyspace);
	END LOOP;
EXCEPTION WHEN out_of_memory THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT,
		state = RETURNED_SQLSTATE;
END $$;

-- A keyspace at its cap.
CREATE SERVER full_cap FOREIGN DATA WRAPPER hotset OPTIONS (memory '1MB');
\x on
SELECT * FROM full_fill('full_cap', 100);
\x off
SELECT keys AS before, refused > 0 AS counted, bytes <= limit_bytes AS within
FROM hotset_stats WHERE keyspace = 'full_cap' \gset
SELECT :'counted' AS counted, :'within' AS within, :before > 5000 AS well_used;
SELECT count(kv_get('full:' || i, 'full_cap')) = :before AS all_there
FROM generate_series(1, :before) i;
-- the old value stays when the new one does not fit
\set VERBOSITY sqlstate
SELECT kv_set('full:1', repeat('y', 500000), keyspace => 'full_cap');
SELECT kv_append('full:1', repeat('y', 500000), 'full_cap');
\set VERBOSITY default
SELECT kv_get('full:1', 'full_cap') = repeat('x', 100) AS unchanged;
-- what takes no more room works
SELECT kv_set('full:1', repeat('z', 100), keyspace => 'full_cap');
SELECT kv_get('full:1', 'full_cap') = repeat('z', 100) AS changed;
-- room by deleting (memory comes back by whole segments, so some more than is needed)
SELECT count(*) FROM generate_series(1, 3000) i WHERE kv_del('full:' || i, 'full_cap');
SELECT count(kv_set('full:' || i, repeat('x', 100), keyspace => 'full_cap')) FROM generate_series(1, 500) i;
-- room by a larger cap, at once
SELECT state FROM full_fill('full_cap', 100);
ALTER SERVER full_cap OPTIONS (SET memory '2MB');
SELECT count(kv_set('full:more:' || i, repeat('x', 100), keyspace => 'full_cap')) FROM generate_series(1, 1000) i;
-- room by eviction, at once
SELECT state FROM full_fill('full_cap', 100);
ALTER SERVER full_cap OPTIONS (ADD eviction 's3fifo');
SELECT count(kv_set('full:more:' || i, repeat('x', 100), keyspace => 'full_cap')) FROM generate_series(1, 20000) i;
SELECT evicted > 0 AS evicted FROM hotset_stats WHERE keyspace = 'full_cap';
-- a smaller cap is approached
ALTER SERVER full_cap OPTIONS (SET memory '1MB');
SELECT count(kv_set('full:less:' || i, repeat('x', 100), keyspace => 'full_cap')) FROM generate_series(1, 20000) i;
SELECT bytes <= limit_bytes AS within FROM hotset_stats WHERE keyspace = 'full_cap';
-- a value larger than the keyspace evicts others in vain, and is refused
\set VERBOSITY sqlstate
SELECT kv_set('full:huge', repeat('x', 3000000), keyspace => 'full_cap');
\set VERBOSITY default
DROP SERVER full_cap;

-- Eviction of keys with a time to live only.
CREATE SERVER full_ttl FOREIGN DATA WRAPPER hotset OPTIONS (memory '1MB', eviction 'ttl');
SELECT count(kv_set('full:stay:' || i, repeat('x', 100), keyspace => 'full_ttl')) FROM generate_series(1, 2000) i;
SELECT count(kv_set('full:go:' || i, repeat('x', 100), ttl => '1 hour', keyspace => 'full_ttl')) FROM generate_series(1, 20000) i;
SELECT count(kv_get('full:stay:' || i, 'full_ttl')) AS stayed FROM generate_series(1, 2000) i;
SELECT count(kv_get('full:go:' || i, 'full_ttl')) BETWEEN 1 AND 10000 AS some_went FROM generate_series(1, 20000) i;
SELECT state FROM full_fill('full_ttl', 100);
SELECT count(kv_get('full:stay:' || i, 'full_ttl')) AS stayed FROM generate_series(1, 2000) i;
DROP SERVER full_ttl;

-- All of the region.
CREATE SERVER full_a FOREIGN DATA WRAPPER hotset;
CREATE SERVER full_b FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB');
\x on
SELECT * FROM full_fill('full_a', 60000);
\x off
SELECT (full_fill('full_b', 1000)).hint;
DROP SERVER full_a;
SELECT count(kv_set('full:' || i, repeat('x', 1000), keyspace => 'full_b')) FROM generate_series(1, 1000) i;
DROP SERVER full_b;

DROP FUNCTION full_fill;
SELECT hotset_verify();
