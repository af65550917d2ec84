\set k random(1, :nkeys)
SELECT key, value FROM cache WHERE key = 'key:' || :k AND (expires_at IS NULL OR expires_at > clock_timestamp());
