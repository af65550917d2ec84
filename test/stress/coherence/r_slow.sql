-- a client that takes its time between miss and fill, in transactions of their own
\set n random(1, 20)
\set ms random(0, 20)
SELECT coalesce(lease, 0) AS lease, found FROM kv_get_lease('item:' || :n) \gset
\sleep :ms ms
SELECT v AS x FROM item WHERE id = :n \gset
\sleep :ms ms
SELECT kv_fill('item:' || :n, :x::text, :lease);
SELECT * FROM compare() \gset
INSERT INTO tally VALUES ('slow', :checks, :hits, :stale, :newer);
