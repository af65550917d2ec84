\set k random(1, :nkeys)
SELECT kv_incr('nkey:' || :k);
