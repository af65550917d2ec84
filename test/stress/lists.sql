\set n random(1, 400)
\set size random_exponential(1, 20000, 8)
\set dice random(0, 99)
SELECT load_lists(:n, :size, :dice);
