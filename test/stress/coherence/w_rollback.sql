\set n random(1, 20)
BEGIN;
UPDATE item SET v = v + 1000 WHERE id = :n;
SELECT changed(:n);
SELECT lease_round(:n, 0);
SELECT lease_stable(:n);
SELECT kv_fetch('item:' || :n, 'SELECT v FROM item WHERE id = $1', ARRAY[:n::text]);
ROLLBACK;
