SELECT member, score FROM zrange('board', 0, 9, rev => true);
