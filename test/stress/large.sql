\set n random(1, 20)
\set size random(60000, 1000000)
SELECT load_large(:n, :size);
