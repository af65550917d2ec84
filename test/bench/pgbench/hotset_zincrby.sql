\set k random(1, :nkeys)
SELECT zincrby('board', 1, 'member:' || :k);
