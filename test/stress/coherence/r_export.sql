-- hands its snapshot to others, who find its name in a key
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT kv_set('snapshot', pg_export_snapshot());
\sleep 300 ms
SELECT (t).* FROM reads('export', 3, 0.005) AS t \gset
END;
INSERT INTO tally VALUES (':reader', :checks, :hits, :stale, :newer);
