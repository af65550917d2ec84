\set k random(1, :nkeys)
INSERT INTO cache VALUES ('key:' || :k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', NULL)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;
