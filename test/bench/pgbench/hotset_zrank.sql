\set k random(1, :nkeys)
SELECT zrevrank('board', 'member:' || :k);
