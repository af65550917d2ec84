\echo
\echo '=== 5. A leaderboard: packages by the number of packages that need them ==='
\echo 'Filled from the tables: one member for each package.'
\set ECHO queries
SELECT zadd('needed', array_agg(n), array_agg(name)) AS members
  FROM (SELECT p.name, count(d.package)::float8 AS n
          FROM package p LEFT JOIN dependency d ON d.needs = p.name GROUP BY p.name) AS counts;
\echo 'The top ten, joined with the table of packages:'
SELECT z.rank + 1 AS place, z.member AS package, z.score AS needed_by, left(p.description, 46) AS description
  FROM zrange('needed', 0, 9, rev => true) AS z JOIN package p ON p.name = z.member
 ORDER BY z.rank;
\echo 'The same from the tables, for comparison:'
SELECT needs AS package, count(*) AS needed_by
  FROM dependency JOIN package ON package.name = dependency.needs
 GROUP BY needs ORDER BY count(*) DESC, needs DESC LIMIT 10;
\echo 'Where is postgresql-common, and who are its neighbours?'
SELECT z.rank + 1 AS place, z.member AS package, z.score AS needed_by
  FROM zrevrank('needed', 'postgresql-common') AS r,
       LATERAL zrange('needed', r - 2, r + 2, rev => true) AS z
 ORDER BY z.rank;
\echo 'Score windows: how many packages are needed by 100 to 199 others, and the first of them.'
SELECT zcount('needed', 100, 200, bounds => '[)') AS packages;
SELECT member AS package, score AS needed_by
  FROM zrangebyscore('needed', 100, 200, bounds => '[)', rev => true, "limit" => 3);
\echo 'One more vote, and the new score:'
SELECT zincrby('needed', 1, 'postgresql-common') AS needed_by;
\set ECHO none
