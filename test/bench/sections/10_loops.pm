# In-procedure loops beside Redis in Lua, a table and memcached.
package Bench::Section::loops;
use strict;
use warnings;
use Bench;

section(loops => \&measure);

# Statement in PL/pgSQL for each system; k is the key, m the member, i counts.
# hotset and pgmemcache functions are assigned, as one does in a procedure.
my $live = "(expires_at IS NULL OR expires_at > clock_timestamp())";
my @loops = (
	{   what => 'loop alone', baseline => 1,
		hotset => 'NULL;', redis => '', table => 'NULL;', times => 20 },
	{   what => 'loop with a call of a built-in function', baseline => 1,
		hotset => 'n := octet_length(k);', redis => "local n = string.len(k)", table => 'n := octet_length(k);', times => 20 },
	{   what => 'get',
		hotset => 'v := kv_get(k);',
		redis => "redis.call('GET', k)",
		table => "SELECT value INTO v FROM cache WHERE key = k AND $live;",
		memcached => 'v := memcache_get(k);', times => 10 },
	{   what => 'get of a missing key',
		hotset => "v := kv_get(m);",
		redis => "redis.call('GET', m)",
		table => "SELECT value INTO v FROM cache WHERE key = m AND $live;",
		memcached => 'v := memcache_get(m);', times => 10 },
	{   what => 'set, 40 bytes',
		hotset => "b := kv_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv');",
		redis => "redis.call('SET', k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv')",
		table => "INSERT INTO cache VALUES (k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', NULL)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;",
		memcached => "b := memcache_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv');", times => 5 },
	{   what => 'set with time to live',
		hotset => "b := kv_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', hour);",
		redis => "redis.call('SET', k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', 'EX', 3600)",
		table => "INSERT INTO cache VALUES (k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', clock_timestamp() + hour)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;",
		memcached => "b := memcache_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', hour);", times => 5 },
	{   what => 'incr',
		hotset => "n := kv_incr('n' || k);",
		redis => "redis.call('INCR', 'n' .. k)",
		table => "INSERT INTO counter VALUES ('n' || k, 1)
			ON CONFLICT (key) DO UPDATE SET value = counter.value + 1 RETURNING value INTO n;",
		memcached => "n := memcache_incr('n' || k);", times => 5 },
	{   what => 'zadd, new score',
		hotset => "n := zadd('board', (i * 7919 % 1000000)::float8, m);",
		redis => "redis.call('ZADD', 'board', i * 7919 % 1000000, m)",
		table => "INSERT INTO board VALUES (m, (i * 7919 % 1000000)::float8)
			ON CONFLICT (member) DO UPDATE SET score = excluded.score;", times => 3 },
	{   what => 'zincrby',
		hotset => "f := zincrby('board', 1, m);",
		redis => "redis.call('ZINCRBY', 'board', 1, m)",
		table => "UPDATE board SET score = score + 1 WHERE member = m RETURNING score INTO f;", times => 3 },
	{   what => 'zscore',
		hotset => "f := zscore('board', m);",
		redis => "redis.call('ZSCORE', 'board', m)",
		table => "SELECT score INTO f FROM board WHERE member = m;", times => 5 },
	{   what => 'zrevrank',
		hotset => "n := zrevrank('board', m);",
		redis => "redis.call('ZREVRANK', 'board', m)",
		table => "SELECT count(*) INTO n FROM board, (SELECT score AS s, member AS x FROM board WHERE member = m) AS me
			WHERE (score, member) > (s, x);", times => 3, table_calls => 20 },
	{   what => 'top 10',
		hotset => "FOR r IN SELECT member, score FROM zrange('board', 0, 9, rev => true) LOOP n := n + 1; END LOOP;",
		redis => "n = n + #redis.call('ZRANGE', 'board', 0, 9, 'REV', 'WITHSCORES')",
		table => "FOR r IN SELECT member, score FROM board ORDER BY score DESC, member DESC LIMIT 10 LOOP n := n + 1; END LOOP;",
		times => 1 },
	{   what => 'rank and 2 neighbours on each side',
		hotset => "n := zrevrank('board', m);
			FOR r IN SELECT member, score, rank FROM zrange('board', greatest(n - 2, 0), n + 2, rev => true) LOOP f := r.score; END LOOP;",
		redis => "local rank = redis.call('ZREVRANK', 'board', m)
			redis.call('ZRANGE', 'board', math.max(rank - 2, 0), rank + 2, 'REV', 'WITHSCORES')",
		table => "SELECT count(*) INTO n FROM board, (SELECT score AS s, member AS x FROM board WHERE member = m) AS me
				WHERE (score, member) > (s, x);
			FOR r IN SELECT member, score FROM board ORDER BY score DESC, member DESC OFFSET greatest(n - 2, 0) LIMIT 5
				LOOP f := r.score; END LOOP;", times => 1, table_calls => 10 },
);

sub measure
{
	need_names();
	my %times;
	foreach my $round (1 .. $rounds)
	{
		foreach my $loop (@loops)
		{
			my $t = $times{ $loop->{what} } //= {};
			push @{ $t->{hotset} }, plpgsql_loop($loop->{hotset}, $loop->{times}, $nkeys, $cpu_clock);
			push @{ $t->{redis} }, lua_loop($loop->{redis}, $loop->{times});
			push @{ $t->{table} }, $loop->{table_calls}
			  ? plpgsql_loop($loop->{table}, 1, $loop->{table_calls}, $cpu_clock)
			  : plpgsql_loop($loop->{table}, 1, $nkeys, $cpu_clock);
			push @{ $t->{memcached} }, plpgsql_loop($loop->{memcached}, 1, int($nkeys / 5), $wall_clock) if $loop->{memcached};
		}
		sql('VACUUM cache, counter, board');
	}
	my @titles = ('hotset', 'Redis, Lua', 'UNLOGGED table', 'memcached');
	say_line("\n## In a procedure\n");
	say_line("Nanoseconds per operation in a loop of PL/pgSQL (Redis: of Lua, in EVAL), loop included, " .
		"on " . three_digits($nkeys) . " keys and a board of as many members. CPU time of the one process that works; " .
		"elapsed time for memcached, where two take turns. In parentheses: how many times faster hotset is.");
	table_head('operation', @titles);
	table_row($_->{what}, $_->{baseline} ? 'baseline' : 'less', \@titles, map { $_ ? median(@$_) : undef } @{ $times{ $_->{what} } }{qw(hotset redis table memcached)})
	  foreach @loops;
	return;
}

1;
