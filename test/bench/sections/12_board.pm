# Sorted sets in a loop of PL/pgSQL beside Redis in Lua and a table.
package Bench::Section::board;
use strict;
use warnings;
use Bench;

section(board => \&measure, seconds => 70);

# Statements as in 10_procedure.pm; the board has a million members.  'calls'
# and those of the table are shares of a million.  What 'new' adds goes after each round.
my @cases = (
	{   name => 'new', what => 'zadd of a new member', calls => 0.1,
		hotset => "n := zadd('board', scores[i], fresh[i]);",
		redis => "cmd('ZADD', 'board', scores[i], fresh[i])",
		table => "INSERT INTO board VALUES (fresh[i], scores[i])
			ON CONFLICT (member) DO UPDATE SET score = excluded.score;", table_calls => 0.01 },
	{   name => 'update', what => 'zadd, new score', calls => 0.1,
		hotset => "n := zadd('board', scores[i], members[i]);",
		redis => "cmd('ZADD', 'board', scores[i], members[i])",
		table => 'INSERT INTO board VALUES (members[i], scores[i])
			ON CONFLICT (member) DO UPDATE SET score = excluded.score;', table_calls => 0.01 },
	{   name => 'incr', what => 'zincrby', calls => 0.1,
		hotset => "f := zincrby('board', 1, members[i]);",
		redis => "cmd('ZINCRBY', 'board', '1', members[i])",
		table => 'UPDATE board SET score = score + 1 WHERE member = members[i] RETURNING score INTO f;', table_calls => 0.01 },
	{   name => 'score', what => 'zscore', calls => 0.1,
		hotset => "f := zscore('board', members[i]);",
		redis => "f = cmd('ZSCORE', 'board', members[i])",
		table => 'SELECT score INTO f FROM board WHERE member = members[i];', table_calls => 0.01 },
	{   name => 'rank', what => 'zrank', calls => 0.1,
		hotset => "n := zrank('board', members[i]);",
		redis => "n = cmd('ZRANK', 'board', members[i])",
		table => 'SELECT count(*) INTO n FROM board, (SELECT score AS s, member AS m FROM board WHERE member = members[i]) AS me
			WHERE (score, member) < (s, m);', table_calls => 2e-6 },
	{   name => 'top', what => 'top 10', calls => 0.02,
		hotset => "FOR r IN SELECT member, score FROM zrange('board', 0, 9, rev => true) LOOP f := r.score; END LOOP;",
		noop => 'FOR r IN SELECT member, score FROM noop_rows(10) LOOP f := r.score; END LOOP;',
		redis => "t = cmd('ZRANGE', 'board', '0', '9', 'REV', 'WITHSCORES') for j = 1, #t, 2 do f = t[j + 1] end",
		table => 'FOR r IN SELECT member, score FROM board ORDER BY score DESC, member DESC LIMIT 10 LOOP f := r.score; END LOOP;',
		table_calls => 0.01 },
	{   name => 'around', what => '10 around a random rank', calls => 0.01,
		hotset => "place := numbers[i]; FOR r IN SELECT member, score FROM zrange('board', place, place + 9) LOOP f := r.score; END LOOP;",
		noop => 'FOR r IN SELECT member, score FROM noop_rows(10) LOOP f := r.score; END LOOP;',
		redis => "t = cmd('ZRANGE', 'board', numbers[i], numbers[i] + 9, 'WITHSCORES') for j = 1, #t, 2 do f = t[j + 1] end",
		table => 'place := numbers[i]; FOR r IN SELECT member, score FROM board ORDER BY score, member OFFSET place LIMIT 10 LOOP f := r.score; END LOOP;',
		table_calls => 2e-6 },
	{   name => 'hundred', what => '100 by score', calls => 0.003,
		hotset => "low := scores[i]; FOR r IN SELECT member, score FROM zrangebyscore('board', low, 'Infinity', \"limit\" => 100) LOOP f := r.score; END LOOP;",
		noop => 'FOR r IN SELECT member, score FROM noop_rows(100) LOOP f := r.score; END LOOP;',
		redis => "t = cmd('ZRANGE', 'board', scores[i], '+inf', 'BYSCORE', 'LIMIT', '0', '100', 'WITHSCORES')
			for j = 1, #t, 2 do f = t[j + 1] end",
		table => 'low := scores[i]; FOR r IN SELECT member, score FROM board WHERE score >= low ORDER BY score, member LIMIT 100 LOOP f := r.score; END LOOP;',
		table_calls => 0.002 },
);

sub measure
{
	need_board();
	my %ns;
	foreach my $round (1 .. $rounds)
	{
		foreach my $case (@cases)
		{
			my $ns = $ns{ $case->{name} } //= {};
			my $calls = $million * $case->{calls};
			my %measure = (
				hotset => sub { return scalar plpgsql_loop($case->{hotset}, seed => $round, calls => $calls) },
				redis => sub { return lua_loop($case->{redis}, seed => $round, calls => $calls) },
				table => sub { return scalar plpgsql_loop($case->{table}, seed => $round, calls => int($million * $case->{table_calls}) || 1) });
			$measure{noop} = sub { return scalar plpgsql_loop($case->{noop}, seed => $round, calls => $calls) } if $case->{noop};
			push @{ $ns->{$_} }, $measure{$_}->() foreach in_turn($round, grep { $measure{$_} } qw(hotset noop redis table));
		}
		my $new = $million * $cases[0]{calls};
		sql("SELECT count(zrem('board', fresh_of(i))) FROM generate_series(0, $new - 1) AS i",
			"DELETE FROM board WHERE member LIKE 'novice%'", 'VACUUM board');
		redis('redis', 'EVAL', "for i = 0, $new - 1 do redis.call('ZREM', 'board', string.format('novice:%06d', i)) end", 0);
	}
	my @titles = ('hotset', 'no-op', 'Redis, Lua', 'UNLOGGED table');
	say_line("\n## Sorted sets in a procedure\n");
	say_line('Nanoseconds of CPU time per operation as above, on a board of ' . three_digits($million) . ' members of 13 bytes; new ones are removed after each round. Results of several rows are ' .
		'the rows of a FOR loop; the no-op is a function in C that returns as many rows, always the same one. The table has a primary key on member and an index on (score, member).');
	table_head('operation', @titles);
	foreach (@cases)
	{
		my $m = $ns{ $_->{name} };
		table_row($_->{what}, 'less', \@titles, $m->{hotset}, $m->{noop} ? \$m->{noop} : undef, @$m{qw(redis table)});
	}
	foreach ([ 7, '`zadd` of a new member', '<= 0.30x', 'new' ], [ 7, '`zadd`, new score', '<= 0.30x', 'update' ],
		[ 7, '`zincrby`', '<= 0.25x', 'incr' ], [ 7, '`zscore`', '<= 0.25x', 'score' ], [ 7, '`zrank`', '<= 0.30x', 'rank' ],
		[ 8, 'top 10 as rows', '<= 1.5x', 'top' ], [ 8, '10 around a random rank as rows', '<= 0.7x', 'around' ],
		[ 8, '100 by score as rows', '<= 0.5x', 'hundred' ])
	{
		my ($number, $what, $limit, $name) = @$_;
		my ($own, $redis, $noop) = @{ $ns{$name} }{qw(hotset redis noop)};
		goal($number, $what, $limit, ratios($own, $redis), baseline('ns', hotset => median(@$own), 'Redis in Lua' => median(@$redis),
			$noop ? ('no-op' => median(@$noop)) : ()));
	}
	return;
}

1;
