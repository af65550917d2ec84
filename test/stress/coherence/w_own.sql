-- sees its own changes, in the rows and in what is cached
\set n random(1, 20)
BEGIN;
UPDATE item SET v = v + 1 WHERE id = :n;
SELECT changed(:n);
SELECT * FROM compare() \gset
INSERT INTO tally VALUES ('own', :checks, :hits, :stale, :newer);
END;
