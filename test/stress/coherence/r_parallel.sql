SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*) AS checks, count(c) AS hits, count(*) FILTER (WHERE c < v) AS stale, count(*) FILTER (WHERE c > v) AS newer
  FROM (SELECT v, kv_get_cached('item:' || id)::bigint AS c FROM item OFFSET 0) AS s \gset
RESET parallel_setup_cost;
INSERT INTO tally VALUES ('parallel', :checks, :hits, :stale, :newer);
