\set n random(1, 100)
\set dice random(0, 99)
SELECT load_queue(:n, :dice);
