\echo
\echo '=== 8. A page that is never wrong ==='
\echo 'A page comes from three tables: packages, dependencies, and reviews, which keep coming in.'
\set ECHO queries
CREATE TABLE review (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, package text, stars int);
\set ECHO none
INSERT INTO review (package, stars)
    SELECT z.member, 1 + (z.rank * 7 + i * 3) % 5 FROM zrange('needed', 0, 999, rev => true) AS z, generate_series(1, 50) AS i;
CREATE INDEX ON review (package);
VACUUM ANALYZE review;
\set ECHO queries
CREATE FUNCTION page_of(name text) RETURNS jsonb STABLE LANGUAGE sql AS $$
    SELECT jsonb_build_object('name', p.name, 'description', p.description,
               'users', (SELECT count(*) FROM dependency AS d WHERE d.needs = p.name),
               'stars', (SELECT round(avg(stars), 2) FROM review AS r WHERE r.package = p.name))
      FROM package AS p WHERE p.name = $1 $$;
\echo 'What the page is, what it depends on, and which tables say so when they change:'
SELECT kv_define('page', 'SELECT page_of($1)', key => 'package {1}', returns => 'jsonb',
                 tags => ARRAY['users of {1}', 'reviews of {1}']);
SELECT kv_watch('package', key => 'package {name}'), kv_watch('dependency', tag => 'users of {needs}'),
       kv_watch('review', tag => 'reviews of {package}');
\echo 'Nobody deletes a key, nothing expires, and the next look at the page knows:'
SELECT kv_fetch_def_jsonb('page', 'perl')->'stars' AS stars;
INSERT INTO review (package, stars) SELECT 'perl', 5 FROM generate_series(1, 50);
SELECT kv_fetch_def_jsonb('page', 'perl')->'stars' AS stars;
\echo 'Changes that are not committed are for the transaction itself, and a rollback leaves no trace:'
BEGIN;
DELETE FROM dependency WHERE needs = 'perl';
SELECT kv_fetch_def_jsonb('page', 'perl')->'users' AS users;
ROLLBACK;
SELECT kv_fetch_def_jsonb('page', 'perl')->'users' AS users;
\set ECHO none
-- Visits of 300 packages that many need, the first ones most often; every twentieth is followed
-- by a change of one of the tables.  Each page is compared with what the query says.
CREATE PROCEDURE visits(visits int, INOUT changes int DEFAULT 0, INOUT wrong int DEFAULT 0, INOUT hits text DEFAULT NULL,
                        INOUT cached_us numeric DEFAULT 0, INOUT query_us numeric DEFAULT 0, INOUT times_faster numeric DEFAULT 0) LANGUAGE plpgsql AS $$
DECLARE
    names text[] := ARRAY(SELECT member FROM zrange('needed', 10, 309, rev => true) ORDER BY rank);
    before bigint := (SELECT s.hits FROM hotset_cache_stats() AS s);
    chosen text;
    page jsonb;
    truth jsonb;
    t0 timestamptz;
    t1 timestamptz;
    t2 timestamptz;
BEGIN
    FOR i IN 1 .. visits LOOP
        chosen := names[floor(300 ^ random())];
        t0 := clock_timestamp();
        page := kv_fetch_def_jsonb('page', chosen);
        t1 := clock_timestamp();
        truth := page_of(chosen);
        t2 := clock_timestamp();
        cached_us := cached_us + extract(epoch FROM t1 - t0) * 1e6 / visits;
        query_us := query_us + extract(epoch FROM t2 - t1) * 1e6 / visits;
        wrong := wrong + (page IS DISTINCT FROM truth)::int;
        IF i % 20 = 0 THEN
            chosen := names[floor(300 ^ random())];
            CASE i / 20 % 3
                WHEN 0 THEN INSERT INTO review (package, stars) VALUES (chosen, 1 + i % 5);
                WHEN 1 THEN UPDATE package AS p SET description = p.description || '.' WHERE p.name = chosen;
                ELSE DELETE FROM dependency WHERE ctid = (SELECT min(ctid) FROM dependency WHERE needs = chosen);
            END CASE;
            changes := changes + 1;
            COMMIT;
        END IF;
    END LOOP;
    hits := round(100.0 * ((SELECT s.hits FROM hotset_cache_stats() AS s) - before) / visits, 1) || ' %';
    times_faster := round(query_us / cached_us, 1);
    cached_us := round(cached_us, 1);
    query_us := round(query_us, 1);
END $$;
\echo 'Three thousand visits, with a change of one of the tables after every twentieth. Each page is compared'
\echo 'with what the query says; the times are averages, those of the cached page with all its misses.'
\set ECHO queries
CALL visits(3000);
\echo 'Which changes of a table are noticed?'
SELECT * FROM kv_watch_check('review');
\set ECHO none
