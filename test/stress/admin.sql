CREATE SERVER passing_:client_id FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', eviction 's3fifo');
SELECT count(kv_set('key:' || i, value_make('key:' || i, i), keyspace => 'passing_:client_id')) FROM generate_series(1, 200) AS i;
SELECT value_check('key:7', kv_get('key:7', 'passing_:client_id'));
SELECT kv_flush('passing_:client_id'), 1 / (1 - kv_count('passing_:client_id'));
DROP SERVER passing_:client_id;
SELECT load_look();
