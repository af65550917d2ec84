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

CREATE FUNCTION hotset_verify() RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION hotset_verify() IS
'checks all of the shared memory and raises an error if anything is wrong; locks for long, for tests';
REVOKE EXECUTE ON FUNCTION hotset_verify() FROM PUBLIC;
