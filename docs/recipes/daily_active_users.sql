-- Daily active users
--
-- Problem   How many users came on a day, in a week; how many came back? Rows for every visit
--           are many, and count(DISTINCT) over them is slow.
-- Solution  A bitmap a day, one bit for each user number: exact, and days can be combined: "or" for a
--           week, "and" for those who came on both. Where users have no small numbers, or exactness is not
--           worth it: a HyperLogLog a day, 12 kB at most, off by about 0.8 %.
-- Limits    A bitmap takes (largest number / 8) bytes, whoever came: 1.2 MB for ten million users.
--           Bits are set in place, so a day's bitmap can be counted while it grows. After a restart the
--           days are gone: at midnight copy the counts to a table, or fill bitmaps from the log of visits.

SET client_min_messages = warning;
CREATE SERVER recipe_dau FOREIGN DATA WRAPPER hotset OPTIONS (memory '16MB', default_ttl '35 days');
SET hotset.keyspace = 'recipe_dau';
CREATE SCHEMA recipe;
SET search_path = recipe, public;

CREATE FUNCTION key_of(day date) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT 'dau:' || to_char(day, 'YYYY-MM-DD') $$;

-- Is it the first visit of the day?
CREATE FUNCTION visit(day date, user_number bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pfadd(key_of(day) || ' approx', user_number::text);
    RETURN kv_setbit(key_of(day), user_number, true) = 0;
END $$;

-- Users of a day and those of them who had come the day before.
CREATE FUNCTION came_back_on(day date) RETURNS TABLE (users bigint, came_back bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    common text := 'both days ' || pg_backend_pid();    -- others may ask at the same time
BEGIN
    PERFORM kv_bitop('and', common, ARRAY[key_of(day), key_of(day - 1)]);
    users := kv_bitcount(key_of(day));
    came_back := kv_bitcount(common);
    PERFORM kv_del(common);
    RETURN NEXT;
END $$;

-- A week, numbers up to a million: of the multiples of 50 every ninth, another one each day; and all multiples of 1000.
SELECT count(*) AS visits, count(*) FILTER (WHERE visit(day, n)) AS first_visits
FROM generate_series(0, 6) AS d, LATERAL (SELECT date '2026-06-01' + d AS day) AS days,
     generate_series(0, 999999) AS n
WHERE (n % 50 = 0 AND n / 50 % 9 = d) OR n % 1000 = 0;

SELECT to_char(day, 'Dy') AS day, r.users, r.came_back, abs(pfcount(key_of(day) || ' approx') - r.users) < r.users * 0.03 AS approximately
FROM generate_series(0, 2) AS d, LATERAL (SELECT date '2026-06-01' + d AS day) AS days, LATERAL came_back_on(day) AS r;
-- The week: whoever came at all, and on each day.
SELECT kv_bitop('or', 'week:any', array_agg(key_of(date '2026-06-01' + d))) > 0 AS combined, kv_bitop('and', 'week:all', array_agg(key_of(date '2026-06-01' + d))) > 0 AS combined_too
FROM generate_series(0, 6) AS d;
SELECT kv_bitcount('week:any') AS week, kv_bitcount('week:all') AS every_day,
       abs(pfcount((SELECT array_agg(key_of(date '2026-06-01' + d) || ' approx') FROM generate_series(0, 6) AS d)) - kv_bitcount('week:any')) < kv_bitcount('week:any') * 0.03 AS approximately;
-- One user, and the first one of the day.
SELECT kv_getbit('dau:2026-06-03', 100) AS user_100, kv_getbit('dau:2026-06-03', 101) AS user_101, kv_bitpos('dau:2026-06-02', true, 1) AS first_after_7;
SELECT kv_strlen('dau:2026-06-01') AS bytes_of_bitmap, kv_memory_usage('dau:2026-06-01 approx') < 14000 AS sketch_is_small;

DROP SCHEMA recipe CASCADE;
DROP SERVER recipe_dau;
