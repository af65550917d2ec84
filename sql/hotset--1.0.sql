/* sql/hotset--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION hotset" to load this file. \quit

-- ---------------------------------------------------------------------------
-- Keyspaces
-- ---------------------------------------------------------------------------

CREATE FUNCTION hotset_fdw_validator(options text[], catalog oid) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C STRICT;
COMMENT ON FUNCTION hotset_fdw_validator(text[], oid) IS
'checks the options of keyspaces for CREATE SERVER and ALTER SERVER';

CREATE FOREIGN DATA WRAPPER hotset NO HANDLER VALIDATOR hotset_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER hotset IS
'keyspaces in shared memory: each server is one';

CREATE SERVER kv FOREIGN DATA WRAPPER hotset;
COMMENT ON SERVER kv IS 'keyspace of functions that are not given another one';

-- ---------------------------------------------------------------------------
-- Keys
-- ---------------------------------------------------------------------------

CREATE FUNCTION kv_del(key text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_del' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_del(text, name) IS 'delete a key: true if there was one';

CREATE FUNCTION kv_del(keys text[], keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_del_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_del(text[], name) IS 'delete keys, all at once: how many there were';

CREATE FUNCTION kv_exists(key text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_exists' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_exists(text, name) IS 'whether a key exists';

CREATE FUNCTION kv_exists(keys text[], keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_exists_many' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION kv_exists(text[], name) IS 'how many of the keys exist at one instant; one that comes twice counts twice';

CREATE FUNCTION kv_touch(key text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_touch' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION kv_touch(text, name) IS 'use a key, so that it is not evicted: true if there is one';

CREATE FUNCTION kv_touch(keys text[], keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_touch_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_touch(text[], name) IS 'use keys, so that they are not evicted: how many there are';

CREATE FUNCTION kv_type(key text, keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_type' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_type(text, name) IS 'what a key holds: string, hash, list, set, zset, stream or hll';

CREATE FUNCTION kv_rename(key text, new_key text, nx boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_rename' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 5;
COMMENT ON FUNCTION kv_rename(text, text, boolean, name) IS 'give a key another name, replacing what is there unless nx: false if the key is missing or nx stopped it';

CREATE FUNCTION kv_copy(key text, new_key text, replace boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_copy' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 5;
COMMENT ON FUNCTION kv_copy(text, text, boolean, name) IS 'copy a key with its expiry: false if it is missing or the new one exists and is not to be replaced';

CREATE FUNCTION kv_expire(key text, ttl interval, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_expire' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_expire(text, interval, boolean, boolean, boolean, boolean, name) IS 'let a key expire after a time: true if done; zero or less deletes it; nx, xx, gt, lt: only if it has no expiry, has one, to a later or to an earlier one';

CREATE FUNCTION kv_expire_at(key text, "at" timestamptz, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_expire_at' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_expire_at(text, timestamptz, boolean, boolean, boolean, boolean, name) IS 'let a key expire at a point in time: true if done; one in the past deletes it, infinity means never';

CREATE FUNCTION kv_persist(key text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_persist' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_persist(text, name) IS 'let a key never expire: true if it would have';

CREATE FUNCTION kv_ttl(key text, keyspace name DEFAULT NULL) RETURNS interval
    AS 'MODULE_PATHNAME', 'hotset_kv_ttl' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_ttl(text, name) IS 'time until a key expires; null if it is missing or does not';

CREATE FUNCTION kv_expires_at(key text, keyspace name DEFAULT NULL) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'hotset_kv_expires_at' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_expires_at(text, name) IS 'when a key expires; null if it is missing or does not';

CREATE FUNCTION kv_scan_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_kv_scan_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION kv_scan_support(internal) IS 'planner support of kv_scan';

CREATE FUNCTION kv_scan(pattern text DEFAULT '*', type text DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS TABLE (key text, type text, expires_at timestamptz, bytes bigint)
    AS 'MODULE_PATHNAME', 'hotset_kv_scan' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 1000
    SUPPORT kv_scan_support;
COMMENT ON FUNCTION kv_scan(text, text, name) IS 'keys that match a glob pattern (* ? [a-z] \x) and hold that type; all that exist from beginning to end come exactly once';

CREATE FUNCTION kv_count(keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_count' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kv_count(name) IS 'number of keys';

CREATE FUNCTION kv_random_key(keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_random_key' LANGUAGE C VOLATILE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION kv_random_key(name) IS 'some key of the keyspace; null if there is none';

CREATE FUNCTION kv_flush(keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_flush' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION kv_flush(name) IS 'delete all keys: how many there were';

CREATE FUNCTION kv_del_prefix(prefix text, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_del_prefix' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION kv_del_prefix(text, name) IS 'delete the keys that begin with a prefix and exist from beginning to end: how many went';

CREATE FUNCTION kv_del_tag(tag text, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_del_tag' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_del_tag(text, name) IS 'delete all keys with a tag at once: how many had it';

CREATE FUNCTION kv_del_tag(tags text[], keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_del_tags' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 20;
COMMENT ON FUNCTION kv_del_tag(text[], name) IS 'delete all keys with one of the tags at once: how many had each, in all';

CREATE FUNCTION kv_tags(key text, keyspace name DEFAULT NULL) RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_kv_tags' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_tags(text, name) IS 'tags of a key; null if there is none';

CREATE FUNCTION kv_tag_count(tag text, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_tag_count' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION kv_tag_count(text, name) IS 'how many keys have a tag';

CREATE FUNCTION kv_dump(key text, keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_dump' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION kv_dump(text, name) IS 'value of a key of any type, for kv_restore: versioned, with a checksum';

CREATE FUNCTION kv_restore(key text, dump bytea, ttl interval DEFAULT NULL,
        replace boolean DEFAULT false, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_restore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_restore(text, bytea, interval, boolean, name) IS 'make a key of what kv_dump returned: false if it exists and is not to be replaced';

CREATE FUNCTION kv_slot(key text) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_slot' LANGUAGE C IMMUTABLE PARALLEL SAFE STRICT;
COMMENT ON FUNCTION kv_slot(text) IS 'hash slot of a key as in Redis Cluster: CRC16 of it, or of its {tag}, modulo 16384';

-- ---------------------------------------------------------------------------
-- Strings
-- ---------------------------------------------------------------------------

CREATE FUNCTION kv_set(key text, value text, ttl interval DEFAULT NULL,
        nx boolean DEFAULT false, xx boolean DEFAULT false, keep_ttl boolean DEFAULT false,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_set' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_set(text, text, interval, boolean, boolean, boolean, text[], name) IS 'set a key to a value, with tags: false if nx (only if there is none) or xx (only if there is one) stopped it';

CREATE FUNCTION kv_set(key text, value bytea, ttl interval DEFAULT NULL,
        nx boolean DEFAULT false, xx boolean DEFAULT false, keep_ttl boolean DEFAULT false,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_set_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_set(text, bytea, interval, boolean, boolean, boolean, text[], name) IS 'set a key to a value, with tags: false if nx (only if there is none) or xx (only if there is one) stopped it';

CREATE FUNCTION kv_set(key text, value jsonb, ttl interval DEFAULT NULL,
        nx boolean DEFAULT false, xx boolean DEFAULT false, keep_ttl boolean DEFAULT false,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_set_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_set(text, jsonb, interval, boolean, boolean, boolean, text[], name) IS 'set a key to a value, with tags: false if nx (only if there is none) or xx (only if there is one) stopped it';

CREATE FUNCTION kv_get(key text, keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_get' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_get(text, name) IS 'value of a key as text; null if there is none';

CREATE FUNCTION kv_get_bytea(key text, keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_get_bytea' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_get_bytea(text, name) IS 'bytes of the value of a key; of jsonb, those of its text form';

CREATE FUNCTION kv_get_jsonb(key text, keyspace name DEFAULT NULL) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'hotset_kv_get_jsonb' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_get_jsonb(text, name) IS 'value of a key as jsonb; text is parsed';

CREATE FUNCTION kv_getdel(key text, keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_getdel' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_getdel(text, name) IS 'value of a key, which is deleted';

CREATE FUNCTION kv_getdel_bytea(key text, keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_getdel_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_getdel_bytea(text, name) IS 'bytes of the value of a key, which is deleted';

CREATE FUNCTION kv_getset(key text, value text, keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_getset' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_getset(text, text, name) IS 'set a key to a value and return the one it had';

CREATE FUNCTION kv_getset(key text, value bytea, keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_getset_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_getset(text, bytea, name) IS 'set a key to a value and return the one it had';

CREATE FUNCTION kv_getset(key text, value jsonb, keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_getset_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_getset(text, jsonb, name) IS 'set a key to a value and return the one it had';

CREATE FUNCTION kv_getex(key text, ttl interval DEFAULT NULL, persist boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_getex' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_getex(text, interval, boolean, name) IS 'value of a key, which is given a new time to live, or none with persist';

CREATE FUNCTION kv_getex_bytea(key text, ttl interval DEFAULT NULL,
        persist boolean DEFAULT false, keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_getex_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_getex_bytea(text, interval, boolean, name) IS 'bytes of the value of a key, which is given a new time to live, or none with persist';

CREATE FUNCTION kv_mget(keys text[], keyspace name DEFAULT NULL) RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_kv_mget' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION kv_mget(text[], name) IS 'values of several keys as of one instant, in their order; null for each that is missing or no string';

CREATE FUNCTION kv_mset(keys text[], "values" text[], ttl interval DEFAULT NULL,
        nx boolean DEFAULT false, tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_mset' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_mset(text[], text[], interval, boolean, text[], name) IS 'set several keys at once: how many; with nx none at all if one of them exists';

CREATE FUNCTION kv_append(key text, value text, keyspace name DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_append' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_append(text, text, name) IS 'append bytes to a value, which may be missing: its length now';

CREATE FUNCTION kv_append(key text, value bytea, keyspace name DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_append_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_append(text, bytea, name) IS 'append bytes to a value, which may be missing: its length now';

CREATE FUNCTION kv_get_int(key text, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_get_int' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_get_int(text, name) IS 'value of a counter; null if there is none';

CREATE FUNCTION kv_strlen(key text, keyspace name DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_strlen' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_strlen(text, name) IS 'bytes of the text form of a value; null if there is none';

CREATE FUNCTION kv_getrange(key text, start bigint, stop bigint,
        keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_getrange' LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION kv_getrange(text, bigint, bigint, name) IS 'bytes start to stop of a value, both included, from 0; negative ones count from the end';

CREATE FUNCTION kv_getrange_bytea(key text, start bigint, stop bigint,
        keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_getrange_bytea' LANGUAGE C STABLE PARALLEL SAFE COST 2;
COMMENT ON FUNCTION kv_getrange_bytea(text, bigint, bigint, name) IS 'bytes start to stop of a value, both included, from 0; negative ones count from the end';

CREATE FUNCTION kv_setrange(key text, "offset" bigint, value text,
        keyspace name DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_setrange' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_setrange(text, bigint, text, name) IS 'overwrite bytes of a value from an offset on, after zero bytes if it is shorter: its length now';

CREATE FUNCTION kv_setrange(key text, "offset" bigint, value bytea,
        keyspace name DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_setrange_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_setrange(text, bigint, bytea, name) IS 'overwrite bytes of a value from an offset on, after zero bytes if it is shorter: its length now';

CREATE FUNCTION kv_setbit(key text, "bit" bigint, value boolean,
        keyspace name DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_setbit' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_setbit(text, bigint, boolean, name) IS 'set or clear a bit, after zeros if the value is shorter: what it was';

CREATE FUNCTION kv_getbit(key text, "bit" bigint, keyspace name DEFAULT NULL) RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_kv_getbit' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_getbit(text, bigint, name) IS 'a bit; 0 behind the end';

CREATE FUNCTION kv_bitcount(key text, start bigint DEFAULT 0, stop bigint DEFAULT NULL,
        by_bit boolean DEFAULT false, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_bitcount' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION kv_bitcount(text, bigint, bigint, boolean, name) IS 'bits that are set, in bytes or bits start to stop, both included; negative ones count from the end';

CREATE FUNCTION kv_bitpos(key text, value boolean, start bigint DEFAULT 0, stop bigint DEFAULT NULL,
        by_bit boolean DEFAULT false, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_bitpos' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION kv_bitpos(text, boolean, bigint, bigint, boolean, name) IS 'the first bit that is set, or clear, in bytes or bits start to stop; null if there is none';

CREATE FUNCTION kv_bitop(op text, dest text, keys text[],
        keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_bitop' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION kv_bitop(text, text, text[], name) IS 'store and, or, xor of keys, or not of one: bytes of the result';

CREATE FUNCTION kv_bitfield(key text, ops text[], keyspace name DEFAULT NULL) RETURNS bigint[]
    AS 'MODULE_PATHNAME', 'hotset_kv_bitfield' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 5;
COMMENT ON FUNCTION kv_bitfield(text, text[], name) IS 'GET, SET and INCRBY on integers of any width within a value, as in Redis: results, null for one that OVERFLOW FAIL stopped';

CREATE FUNCTION kv_bitfield_ro(key text, ops text[], keyspace name DEFAULT NULL) RETURNS bigint[]
    AS 'MODULE_PATHNAME', 'hotset_kv_bitfield_ro' LANGUAGE C STABLE PARALLEL SAFE COST 5;
COMMENT ON FUNCTION kv_bitfield_ro(text, text[], name) IS 'kv_bitfield for GET alone';

CREATE FUNCTION kv_incr(key text, "by" bigint DEFAULT 1, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_incr' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_incr(text, bigint, interval, name) IS 'add to an integer: its value now; a missing key counts from 0 and gets the ttl';

CREATE FUNCTION kv_decr(key text, "by" bigint DEFAULT 1, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_decr' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_decr(text, bigint, interval, name) IS 'subtract from an integer: its value now; a missing key counts from 0 and gets the ttl';

CREATE FUNCTION kv_incrbyfloat(key text, "by" float8, keyspace name DEFAULT NULL) RETURNS float8
    AS 'MODULE_PATHNAME', 'hotset_kv_incrbyfloat' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_incrbyfloat(text, float8, name) IS 'add to a number: its value now; a missing key is 0';

CREATE FUNCTION kv_version(key text, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_version' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_version(text, name) IS 'a number that changes with every write to the key and is never used again, for kv_cas';

CREATE FUNCTION kv_cas(key text, value text, version bigint, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_cas' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_cas(text, text, bigint, interval, name) IS 'set a key if it has this version: false if it has another or is missing';

CREATE FUNCTION kv_cas(key text, value bytea, version bigint, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_cas_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_cas(text, bytea, bigint, interval, name) IS 'set a key if it has this version: false if it has another or is missing';

CREATE FUNCTION kv_cas(key text, value jsonb, version bigint, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_cas_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_cas(text, jsonb, bigint, interval, name) IS 'set a key if it has this version: false if it has another or is missing';

CREATE FUNCTION kv_set_if(key text, value text, expected text, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_set_if' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_set_if(text, text, text, interval, name) IS 'set a key if it has the expected value, or, with null, if it is missing: false otherwise';

CREATE FUNCTION kv_set_if(key text, value bytea, expected bytea, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_set_if_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_set_if(text, bytea, bytea, interval, name) IS 'set a key if it has the expected value, or, with null, if it is missing: false otherwise';

CREATE FUNCTION kv_set_if(key text, value jsonb, expected jsonb, ttl interval DEFAULT NULL,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_set_if_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_set_if(text, jsonb, jsonb, interval, name) IS 'set a key if it has the expected value, or, with null, if it is missing: false otherwise';

CREATE FUNCTION kv_del_if(key text, expected text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_del_if' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_del_if(text, text, name) IS 'delete a key if it has the expected value: false otherwise';

CREATE FUNCTION kv_del_if(key text, expected bytea, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_del_if_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_del_if(text, bytea, name) IS 'delete a key if it has the expected value: false otherwise';

CREATE FUNCTION kv_del_if(key text, expected jsonb, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_del_if_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_del_if(text, jsonb, name) IS 'delete a key if it has the expected value: false otherwise';

-- ---------------------------------------------------------------------------
-- Sorted sets
-- ---------------------------------------------------------------------------

CREATE FUNCTION zadd(
    key text, score float8, member text, nx boolean DEFAULT false, xx boolean DEFAULT false,
    gt boolean DEFAULT false, lt boolean DEFAULT false, ch boolean DEFAULT false,
    keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zadd' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION zadd(text, float8, text, boolean, boolean, boolean, boolean, boolean, name) IS
'adds a member or moves it to another score; returns how many were added (with ch, or moved)';

CREATE FUNCTION zadd(
    key text, scores float8[], members text[], nx boolean DEFAULT false, xx boolean DEFAULT false,
    gt boolean DEFAULT false, lt boolean DEFAULT false, ch boolean DEFAULT false,
    keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zadd_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zadd(text, float8[], text[], boolean, boolean, boolean, boolean, boolean, name) IS
'adds or moves members, all of them or none; returns how many were added (with ch, or moved)';

CREATE FUNCTION zincrby(key text, by float8, member text, keyspace name DEFAULT NULL)
    RETURNS float8
    AS 'MODULE_PATHNAME', 'hotset_zincrby' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION zincrby(text, float8, text, name) IS
'adds to the score of a member, which begins at 0; returns the new score';

CREATE FUNCTION zrem(key text, member text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zrem' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION zrem(text, text, name) IS
'removes a member; returns how many were there';

CREATE FUNCTION zrem(key text, members text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zrem_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zrem(text, text[], name) IS
'removes members; returns how many were there';

CREATE FUNCTION zremrangebyrank(key text, start bigint, stop bigint, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zremrangebyrank' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zremrangebyrank(text, bigint, bigint, name) IS
'removes the members at ranks start to stop; returns how many';

CREATE FUNCTION zremrangebyscore(
    key text, min float8, max float8, bounds text DEFAULT '[]', keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zremrangebyscore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zremrangebyscore(text, float8, float8, text, name) IS
'removes the members with scores from min to max; returns how many';

CREATE FUNCTION zremrangebylex(
    key text, min text, max text, bounds text DEFAULT '[]', keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zremrangebylex' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zremrangebylex(text, text, text, text, name) IS
'removes the members from min to max in the order of bytes, null is unbounded; returns how many';

CREATE FUNCTION zscore(key text, member text, keyspace name DEFAULT NULL)
    RETURNS float8
    AS 'MODULE_PATHNAME', 'hotset_zscore' LANGUAGE C STABLE PARALLEL SAFE COST 25;
COMMENT ON FUNCTION zscore(text, text, name) IS
'score of a member';

CREATE FUNCTION zmscore(key text, members text[], keyspace name DEFAULT NULL)
    RETURNS float8[]
    AS 'MODULE_PATHNAME', 'hotset_zmscore' LANGUAGE C STABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION zmscore(text, text[], name) IS
'scores of members, null for each that is not there';

CREATE FUNCTION zrank(key text, member text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zrank' LANGUAGE C STABLE PARALLEL SAFE COST 40;
COMMENT ON FUNCTION zrank(text, text, name) IS
'rank of a member, the lowest score being 0';

CREATE FUNCTION zrevrank(key text, member text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zrevrank' LANGUAGE C STABLE PARALLEL SAFE COST 40;
COMMENT ON FUNCTION zrevrank(text, text, name) IS
'rank of a member, the highest score being 0';

CREATE FUNCTION zcard(key text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zcard' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION zcard(text, name) IS
'number of members';

CREATE FUNCTION zcount(key text, min float8, max float8, bounds text DEFAULT '[]', keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zcount' LANGUAGE C STABLE PARALLEL SAFE COST 40;
COMMENT ON FUNCTION zcount(text, float8, float8, text, name) IS
'number of members with scores from min to max';

CREATE FUNCTION zlexcount(key text, min text, max text, bounds text DEFAULT '[]', keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zlexcount' LANGUAGE C STABLE PARALLEL SAFE COST 40;
COMMENT ON FUNCTION zlexcount(text, text, text, text, name) IS
'number of members from min to max in the order of bytes, null is unbounded';

-- What the planner asks about the functions that return rows.

CREATE FUNCTION zrange_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_ranks_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zrange_support(internal) IS 'planner support of zrange';
CREATE FUNCTION zrevrange_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_ranks_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zrevrange_support(internal) IS 'planner support of zrevrange';
CREATE FUNCTION zrangebyscore_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_zrangebyscore_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zrangebyscore_support(internal) IS 'planner support of zrangebyscore';
CREATE FUNCTION zrangebylex_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_zrangebylex_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zrangebylex_support(internal) IS 'planner support of zrangebylex';
CREATE FUNCTION zpop_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_asked_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zpop_support(internal) IS 'planner support of zpopmin, zpopmax and zrandmember';
CREATE FUNCTION zunion_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_union_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zunion_support(internal) IS 'planner support of zunion';
CREATE FUNCTION zinter_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_inter_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zinter_support(internal) IS 'planner support of zinter';
CREATE FUNCTION zdiff_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_diff_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION zdiff_support(internal) IS 'planner support of zdiff';

CREATE FUNCTION zrange(
    key text, start bigint, stop bigint, rev boolean DEFAULT false, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8, rank bigint)
    AS 'MODULE_PATHNAME', 'hotset_zrange' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT zrange_support;
COMMENT ON FUNCTION zrange(text, bigint, bigint, boolean, name) IS
'members at ranks start to stop, negative from the end, in order';

CREATE FUNCTION zrevrange(key text, start bigint, stop bigint, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8, rank bigint)
    AS 'MODULE_PATHNAME', 'hotset_zrevrange' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT zrevrange_support;
COMMENT ON FUNCTION zrevrange(text, bigint, bigint, name) IS
'members at ranks start to stop from the highest score down';

CREATE FUNCTION zrangebyscore(
    key text, min float8, max float8, bounds text DEFAULT '[]', rev boolean DEFAULT false,
    "offset" bigint DEFAULT 0, "limit" bigint DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8, rank bigint)
    AS 'MODULE_PATHNAME', 'hotset_zrangebyscore' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT zrangebyscore_support;
COMMENT ON FUNCTION zrangebyscore(text, float8, float8, text, boolean, bigint, bigint, name) IS
'members with scores from min to max, in order';

CREATE FUNCTION zrangebylex(
    key text, min text, max text, bounds text DEFAULT '[]', rev boolean DEFAULT false,
    "offset" bigint DEFAULT 0, "limit" bigint DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8, rank bigint)
    AS 'MODULE_PATHNAME', 'hotset_zrangebylex' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT zrangebylex_support;
COMMENT ON FUNCTION zrangebylex(text, text, text, text, boolean, bigint, bigint, name) IS
'members from min to max in the order of bytes, null is unbounded; for sets of equal scores';

CREATE FUNCTION zpopmin(key text, count bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_zpopmin' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100 ROWS 1
    SUPPORT zpop_support;
COMMENT ON FUNCTION zpopmin(text, bigint, name) IS
'removes and returns the members with the lowest scores';

CREATE FUNCTION zpopmax(key text, count bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_zpopmax' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100 ROWS 1
    SUPPORT zpop_support;
COMMENT ON FUNCTION zpopmax(text, bigint, name) IS
'removes and returns the members with the highest scores';

CREATE FUNCTION bzpopmin(keys text[], timeout interval DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS TABLE (key text, member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_bzpopmin' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1;
COMMENT ON FUNCTION bzpopmin(text[], interval, name) IS
'takes the member with the lowest score from the first key that has one, waiting for it until the timeout';

CREATE FUNCTION bzpopmax(keys text[], timeout interval DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS TABLE (key text, member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_bzpopmax' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1;
COMMENT ON FUNCTION bzpopmax(text[], interval, name) IS
'takes the member with the highest score from the first key that has one, waiting for it until the timeout';

CREATE FUNCTION zrandmember(key text, count bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_zrandmember' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 1
    SUPPORT zpop_support;
COMMENT ON FUNCTION zrandmember(text, bigint, name) IS
'members drawn at random: count different ones, or, if negative, that many with repetition';

CREATE FUNCTION zunion(
    keys text[], weights float8[] DEFAULT NULL, aggregate text DEFAULT 'sum', keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_zunion' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100
    SUPPORT zunion_support;
COMMENT ON FUNCTION zunion(text[], float8[], text, name) IS
'members of any of the sets; scores are weighted and added, or their minimum or maximum';

CREATE FUNCTION zinter(
    keys text[], weights float8[] DEFAULT NULL, aggregate text DEFAULT 'sum', keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_zinter' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100
    SUPPORT zinter_support;
COMMENT ON FUNCTION zinter(text[], float8[], text, name) IS
'members of all of the sets; scores are weighted and added, or their minimum or maximum';

CREATE FUNCTION zdiff(keys text[], keyspace name DEFAULT NULL)
    RETURNS TABLE (member text, score float8)
    AS 'MODULE_PATHNAME', 'hotset_zdiff' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100
    SUPPORT zdiff_support;
COMMENT ON FUNCTION zdiff(text[], name) IS
'members of the first set that are in none of the others';

CREATE FUNCTION zunionstore(
    dest text, keys text[], weights float8[] DEFAULT NULL, aggregate text DEFAULT 'sum',
    keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zunionstore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION zunionstore(text, text[], float8[], text, name) IS
'makes a key hold the union of sets, whatever it held; returns the number of members';

CREATE FUNCTION zinterstore(
    dest text, keys text[], weights float8[] DEFAULT NULL, aggregate text DEFAULT 'sum',
    keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zinterstore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION zinterstore(text, text[], float8[], text, name) IS
'makes a key hold the intersection of sets, whatever it held; returns the number of members';

CREATE FUNCTION zdiffstore(dest text, keys text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zdiffstore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION zdiffstore(text, text[], name) IS
'makes a key hold the first set less all others, whatever it held; returns the number of members';

CREATE FUNCTION zintercard(keys text[], "limit" bigint DEFAULT 0, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zintercard' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION zintercard(text[], bigint, name) IS
'number of members that are in all of the sets, counted up to the limit, if there is one';

CREATE FUNCTION zrangestore(
    dest text, key text, start bigint, stop bigint, rev boolean DEFAULT false, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zrangestore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zrangestore(text, text, bigint, bigint, boolean, name) IS
'makes a key hold the members at ranks start to stop of another; returns their number';

CREATE FUNCTION zrangestorebyscore(
    dest text, key text, min float8, max float8, bounds text DEFAULT '[]', rev boolean DEFAULT false,
    "offset" bigint DEFAULT 0, "limit" bigint DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zrangestorebyscore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zrangestorebyscore(text, text, float8, float8, text, boolean, bigint, bigint, name) IS
'makes a key hold the members of another with scores from min to max; returns their number';

CREATE FUNCTION zrangestorebylex(
    dest text, key text, min text, max text, bounds text DEFAULT '[]', rev boolean DEFAULT false,
    "offset" bigint DEFAULT 0, "limit" bigint DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_zrangestorebylex' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zrangestorebylex(text, text, text, text, text, boolean, bigint, bigint, name) IS
'makes a key hold the members of another from min to max in the order of bytes; returns their number';

-- ---------------------------------------------------------------------------
-- Hashes
-- ---------------------------------------------------------------------------

CREATE FUNCTION hset(key text, field text, value text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hset' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hset(text, text, text, name) IS
'sets a field of a hash; returns how many were added';

CREATE FUNCTION hset(key text, field text, value bytea, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hset' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hset(text, text, bytea, name) IS
'sets a field of a hash; returns how many were added';

CREATE FUNCTION hset(key text, field text, value jsonb, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hset_jsonb_value' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 80;
COMMENT ON FUNCTION hset(text, text, jsonb, name) IS
'sets a field of a hash to the text form of a value; returns how many were added';

CREATE FUNCTION hset(key text, fields text[], "values" text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hset_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION hset(text, text[], text[], name) IS
'sets fields of a hash, all of them or none; returns how many were added';

CREATE FUNCTION hset(key text, object jsonb, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hset_object' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION hset(text, jsonb, name) IS
'sets the fields that an object names, all at once; a null removes its field; returns how many were added';

CREATE FUNCTION hset_row(key text, "row" record, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hset_row' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION hset_row(text, record, name) IS
'sets a field for each column of a row, all at once; a null removes its field; returns how many were added';

CREATE FUNCTION hsetnx(key text, field text, value text, keyspace name DEFAULT NULL)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_hsetnx' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hsetnx(text, text, text, name) IS
'sets a field of a hash if it has none of that name: whether it was set';

CREATE FUNCTION hsetnx(key text, field text, value bytea, keyspace name DEFAULT NULL)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_hsetnx' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hsetnx(text, text, bytea, name) IS
'sets a field of a hash if it has none of that name: whether it was set';

CREATE FUNCTION hdel(key text, field text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hdel' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hdel(text, text, name) IS
'removes a field; returns how many were there';

CREATE FUNCTION hdel(key text, fields text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hdel_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION hdel(text, text[], name) IS
'removes fields; returns how many were there';

CREATE FUNCTION hincrby(key text, field text, by bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hincrby' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hincrby(text, text, bigint, name) IS
'adds to a number in a field, which begins at 0; returns the new value';

CREATE FUNCTION hincrbyfloat(key text, field text, by float8, keyspace name DEFAULT NULL)
    RETURNS float8
    AS 'MODULE_PATHNAME', 'hotset_hincrbyfloat' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hincrbyfloat(text, text, float8, name) IS
'adds to a number in a field, which begins at 0; returns the new value';

CREATE FUNCTION hget(key text, field text, keyspace name DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_hget' LANGUAGE C STABLE PARALLEL SAFE COST 25;
COMMENT ON FUNCTION hget(text, text, name) IS
'value of a field';

CREATE FUNCTION hget_bytea(key text, field text, keyspace name DEFAULT NULL)
    RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_hget_bytea' LANGUAGE C STABLE PARALLEL SAFE COST 25;
COMMENT ON FUNCTION hget_bytea(text, text, name) IS
'bytes of the value of a field';

CREATE FUNCTION hmget(key text, fields text[], keyspace name DEFAULT NULL)
    RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_hmget' LANGUAGE C STABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION hmget(text, text[], name) IS
'values of fields of one instant, null for each that is not there';

CREATE FUNCTION hexists(key text, field text, keyspace name DEFAULT NULL)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_hexists' LANGUAGE C STABLE PARALLEL SAFE COST 25;
COMMENT ON FUNCTION hexists(text, text, name) IS
'whether a hash has a field';

CREATE FUNCTION hstrlen(key text, field text, keyspace name DEFAULT NULL)
    RETURNS integer
    AS 'MODULE_PATHNAME', 'hotset_hstrlen' LANGUAGE C STABLE PARALLEL SAFE COST 25;
COMMENT ON FUNCTION hstrlen(text, text, name) IS
'bytes of the value of a field';

CREATE FUNCTION hlen(key text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hlen' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION hlen(text, name) IS
'number of fields';

CREATE FUNCTION hgetall_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_all_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION hgetall_support(internal) IS 'planner support of hgetall, hkeys and hvals';
CREATE FUNCTION hrandfield_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_asked_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION hrandfield_support(internal) IS 'planner support of hrandfield';

CREATE FUNCTION hgetall(key text, keyspace name DEFAULT NULL)
    RETURNS TABLE (field text, value text)
    AS 'MODULE_PATHNAME', 'hotset_hgetall' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT hgetall_support;
COMMENT ON FUNCTION hgetall(text, name) IS
'fields with their values, in no order';

CREATE FUNCTION hgetall_jsonb(key text, keyspace name DEFAULT NULL)
    RETURNS jsonb
    AS 'MODULE_PATHNAME', 'hotset_hgetall_jsonb' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION hgetall_jsonb(text, name) IS
'fields with their values as an object of strings';

CREATE FUNCTION hkeys(key text, keyspace name DEFAULT NULL)
    RETURNS TABLE (field text)
    AS 'MODULE_PATHNAME', 'hotset_hkeys' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT hgetall_support;
COMMENT ON FUNCTION hkeys(text, name) IS
'fields, in no order';

CREATE FUNCTION hvals(key text, keyspace name DEFAULT NULL)
    RETURNS TABLE (value text)
    AS 'MODULE_PATHNAME', 'hotset_hvals' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT hgetall_support;
COMMENT ON FUNCTION hvals(text, name) IS
'values of all fields, in no order';

CREATE FUNCTION hrandfield(key text, count bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS TABLE (field text, value text)
    AS 'MODULE_PATHNAME', 'hotset_hrandfield' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 1
    SUPPORT hrandfield_support;
COMMENT ON FUNCTION hrandfield(text, bigint, name) IS
'fields drawn at random: count different ones, or, if negative, that many with repetition';

-- ---------------------------------------------------------------------------
-- Sets
-- ---------------------------------------------------------------------------

CREATE FUNCTION sadd(key text, member text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_sadd' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION sadd(text, text, name) IS
'adds a member to a set; returns how many were added';

CREATE FUNCTION sadd(key text, members text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_sadd_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION sadd(text, text[], name) IS
'adds members, all of them or none; returns how many were added';

CREATE FUNCTION srem(key text, member text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_srem' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION srem(text, text, name) IS
'removes a member; returns how many were there';

CREATE FUNCTION srem(key text, members text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_srem_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION srem(text, text[], name) IS
'removes members; returns how many were there';

CREATE FUNCTION smove(source text, dest text, member text, keyspace name DEFAULT NULL)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_smove' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION smove(text, text, text, name) IS
'moves a member from one set to another: whether it was there';

CREATE FUNCTION sismember(key text, member text, keyspace name DEFAULT NULL)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_sismember' LANGUAGE C STABLE PARALLEL SAFE COST 25;
COMMENT ON FUNCTION sismember(text, text, name) IS
'whether a set has a member';

CREATE FUNCTION smismember(key text, members text[], keyspace name DEFAULT NULL)
    RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_smismember' LANGUAGE C STABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION smismember(text, text[], name) IS
'for each of the members whether the set has it';

CREATE FUNCTION scard(key text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_scard' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION scard(text, name) IS
'number of members';

CREATE FUNCTION smembers_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_all_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION smembers_support(internal) IS 'planner support of smembers';
CREATE FUNCTION spop_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_asked_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION spop_support(internal) IS 'planner support of spop and srandmember';
CREATE FUNCTION sunion_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_union_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION sunion_support(internal) IS 'planner support of sunion';
CREATE FUNCTION sinter_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_inter_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION sinter_support(internal) IS 'planner support of sinter';
CREATE FUNCTION sdiff_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_diff_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION sdiff_support(internal) IS 'planner support of sdiff';

CREATE FUNCTION smembers(key text, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text)
    AS 'MODULE_PATHNAME', 'hotset_smembers' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT smembers_support;
COMMENT ON FUNCTION smembers(text, name) IS
'members of a set, in no order';

CREATE FUNCTION smembers_array(key text, keyspace name DEFAULT NULL) RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_smembers_array' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION smembers_array(text, name) IS
'members of a set, in no order, as an array';

CREATE FUNCTION spop(key text, count bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text)
    AS 'MODULE_PATHNAME', 'hotset_spop' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100 ROWS 1
    SUPPORT spop_support;
COMMENT ON FUNCTION spop(text, bigint, name) IS
'removes and returns members drawn at random';

CREATE FUNCTION srandmember(key text, count bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS TABLE (member text)
    AS 'MODULE_PATHNAME', 'hotset_srandmember' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 1
    SUPPORT spop_support;
COMMENT ON FUNCTION srandmember(text, bigint, name) IS
'members drawn at random: count different ones, or, if negative, that many with repetition';

CREATE FUNCTION sunion(keys text[], keyspace name DEFAULT NULL)
    RETURNS TABLE (member text)
    AS 'MODULE_PATHNAME', 'hotset_sunion' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100
    SUPPORT sunion_support;
COMMENT ON FUNCTION sunion(text[], name) IS
'members of any of the sets, in no order';

CREATE FUNCTION sunion_array(keys text[], keyspace name DEFAULT NULL) RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_sunion_array' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION sunion_array(text[], name) IS
'members of any of the sets, in no order, as an array';

CREATE FUNCTION sinter(keys text[], keyspace name DEFAULT NULL)
    RETURNS TABLE (member text)
    AS 'MODULE_PATHNAME', 'hotset_sinter' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100
    SUPPORT sinter_support;
COMMENT ON FUNCTION sinter(text[], name) IS
'members of all of the sets, in no order';

CREATE FUNCTION sinter_array(keys text[], keyspace name DEFAULT NULL) RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_sinter_array' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION sinter_array(text[], name) IS
'members of all of the sets, in no order, as an array';

CREATE FUNCTION sdiff(keys text[], keyspace name DEFAULT NULL)
    RETURNS TABLE (member text)
    AS 'MODULE_PATHNAME', 'hotset_sdiff' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100
    SUPPORT sdiff_support;
COMMENT ON FUNCTION sdiff(text[], name) IS
'members of the first set that are in none of the others, in no order';

CREATE FUNCTION sdiff_array(keys text[], keyspace name DEFAULT NULL) RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_sdiff_array' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION sdiff_array(text[], name) IS
'members of the first set that are in none of the others, in no order, as an array';

CREATE FUNCTION sunionstore(dest text, keys text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_sunionstore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION sunionstore(text, text[], name) IS
'makes a key hold the union of sets, whatever it held; returns the number of members';

CREATE FUNCTION sinterstore(dest text, keys text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_sinterstore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION sinterstore(text, text[], name) IS
'makes a key hold the intersection of sets, whatever it held; returns the number of members';

CREATE FUNCTION sdiffstore(dest text, keys text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_sdiffstore' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION sdiffstore(text, text[], name) IS
'makes a key hold the first set less all others, whatever it held; returns the number of members';

CREATE FUNCTION sintercard(keys text[], "limit" bigint DEFAULT 0, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_sintercard' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION sintercard(text[], bigint, name) IS
'number of members that are in all of the sets, counted up to the limit, if there is one';

-- ---------------------------------------------------------------------------
-- Lists
-- ---------------------------------------------------------------------------

CREATE FUNCTION lpush(key text, value text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_lpush' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 30;
COMMENT ON FUNCTION lpush(text, text, name) IS
'puts a value at the left end; returns how many values the list has then';

CREATE FUNCTION lpush(key text, "values" text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_lpush_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION lpush(text, text[], name) IS
'puts values at the left end, one after the other, all of them or none; returns how many values the list has then';

CREATE FUNCTION rpush(key text, value text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_rpush' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 30;
COMMENT ON FUNCTION rpush(text, text, name) IS
'puts a value at the right end; returns how many values the list has then';

CREATE FUNCTION rpush(key text, "values" text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_rpush_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION rpush(text, text[], name) IS
'puts values at the right end, one after the other, all of them or none; returns how many values the list has then';

CREATE FUNCTION lpushx(key text, value text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_lpushx' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 30;
COMMENT ON FUNCTION lpushx(text, text, name) IS
'puts a value at the left end, unless there is no such list; returns how many values the list has then, 0 without one';

CREATE FUNCTION lpushx(key text, "values" text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_lpushx_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION lpushx(text, text[], name) IS
'puts values at the left end, one after the other, all of them or none, unless there is no such list; returns how many values the list has then, 0 without one';

CREATE FUNCTION rpushx(key text, value text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_rpushx' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 30;
COMMENT ON FUNCTION rpushx(text, text, name) IS
'puts a value at the right end, unless there is no such list; returns how many values the list has then, 0 without one';

CREATE FUNCTION rpushx(key text, "values" text[], keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_rpushx_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION rpushx(text, text[], name) IS
'puts values at the right end, one after the other, all of them or none, unless there is no such list; returns how many values the list has then, 0 without one';

CREATE FUNCTION lrange_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_ranks_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION lrange_support(internal) IS 'planner support of lrange';
CREATE FUNCTION lpop_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_asked_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION lpop_support(internal) IS 'planner support of lpop and rpop';

CREATE FUNCTION lpop(key text, keyspace name DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_lpop' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 30;
COMMENT ON FUNCTION lpop(text, name) IS
'removes and returns the value at the left end';

CREATE FUNCTION lpop(key text, count bigint, keyspace name DEFAULT NULL)
    RETURNS TABLE (value text)
    AS 'MODULE_PATHNAME', 'hotset_lpop_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100 ROWS 100
    SUPPORT lpop_support;
COMMENT ON FUNCTION lpop(text, bigint, name) IS
'removes and returns values from the left end, in the order taken';

CREATE FUNCTION rpop(key text, keyspace name DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_rpop' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 30;
COMMENT ON FUNCTION rpop(text, name) IS
'removes and returns the value at the right end';

CREATE FUNCTION rpop(key text, count bigint, keyspace name DEFAULT NULL)
    RETURNS TABLE (value text)
    AS 'MODULE_PATHNAME', 'hotset_rpop_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100 ROWS 100
    SUPPORT lpop_support;
COMMENT ON FUNCTION rpop(text, bigint, name) IS
'removes and returns values from the right end, in the order taken';

CREATE FUNCTION llen(key text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_llen' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION llen(text, name) IS
'number of values';

CREATE FUNCTION lindex(key text, index bigint, keyspace name DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_lindex' LANGUAGE C STABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION lindex(text, bigint, name) IS
'the value at an index from 0, or from -1 at the right end; null beyond the ends';

CREATE FUNCTION lrange(key text, start bigint, stop bigint, keyspace name DEFAULT NULL)
    RETURNS TABLE (value text, index bigint)
    AS 'MODULE_PATHNAME', 'hotset_lrange' LANGUAGE C STABLE PARALLEL SAFE COST 60 ROWS 100
    SUPPORT lrange_support;
COMMENT ON FUNCTION lrange(text, bigint, bigint, name) IS
'values at indexes start to stop, negative from the end, in order';

CREATE FUNCTION lrange_array(key text, start bigint, stop bigint, keyspace name DEFAULT NULL)
    RETURNS text[]
    AS 'MODULE_PATHNAME', 'hotset_lrange_array' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION lrange_array(text, bigint, bigint, name) IS
'values at indexes start to stop, negative from the end, as an array';

CREATE FUNCTION lpos(key text, value text, rank bigint DEFAULT 1, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_lpos' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION lpos(text, text, bigint, name) IS
'index of a value: the first that equals, with rank 2 the second, with -1 the last; null if there is none';

CREATE FUNCTION lpos(
    key text, value text, rank bigint, count bigint, maxlen bigint DEFAULT 0, keyspace name DEFAULT NULL)
    RETURNS bigint[]
    AS 'MODULE_PATHNAME', 'hotset_lpos_many' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION lpos(text, text, bigint, bigint, bigint, name) IS
'indexes of up to count equal values (0: all), from that of the rank on, among the first maxlen (0: all)';

CREATE FUNCTION lset(key text, index bigint, value text, keyspace name DEFAULT NULL)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_lset' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 40;
COMMENT ON FUNCTION lset(text, bigint, text, name) IS
'replaces the value at an index; false if there is no such index';

CREATE FUNCTION linsert(key text, before boolean, pivot text, value text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_linsert' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION linsert(text, boolean, text, text, name) IS
'puts a value before or after the first one that equals the pivot; returns how many values the list has then, 0 without a list, -1 without the pivot';

CREATE FUNCTION lrem(key text, count bigint, value text, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_lrem' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION lrem(text, bigint, text, name) IS
'removes values that equal: the first count of them, the last ones if negative, all if 0; returns how many';

CREATE FUNCTION ltrim(key text, start bigint, stop bigint, keyspace name DEFAULT NULL)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_ltrim' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION ltrim(text, bigint, bigint, name) IS
'keeps only the values at indexes start to stop; returns how many were removed';

CREATE FUNCTION lmove(
    source text, dest text, from_left boolean, to_left boolean, keyspace name DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_lmove' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION lmove(text, text, boolean, boolean, name) IS
'takes the value at one end of a list and puts it at an end of another, or of the same; returns it';

CREATE FUNCTION blpop(keys text[], timeout interval DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS TABLE (key text, value text)
    AS 'MODULE_PATHNAME', 'hotset_blpop' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1;
COMMENT ON FUNCTION blpop(text[], interval, name) IS
'takes the value at the left end of the first key that has one, waiting for it until the timeout';

CREATE FUNCTION brpop(keys text[], timeout interval DEFAULT NULL, keyspace name DEFAULT NULL)
    RETURNS TABLE (key text, value text)
    AS 'MODULE_PATHNAME', 'hotset_brpop' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1;
COMMENT ON FUNCTION brpop(text[], interval, name) IS
'takes the value at the right end of the first key that has one, waiting for it until the timeout';

CREATE FUNCTION blmove(
    source text, dest text, from_left boolean, to_left boolean, timeout interval DEFAULT NULL,
    keyspace name DEFAULT NULL)
    RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_blmove' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION blmove(text, text, boolean, boolean, interval, name) IS
'lmove, waiting for a value until the timeout';

-- ---------------------------------------------------------------------------
-- HyperLogLog
-- ---------------------------------------------------------------------------

CREATE TYPE hll;

CREATE FUNCTION hll_in(cstring) RETURNS hll
    AS 'MODULE_PATHNAME', 'hotset_hll_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hll_out(hll) RETURNS cstring
    AS 'MODULE_PATHNAME', 'hotset_hll_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hll_recv(internal) RETURNS hll
    AS 'MODULE_PATHNAME', 'hotset_hll_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hll_send(hll) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_hll_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- sketches do not compress: entries and registers are packed and random
CREATE TYPE hll (
    INPUT = hll_in, OUTPUT = hll_out, RECEIVE = hll_recv, SEND = hll_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = external
);
COMMENT ON TYPE hll IS 'HyperLogLog sketch: how many different values were put in';
COMMENT ON FUNCTION hll_in(cstring) IS 'I/O';
COMMENT ON FUNCTION hll_out(hll) IS 'I/O';
COMMENT ON FUNCTION hll_recv(internal) IS 'I/O';
COMMENT ON FUNCTION hll_send(hll) IS 'I/O';

CREATE FUNCTION hll_empty() RETURNS hll
    AS 'MODULE_PATHNAME', 'hotset_hll_empty' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION hll_empty() IS 'sketch without values';

CREATE FUNCTION hll_cardinality(sketch hll) RETURNS float8
    AS 'MODULE_PATHNAME', 'hotset_hll_cardinality' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500;
COMMENT ON FUNCTION hll_cardinality(hll) IS 'estimated number of different values in a sketch: exact up to about 3000, standard error 0.81 % above';

CREATE FUNCTION hll_union(a hll, b hll) RETURNS hll
    AS 'MODULE_PATHNAME', 'hotset_hll_union' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION hll_union(hll, hll) IS 'sketch of the values that are in either';

CREATE FUNCTION hll_add(sketch hll, value anyelement) RETURNS hll
    AS 'MODULE_PATHNAME', 'hotset_hll_add' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION hll_add(hll, anyelement) IS 'the sketch with one more value; null adds nothing';

CREATE FUNCTION hll_add_trans(internal, anyelement) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_hll_add_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION hll_union_trans(internal, hll) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_hll_union_trans' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
CREATE FUNCTION hll_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_hll_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
CREATE FUNCTION hll_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_hll_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hll_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'hotset_hll_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION hll_final(internal) RETURNS hll
    AS 'MODULE_PATHNAME', 'hotset_hll_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION hll_count_final(internal) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_hll_count_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 500;
COMMENT ON FUNCTION hll_add_trans(internal, anyelement) IS 'transition function of hll_add_agg and approx_count_distinct';
COMMENT ON FUNCTION hll_union_trans(internal, hll) IS 'transition function of hll_union_agg';
COMMENT ON FUNCTION hll_combine(internal, internal) IS 'combine function of the hll aggregates';
COMMENT ON FUNCTION hll_serialize(internal) IS 'serialization function of the hll aggregates';
COMMENT ON FUNCTION hll_deserialize(bytea, internal) IS 'deserialization function of the hll aggregates';
COMMENT ON FUNCTION hll_final(internal) IS 'final function of hll_add_agg and hll_union_agg';
COMMENT ON FUNCTION hll_count_final(internal) IS 'final function of approx_count_distinct';

-- SSPACE: the state of a group of few values and what palloc adds; it grows from
-- 80 bytes (13 values) by doubling to 12.3 kB.  A larger guess makes many small
-- groups spill that would fit; if groups are large, the executor spills when it is so.
CREATE AGGREGATE hll_add_agg(value anyelement) (
    SFUNC = hll_add_trans, STYPE = internal, SSPACE = 128,
    FINALFUNC = hll_final, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = hll_combine, SERIALFUNC = hll_serialize, DESERIALFUNC = hll_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE hll_add_agg(anyelement) IS 'sketch of the values; nulls are ignored, no values give an empty sketch';

CREATE AGGREGATE hll_union_agg(sketch hll) (
    SFUNC = hll_union_trans, STYPE = internal, SSPACE = 12320,
    FINALFUNC = hll_final, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = hll_combine, SERIALFUNC = hll_serialize, DESERIALFUNC = hll_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE hll_union_agg(hll) IS 'sketch of the values that are in any of the sketches';

CREATE AGGREGATE approx_count_distinct(value anyelement) (
    SFUNC = hll_add_trans, STYPE = internal, SSPACE = 128,
    FINALFUNC = hll_count_final, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = hll_combine, SERIALFUNC = hll_serialize, DESERIALFUNC = hll_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE approx_count_distinct(anyelement) IS 'estimated number of different values: exact up to about 3000, standard error 0.81 % above';

-- keys
CREATE FUNCTION pfadd(key text, value text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_pfadd' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION pfadd(text, text, name) IS 'add a value to the sketch at a key: true if that changed the sketch or made the key';

CREATE FUNCTION pfadd(key text, "values" text[], keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_pfadd_array' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 50;
COMMENT ON FUNCTION pfadd(text, text[], name) IS 'add values to the sketch at a key: true if that changed the sketch or made the key';

CREATE FUNCTION pfcount(key text, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_pfcount' LANGUAGE C STABLE PARALLEL SAFE COST 500;
COMMENT ON FUNCTION pfcount(text, name) IS 'estimated number of different values at a key';

CREATE FUNCTION pfcount(keys text[], keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_pfcount_array' LANGUAGE C STABLE PARALLEL SAFE COST 500;
COMMENT ON FUNCTION pfcount(text[], name) IS 'estimated number of different values at any of the keys, all looked at in one instant';

CREATE FUNCTION pfmerge(dest text, keys text[], keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_pfmerge' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION pfmerge(text, text[], name) IS 'add the sketches at keys to the one at dest: true if that changed dest or made it';

CREATE FUNCTION pfget(key text, keyspace name DEFAULT NULL) RETURNS hll
    AS 'MODULE_PATHNAME', 'hotset_pfget' LANGUAGE C STABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION pfget(text, name) IS 'the sketch at a key';

CREATE FUNCTION pfset(key text, sketch hll, ttl interval DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_pfset' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 50;
COMMENT ON FUNCTION pfset(text, hll, interval, name) IS 'make a key hold this sketch instead of what it held before';

-- ---------------------------------------------------------------------------
-- Locks
-- ---------------------------------------------------------------------------

CREATE FUNCTION kv_lock(key text, ttl interval, keyspace name DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'hotset_kv_lock' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 5;
COMMENT ON FUNCTION kv_lock(text, interval, name) IS 'take a lock until it expires: its token, larger than any before; null if somebody holds it';

CREATE FUNCTION kv_lock_extend(key text, token bigint, ttl interval,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_lock_extend' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_lock_extend(text, bigint, interval, name) IS 'hold a lock for ttl from now on, if it is held with this token: whether it was';

CREATE FUNCTION kv_unlock(key text, token bigint, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_unlock' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_unlock(text, bigint, name) IS 'give a lock back, if it is held with this token: whether it was';

-- ---------------------------------------------------------------------------
-- Rate limits
-- ---------------------------------------------------------------------------

CREATE FUNCTION rate_limit_fixed(key text, "max" bigint, per interval, keyspace name DEFAULT NULL,
        OUT allowed boolean, OUT remaining bigint, OUT retry_after interval)
    AS 'MODULE_PATHNAME', 'hotset_rate_limit_fixed' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 5;
COMMENT ON FUNCTION rate_limit_fixed(text, bigint, interval, name) IS 'count a call and say whether it is one of the first max in a window that begins with the first call';

CREATE FUNCTION rate_limit_sliding(key text, "max" bigint, per interval, keyspace name DEFAULT NULL,
        OUT allowed boolean, OUT remaining bigint, OUT retry_after interval)
    AS 'MODULE_PATHNAME', 'hotset_rate_limit_sliding' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 5;
COMMENT ON FUNCTION rate_limit_sliding(text, bigint, interval, name) IS 'count a call if fewer than max came during the interval before it, as estimated from two windows';

CREATE FUNCTION rate_limit_bucket(key text, capacity bigint, refill_per interval, cost bigint DEFAULT 1, keyspace name DEFAULT NULL,
        OUT allowed boolean, OUT remaining bigint, OUT retry_after interval)
    AS 'MODULE_PATHNAME', 'hotset_rate_limit_bucket' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 5;
COMMENT ON FUNCTION rate_limit_bucket(text, bigint, interval, bigint, name) IS 'take cost tokens from a bucket of that capacity, to which one comes back every refill_per; cost 0 only asks';

-- ---------------------------------------------------------------------------
-- Watching it
-- ---------------------------------------------------------------------------

CREATE FUNCTION hotset_stats(
	OUT keyspace name,
	OUT keys bigint,
	OUT keys_by_type jsonb,
	OUT bytes bigint,
	OUT limit_bytes bigint,
	OUT hits bigint,
	OUT misses bigint,
	OUT sets bigint,
	OUT deletes bigint,
	OUT expired bigint,
	OUT evicted bigint,
	OUT refused bigint,
	OUT record_bytes bigint,
	OUT live_record_bytes bigint,
	OUT index_bytes bigint,
	OUT collection_bytes bigint,
	OUT large_value_bytes bigint,
	OUT moved_bytes bigint,
	OUT stats_reset timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 5;
COMMENT ON FUNCTION hotset_stats() IS
'keyspaces of this database that the role may use: what they hold and what was done with them';

CREATE VIEW hotset_stats AS SELECT * FROM hotset_stats();
COMMENT ON VIEW hotset_stats IS
'one row for each keyspace of this database that the role may use';
GRANT SELECT ON hotset_stats TO PUBLIC;

CREATE FUNCTION hotset_reset_stats(keyspace name DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION hotset_reset_stats(name) IS
'sets the counters of a keyspace to zero; for its owner';

CREATE FUNCTION hotset_memory(
	OUT use text,
	OUT segments bigint,
	OUT bytes bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 8;
COMMENT ON FUNCTION hotset_memory() IS
'what the shared memory of all databases'' keyspaces is used for';
REVOKE EXECUTE ON FUNCTION hotset_memory() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hotset_memory() TO pg_read_all_stats;

CREATE VIEW hotset_memory AS SELECT * FROM hotset_memory();
COMMENT ON VIEW hotset_memory IS
'what the shared memory of all databases'' keyspaces is used for';
GRANT SELECT ON hotset_memory TO pg_read_all_stats;

CREATE FUNCTION kv_memory_usage(key text, keyspace name DEFAULT NULL) RETURNS bigint
AS 'MODULE_PATHNAME', 'hotset_kv_memory_usage' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kv_memory_usage(text, name) IS
'bytes of shared memory that the key takes, its share of the index included';

CREATE FUNCTION hotset_big_keys(
	count integer DEFAULT 10,
	keyspace name DEFAULT NULL,
	OUT key text,
	OUT type text,
	OUT bytes bigint,
	OUT expires_at timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100000 ROWS 10;
COMMENT ON FUNCTION hotset_big_keys(integer, name) IS
'the keys that take most memory, largest first; looks at every key of the keyspace';

CREATE FUNCTION hotset_hot_keys(
	count integer DEFAULT 10,
	keyspace name DEFAULT NULL,
	OUT key text,
	OUT accesses bigint,
	OUT share double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 10;
COMMENT ON FUNCTION hotset_hot_keys(integer, name) IS
'the keys used most of late, estimated from a sample of one access in 128; long keys are cut';

CREATE FUNCTION hotset_verify() RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION hotset_verify() IS
'checks all of the shared memory and raises an error if anything is wrong; locks for long, for tests';
REVOKE EXECUTE ON FUNCTION hotset_verify() FROM PUBLIC;

-- ---------------------------------------------------------------------------
-- Expiry of single members: fields of hashes, members of sets and sorted sets
-- ---------------------------------------------------------------------------

CREATE FUNCTION hexpire(key text, field text, ttl interval, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_hexpire' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hexpire(text, text, interval, boolean, boolean, boolean, boolean, name) IS
'lets a field of a hash expire after a time: true if done; zero or less removes; nx, xx, gt, lt: only without an expiry, with one, to a later or to an earlier one';

CREATE FUNCTION hexpire_at(key text, field text, "at" timestamptz, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_hexpire_at' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hexpire_at(text, text, timestamptz, boolean, boolean, boolean, boolean, name) IS
'lets a field of a hash expire at a point in time: true if done; one in the past removes, infinity means never';

CREATE FUNCTION hpersist(key text, field text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_hpersist' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION hpersist(text, text, name) IS
'lets a field of a hash never expire on its own: true if it would have';

CREATE FUNCTION httl(key text, field text, keyspace name DEFAULT NULL) RETURNS interval
    AS 'MODULE_PATHNAME', 'hotset_httl' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION httl(text, text, name) IS
'time until a field of a hash expires; null if absent or without an expiry of its own';

CREATE FUNCTION hexpires_at(key text, field text, keyspace name DEFAULT NULL) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'hotset_hexpires_at' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION hexpires_at(text, text, name) IS
'when a field of a hash expires; null if absent or without an expiry of its own';

CREATE FUNCTION hexpire(key text, fields text[], ttl interval, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_hexpire_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION hexpire(text, text[], interval, boolean, boolean, boolean, boolean, name) IS
'lets fields of a hash expire after a time: true if done, for each; zero or less removes; nx, xx, gt, lt: only without an expiry, with one, to a later or to an earlier one';

CREATE FUNCTION hexpire_at(key text, fields text[], "at" timestamptz, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_hexpire_at_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION hexpire_at(text, text[], timestamptz, boolean, boolean, boolean, boolean, name) IS
'lets fields of a hash expire at a point in time: true if done, for each; one in the past removes, infinity means never';

CREATE FUNCTION hpersist(key text, fields text[], keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_hpersist_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION hpersist(text, text[], name) IS
'lets fields of a hash never expire on their own: true if one would have, for each';

CREATE FUNCTION httl(key text, fields text[], keyspace name DEFAULT NULL) RETURNS interval[]
    AS 'MODULE_PATHNAME', 'hotset_httl_many' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION httl(text, text[], name) IS
'time until fields of a hash expire; null if absent or without an expiry of their own';

CREATE FUNCTION hexpires_at(key text, fields text[], keyspace name DEFAULT NULL) RETURNS timestamptz[]
    AS 'MODULE_PATHNAME', 'hotset_hexpires_at_many' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION hexpires_at(text, text[], name) IS
'when fields of a hash expire; null if absent or without an expiry of their own';

CREATE FUNCTION sexpire(key text, member text, ttl interval, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_sexpire' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION sexpire(text, text, interval, boolean, boolean, boolean, boolean, name) IS
'lets a member of a set expire after a time: true if done; zero or less removes; nx, xx, gt, lt: only without an expiry, with one, to a later or to an earlier one';

CREATE FUNCTION sexpire_at(key text, member text, "at" timestamptz, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_sexpire_at' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION sexpire_at(text, text, timestamptz, boolean, boolean, boolean, boolean, name) IS
'lets a member of a set expire at a point in time: true if done; one in the past removes, infinity means never';

CREATE FUNCTION spersist(key text, member text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_spersist' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION spersist(text, text, name) IS
'lets a member of a set never expire on its own: true if it would have';

CREATE FUNCTION sttl(key text, member text, keyspace name DEFAULT NULL) RETURNS interval
    AS 'MODULE_PATHNAME', 'hotset_sttl' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION sttl(text, text, name) IS
'time until a member of a set expires; null if absent or without an expiry of its own';

CREATE FUNCTION sexpires_at(key text, member text, keyspace name DEFAULT NULL) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'hotset_sexpires_at' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION sexpires_at(text, text, name) IS
'when a member of a set expires; null if absent or without an expiry of its own';

CREATE FUNCTION sexpire(key text, members text[], ttl interval, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_sexpire_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION sexpire(text, text[], interval, boolean, boolean, boolean, boolean, name) IS
'lets members of a set expire after a time: true if done, for each; zero or less removes; nx, xx, gt, lt: only without an expiry, with one, to a later or to an earlier one';

CREATE FUNCTION sexpire_at(key text, members text[], "at" timestamptz, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_sexpire_at_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION sexpire_at(text, text[], timestamptz, boolean, boolean, boolean, boolean, name) IS
'lets members of a set expire at a point in time: true if done, for each; one in the past removes, infinity means never';

CREATE FUNCTION spersist(key text, members text[], keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_spersist_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION spersist(text, text[], name) IS
'lets members of a set never expire on their own: true if one would have, for each';

CREATE FUNCTION sttl(key text, members text[], keyspace name DEFAULT NULL) RETURNS interval[]
    AS 'MODULE_PATHNAME', 'hotset_sttl_many' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION sttl(text, text[], name) IS
'time until members of a set expire; null if absent or without an expiry of their own';

CREATE FUNCTION sexpires_at(key text, members text[], keyspace name DEFAULT NULL) RETURNS timestamptz[]
    AS 'MODULE_PATHNAME', 'hotset_sexpires_at_many' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION sexpires_at(text, text[], name) IS
'when members of a set expire; null if absent or without an expiry of their own';

CREATE FUNCTION zexpire(key text, member text, ttl interval, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_zexpire' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION zexpire(text, text, interval, boolean, boolean, boolean, boolean, name) IS
'lets a member of a sorted set expire after a time: true if done; zero or less removes; nx, xx, gt, lt: only without an expiry, with one, to a later or to an earlier one';

CREATE FUNCTION zexpire_at(key text, member text, "at" timestamptz, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_zexpire_at' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION zexpire_at(text, text, timestamptz, boolean, boolean, boolean, boolean, name) IS
'lets a member of a sorted set expire at a point in time: true if done; one in the past removes, infinity means never';

CREATE FUNCTION zpersist(key text, member text, keyspace name DEFAULT NULL) RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_zpersist' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 60;
COMMENT ON FUNCTION zpersist(text, text, name) IS
'lets a member of a sorted set never expire on its own: true if it would have';

CREATE FUNCTION zttl(key text, member text, keyspace name DEFAULT NULL) RETURNS interval
    AS 'MODULE_PATHNAME', 'hotset_zttl' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION zttl(text, text, name) IS
'time until a member of a sorted set expires; null if absent or without an expiry of its own';

CREATE FUNCTION zexpires_at(key text, member text, keyspace name DEFAULT NULL) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'hotset_zexpires_at' LANGUAGE C STABLE PARALLEL SAFE COST 60;
COMMENT ON FUNCTION zexpires_at(text, text, name) IS
'when a member of a sorted set expires; null if absent or without an expiry of its own';

CREATE FUNCTION zexpire(key text, members text[], ttl interval, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_zexpire_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zexpire(text, text[], interval, boolean, boolean, boolean, boolean, name) IS
'lets members of a sorted set expire after a time: true if done, for each; zero or less removes; nx, xx, gt, lt: only without an expiry, with one, to a later or to an earlier one';

CREATE FUNCTION zexpire_at(key text, members text[], "at" timestamptz, nx boolean DEFAULT false,
        xx boolean DEFAULT false, gt boolean DEFAULT false, lt boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_zexpire_at_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zexpire_at(text, text[], timestamptz, boolean, boolean, boolean, boolean, name) IS
'lets members of a sorted set expire at a point in time: true if done, for each; one in the past removes, infinity means never';

CREATE FUNCTION zpersist(key text, members text[], keyspace name DEFAULT NULL) RETURNS boolean[]
    AS 'MODULE_PATHNAME', 'hotset_zpersist_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION zpersist(text, text[], name) IS
'lets members of a sorted set never expire on their own: true if one would have, for each';

CREATE FUNCTION zttl(key text, members text[], keyspace name DEFAULT NULL) RETURNS interval[]
    AS 'MODULE_PATHNAME', 'hotset_zttl_many' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION zttl(text, text[], name) IS
'time until members of a sorted set expire; null if absent or without an expiry of their own';

CREATE FUNCTION zexpires_at(key text, members text[], keyspace name DEFAULT NULL) RETURNS timestamptz[]
    AS 'MODULE_PATHNAME', 'hotset_zexpires_at_many' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION zexpires_at(text, text[], name) IS
'when members of a sorted set expire; null if absent or without an expiry of their own';

-- ---------------------------------------------------------------------------
-- Cached results
-- ---------------------------------------------------------------------------

CREATE FUNCTION kv_get_cached(key text, keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_get_cached' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION kv_get_cached(text, name) IS 'cached result of a key; null unless it is what its query would return under this snapshot';

CREATE FUNCTION kv_get_cached_bytea(key text, keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_get_cached_bytea' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION kv_get_cached_bytea(text, name) IS 'cached result of a key as bytea; null unless it is what its query would return under this snapshot';

CREATE FUNCTION kv_get_cached_jsonb(key text, keyspace name DEFAULT NULL) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'hotset_kv_get_cached_jsonb' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION kv_get_cached_jsonb(text, name) IS 'cached result of a key as jsonb; null unless it is what its query would return under this snapshot';

CREATE FUNCTION kv_get_lease(key text, tags text[] DEFAULT NULL, keyspace name DEFAULT NULL,
        OUT value text, OUT found boolean, OUT lease bigint)
    AS 'MODULE_PATHNAME', 'hotset_kv_get_lease' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 2;
COMMENT ON FUNCTION kv_get_lease(text, text[], name) IS 'cached result of a key, or a lease to fill it with what is computed from now on';

CREATE FUNCTION kv_get_lease_bytea(key text, tags text[] DEFAULT NULL, keyspace name DEFAULT NULL,
        OUT value bytea, OUT found boolean, OUT lease bigint)
    AS 'MODULE_PATHNAME', 'hotset_kv_get_lease_bytea' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 2;
COMMENT ON FUNCTION kv_get_lease_bytea(text, text[], name) IS 'cached result of a key as bytea, or a lease to fill it with what is computed from now on';

CREATE FUNCTION kv_get_lease_jsonb(key text, tags text[] DEFAULT NULL, keyspace name DEFAULT NULL,
        OUT value jsonb, OUT found boolean, OUT lease bigint)
    AS 'MODULE_PATHNAME', 'hotset_kv_get_lease_jsonb' LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 2;
COMMENT ON FUNCTION kv_get_lease_jsonb(text, text[], name) IS 'cached result of a key as jsonb, or a lease to fill it with what is computed from now on';

CREATE FUNCTION kv_fill(key text, value text, lease bigint, ttl interval DEFAULT NULL,
        soft_ttl interval DEFAULT NULL, tags text[] DEFAULT NULL, keyspace name DEFAULT NULL)
        RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_fill' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_fill(text, text, bigint, interval, interval, text[], name) IS 'store a result computed since the lease was given; false if it may be outdated';

CREATE FUNCTION kv_fill(key text, value bytea, lease bigint, ttl interval DEFAULT NULL,
        soft_ttl interval DEFAULT NULL, tags text[] DEFAULT NULL, keyspace name DEFAULT NULL)
        RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_fill_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_fill(text, bytea, bigint, interval, interval, text[], name) IS 'store a result computed since the lease was given; false if it may be outdated';

CREATE FUNCTION kv_fill(key text, value jsonb, lease bigint, ttl interval DEFAULT NULL,
        soft_ttl interval DEFAULT NULL, tags text[] DEFAULT NULL, keyspace name DEFAULT NULL)
        RETURNS boolean
    AS 'MODULE_PATHNAME', 'hotset_kv_fill_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 2;
COMMENT ON FUNCTION kv_fill(text, jsonb, bigint, interval, interval, text[], name) IS 'store a result computed since the lease was given; false if it may be outdated';

CREATE FUNCTION kv_invalidate(key text, keyspace name DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_invalidate' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION kv_invalidate(text, name) IS 'this transaction changes what the cached result of a key comes from: when it commits, the result is void';

CREATE FUNCTION kv_invalidate(keys text[], keyspace name DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_invalidate_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_invalidate(text[], name) IS 'this transaction changes what the cached results of keys come from: when it commits, they are void';

CREATE FUNCTION kv_invalidate_tag(tag text, keyspace name DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_invalidate_tag' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION kv_invalidate_tag(text, name) IS 'when this transaction commits, all cached results with the tag are void';

CREATE FUNCTION kv_invalidate_tag(tags text[], keyspace name DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_invalidate_tags' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_invalidate_tag(text[], name) IS 'when this transaction commits, all cached results with one of the tags are void';

CREATE FUNCTION kv_fetch(key text, query text, args text[] DEFAULT NULL,
        ttl interval DEFAULT NULL, soft_ttl interval DEFAULT NULL, wait interval DEFAULT NULL,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch(text, text, text[], interval, interval, interval, text[], name) IS 'result of a query, cached or computed: the one column of the one row, as text';

CREATE FUNCTION kv_fetch_bytea(key text, query text, args text[] DEFAULT NULL,
        ttl interval DEFAULT NULL, soft_ttl interval DEFAULT NULL, wait interval DEFAULT NULL,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch_bytea(text, text, text[], interval, interval, interval, text[], name) IS 'result of a query, cached or computed: the one column of the one row, a bytea';

CREATE FUNCTION kv_fetch_jsonb(key text, query text, args text[] DEFAULT NULL,
        ttl interval DEFAULT NULL, soft_ttl interval DEFAULT NULL, wait interval DEFAULT NULL,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch_jsonb(text, text, text[], interval, interval, interval, text[], name) IS 'result of a query, cached or computed: the one column of the one row, a jsonb';

CREATE FUNCTION kv_fetch_row(key text, query text, args text[] DEFAULT NULL,
        ttl interval DEFAULT NULL, soft_ttl interval DEFAULT NULL, wait interval DEFAULT NULL,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch_row' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch_row(text, text, text[], interval, interval, interval, text[], name) IS 'result of a query, cached or computed: the one row as a jsonb object';

CREATE FUNCTION kv_fetch_rows(key text, query text, args text[] DEFAULT NULL,
        ttl interval DEFAULT NULL, soft_ttl interval DEFAULT NULL, wait interval DEFAULT NULL,
        tags text[] DEFAULT NULL, keyspace name DEFAULT NULL) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch_rows' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch_rows(text, text, text[], interval, interval, interval, text[], name) IS 'result of a query, cached or computed: all rows as a jsonb array of objects';

CREATE FUNCTION hotset_cache_stats(OUT hits bigint, OUT misses_absent bigint,
        OUT misses_label bigint, OUT misses_refused bigint, OUT misses_own bigint,
        OUT fills bigint, OUT fills_refused_own bigint, OUT fills_refused_label bigint,
        OUT fills_refused_newer bigint, OUT fills_refused_memory bigint,
        OUT slot_collisions bigint, OUT computed bigint, OUT waits bigint,
        OUT wait_timeouts bigint, OUT invalidations bigint, OUT slots bigint)
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION hotset_cache_stats() IS 'counts of cached results since the server started or hotset_cache_stats_reset()';

CREATE VIEW hotset_cache_stats AS SELECT * FROM hotset_cache_stats();
COMMENT ON VIEW hotset_cache_stats IS 'counts of cached results, hits and misses by cause';
GRANT SELECT ON hotset_cache_stats TO PUBLIC;

CREATE FUNCTION hotset_cache_stats_reset() RETURNS void
    AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION hotset_cache_stats_reset() IS 'begin to count anew';

CREATE FUNCTION kv_watch_trigger() RETURNS trigger
    AS 'MODULE_PATHNAME', 'hotset_kv_watch_trigger' LANGUAGE C;
COMMENT ON FUNCTION kv_watch_trigger() IS 'invalidates what kv_watch says depends on a row';

CREATE FUNCTION kv_watch("table" regclass, key text DEFAULT NULL, tag text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_watch' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION kv_watch(regclass, text, text) IS 'from now on changes of rows of the table invalidate the key and the tag made from them, as ''user:{id}''';

CREATE FUNCTION kv_watch("table" regclass, keys text[], tags text[] DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_watch_many' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION kv_watch(regclass, text[], text[]) IS 'from now on changes of rows of the table invalidate the keys and tags made from them';

CREATE FUNCTION kv_unwatch("table" regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_unwatch' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION kv_unwatch(regclass) IS 'changes of the table no longer invalidate anything';

CREATE TABLE hotset_definition (
    name text PRIMARY KEY,
    owner regrole NOT NULL,
    query text NOT NULL,
    key text NOT NULL,
    tags text[],
    returns text NOT NULL,
    ttl interval,
    soft_ttl interval,
    wait interval,
    rls_covered boolean NOT NULL,
    search_path text NOT NULL,
    keyspace name NOT NULL
);
COMMENT ON TABLE hotset_definition IS 'cached queries of kv_define';
-- Those of dropped roles stay behind: where they are restored their number may be somebody else's.
SELECT pg_catalog.pg_extension_config_dump('hotset_definition', 'WHERE owner::oid IN (SELECT oid FROM pg_catalog.pg_roles)');

CREATE TABLE hotset_definition_grant (
    name text,
    owner regrole NOT NULL,
    role regrole,
    PRIMARY KEY (name, role)
);
COMMENT ON TABLE hotset_definition_grant IS 'who may fetch cached queries of kv_define, besides their owners';
SELECT pg_catalog.pg_extension_config_dump('hotset_definition_grant',
    'WHERE owner::oid IN (SELECT oid FROM pg_catalog.pg_roles) AND (role = 0 OR role::oid IN (SELECT oid FROM pg_catalog.pg_roles))');

CREATE FUNCTION hotset_definition_changed() RETURNS trigger
    AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION hotset_definition_changed() IS 'sessions forget definitions they have kept';
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON hotset_definition
    FOR EACH STATEMENT EXECUTE FUNCTION hotset_definition_changed();
ALTER TABLE hotset_definition ENABLE ALWAYS TRIGGER changed;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON hotset_definition_grant
    FOR EACH STATEMENT EXECUTE FUNCTION hotset_definition_changed();
ALTER TABLE hotset_definition_grant ENABLE ALWAYS TRIGGER changed;

CREATE VIEW hotset_definitions AS
    SELECT name, owner,
           ARRAY(SELECT g.role FROM hotset_definition_grant AS g WHERE g.name = d.name ORDER BY g.role) AS granted,
           query, key, tags, returns, ttl, soft_ttl, wait, rls_covered,
           search_path, keyspace
      FROM hotset_definition AS d
     WHERE pg_catalog.pg_has_role(owner::oid, 'USAGE');
COMMENT ON VIEW hotset_definitions IS 'cached queries of kv_define that this role owns';
GRANT SELECT ON hotset_definitions TO PUBLIC;

CREATE FUNCTION kv_define(name text, query text, key text, tags text[] DEFAULT NULL,
        returns text DEFAULT 'text', ttl interval DEFAULT NULL, soft_ttl interval DEFAULT NULL,
        wait interval DEFAULT NULL, rls_covered boolean DEFAULT false,
        keyspace name DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_define' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION kv_define(text, text, text, text[], text, interval, interval, interval, boolean, name) IS 'define a cached query, run with the rights of its owner and shared by all roles that are granted it';

CREATE FUNCTION kv_undefine(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_undefine' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION kv_undefine(text) IS 'remove the definition of a cached query';

CREATE FUNCTION kv_define_grant(name text, role regrole DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_define_grant' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION kv_define_grant(text, regrole) IS 'let a role, or everybody, fetch a cached query';

CREATE FUNCTION kv_define_revoke(name text, role regrole DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'hotset_kv_define_revoke' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100;
COMMENT ON FUNCTION kv_define_revoke(text, regrole) IS 'no longer let a role, or everybody, fetch a cached query';

CREATE FUNCTION kv_fetch_def(name text, VARIADIC args text[] DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch_def' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch_def(text, text[]) IS 'result of a defined query, cached or computed, as text';

CREATE FUNCTION kv_fetch_def_bytea(name text, VARIADIC args text[] DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch_def_bytea' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch_def_bytea(text, text[]) IS 'result of a defined query, cached or computed, as bytea';

CREATE FUNCTION kv_fetch_def_jsonb(name text, VARIADIC args text[] DEFAULT NULL) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'hotset_kv_fetch_def_jsonb' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10;
COMMENT ON FUNCTION kv_fetch_def_jsonb(text, text[]) IS 'result of a defined query, cached or computed, as jsonb';

CREATE VIEW hotset_watches AS
    SELECT t.tgrelid::regclass AS "table", substr(a.arg, 1, 3) AS kind,
           pg_catalog.convert_from(pg_catalog.decode(substr(a.arg, 5), 'escape'),
                                   pg_catalog.getdatabaseencoding()) AS template,
           t.tgenabled = 'A' AS always
      FROM pg_catalog.pg_trigger AS t,
           LATERAL pg_catalog.unnest(pg_catalog.string_to_array(
               -- a backslash is two of them here, and could be taken for part of an end
               pg_catalog.replace(pg_catalog.encode(t.tgargs, 'escape'), '\\', '\134'), '\000')) AS a (arg)
     WHERE t.tgfoid = 'kv_watch_trigger'::regproc AND t.tgparentid = 0 AND a.arg ~ '^(key|tag)=';
COMMENT ON VIEW hotset_watches IS 'what kv_watch watches';
GRANT SELECT ON hotset_watches TO PUBLIC;

-- Queries of a table read what inherits from it, too, partitions among it; those of its parents
-- read both.  What a relation of them lacks is a fault.
CREATE FUNCTION kv_watch_check("table" regclass, OUT event text, OUT covered boolean, OUT reason text)
    RETURNS SETOF record LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 9
BEGIN ATOMIC
    WITH RECURSIVE happens (n, event, bit, is_replicated) AS (
        VALUES (1, 'INSERT', 4, false), (2, 'UPDATE', 16, false), (3, 'DELETE', 8, false),
               (4, 'TRUNCATE', 32, false), (5, 'ALTER, DROP', 0, false),
               (6, 'replicated INSERT', 4, true), (7, 'replicated UPDATE', 16, true),
               (8, 'replicated DELETE', 8, true), (9, 'replicated TRUNCATE', 32, true),
               (10, 'changes of a parent', 4 + 8 + 16, false)
    ), above (relid) AS (
        SELECT i.inhparent
          FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
         WHERE i.inhrelid = $1 AND NOT c.relispartition
        UNION
        SELECT i.inhparent FROM above AS a JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = a.relid
    ), below (relid) AS (
        SELECT $1::oid
        UNION
        SELECT i.inhrelid FROM below AS b JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.relid
    ), cases AS (
        SELECT h.*, r.relid FROM happens AS h CROSS JOIN below AS r WHERE h.n < 10
        UNION ALL
        SELECT h.*, r.relid FROM happens AS h CROSS JOIN above AS r WHERE h.n = 10
    ), triggers AS (
        SELECT k.n, k.relid, t.tgname,
               CASE WHEN t.tgenabled = 'D' THEN 'trigger disabled'
                    WHEN t.tgenabled = 'O' AND k.is_replicated THEN 'trigger not enabled ALWAYS'
                    WHEN t.tgenabled = 'R' AND NOT k.is_replicated THEN 'trigger enabled for replication alone'
                    WHEN t.tgqual IS NOT NULL THEN 'trigger with a condition'
                    WHEN t.tgdeferrable THEN 'trigger that can be deferred'
                    WHEN t.tgattr::text <> '' AND k.bit & 16 <> 0 THEN 'trigger for some columns alone'
                    WHEN t.tgnargs = 0 AND k.bit <> 32 THEN 'trigger without a template'
               END AS fault
          FROM cases AS k JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = k.relid
         WHERE t.tgfoid = 'kv_watch_trigger'::regproc AND k.bit <> 0
           AND t.tgtype::int & (k.bit | 64 | 2 | 1) = k.bit | CASE WHEN k.bit = 32 THEN 0 ELSE 1 END
    ), missing (relid, fault) AS (
        SELECT r.relid, pg_catalog.min(pg_catalog.format('no column "%s", named by template "%s"', m.names[1], w.template))
          FROM (SELECT relid FROM below UNION SELECT relid FROM above) AS r
               JOIN hotset_watches AS w ON w."table" = r.relid
                    OR w."table" IN (SELECT a.relid FROM pg_catalog.pg_partition_ancestors(r.relid) AS a)
               CROSS JOIN LATERAL pg_catalog.regexp_matches(w.template, '\{([^}]*)\}', 'g') AS m (names)
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS c
                            WHERE c.attrelid = r.relid AND c.attname = m.names[1] AND c.attnum > 0 AND NOT c.attisdropped
                              -- virtual, since 18: triggers find nothing in it
                              AND c.attgenerated <> 'v')
         GROUP BY r.relid
    ), faults AS (
        SELECT k.n, k.relid,
               CASE WHEN c.oid IS NULL THEN 'no such table'
                    WHEN c.relkind = 'v' THEN 'a view: watch the tables that it reads'
                    WHEN c.relkind = 'f' THEN 'a foreign table: it changes elsewhere, too'
                    WHEN c.relkind NOT IN ('r', 'p', 'm') THEN 'not a table'
                    WHEN c.relkind = 'm' OR EXISTS (SELECT FROM triggers AS t WHERE t.n = k.n AND t.relid = k.relid AND t.fault IS NULL)
                    THEN CASE WHEN k.bit <> 32 THEN (SELECT m.fault FROM missing AS m WHERE m.relid = k.relid) END
                    ELSE coalesce((SELECT pg_catalog.min(t.fault) FROM triggers AS t WHERE t.n = k.n AND t.relid = k.relid),
                                  CASE WHEN k.bit = 32 THEN 'no trigger for TRUNCATE' ELSE 'not watched' END)
               END AS fault
          FROM cases AS k LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.relid
         WHERE k.bit <> 0 OR c.oid IS NULL
    ), reasons AS (
        SELECT f.n, pg_catalog.format('%s (%s%s)', f.fault,
                   pg_catalog.array_to_string((pg_catalog.array_agg(coalesce(f.relid::regclass::text, 'null') ORDER BY f.relid::regclass::text))[1:3], ', '),
                   CASE WHEN pg_catalog.count(*) > 3 THEN pg_catalog.format(' and %s more', pg_catalog.count(*) - 3) END) AS reason
          FROM faults AS f WHERE f.fault IS NOT NULL GROUP BY f.n, f.fault
    )
    SELECT h.event, pg_catalog.count(r.reason) = 0, pg_catalog.string_agg(r.reason, '; ' ORDER BY r.reason)
      FROM happens AS h LEFT JOIN reasons AS r ON r.n = h.n
     WHERE h.n < 10 OR EXISTS (SELECT FROM above)
     GROUP BY h.n, h.event ORDER BY h.n;
END;
COMMENT ON FUNCTION kv_watch_check(regclass) IS 'which changes of a table void cached results, and why others do not';

REVOKE EXECUTE ON FUNCTION hotset_cache_stats_reset() FROM PUBLIC;
