\set n random(1, 20)
\set ms random(5, 100)
BEGIN;
SELECT changed(:n);
UPDATE item SET v = v + 1 WHERE id = :n;
\sleep :ms ms
END;
