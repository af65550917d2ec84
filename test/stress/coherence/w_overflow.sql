\set n random(1, 20)
BEGIN;
SELECT overflow(:n);
SELECT changed(:n);
END;
