# Round trips over a connection.
package Bench::Section::trips;
use strict;
use warnings;
use Bench;

section(trips => \&measure);

my @trips = (
	[ 'get', 'get', 'GET key:__rand_int__' ],
	[ 'set, 40 bytes', 'set', 'SET key:__rand_int__ vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv' ],
	[ 'incr', 'incr', 'INCR nkey:__rand_int__' ],
	[ 'zadd, new score', 'zadd', 'ZADD rt-board __rand_int__ member:__rand_int__' ],
	[ 'zincrby', 'zincrby', 'ZINCRBY rt-board 1 member:__rand_int__' ],
	[ 'zrevrank', 'zrank', 'ZREVRANK rt-board member:__rand_int__' ],
	[ 'top 10', 'top10', 'ZRANGE rt-board 0 9 REV WITHSCORES' ],
);

sub measure
{
	need_names();
	redis('redis', 'EVAL', "for j = 0, $nkeys - 1 do
		local x = string.format('%012d', j)
		redis.call('SET', 'key:' .. x, string.rep('v', 40)) redis.call('SET', 'nkey:' .. x, 1)
		redis.call('ZADD', 'rt-board', j, 'member:' .. x) end", 0);
	my @clients = (1, 8);
	my %tps;
	foreach my $round (1 .. $rounds)
	{
		foreach my $trip (@trips)
		{
			my ($what, $script, $command) = @$trip;
			foreach my $c (@clients)
			{
				push @{ $tps{$what}{$c}{hotset} }, pgbench("hotset_$script", $c);
				push @{ $tps{$what}{$c}{redis} }, redis_benchmark($command, $c, $quick ? 10_000 : 40_000 * ($c > 1 ? 2 : 1));
				push @{ $tps{$what}{$c}{table} }, pgbench("table_$script", $c);
			}
		}
		sql('VACUUM cache, counter, board');
	}
	my @titles = ('hotset', 'Redis', 'UNLOGGED table');
	say_line("\n## Over a connection\n");
	say_line('Operations per second over unix sockets, one call a round trip: pgbench -M prepared, redis-benchmark without ' .
		'pipelining. In parentheses: how many times more hotset does.');
	foreach my $c (@clients)
	{
		table_head($c == 1 ? '1 client' : "$c clients", @titles);
		table_row("$_->[0], $c client" . ($c > 1 ? 's' : ''), 'more', \@titles,
			map { median(@$_) } @{ $tps{ $_->[0] }{$c} }{qw(hotset redis table)}) foreach @trips;
	}
	return;
}

1;
