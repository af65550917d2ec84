\set n random(1, 20)
SELECT lease_stable(:n);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM compare() \gset
\sleep 5 ms
SELECT lease_stable(:n);
SELECT * FROM compare() \gset
END;
INSERT INTO tally VALUES ('stable', :checks, :hits, :stale, :newer);
