\set k random(1, :nkeys)
SELECT kv_set('key:' || :k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv');
