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

-- ---------------------------------------------------------------------------
-- Strings
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- Sorted sets
-- ---------------------------------------------------------------------------

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

-- SSPACE: a group of some hundred values takes that much; the state grows
-- from 80 bytes (13 values) by doubling to 12.3 kB
CREATE AGGREGATE hll_add_agg(value anyelement) (
    SFUNC = hll_add_trans, STYPE = internal, SSPACE = 1024,
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
    SFUNC = hll_add_trans, STYPE = internal, SSPACE = 1024,
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
-- Rate limits
-- ---------------------------------------------------------------------------

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
