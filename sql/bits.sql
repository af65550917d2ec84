-- Strings as arrays of bits and small integers.
-- Bit 0 is the highest of the first byte.
SELECT kv_setbit('bi:a', 1, true), kv_setbit('bi:a', 7, true), kv_setbit('bi:a', 7, true), kv_get('bi:a');
SELECT kv_getbit('bi:a', 0), kv_getbit('bi:a', 1), kv_getbit('bi:a', 8), kv_getbit('bi:a', 4294967295), kv_getbit('bi:none', 3);
SELECT kv_setbit('bi:a', 7, false), kv_setbit('bi:a', 23, true), kv_get_bytea('bi:a'), kv_strlen('bi:a');
SELECT kv_setbit('bi:zero', 20, false), kv_get_bytea('bi:zero');

-- What was text is bytes now, a counter its digits.
SELECT kv_set('bi:t', 'text'), kv_setbit('bi:t', 0, true), kv_get_bytea('bi:t');
SELECT kv_incr('bi:n', 12), kv_setbit('bi:n', 15, true), kv_get('bi:n'), kv_incr('bi:n');

-- Counting: bytes or bits, inclusive, from the end if negative.
SELECT kv_set('bi:c', 'foobar');
SELECT kv_bitcount('bi:c'), kv_bitcount('bi:c', 0, 0), kv_bitcount('bi:c', 1, 1), kv_bitcount('bi:c', -2, -1),
       kv_bitcount('bi:c', 5, 30, by_bit => true), kv_bitcount('bi:c', 3, 2), kv_bitcount('bi:c', 100), kv_bitcount('bi:none');

-- Searching: behind the end are zeros, unless there is a stop.
SELECT kv_set('bi:p', '\xfff000'::bytea), kv_set('bi:f', '\xffffff'::bytea), kv_set('bi:z', '\x000000'::bytea);
SELECT kv_bitpos('bi:p', false), kv_bitpos('bi:p', true), kv_bitpos('bi:p', true, 2), kv_bitpos('bi:p', true, 7, 15, by_bit => true),
       kv_bitpos('bi:p', false, -1), kv_bitpos('bi:p', true, -2, -1);
SELECT kv_bitpos('bi:f', false), kv_bitpos('bi:f', false, 0, -1), kv_bitpos('bi:z', true), kv_bitpos('bi:none', false), kv_bitpos('bi:none', true),
       kv_bitpos('bi:f', false, 5);

-- Combining; the longest decides, shorter ones have zeros.
SELECT kv_set('bi:x', '\xff0f'::bytea), kv_set('bi:y', '\x0ff0ff'::bytea);
SELECT kv_bitop('and', 'bi:d', ARRAY['bi:x', 'bi:y']), kv_get_bytea('bi:d');
SELECT kv_bitop('OR', 'bi:d', ARRAY['bi:x', 'bi:y', 'bi:none']), kv_get_bytea('bi:d');
SELECT kv_bitop('xor', 'bi:d', ARRAY['bi:x', 'bi:y', 'bi:y']), kv_get_bytea('bi:d');
SELECT kv_bitop('not', 'bi:d', ARRAY['bi:d']), kv_get_bytea('bi:d');
SELECT kv_bitop('and', 'bi:d', ARRAY['bi:none', 'bi:nothing']), kv_exists('bi:d');

-- Fields of any width; words one an element, or several.
SELECT kv_bitfield('bi:m', ARRAY['SET u8 #0 255', 'SET u8 #1 7', 'GET u4 4', 'INCRBY i5 100 1', 'GET i5 100']);
SELECT kv_bitfield('bi:m', '{set,i64,128,-5,get,i64,128,incrby,i64,128,10}');
SELECT kv_bitfield('bi:m', ARRAY['INCRBY u8 0 10', 'OVERFLOW SAT', 'INCRBY u8 #1 250', 'OVERFLOW fail INCRBY u8 #1 1 GET u8 #1', 'overflow wrap incrby u8 #1 1']);
SELECT kv_bitfield('bi:m', '{}'), kv_bitfield('bi:m', '{OVERFLOW SAT}'), kv_bitfield('bi:none', '{GET u8 0}'), kv_exists('bi:none');
SELECT kv_bitfield_ro('bi:m', '{GET u8 0,GET u8 #1}'), kv_bitfield_ro('bi:none', '{GET i64 0}');

-- A bitmap of a megabyte and more is changed in place; room for more is not part of it.
SELECT kv_setbit('bi:big', 8999999, true), kv_strlen('bi:big'), kv_bitcount('bi:big'), kv_bitpos('bi:big', true);
SELECT sum(kv_setbit('bi:big', i::bigint * 8999, true)) FROM generate_series(0, 1000) AS i;
SELECT sum(kv_setbit('bi:big', i::bigint * 8999, true)) FROM generate_series(0, 1000) AS i;
SELECT kv_bitcount('bi:big'), kv_bitcount('bi:big', 1000000), kv_bitpos('bi:big', true, 1), kv_bitpos('bi:big', true, 1, 8998, by_bit => true),
       length(kv_get_bytea('bi:big')), bit_count(kv_get_bytea('bi:big'));
SELECT kv_setbit('bi:big', 9100000, true), kv_strlen('bi:big'), kv_bitcount('bi:big'), kv_getbit('bi:big', 9100000), kv_getbit('bi:big', 9099999);
SELECT kv_bitop('not', 'bi:not', ARRAY['bi:big']), kv_bitcount('bi:not'), kv_bitpos('bi:not', false, 1);
SELECT kv_bitop('and', 'bi:not', ARRAY['bi:big', 'bi:not']), kv_bitcount('bi:not'), kv_bitop('or', 'bi:not', ARRAY['bi:a', 'bi:big']), kv_bitcount('bi:not');
SELECT kv_bitfield('bi:big', '{SET u32 #30000 4000000000,GET u32 #30000,SET i8 20000000 -1,GET i8 20000000}'), kv_strlen('bi:big');
SELECT kv_copy('bi:big', 'bi:copy'), md5(kv_get_bytea('bi:big')) = md5(kv_get_bytea('bi:copy')) AS same;
SELECT kv_append('bi:copy', 'end'), kv_getrange('bi:copy', -3, -1);

-- Expiry stays; a new key gets the keyspace's.
SELECT kv_set('bi:e', 'x', ttl => '1 hour'), kv_setbit('bi:e', 100, true), kv_ttl('bi:e') IS NOT NULL AS expires;
CREATE SERVER bi_ttl FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', default_ttl '1 hour');
SELECT kv_setbit('a', 1, true, keyspace => 'bi_ttl'), kv_ttl('a', keyspace => 'bi_ttl') IS NOT NULL AS expires,
       kv_bitop('or', 'b', '{a}', keyspace => 'bi_ttl'), kv_ttl('b', keyspace => 'bi_ttl') IS NOT NULL AS expires;

-- NULL: nothing for reads, an error for writes.
SELECT kv_getbit(NULL, 1), kv_getbit('bi:a', NULL), kv_bitcount(NULL), kv_bitpos('bi:a', NULL), kv_bitcount('bi:a', NULL), kv_bitfield_ro('bi:a', NULL);
SELECT kv_setbit(NULL, 1, true);
SELECT kv_setbit('bi:a', NULL, true);
SELECT kv_setbit('bi:a', 1, NULL);
SELECT kv_bitop('and', NULL, '{a}');
SELECT kv_bitop(NULL, 'bi:d', '{a}');
SELECT kv_bitop('and', 'bi:d', '{a,NULL}');
SELECT kv_bitfield('bi:a', NULL);
SELECT kv_bitfield('bi:a', '{NULL}');

-- Errors.
SELECT kv_setbit('bi:a', -1, true);
SELECT kv_getbit('bi:a', 4294967296);
SELECT kv_setbit('bi:a', 4294967295, true);
SELECT kv_bitop('nand', 'bi:d', '{a,b}');
SELECT kv_bitop('not', 'bi:d', '{a,b}');
SELECT kv_bitop('or', 'bi:d', '{}');
SELECT kv_bitfield('bi:a', '{GET u64 0}');
SELECT kv_bitfield('bi:a', '{GET i65 0}');
SELECT kv_bitfield('bi:a', '{GET x8 0}');
SELECT kv_bitfield('bi:a', '{GET u8}');
SELECT kv_bitfield('bi:a', '{GET u8 -1}');
SELECT kv_bitfield('bi:a', '{GET u8 4294967296}');
SELECT kv_bitfield('bi:a', '{GET u8 #536870912}');
SELECT kv_bitfield('bi:a', '{GET u8 one}');
SELECT kv_bitfield('bi:a', '{SET u8 0 1x}');
SELECT kv_bitfield('bi:a', '{OVERFLOW NONE}');
SELECT kv_bitfield('bi:a', '{PUT u8 0 1}');
SELECT kv_bitfield_ro('bi:a', '{SET u8 0 1}');
SELECT kv_bitfield('bi:a', array_fill('GET u8 0'::text, ARRAY[10001]));
SELECT kv_set('bi:json', '{}'::jsonb), zadd('bi:zset', 1, 'a');
SELECT kv_setbit('bi:json', 1, true);
SELECT kv_bitcount('bi:zset');
SELECT kv_bitpos('bi:json', true);
SELECT kv_bitop('or', 'bi:d', '{bi:a,bi:zset}');
SELECT kv_bitop('or', 'bi:d', '{bi:a,bi:json}');
SELECT kv_bitop('or', 'bi:zset', '{bi:a}'), kv_type('bi:zset');
SELECT kv_bitfield('bi:json', '{GET u8 0}');
-- No room: nothing has changed.
SELECT kv_setbit('a', 40000000, true, keyspace => 'bi_ttl');
SELECT kv_bitcount('a', keyspace => 'bi_ttl');

DROP SERVER bi_ttl;
SELECT count(*) FROM kv_scan('bi:*') AS s, kv_del(s.key) AS deleted WHERE deleted;
