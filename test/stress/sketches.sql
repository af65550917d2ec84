\set n random(1, 5)
\set value random(1, 100000)
SELECT load_sketches(:n, :value);
