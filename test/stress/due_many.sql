\set n random(1, 100)
\set ttl random(1, 100)
\set dice random(0, 99)
SELECT load_due_many(:n, :ttl, :dice);
