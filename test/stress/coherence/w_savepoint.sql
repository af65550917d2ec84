\set n random(1, 20)
\set m random(1, 20)
BEGIN;
SAVEPOINT a;
UPDATE item SET v = v + 100 WHERE id = :m;
SELECT changed(:m);
ROLLBACK TO a;
SAVEPOINT b;
UPDATE item SET v = v + 1 WHERE id = :n;
SELECT changed(:n);
RELEASE b;
END;
