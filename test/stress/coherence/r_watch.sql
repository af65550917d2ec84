SELECT (t).* FROM reads('watch', 20, 0) AS t \gset
INSERT INTO tally VALUES (':reader', :checks, :hits, :stale, :newer);
