\set k random(1, :nkeys)
UPDATE board SET score = score + 1 WHERE member = 'member:' || :k RETURNING score;
