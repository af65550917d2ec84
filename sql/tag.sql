--
-- Tags of keys: groups that are deleted at once
--
SELECT kv_set('tag:ann', 'Ann', tags => ARRAY['tag:people', 'tag:id:1']),
       kv_set('tag:bob', '\x00'::bytea, tags => ARRAY['tag:people', 'tag:id:2', 'tag:people']),
       kv_set('tag:page', '{"title": "x"}'::jsonb, ttl => '1 hour', tags => '{tag:pages}'),
       kv_set('tag:none', 'no tags'), kv_set('tag:empty', 'none either', tags => '{}');
SELECT k, kv_tags(k) FROM unnest(ARRAY['tag:ann', 'tag:bob', 'tag:page', 'tag:none', 'tag:empty', 'tag:absent', NULL]) k;
SELECT kv_tag_count('tag:people') AS people, kv_tag_count('tag:id:2') AS two, kv_tag_count('tag:pages') AS pages,
       kv_tag_count('tag:nobody') AS nobody, kv_tag_count(NULL) IS NULL AS of_null;
SELECT kv_get('tag:ann'), kv_get_bytea('tag:bob'), kv_get_jsonb('tag:page'), kv_ttl('tag:page') > '59 min' AS ttl;

-- deleting: a whole group, at once, on every path
SELECT kv_del_tag('tag:people'), kv_del_tag('tag:people') AS again;
SELECT kv_get('tag:ann') IS NULL AS get, kv_exists('tag:bob'), kv_exists(ARRAY['tag:ann', 'tag:none']), kv_type('tag:ann'),
       kv_ttl('tag:ann'), kv_strlen('tag:ann'), kv_tags('tag:ann'), kv_touch('tag:bob'), kv_dump('tag:bob'),
       kv_memory_usage('tag:ann') AS memory;
SELECT kv_mget(ARRAY['tag:ann', 'tag:none', 'tag:bob']);
SELECT key FROM kv_scan('tag:*') ORDER BY key;
SELECT kv_del('tag:ann'), kv_rename('tag:ann', 'tag:other');
SELECT kv_copy('tag:bob', 'tag:other'), kv_expire('tag:bob', '1 hour'), kv_persist('tag:bob'), kv_getdel('tag:bob') IS NULL AS getdel,
       kv_set('tag:bob', 'x', xx => true) AS xx, kv_getset('tag:ann', 'Ann again') IS NULL AS getset;
SELECT kv_incr('tag:bob'), kv_tags('tag:bob'), kv_tags('tag:ann');
-- what comes later with the same tag is not concerned
SELECT kv_set('tag:ann', 'Ann', tags => ARRAY['tag:people']), kv_get('tag:ann'), kv_tag_count('tag:people');
SELECT kv_del_tag(ARRAY['tag:id:1', 'tag:id:2', 'tag:pages', 'tag:people']), kv_exists(ARRAY['tag:ann', 'tag:page', 'tag:none']);
SELECT kv_del_tag('{}'::text[]);

-- what changes a value keeps its tags
SELECT kv_set('tag:n', '5', tags => ARRAY['tag:x']), kv_incr('tag:n'), kv_incrbyfloat('tag:n', 0.5), kv_append('tag:n', 'abc'),
       kv_setrange('tag:n', 100000, 'far'), kv_setbit('tag:n', 3, true), kv_expire('tag:n', '1 hour'), kv_persist('tag:n'),
       length(kv_getex_bytea('tag:n', ttl => '1 hour')) AS getex, kv_tags('tag:n');
SELECT kv_copy('tag:n', 'tag:copy'), kv_rename('tag:n', 'tag:renamed');
SELECT k, kv_tags(k) FROM unnest(ARRAY['tag:n', 'tag:copy', 'tag:renamed']) k;
SELECT kv_version('tag:copy') > 0 AS version, kv_tags('tag:copy'), kv_del_tag('tag:x'), kv_exists(ARRAY['tag:copy', 'tag:renamed']);

-- what replaces it does not
SELECT step, kv_tags('tag:r') AS before,
       CASE step WHEN 'set' THEN kv_set('tag:r', '1', keep_ttl => true)::text
                 WHEN 'getset' THEN kv_getset('tag:r', '1')
                 WHEN 'mset' THEN kv_mset(ARRAY['tag:r'], ARRAY['1'])::text
                 WHEN 'cas' THEN kv_cas('tag:r', '1', kv_version('tag:r'))::text
                 WHEN 'set_if' THEN kv_set_if('tag:r', '1', 'v')::text
                 WHEN 'bitop' THEN kv_bitop('not', 'tag:r', ARRAY['tag:r'])::text
                 WHEN 'restore' THEN kv_restore('tag:r', kv_dump('tag:r'), replace => true)::text END AS result,
       kv_tags('tag:r') AS after
FROM unnest(ARRAY['set', 'getset', 'mset', 'cas', 'set_if', 'bitop', 'restore']) step,
     LATERAL (SELECT kv_set('tag:r', 'v', tags => ARRAY['tag:y', step])) s
WHERE kv_exists('tag:r') OR s.kv_set;
SELECT kv_tag_count('tag:y'), kv_exists('tag:r');
SELECT kv_mset(ARRAY['tag:1', 'tag:2', 'tag:3'], ARRAY['a', 'b', 'c'], tags => ARRAY['tag:m']), kv_tag_count('tag:m'),
       kv_mset(ARRAY['tag:3', 'tag:4'], ARRAY['a', 'b'], nx => true, tags => ARRAY['tag:m2']) AS nx, kv_tags('tag:3');
SELECT kv_del_tag('tag:m'), kv_mget(ARRAY['tag:1', 'tag:2', 'tag:3']);

-- immediate, and not undone
BEGIN;
SELECT kv_set('tag:t', 'v', tags => ARRAY['tag:z']);
SELECT kv_del_tag('tag:z');
ROLLBACK;
SELECT kv_exists('tag:t');

-- a tag is one of its keyspace, and not one of cached results
CREATE SERVER tag_other FOREIGN DATA WRAPPER hotset OPTIONS (memory '8MB');
SELECT kv_set('tag:k', 'here', tags => ARRAY['tag:w']), kv_set('tag:k', 'there', tags => ARRAY['tag:w'], keyspace => 'tag_other');
SELECT kv_fetch('tag:cached', 'SELECT ''computed''', tags => ARRAY['tag:w']);
SELECT kv_del_tag('tag:w', keyspace => 'tag_other'), kv_get('tag:k'), kv_get('tag:k', 'tag_other') IS NULL AS gone,
       kv_tags('tag:k', 'tag_other'), kv_tag_count('tag:w', 'tag_other'), kv_tag_count('tag:w');
SELECT kv_invalidate_tag('tag:w'), kv_get('tag:k');
SELECT kv_del_tag(ARRAY['tag:w']), kv_get('tag:k') IS NULL AS gone;

-- memory comes back
SELECT count(*) FILTER (WHERE kv_set('tag:' || i, repeat('x', 100), tags => ARRAY['tag:all', 'tag:id:' || i], keyspace => 'tag_other'))
FROM generate_series(1, 10000) i;
SELECT kv_count('tag_other'), kv_del_tag('tag:id:77', 'tag_other'), kv_count('tag_other') AS left,
       kv_del_tag('tag:all', 'tag_other') AS all_of_them, kv_count('tag_other') AS none;
SELECT keys, deletes, expired FROM hotset_stats WHERE keyspace = 'tag_other';
SELECT hotset_verify();
SELECT kv_set('tag:k', 'v', tags => ARRAY['tag:w'], keyspace => 'tag_other'), kv_flush('tag_other'), kv_tag_count('tag:w', 'tag_other');
-- a full keyspace: nothing is half done
SELECT kv_set('tag:big', 'v', keyspace => 'tag_other');
\set VERBOSITY sqlstate
DO $$ BEGIN
    FOR i IN 1 .. 1000000 LOOP
        PERFORM kv_set('tag:' || i, 'v', tags => ARRAY[i || repeat('x', 2000)], keyspace => 'tag_other');
    END LOOP;
END $$;
SELECT kv_set('tag:big', 'new', tags => ARRAY(SELECT i || repeat('y', 2000) FROM generate_series(1, 32) i), keyspace => 'tag_other');
SELECT kv_get('tag:big', 'tag_other'), kv_tags('tag:big', 'tag_other');
\set VERBOSITY default
DROP SERVER tag_other;
SELECT hotset_verify();

-- errors
SELECT kv_set('tag:e', 'v', tags => ARRAY['a', NULL]);
SELECT kv_set('tag:e', 'v', tags => ARRAY(SELECT i::text FROM generate_series(1, 33) i));
SELECT kv_set('tag:e', 'v', tags => ARRAY[repeat('x', 2049)]);
SELECT kv_mset(ARRAY['tag:e'], ARRAY['v'], tags => ARRAY[NULL]::text[]);
SELECT kv_exists('tag:e'), kv_set('tag:e', 'v', tags => ARRAY[repeat('x', 2048), '']), array_length(kv_tags('tag:e'), 1), kv_del_tag('');
SELECT kv_del_tag(NULL::text);
SELECT kv_del_tag(NULL::text[]);
SELECT kv_del_tag(ARRAY['a', NULL]);
SELECT kv_del_tag(ARRAY(SELECT i::text FROM generate_series(1, 1024) AS i));
SELECT kv_del_tag(ARRAY(SELECT i::text FROM generate_series(1, 1025) AS i));

-- privileges
CREATE ROLE tag_stranger;
SET ROLE tag_stranger;
SELECT kv_del_tag('tag:e');
SELECT kv_del_tag(ARRAY['tag:e']);
SELECT kv_tags('tag:e');
SELECT kv_tag_count('tag:e');
SELECT kv_set('tag:e', 'v', tags => ARRAY['t']);
RESET ROLE;
DROP ROLE tag_stranger;
SELECT kv_del_prefix('tag:');
