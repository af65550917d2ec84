\set n random(1, 100)
\set value random(1, 1000000)
SELECT load_pairs(:n, :value);
