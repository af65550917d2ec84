# What single calls take, most of them and the slowest, while all the housekeeping goes on.
package Bench::Section::latency;
use strict;
use warnings;
use Bench;
use Backends;

section(latency => \&measure, seconds => 20);

my $keys = 100_000;
my $value = "'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv'";

# Parameters: $1 a key that there is, $2 a new name, $3 a score, $4 a hundred keys.  Those that
# are only for the busy run add keys, members and expiries.
my @calls = (
	{ what => 'nothing (the clock)', call => '1' },
	{ what => 'get', call => "kv_get(\$1, 'latency')", plot => 1 },
	{ what => 'get of a missing key', call => "kv_get(\$2, 'latency')" },
	{ what => 'mget of 100', call => "kv_mget(\$4, 'latency')" },
	{ what => 'set', call => "kv_set(\$1, $value, keyspace => 'latency')" },
	{ what => 'set, another size', call => "kv_set(\$1, \$2, keyspace => 'latency')" },
	{ what => 'set, new key', call => "kv_set(\$2, $value, keyspace => 'latency')", adds => 1, plot => 1 },
	{ what => 'set, new key, 1 s to live', call => "kv_set(\$2, $value, ttl => '1 second', keyspace => 'latency')", adds => 1 },
	{ what => 'del', call => "kv_del(\$1, 'latency')" },
	{ what => 'incr', call => "kv_incr('n' || \$1, keyspace => 'latency')" },
	{ what => 'rate limit', call => "rate_limit_fixed('r' || \$1, 100, '1 second', 'latency')" },
	{ what => 'pfadd', call => "pfadd('visitors', \$1, 'latency')" },
	{ what => 'zadd, set of its own', call => "zadd('z' || \$1, \$3, \$2, keyspace => 'latency')", adds => 1 },
	{ what => 'zadd, new score', call => "zadd('board', \$3, \$1, keyspace => 'boards')" },
	{ what => 'zadd, new member', call => "zadd('board', \$3, \$2, keyspace => 'boards')", adds => 1, plot => 1 },
	{ what => 'zincrby', call => "zincrby('board', 1, \$1, 'boards')" },
	{ what => 'zscore', call => "zscore('board', \$1, 'boards')" },
	{ what => 'zrevrank', call => "zrevrank('board', \$1, 'boards')", plot => 1 },
	{ what => 'top 10, in a FOR loop', call => 'latency_top10()' },
);

sub measure
{
	my ($memory, $seconds) = $quick ? (16, 3) : (32, 10);
	sql("CREATE SERVER latency FOREIGN DATA WRAPPER hotset OPTIONS (memory '${memory}MB', eviction 's3fifo')",
		'CREATE SERVER boards FOREIGN DATA WRAPPER hotset',
		"CREATE FUNCTION latency_top10() RETURNS int LANGUAGE plpgsql AS \$\$
		DECLARE r record; n int := 0;
		BEGIN
			FOR r IN SELECT member, score FROM zrange('board', 0, 9, rev => true, keyspace => 'boards') LOOP n := n + 1; END LOOP;
			RETURN n;
		END \$\$",
		"SELECT count(kv_set('key:' || i, repeat('v', 40), keyspace => 'latency')),
			count(zadd('board', (i::bigint * 7919) % 1000000, 'key:' || i, keyspace => 'boards')) FROM generate_series(0, $keys - 1) AS i");
	foreach my $run (qw(quiet busy))
	{
		my @used = grep { $run eq 'busy' || !$_->{adds} } @calls;
		my @results = timed_calls(expressions => [ map { $_->{call} } @used ], processes => 2, keys => $keys, seconds => $run eq 'busy' ? $seconds : $seconds / 3);
		$used[$_]{$run} = $results[$_]{cpu} foreach 0 .. $#used;
	}
	my ($keys_now, $evicted, $expired) = split /\|/, sql("SELECT keys, evicted, expired FROM hotset_stats WHERE keyspace = 'latency'");
	sql('DROP SERVER latency', 'DROP SERVER boards', 'DROP FUNCTION latency_top10');

	say_line("\n## Latency\n");
	say_line('Microseconds of CPU time of the thread for one call, as an expression of SQL evaluates it, in each of two sessions. Quiet: ' . three_digits($keys) .
		" keys and a board of as many members, nothing is added. Busy: a cache of $memory MB fills up and evicts, a quarter of what is added expires after a second, and a board grows, " .
		'all at once (' . three_digits($evicted) . ' keys were evicted, ' . three_digits($expired) . ' expired). The first row is what the clock adds to each; its slowest calls, ' .
		'which do nothing, are what the virtual machine adds now and then.');
	table_head('', map { ("$_ p50", 'p99', 'p99.9', 'max') } qw(quiet busy));
	foreach my $call (@calls)
	{
		say_line(join(' | ', "| $call->{what}", map { my $h = $call->{$_}; $h ? map { three_digits($_) } ((map { quantile($h, $_) } 0.5, 0.99, 0.999), $h->{max} / 1000) : ('-') x 4 } qw(quiet busy)) . ' |');
	}
	plot('latency', title => 'CPU time of one call by percentile, while keys come, expire and are evicted', xlabel => 'percentile', ylabel => 'microseconds',
		set => [ 'logscale xy', 'xtics ("50" 2, "90" 10, "99" 100, "99.9" 1000, "99.99" 10000, "99.999" 100000)' ],
		series => [ map { my $h = $_->{busy}; [ $_->{what}, map { [ $_, quantile($h, 1 - 1 / $_) ] } map { 2 * 10**($_ / 4) } 0 .. 18 ] }
			grep { $_->{plot} || $_->{call} eq '1' } @calls ]);
	return;
}

1;
