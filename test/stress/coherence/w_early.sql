-- fills what it has not committed, before it says that it changes it
\set n random(1, 20)
BEGIN;
UPDATE item SET v = v + 1000 WHERE id = :n;
SELECT lease_round(:n, 0);
SELECT lease_stable(:n);
SELECT changed(:n);
ROLLBACK;
