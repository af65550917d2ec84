\set n random(1, 300)
\set dice random(0, 99)
SELECT load_sets(:n, :dice);
