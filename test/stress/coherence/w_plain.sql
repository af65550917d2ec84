\set n random(1, 20)
\set dice random(1, 4)
BEGIN;
\if :dice <= 2
UPDATE item SET v = v + 1 WHERE id = :n;
SELECT changed(:n);
\else
SELECT changed(:n);
UPDATE item SET v = v + 1 WHERE id = :n;
\endif
END;
