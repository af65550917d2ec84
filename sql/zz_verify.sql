--
-- Runs last: after all other tests every segment of the shared memory has
-- exactly one owner, and nothing is lost.
--
SELECT hotset_verify();
