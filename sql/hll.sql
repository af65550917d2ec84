--
-- HyperLogLog: the type hll, its functions and aggregates
--
-- sketches by hand
SELECT hll_cardinality(hll_empty());
SELECT hll_cardinality(hll_add(hll_add(hll_add(hll_empty(), 1), 2), 1));
SELECT hll_cardinality(hll_union(hll_add(hll_empty(), 'a'::text), hll_add(hll_empty(), 'b'::text)));
SELECT hll_add(hll_empty(), 5), hll_add(hll_empty(), 5::bigint), hll_add(hll_empty(), 'five'::text);

-- nulls
SELECT hll_cardinality(hll_add(hll_add(hll_empty(), 1), NULL::int)) AS added_nothing,
       hll_add(NULL, 1) IS NULL AS no_sketch,
       hll_cardinality(NULL) IS NULL AS no_count,
       hll_union(hll_empty(), NULL) IS NULL AS no_union;
SELECT approx_count_distinct(x) AS count, hll_cardinality(hll_add_agg(x)) AS agg
FROM (VALUES (1), (NULL), (2), (1), (NULL)) v(x);
SELECT approx_count_distinct(x) AS count, hll_cardinality(hll_add_agg(x)) AS agg
FROM (VALUES (NULL::int), (NULL)) v(x);
SELECT approx_count_distinct(x) AS count, hll_cardinality(hll_add_agg(x)) AS agg
FROM (VALUES (1)) v(x) WHERE false;
SELECT hll_cardinality(hll_union_agg(x)) AS no_rows FROM (VALUES (hll_empty())) v(x) WHERE false;
SELECT hll_cardinality(hll_union_agg(x)) AS with_null
FROM (VALUES (NULL::hll), (hll_add(hll_empty(), 1)), (hll_add(hll_empty(), 2)), (NULL)) v(x);

-- exact while few, close when many
SELECT n, approx_count_distinct(i) = n AS exact
FROM (VALUES (0), (1), (13), (14), (100), (3000)) c(n) LEFT JOIN LATERAL generate_series(1, n) i ON true
GROUP BY n ORDER BY n;
SELECT n, abs(approx_count_distinct(i) / n - 1) < 0.02 AS close
FROM (VALUES (3073.0), (4000), (20000), (200000)) c(n), generate_series(1, n::int) i
GROUP BY n ORDER BY n;

-- equal values count once
CREATE FUNCTION pg_temp.same(a anyelement, b anyelement) RETURNS boolean LANGUAGE sql
    AS 'SELECT hll_add(hll_empty(), a)::text = hll_add(hll_empty(), b)::text';
SELECT pg_temp.same(1.0, 1.00) AS numeric,
       pg_temp.same('-0'::float8, '0') AS float8,
       pg_temp.same('-0'::float4, '0') AS float4,
       pg_temp.same('NaN'::float8, '-NaN') AS nan,
       pg_temp.same('a'::char(5), 'a'::char(9)) AS bpchar,
       pg_temp.same('a'::text, 'a '::text) AS text,
       pg_temp.same('1 day'::interval, '24 hours') AS interval,
       pg_temp.same('{"a":1, "b":2}'::jsonb, '{"b":2.0, "a":1}') AS jsonb,
       pg_temp.same(ARRAY[1.0, 2], ARRAY[1, 2.0]) AS "array",
       pg_temp.same(timestamptz '2020-01-01 00:00+00', '2020-01-01 01:00+01') AS timestamptz;
SELECT hll_add(hll_empty(), 7::smallint)::text = hll_add(hll_empty(), 7::bigint)::text AS smallint_bigint,
       hll_add(hll_empty(), 7)::text = hll_add(hll_empty(), 7::bigint)::text AS int_bigint,
       hll_add(hll_empty(), -7)::text = hll_add(hll_empty(), (-7)::bigint)::text AS negative,
       hll_add(hll_empty(), 0.5::float4)::text = hll_add(hll_empty(), 0.5::float8)::text AS float4_float8,
       hll_add(hll_empty(), 'a'::varchar)::text = hll_add(hll_empty(), 'a'::text)::text AS varchar_text,
       hll_add(hll_empty(), 'a'::name)::text = hll_add(hll_empty(), 'a'::text)::text AS name_text,
       hll_add(hll_empty(), 'a '::char(4))::text = hll_add(hll_empty(), 'a'::text)::text AS bpchar_text;
CREATE COLLATION hll_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT approx_count_distinct(x) AS plain, approx_count_distinct(x COLLATE hll_nocase) AS nocase,
       approx_count_distinct(x::char(3) COLLATE hll_nocase) AS nocase_bpchar
FROM (VALUES ('a'), ('A'), ('b'), ('B')) v(x);
CREATE EXTENSION citext;
SELECT approx_count_distinct(x) FROM (VALUES ('a'::citext), ('A'), ('b')) v(x);
CREATE TYPE hll_mood AS ENUM ('sad', 'happy');
CREATE DOMAIN hll_moods AS hll_mood;
CREATE DOMAIN hll_id AS bigint CHECK (value > 0);
SELECT approx_count_distinct(x) AS enum, approx_count_distinct(x::hll_moods) AS domain,
       hll_add_agg(x)::text = hll_add_agg(x::text)::text AS as_label
FROM (VALUES ('sad'::hll_mood), ('happy'), ('sad')) v(x);
SELECT hll_add_agg(x::hll_id)::text = hll_add_agg(x)::text AS domain FROM generate_series(1, 10) x;
CREATE TYPE hll_pair AS (a int, b text);
-- each kind of type tells its values apart
SELECT approx_count_distinct(x::smallint) AS smallint, approx_count_distinct(x::oid) AS oid,
       approx_count_distinct(x::float4) AS float4, approx_count_distinct(x::float8) AS float8,
       approx_count_distinct(x::numeric) AS numeric, approx_count_distinct(x::text) AS text,
       approx_count_distinct(x::text::bytea) AS bytea, approx_count_distinct(x::text::name) AS name,
       approx_count_distinct(x::text::char(9)) AS bpchar,
       approx_count_distinct(lpad(x::text, 32, '0')::uuid) AS uuid,
       approx_count_distinct(date '2000-01-01' + x) AS date,
       approx_count_distinct(timestamp '2000-01-01' + x * interval '1 us') AS timestamp,
       approx_count_distinct(time '00:00' + x * interval '1 s') AS time,
       approx_count_distinct(x::money) AS money, approx_count_distinct(x * interval '1 s') AS interval,
       approx_count_distinct(to_jsonb(x)) AS jsonb, approx_count_distinct(ARRAY[x]) AS "array",
       approx_count_distinct(int4range(x, x + 1)) AS range, approx_count_distinct(ROW(x, 'a')::hll_pair) AS composite,
       approx_count_distinct(('10.0.0.0'::inet + x)) AS inet, approx_count_distinct(x % 2 = 0) AS bool
FROM generate_series(1, 500) x;
-- rows, as count(DISTINCT (a, b)) takes them
SELECT approx_count_distinct((x % 10, x % 3)) AS rows, approx_count_distinct(ROW(x % 10, NULL::int, (x % 3)::text)) AS with_null,
       approx_count_distinct(ROW(x % 10)) AS of_one, approx_count_distinct(ROW()) AS empty,
       approx_count_distinct((x % 10, (x % 3)::bigint)) FILTER (WHERE x <= 30) AS bigints
FROM generate_series(1, 500) x;
SELECT hll_union(hll_add_agg((x, 1)), hll_add_agg((x::bigint, 1::smallint)))::text = hll_add_agg((x, 1))::text AS same_integers FROM generate_series(1, 5) x;
-- long values, compressed and out of line
CREATE TEMP TABLE hll_long AS
    SELECT repeat(x::text, 3000) AS t FROM generate_series(1, 20) x;
ALTER TABLE hll_long ALTER t SET STORAGE external;
INSERT INTO hll_long SELECT t FROM hll_long;
SELECT approx_count_distinct(t) FROM hll_long;

-- no hash, no count
\set VERBOSITY sqlstate
SELECT approx_count_distinct(x) FROM (VALUES ('{}'::json)) v(x);
SELECT approx_count_distinct(point(x, x)) FROM generate_series(1, 2) x;
SELECT hll_add(hll_empty(), ARRAY[point(1, 1)]);
SELECT hll_add(hll_empty(), ROW(1, point(1, 1)));
\set VERBOSITY default
SELECT approx_count_distinct(x) FROM (VALUES ('{}'::json)) v(x);

-- text and binary form
CREATE TABLE hll_sketches (name text PRIMARY KEY, sketch hll);
INSERT INTO hll_sketches SELECT 'n' || n, hll_add_agg(i)
FROM (VALUES (0), (1), (1000), (10000)) c(n) LEFT JOIN LATERAL generate_series(1, n) i ON true GROUP BY n;
SELECT name, length(sketch::text), sketch::text::hll::text = sketch::text AS same,
       pg_column_size(sketch)
FROM hll_sketches ORDER BY name;
\getenv abs_builddir PG_ABS_BUILDDIR
\set filename :abs_builddir '/results/hll.data'
COPY hll_sketches TO :'filename' (FORMAT binary);
CREATE TABLE hll_copy (LIKE hll_sketches);
COPY hll_copy FROM :'filename' (FORMAT binary);
SELECT count(*) FROM hll_copy c JOIN hll_sketches s USING (name) WHERE c.sketch::text = s.sketch::text;
SELECT ''::hll;
SELECT 'not base64'::hll;
SELECT 'AAAA'::hll;
SELECT repeat('A', 100000)::hll;
-- one character changed, one lost
SELECT overlay(sketch::text PLACING 'A' FROM 14 FOR 1)::hll FROM hll_sketches WHERE name = 'n1';
\set VERBOSITY sqlstate
SELECT overlay(sketch::text PLACING '!' FROM 9000 FOR 1)::hll FROM hll_sketches WHERE name = 'n10000';
SELECT overlay(sketch::text PLACING case substr(sketch::text, 9000, 1) when 'x' then 'y' else 'x' end FROM 9000 FOR 1)::hll
FROM hll_sketches WHERE name = 'n10000';
SELECT left(sketch::text, -4)::hll FROM hll_sketches WHERE name = 'n1000';
\set VERBOSITY default
DROP TABLE hll_copy;

-- unions of stored sketches
SELECT hll_union(a.sketch, b.sketch)::text = b.sketch::text AS contained, count(*)
FROM hll_sketches a, hll_sketches b WHERE hll_cardinality(a.sketch) <= hll_cardinality(b.sketch)
GROUP BY 1;
SELECT hll_union_agg(sketch)::text = (SELECT hll_add_agg(i)::text FROM generate_series(1, 10000) i) AS same
FROM hll_sketches;
UPDATE hll_sketches SET sketch = hll_add(sketch, -1);
SELECT name, round(hll_cardinality(sketch)) FROM hll_sketches WHERE name <> 'n10000' ORDER BY name;
-- one more than a sparse sketch holds
SELECT octet_length(hll_send(s)), octet_length(hll_send(hll_add(s, 3073)))
FROM (SELECT hll_add_agg(i) FROM generate_series(1, 3072) i) x(s);

-- plans: whatever the road, the same sketch to the last bit
CREATE TABLE hll_rows AS
    SELECT i AS id, i % 5000 AS few, (i::bigint * 7919) % 50000 AS many, i % 10 AS grp, i % 2000 AS grps
    FROM generate_series(1, 100000) i;
ANALYZE hll_rows;
CREATE TEMP TABLE hll_result (road text, few text, many text, grps text);
CREATE FUNCTION pg_temp.run(road text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO hll_result
    SELECT road, (SELECT md5(string_agg(s, ',' ORDER BY grp)) FROM
                     (SELECT grp, hll_add_agg(few)::text AS s FROM hll_rows GROUP BY grp) g),
           (SELECT md5(hll_add_agg(many)::text) || approx_count_distinct(many) || hll_cardinality(hll_add_agg(many)) FROM hll_rows),
           (SELECT md5(string_agg(s || n, ',' ORDER BY grps)) FROM
                     (SELECT grps, hll_add_agg(id)::text AS s, approx_count_distinct(many) AS n FROM hll_rows GROUP BY grps) g)
$$;
SET max_parallel_workers_per_gather = 0;
SET enable_hashagg = off;
SELECT pg_temp.run('sort');
SET enable_hashagg = on;
SET enable_sort = off;
SELECT pg_temp.run('hash');
SET work_mem = '64kB';
SELECT pg_temp.run('hash that spills');
CREATE FUNCTION pg_temp.batches(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
    RETURN plan::text ~ '"HashAgg Batches": ([2-9]|1[0-9])';
END $$;
SELECT pg_temp.batches('SELECT grps, hll_add_agg(id) FROM hll_rows GROUP BY grps') AS spilled;
RESET work_mem;
RESET enable_sort;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT hll_add_agg(many), approx_count_distinct(few) FROM hll_rows;
SELECT pg_temp.run('parallel');
SET parallel_leader_participation = off;
SELECT pg_temp.run('parallel without leader');
SELECT count(set_config(name, 'on', false)) FROM pg_settings
WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT pg_temp.run('parallel by force');
RESET parallel_leader_participation;
SELECT road FROM hll_result WHERE (few, many, grps) = (SELECT few, many, grps FROM hll_result WHERE road = 'sort')
ORDER BY road;
-- unions in parallel too
CREATE TABLE hll_groups AS SELECT grps, hll_add_agg(id) AS sketch FROM hll_rows GROUP BY grps;
ANALYZE hll_groups;
EXPLAIN (COSTS OFF) SELECT hll_union_agg(sketch) FROM hll_groups;
SELECT hll_union_agg(sketch)::text = (SELECT hll_add_agg(id)::text FROM hll_rows) AS same FROM hll_groups;
SELECT count(set_config(name, 'off', false)) FROM pg_settings
WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- partitions
CREATE TABLE hll_parted (id int, grp int) PARTITION BY LIST (grp);
CREATE TABLE hll_parted_0 PARTITION OF hll_parted FOR VALUES IN (0);
CREATE TABLE hll_parted_1 PARTITION OF hll_parted FOR VALUES IN (1);
INSERT INTO hll_parted SELECT i, i % 2 FROM generate_series(1, 8000) i;
SET enable_partitionwise_aggregate = on;
SELECT hll_add_agg(id)::text = (SELECT hll_add_agg(i)::text FROM generate_series(1, 8000) i) AS same FROM hll_parted;
RESET enable_partitionwise_aggregate;

-- window frames: a final function that looks does not touch
SELECT x, approx_count_distinct(x % 4) OVER (ORDER BY x) AS running,
       round(hll_cardinality(hll_add_agg(x) OVER (ORDER BY x ROWS BETWEEN 2 PRECEDING AND CURRENT ROW))) AS last3,
       approx_count_distinct(x) OVER (ORDER BY x ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS rest,
       approx_count_distinct(x) OVER (PARTITION BY x % 2) AS part
FROM generate_series(1, 8) x ORDER BY x;
SELECT count(*) AS wrong FROM
    (SELECT x, approx_count_distinct(x) OVER (ORDER BY x) AS n FROM generate_series(1, 3000) x) w WHERE n <> x;
SELECT hll_cardinality(last_value(s) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS last,
       hll_cardinality(s) AS this
FROM (SELECT x, hll_add_agg(x) OVER (ORDER BY x) AS s FROM generate_series(1, 5) x) w;

-- FILTER, DISTINCT, ORDER BY, grouping sets
SELECT approx_count_distinct(x) FILTER (WHERE x > 5) AS filter, approx_count_distinct(DISTINCT x) AS "distinct",
       approx_count_distinct(x ORDER BY x DESC) AS ordered
FROM generate_series(1, 10) x;
SELECT x % 2 AS k, approx_count_distinct(x) FROM generate_series(1, 10) x
GROUP BY ROLLUP (x % 2) ORDER BY 1;
-- 100,000 groups in little memory
SET enable_sort = off;
SET work_mem = '256MB';
SELECT count(*) AS groups, sum(n) AS total FROM
    (SELECT i % 100000 AS g, approx_count_distinct(i) AS n FROM generate_series(1, 300000) i GROUP BY 1) g;
RESET work_mem;
RESET enable_sort;

DROP TABLE hll_sketches, hll_rows, hll_groups, hll_parted;
DROP COLLATION hll_nocase;
DROP DOMAIN hll_moods, hll_id;
DROP TYPE hll_mood, hll_pair;
DROP EXTENSION citext;
