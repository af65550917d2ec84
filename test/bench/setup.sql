-- What all sections need in the database.
CREATE EXTENSION hotset;
CREATE SCHEMA pghll;
CREATE EXTENSION IF NOT EXISTS pgmemcache;
CREATE EXTENSION IF NOT EXISTS hll SCHEMA pghll;

-- Nanoseconds of CPU this backend has used: unlike the clock, not disturbed by
-- whatever else runs on the machine.
CREATE FUNCTION cpu_ns() RETURNS bigint LANGUAGE sql VOLATILE
AS $$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint $$;
