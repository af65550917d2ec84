-- Members that expire on their own: fields of hashes, members of sets and sorted
-- sets.  The rules are those of one engine for all three; names and errors here.
CREATE EXTENSION IF NOT EXISTS hotset;

-- ---- one member, the three kinds --------------------------------------------
SELECT hset('due:h', '{f,g}'::text[], '{1,2}'::text[]), sadd('due:s', '{f,g}'::text[]),
       zadd('due:z', '{1,2}'::float8[], '{f,g}'::text[]);
SELECT hexpire('due:h', 'f', '1 hour'), sexpire('due:s', 'f', '1 hour'), zexpire('due:z', 'f', '1 hour');
SELECT httl('due:h', 'f') BETWEEN '59 min' AND '1 hour' AS h,
       sttl('due:s', 'f') BETWEEN '59 min' AND '1 hour' AS s,
       zttl('due:z', 'f') BETWEEN '59 min' AND '1 hour' AS z;
SELECT httl('due:h', 'g'), sttl('due:s', 'g'), zttl('due:z', 'g');
SELECT hexpires_at('due:h', 'f') - now() <= '1 hour 1 min' AS h, sexpires_at('due:s', 'g') AS s,
       zexpires_at('due:z', 'none') AS z;

-- at a point in time, and never
SELECT hexpire_at('due:h', 'f', '2100-01-01 00:00Z'), sexpire_at('due:s', 'f', '2100-01-01 00:00Z'),
       zexpire_at('due:z', 'f', '2100-01-01 00:00Z');
SELECT hexpires_at('due:h', 'f') = '2100-01-01 00:00Z' AS h, sexpires_at('due:s', 'f') = '2100-01-01 00:00Z' AS s,
       zexpires_at('due:z', 'f') = '2100-01-01 00:00Z' AS z;
SELECT hpersist('due:h', 'f'), spersist('due:s', 'f'), zpersist('due:z', 'f');
SELECT hpersist('due:h', 'f'), spersist('due:s', 'f'), zpersist('due:z', 'f');
SELECT hexpires_at('due:h', 'f'), sexpires_at('due:s', 'f'), zexpires_at('due:z', 'f');
SELECT hexpire_at('due:h', 'f', 'infinity'), hexpires_at('due:h', 'f');

-- absent members and keys
SELECT hexpire('due:h', 'x', '1 hour'), sexpire('due:s', 'x', '1 hour'), zexpire('due:none', 'x', '1 hour'),
       hpersist('due:none', 'x'), kv_exists('due:none');

-- ---- arrays -----------------------------------------------------------------
SELECT hexpire('due:h', '{f,x,g,f}'::text[], '1 hour'), sexpire('due:s', '{x,f}'::text[], '1 hour'),
       zexpire('due:z', '{}'::text[], '1 hour');
SELECT hexpire_at('due:h', '{f,g}'::text[], '2100-01-01 00:00Z', nx => true),
       hexpire_at('due:h', '{f,g}'::text[], '2100-01-01 00:00Z', gt => true),
       hexpire_at('due:h', '{f,g}'::text[], '2099-01-01 00:00Z', gt => true),
       hexpire_at('due:h', '{f,g}'::text[], '2099-01-01 00:00Z', lt => true, xx => true);
SELECT hexpires_at('due:h', '{f,NULL,x,g}'::text[]) =
       ARRAY['2099-01-01 00:00Z', NULL, NULL, '2099-01-01 00:00Z']::timestamptz[] AS all_four;
SELECT array_length(httl('due:h', '{f,NULL,x,g}'::text[]), 1) AS n,
       (httl('due:h', '{f,NULL,x,g}'::text[]))[1] > '1 year' AS first,
       (httl('due:h', '{f,NULL,x,g}'::text[]))[2] AS second;
SELECT hpersist('due:h', '{g,x,g}'::text[]), spersist('due:s', '{f,g}'::text[]),
       zpersist('due:z', '{f,g}'::text[]), zttl('due:z', '{}'::text[]), zexpires_at('due:z', '{f}'::text[]);

-- ---- the time is past, or comes ---------------------------------------------
SELECT hexpire('due:h', 'f', '0'), hget('due:h', 'f'), hlen('due:h');
SELECT sexpire('due:s', '{f,g,x}'::text[], '-1 hour'), kv_exists('due:s');
SELECT zexpire_at('due:z', 'f', '1999-01-01'), zcard('due:z');
SELECT hset('due:h', '{a,b,c}'::text[], '{1,2,3}'::text[]);
SELECT hexpire('due:h', '{a,b}'::text[], '30 ms');
SELECT pg_sleep(0.04);
SELECT field, value FROM hgetall('due:h') ORDER BY field;
SELECT hlen('due:h'), hexists('due:h', 'a'), hmget('due:h', '{a,b,c}'::text[]), httl('due:h', 'a');
-- with the last one the key, which has no expiry of its own for that
SELECT zexpire('due:z', 'g', '30 ms'), kv_ttl('due:z') IS NULL AS no_ttl, kv_exists('{due:z,due:h,due:none,NULL}'::text[]);
SELECT pg_sleep(0.04);
SELECT kv_exists('{due:z,due:h,due:none,NULL}'::text[]);
SELECT kv_exists('due:z'), kv_type('due:z'), count(*) FROM kv_scan('due:z');
SELECT kv_get('due:z') IS NULL AS no_wrong_type;

-- ---- what becomes of the expiry ---------------------------------------------
-- setting anew drops it, counting keeps it
SELECT hset('due:h', 'n', '1'), hexpire('due:h', 'n', '1 hour'), hincrby('due:h', 'n', 1000000), httl('due:h', 'n') IS NOT NULL AS kept;
SELECT hset('due:h', 'n', '1'), httl('due:h', 'n');
SELECT hexpire('due:h', 'n', '1 hour'), hsetnx('due:h', 'n', '2'), httl('due:h', 'n') IS NOT NULL AS kept;
SELECT sadd('due:s', 'm'), sexpire('due:s', 'm', '1 hour'), sadd('due:s', 'm'), sttl('due:s', 'm');
SELECT zadd('due:z', 1, 'm'), zexpire('due:z', 'm', '1 hour'), zincrby('due:z', 5, 'm'), zttl('due:z', 'm') IS NOT NULL AS kept;
SELECT zadd('due:z', 1, 'm', gt => true), zttl('due:z', 'm') IS NOT NULL AS kept;
SELECT zadd('due:z', 9, 'm', gt => true), zttl('due:z', 'm');
-- removed and added, it has none
SELECT zexpire('due:z', 'm', '1 hour'), zrem('due:z', 'm'), zadd('due:z', 1, 'm'), zttl('due:z', 'm');
-- it goes with the key, and with a dump
SELECT hexpire_at('due:h', 'c', '2100-01-01 00:00Z'), kv_rename('due:h', 'due:i'), kv_copy('due:i', 'due:j'),
       kv_restore('due:k', kv_dump('due:i'));
SELECT k, hexpires_at(k, 'c') = '2100-01-01 00:00Z' AS c, hexpires_at(k, 'n') > now() AS n, hlen(k)
  FROM unnest('{due:i,due:j,due:k}'::text[]) k;
-- results of set operations have none
SELECT sexpire('due:s', 'm', '1 hour'), sunionstore('due:u', '{due:s}'::text[]), sttl('due:u', 'm');
-- that of the key is another matter
SELECT kv_expire_at('due:i', '2101-01-01 00:00Z'), hexpires_at('due:i', 'c') = kv_expires_at('due:i') AS same, kv_persist('due:i');

-- damage is refused
\set VERBOSITY sqlstate
SELECT kv_restore('due:bad', set_byte(kv_dump('due:i'), 12, 200));

-- ---- errors -----------------------------------------------------------------
SELECT kv_set('due:string', 'x');
SELECT hexpire('due:string', 'f', '1 hour');
SELECT httl('due:string', 'f');
SELECT sttl('due:i', '{f}'::text[]);
SELECT zpersist('due:s', 'm');
SELECT hexpire('due:i', 'c', '1 hour', nx => true, gt => true);
SELECT hexpire_at('due:i', 'c', now(), gt => true, lt => true);
SELECT hexpire(NULL, 'c', '1 hour');
SELECT hexpire('due:i', NULL::text, '1 hour');
SELECT hexpire('due:i', '{c,NULL}'::text[], '1 hour');
SELECT hexpire_at('due:i', 'c', NULL);
SELECT zpersist('due:i', NULL::text[]);
SELECT hexpire('due:i', 'c', '300000 years');
SELECT hexpire('due:i', repeat('x', 70000), '1 hour');
SELECT hexpire('due:i', 'c', '1 hour', keyspace => 'nowhere');
\set VERBOSITY default
SELECT zexpire('due:i', 'c', '1 hour');
SELECT sexpire('due:s', NULL::text, '1 hour');
-- reads take nulls
SELECT httl(NULL, 'c'), httl('due:i', NULL::text), sexpires_at('due:s', NULL::text[]), zttl(NULL, '{c}'::text[]);

-- without a time: that of the keyspace
SELECT hexpire('due:i', 'c', NULL), httl('due:i', 'c');
CREATE SERVER due_ks FOREIGN DATA WRAPPER hotset OPTIONS (default_ttl '1 hour');
SELECT sadd('k', 'm', keyspace => 'due_ks'), sexpire('k', 'm', NULL, keyspace => 'due_ks'),
       sttl('k', 'm', keyspace => 'due_ks') BETWEEN '59 min' AND '1 hour' AS an_hour;
DROP SERVER due_ks;

-- many at once: removed in slices by whoever comes first
SELECT count(*) FROM generate_series(1, 3000) i, sadd('due:many', i::text);
SELECT cardinality(array_positions(sexpire('due:many', array_agg(i::text), '50 ms'), true)) FROM generate_series(1, 2999) i;
SELECT pg_sleep(0.06);
SELECT scard('due:many'), spop('due:many');
SELECT kv_exists('due:many');
SELECT hotset_verify();
SELECT kv_del('{due:h,due:s,due:z,due:i,due:j,due:k,due:u,due:string,due:many}'::text[]);
