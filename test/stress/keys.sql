\set n random_zipfian(1, 20000, 1.01)
\set size random(0, 4000)
\set dice random(0, 99)
SELECT load_keys(:n, :size, :dice);
