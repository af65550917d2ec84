\set n random(1, 100)
\set by random(-5, 10)
SELECT load_counters(:n, :by);
