\echo
\echo '=== 1. Cache-aside inside a stored procedure ==='
\echo 'A package page takes four queries. The function keeps the result, as jsonb, for five minutes.'
\timing off
CREATE FUNCTION package_page(p_name text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    page jsonb := kv_get_jsonb('page:' || p_name);
BEGIN
    IF page IS NULL THEN
        SELECT to_jsonb(p)
               || jsonb_build_object(
                      'needs', (SELECT jsonb_agg(d.needs ORDER BY d.needs) FROM dependency d WHERE d.package = p.name),
                      'needed_by', (SELECT count(*) FROM dependency d WHERE d.needs = p.name),
                      'biggest_users', (SELECT jsonb_agg(u) FROM
                          (SELECT u.name, u.installed_size FROM dependency d JOIN package u ON u.name = d.package
                            WHERE d.needs = p.name ORDER BY u.installed_size DESC NULLS LAST LIMIT 5) u),
                      'same_maintainer', (SELECT count(*) FROM package o WHERE o.maintainer = p.maintainer))
          INTO page FROM package p WHERE p.name = p_name;
        PERFORM kv_set('page:' || p_name, page, ttl => '5 minutes');
    END IF;
    RETURN page;
END $$;
\timing on
\set ECHO queries
\echo 'The first call misses and asks the tables ...'
SELECT page->>'description' AS description, page->>'needed_by' AS needed_by
  FROM package_page('libc6') AS page;
\echo '... the second call hits.'
SELECT page->>'description' AS description, page->>'needed_by' AS needed_by
  FROM package_page('libc6') AS page;
\set ECHO none
