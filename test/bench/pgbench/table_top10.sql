SELECT member, score FROM board ORDER BY score DESC, member DESC LIMIT 10;
