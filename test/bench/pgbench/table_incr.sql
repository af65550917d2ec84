\set k random(1, :nkeys)
INSERT INTO counter VALUES ('nkey:' || :k, 1)
ON CONFLICT (key) DO UPDATE SET value = counter.value + 1 RETURNING value;
