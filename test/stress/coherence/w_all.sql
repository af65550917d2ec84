BEGIN;
UPDATE item SET v = v + 1 WHERE grp = 0;
SELECT kv_invalidate(array_agg('item:' || id)), kv_del(array_agg('naive:' || id)) FROM item WHERE grp = 0;
SELECT kv_invalidate_tag(ARRAY['grp:0', 'all']);
END;
