CREATE TEMP TABLE t (a int);
DROP TABLE t;
\if random(1, 5) = 1
ALTER TABLE tally SET (fillfactor = 90);
\endif
