\set n random(1, 300)
\set bit random(0, 30000)
\set dice random(0, 99)
SELECT load_bits(:n, :bit, :dice);
