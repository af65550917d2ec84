\echo
\echo '=== 6. Counting distinct values, approximately ==='
\echo 'A HyperLogLog of 12 kB at most counts any number of distinct values to within about 0.8 %.'
\set ECHO queries
SELECT approx_count_distinct(maintainer) AS approximately FROM package;
SELECT count(DISTINCT maintainer) AS exactly FROM package;
\echo 'Up to about 3000 it is exact; the same for the ten thousands of descriptions:'
SELECT approx_count_distinct(description) AS approximately FROM package;
SELECT count(DISTINCT description) AS exactly FROM package;
\echo 'Sketches can be stored and merged: one for each section, then all of them together.'
CREATE TABLE section_maintainers AS
    SELECT section, hll_add_agg(maintainer) AS maintainers FROM package GROUP BY section;
SELECT section, round(hll_cardinality(maintainers)) AS maintainers
  FROM section_maintainers ORDER BY hll_cardinality(maintainers) DESC LIMIT 5;
SELECT round(hll_cardinality(hll_union_agg(maintainers))) AS together FROM section_maintainers;
\set ECHO none
