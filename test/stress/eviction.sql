\set n random_zipfian(1, 100000, 1.01)
\set size random(0, 2000)
SELECT load_eviction(:n, :size);
