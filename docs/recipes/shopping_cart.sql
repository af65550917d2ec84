-- Shopping cart
--
-- Problem   Carts change with every click and mostly end as nothing. Rows for them are written,
--           vacuumed and written again.
-- Solution  A hash a cart: product -> quantity, joined with the table of products. Checkout
--           takes the cart away first, in one call, so that it cannot be ordered twice; orders are rows.
-- Limits    A cart is lost when the server restarts. ROLLBACK does not bring it back: a failed
--           checkout puts it back itself.

SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE SERVER recipe_carts FOREIGN DATA WRAPPER hotset OPTIONS (memory '4MB', default_ttl '7 days');
SET hotset.keyspace = 'recipe_carts';
CREATE SCHEMA recipe;
SET search_path = recipe, public;
CREATE TABLE product (id int PRIMARY KEY, name text, price numeric, stock int CHECK (stock >= 0));
INSERT INTO product VALUES (1, 'pencil', 0.50, 100), (2, 'notebook', 4.20, 3), (3, 'lamp', 25.00, 1);
CREATE TABLE ordered (customer text, product int REFERENCES product, quantity int, price numeric);

-- More or fewer of a product.
CREATE FUNCTION put(customer text, product int, quantity int) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    now_there bigint := hincrby('cart:' || customer, product::text, quantity);
BEGIN
    IF now_there < 0 THEN
        now_there := hincrby('cart:' || customer, product::text, -now_there);
    END IF;
    PERFORM kv_expire('cart:' || customer, '7 days');
    RETURN now_there;
END $$;

CREATE FUNCTION cart(key text) RETURNS TABLE (product int, name text, quantity int, price numeric)
LANGUAGE sql STABLE AS $$
    SELECT p.id, p.name, c.value::int, p.price * c.value::int
    FROM hgetall(key) AS c JOIN product AS p ON p.id = c.field::int
    WHERE c.value::int > 0
    ORDER BY p.id
$$;

-- The total of the order, or NULL for an empty cart.
CREATE FUNCTION checkout(customer text) RETURNS numeric
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    mine text := 'checkout:' || customer || ':' || gen_random_uuid();
    total numeric;
BEGIN
    IF NOT kv_rename('cart:' || customer, mine) THEN
        RETURN NULL;
    END IF;
    UPDATE product AS p SET stock = p.stock - c.quantity FROM cart(mine) AS c WHERE p.id = c.product;
    INSERT INTO ordered SELECT customer, c.product, c.quantity, c.price FROM cart(mine) AS c;
    SELECT sum(c.price) INTO total FROM cart(mine) AS c;
    PERFORM kv_del(mine);
    RETURN total;
EXCEPTION WHEN OTHERS THEN
    -- what he has put into a new one meanwhile is not overwritten
    PERFORM kv_rename(mine, 'cart:' || customer, nx => true);
    RAISE;
END $$;

SELECT put('ann', 1, 10) AS pencils, put('ann', 2, 1) AS notebooks, put('ann', 1, -4) AS pencils_left, put('ann', 2, -1) AS none;
SELECT put('ann', 2, 2) AS notebooks;
SELECT * FROM cart('cart:ann');
SELECT checkout('ann') AS total, checkout('ann') AS twice;
SELECT * FROM ordered ORDER BY product;
-- Too few in stock: the constraint stops the order, the cart is there again.
SELECT put('bob', 3, 2) AS lamps;
SELECT checkout('bob');
SELECT * FROM cart('cart:bob');

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_carts;
