BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT (t).* FROM reads('watch_rr', 5, 0.005) AS t \gset
END;
INSERT INTO tally VALUES (':reader', :checks, :hits, :stale, :newer);
