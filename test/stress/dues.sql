\set n random(1, 500)
\set ttl random(1, 200)
SELECT load_dues(:n, :ttl);
