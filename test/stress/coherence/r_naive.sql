SELECT (t).* FROM naive_reads(20) AS t \gset
INSERT INTO tally VALUES (':reader', :checks, :hits, :stale, :newer);
