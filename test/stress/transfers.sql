\set a random(0, 999)
\set b random(0, 999)
\set amount random(1, 1000)
SELECT load_transfers(:a, :b, :amount);
