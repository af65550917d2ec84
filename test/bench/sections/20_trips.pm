# Round trips over a connection: pgbench and redis-benchmark.
package Bench::Section::trips;
use strict;
use warnings;
use Bench;

section(trips => \&measure);

# Scripts of pgbench and commands of redis-benchmark, on the data of need_keys()
# and need_board(); redis-benchmark makes keys of 12 digits.
my $v = 'v' x 40;
my $key = '\set k random(1000000000, 999999999 + :million)';
my $member = "\\set m random(0, :million - 1)\n\\set s random(0, 999999)";
my $name = "'member:' || lpad(:m, 6, '0')";
my %trips = (
	get => {
		hotset => "$key\nSELECT kv_get(:k);",
		noop => "$key\nSELECT noop_kv_get(:k);",
		redis => 'GET __rand_int__',
		table => "$key\nSELECT value FROM plain WHERE key = :k;" },
	set => {
		hotset => "$key\nSELECT kv_set(:k, '$v');",
		redis => "SET __rand_int__ $v",
		table => "$key\nINSERT INTO plain VALUES (:k, '$v') ON CONFLICT (key) DO UPDATE SET value = excluded.value;" },
	zadd => {
		hotset => "$member\nSELECT zadd('board', :s::float8, $name);",
		redis => 'ZADD trips __rand_int__ member:__rand_int__',
		table => "$member\nINSERT INTO board VALUES ($name, :s) ON CONFLICT (member) DO UPDATE SET score = excluded.score;" },
	'top 10' => {
		hotset => "SELECT member, score FROM zrange('board', 0, 9, rev => true);",
		redis => 'ZRANGE trips 0 9 REV WITHSCORES',
		table => 'SELECT member, score FROM board ORDER BY score DESC, member DESC LIMIT 10;' },
);

# Operations per second of one system.
sub throughput
{
	my ($what, $system, $clients, $seconds) = @_;
	return $system eq 'redis'
	  ? redis_benchmark($trips{$what}{redis}, $clients, ($quick ? 10_000 : $clients > 2 ? 80_000 : 20_000) * $seconds, $million)
	  : pgbench($clients, $seconds, $trips{$what}{$system});
}

# Calls for 100 keys each: a script of pgbench is one array, as a parameter, and
# each call takes a script at random.  Redis gets as many keys.
my $arrays = 120;

sub measure_mget
{
	my ($tps) = @_;
	my @keys = split /\n/, sql("SELECT unnest(keys[1:${arrays}00]) FROM draws WHERE seed = 1 AND range = $million");
	my @parameters = map { '{' . join(',', @keys[ $_ * 100 .. $_ * 100 + 99 ]) . '}' } 0 .. $arrays - 1;
	my @define = map { "a$_=$parameters[$_]" } 0 .. $#parameters;
	my %script = (
		hotset => [ map { "SELECT kv_mget(:a$_);" } 0 .. $#parameters ],
		table => [ map { "SELECT key, value FROM plain WHERE key = ANY (:a$_\::text[]);" } 0 .. $#parameters ]);
	foreach my $round (1 .. $rounds)
	{
		push @{ $tps->{mget}{1}{hotset} }, 100 * pgbench(1, 1, $script{hotset}, @define);
		push @{ $tps->{mget}{1}{redis} }, 100 * redis_benchmark('MGET' . ' __rand_int__' x 100, 1, $quick ? 2_000 : 10_000, "${arrays}00");
		push @{ $tps->{mget}{1}{table} }, 100 * pgbench(1, 1, $script{table}, @define);
	}
	return;
}

sub measure
{
	need_keys();
	need_board();
	need_draws(1, $million);
	redis('redis', 'EVAL', "for j = 0, $million - 1 do
		local x = string.format('%012d', j)
		redis.call('SET', x, string.rep('v', 40))
		redis.call('ZADD', 'trips', j, 'member:' .. x) end", 0);
	my %tps;
	foreach my $round (1 .. $rounds)
	{
		foreach my $what (qw(get set zadd), 'top 10')
		{
			foreach my $system (grep { $trips{$what}{$_} } qw(hotset noop redis table))
			{
				push @{ $tps{$what}{8}{$system} }, throughput($what, $system, 8, $what eq 'get' && !$quick ? 2 : 1);
				# how it grows with the clients: three rounds will do
				next if $what ne 'get' || $round > ($quick ? 1 : 3);
				push @{ $tps{$what}{$_}{$system} }, throughput($what, $system, $_, 1) foreach 1, 2, 4, 16;
			}
		}
		sql('VACUUM plain', 'VACUUM board');
	}
	measure_mget(\%tps);

	my $median = sub { my ($what, $clients, $system) = @_; my $all = $tps{$what}{$clients}{$system}; return $all ? median(@$all) : undef };
	my @titles = ('hotset', 'no-op', 'Redis', 'UNLOGGED table');
	say_line("\n## Over a connection\n");
	say_line('Operations per second over unix sockets, one call a round trip: pgbench -M prepared, redis-benchmark without ' .
		'pipelining; the clients run on the same cores. In parentheses: how many times more hotset does.');
	my $row = sub {
		my ($title, $what, $clients) = @_;
		my ($own, $noop, @others) = map { $median->($what, $clients, $_) } qw(hotset noop redis table);
		table_row($title, 'more', \@titles, $own, defined $noop ? \$noop : undef, @others);
	};
	table_head('', @titles);
	$row->("get, $_ client" . ($_ > 1 ? 's' : ''), 'get', $_) foreach 1, 2, 4, 8, 16;
	$row->("$_, 8 clients", $_, 8) foreach 'set', 'zadd', 'top 10';
	$row->('mget of 100 keys, 1 client: keys', 'mget', 1);
	my @systems = ([ hotset => 'hotset' ], [ noop => 'no-op' ], [ redis => 'Redis' ], [ table => 'UNLOGGED table' ]);
	plot('throughput', title => 'Reads of a key at random per second, by clients', xlabel => 'clients', ylabel => 'thousand per second',
		set => [ 'logscale x 2', 'yrange [0:*]' ],
		series => [ map { my ($system, $title) = @$_; [ $title, map { [ $_, $median->('get', $_, $system) / 1000 ] } 1, 2, 4, 8, 16 ] } @systems ]);
	foreach ([ 5, '`SELECT kv_get($1)`, 8 clients', '>= 0.97x', 'get', 8, 'noop', 'no-op' ],
		[ 5, '`SELECT kv_get($1)`, 8 clients', '>= 1.15x', 'get', 8, 'table', 'SELECT by primary key' ],
		[ 6, '`kv_mget` of 100 keys, 1 client', '>= 1.2x', 'mget', 1, 'redis', 'Redis MGET' ],
		[ 6, '`kv_mget` of 100 keys, 1 client', '>= 2x', 'mget', 1, 'table', 'SELECT ... key = ANY ($1)' ])
	{
		my ($number, $what, $limit, $trip, $clients, $system, $title) = @$_;
		my ($own, $other) = ($median->($trip, $clients, 'hotset'), $median->($trip, $clients, $system));
		goal($number, $what, $limit, $own / $other, baseline('/s', hotset => $own, $title => $other));
	}
	return;
}

1;
