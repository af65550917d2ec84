\set k random(1, :nkeys)
\set s random(1, 1000000)
INSERT INTO board VALUES ('member:' || :k, :s) ON CONFLICT (member) DO UPDATE SET score = excluded.score;
