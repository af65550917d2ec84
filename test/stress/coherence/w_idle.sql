-- has an id for long and changes nothing of this: holds back the xmin of all snapshots
\set ms random(50, 400)
BEGIN;
SELECT pg_current_xact_id();
\sleep :ms ms
END;
