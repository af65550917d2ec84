\set k random(1, :nkeys)
SELECT count(*) FROM board, (SELECT score AS s, member AS m FROM board WHERE member = 'member:' || :k) AS me
 WHERE (score, member) > (s, m);
