-- Locks with fencing tokens.
SELECT kv_lock('lk:a', '1 minute') AS first \gset
SELECT :first > 1700000000000000 AS microseconds_since_1970, kv_lock('lk:a', '1 minute') IS NULL AS held;
-- To other functions it is a counter that expires.
SELECT kv_type('lk:a'), kv_get('lk:a') = :'first' AS token, kv_get_int('lk:a') = :first AS token, kv_ttl('lk:a') BETWEEN '50 seconds' AND '1 minute' AS ttl;

-- Only its token extends and gives it back.
SELECT kv_lock_extend('lk:a', :first - 1, '1 hour'), kv_lock_extend('lk:a', :first, '1 hour'), kv_ttl('lk:a') > '59 minutes' AS longer,
       kv_lock_extend('lk:a', :first, '1 second'), kv_ttl('lk:a') <= '1 second' AS shorter, kv_lock_extend('lk:a', :first, '1 minute');
SELECT kv_unlock('lk:a', :first + 1), kv_exists('lk:a'), kv_unlock('lk:a', :first), kv_exists('lk:a'), kv_unlock('lk:a', :first), kv_lock_extend('lk:a', :first, '1 minute');

-- Tokens grow, over all keys and keyspaces.
CREATE SERVER lk FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
SELECT kv_lock('lk:a', '1 minute') AS second, kv_lock('lk:a', '1 minute', keyspace => 'lk') AS third, kv_lock('lk:b', '1 minute') AS fourth \gset
SELECT :first < :second AND :second < :third AND :third < :fourth AS growing;
SELECT count(*), bool_and(token > before) AS growing
FROM (SELECT token, lag(token, 1, :fourth) OVER (ORDER BY i) AS before
      FROM (SELECT i, kv_lock('lk:many:' || i, '1 minute', keyspace => 'lk') AS token FROM generate_series(1, 1000) AS i) AS t) AS t;

-- Expired: another takes it, and the first one's token is worth nothing.
SELECT kv_unlock('lk:a', :second), kv_lock('lk:a', '1 millisecond') AS expiring \gset
SELECT pg_sleep(0.01);
SELECT kv_lock('lk:a', '1 minute') AS fifth \gset
SELECT :fifth > :expiring AS larger, kv_lock_extend('lk:a', :expiring, '1 minute'), kv_unlock('lk:a', :expiring), kv_unlock('lk:a', :fifth);

-- ROLLBACK gives nothing back.
BEGIN;
SELECT kv_lock('lk:r', '1 minute') IS NOT NULL AS taken;
ROLLBACK;
SELECT kv_lock('lk:r', '1 minute') IS NULL AS still_held, kv_del('lk:r');

-- Any other string is held by somebody else.
SELECT kv_set('lk:s', 'mine'), kv_lock('lk:s', '1 minute') IS NULL AS held, kv_unlock('lk:s', 1), kv_lock_extend('lk:s', 1, '1 minute'), kv_get('lk:s'), kv_ttl('lk:s');
SELECT kv_set('lk:s', '123'), kv_unlock('lk:s', 123), zadd('lk:z', 1, 'm');
SELECT kv_lock('lk:z', '1 minute');
SELECT kv_lock_extend('lk:z', 1, '1 minute');
SELECT kv_unlock('lk:z', 1);

-- Errors.
SELECT kv_lock(NULL, '1 minute');
SELECT kv_lock('lk:n', NULL);
SELECT kv_lock('lk:n', '0');
SELECT kv_lock('lk:n', '-1 second');
SELECT kv_lock('lk:n', '300000 years');
SELECT kv_lock(repeat('x', 65537), '1 minute');
SELECT kv_lock_extend(NULL, 1, '1 minute');
SELECT kv_lock_extend('lk:n', NULL, '1 minute');
SELECT kv_lock_extend('lk:n', 1, NULL);
SELECT kv_lock_extend('lk:n', 1, '0');
SELECT kv_unlock(NULL, 1);
SELECT kv_unlock('lk:n', NULL);
-- No memory: nothing is locked.
\set VERBOSITY terse
SELECT count(kv_lock('lk:full:' || i, '1 hour', keyspace => 'lk')) FROM generate_series(1, 100000) AS i;
\set VERBOSITY default
SELECT kv_lock('lk:full:1', '1 hour', keyspace => 'lk') IS NULL AS held, kv_exists('lk:full:100000', keyspace => 'lk');
DROP SERVER lk;
SELECT count(*) FROM kv_scan('lk:*') AS s, kv_del(s.key) AS deleted WHERE deleted;
