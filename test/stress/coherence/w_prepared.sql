\set n random(1, 20)
\set ms random(0, 40)
BEGIN;
UPDATE item SET v = v + 1 WHERE id = :n;
SELECT changed(:n);
PREPARE TRANSACTION 'p:client_id';
\sleep :ms ms
\if random(1, 4) = 1
ROLLBACK PREPARED 'p:client_id';
\else
COMMIT PREPARED 'p:client_id';
\endif
