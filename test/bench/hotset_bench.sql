-- Functions of hotset_bench.c; its comments tell what they do.
CREATE FUNCTION bench_count(name text) RETURNS void LANGUAGE c AS 'hotset_bench';
CREATE FUNCTION bench_calls(expressions text[], keys bigint, seconds float8, seed bigint DEFAULT 1,
        timed boolean DEFAULT true, start_at timestamptz DEFAULT now(), OUT expression int, OUT calls bigint,
        OUT cpu_ns bigint, OUT max_cpu_ns bigint, OUT max_wall_ns bigint, OUT cpu bigint[], OUT wall bigint[])
    RETURNS SETOF record LANGUAGE c AS 'hotset_bench';
CREATE FUNCTION bench_reads(region_bytes bigint, db oid, server oid, keys bigint, writes int, locked boolean,
        seconds float8, seed bigint, start_at timestamptz) RETURNS bigint[]
    LANGUAGE c AS 'hotset_bench';
