-- rows come from a snapshot taken when the cursor was opened
\set n random(1, 20)
BEGIN;
DECLARE c CURSOR FOR
	SELECT count(*) AS checks, count(c) AS hits, count(*) FILTER (WHERE c < v) AS stale, count(*) FILTER (WHERE c > v) AS newer
	  FROM (SELECT v, kv_get_cached('item:' || id)::bigint AS c FROM item OFFSET 0) AS s;
\sleep 10 ms
FETCH 1 FROM c \gset
CLOSE c;
END;
SELECT lease_round(:n, 0);
INSERT INTO tally VALUES ('cursor', :checks, :hits, :stale, :newer);
