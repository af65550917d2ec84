\set k random(1, :nkeys)
\set s random(1, 1000000)
SELECT zadd('board', :s, 'member:' || :k);
