\set k random(1, :nkeys)
SELECT kv_get('key:' || :k);
