\set n random(0, 19999)
\set score random(0, 100000)
\set dice random(0, 99)
SELECT load_board(:n, :score, :dice);
