\set n random(0, 9)
SELECT change_part(:n);
