# Round trips over a connection: pgbench and redis-benchmark.
package Bench::Section::trips;
use strict;
use warnings;
use Bench;

section(trips => \&measure, seconds => 120);

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
	  ? redis_benchmark($trips{$what}{redis}, $clients, ($quick ? 20_000 : $clients > 2 ? 80_000 : 40_000) * $seconds, $million)
	  : pgbench($clients, $seconds, $trips{$what}{$system});
}

# Two systems that differ by a few per cent: more runs, one of each in turn.  They are
# longer, for each client of pgbench is a new process, which pays for its first calls and for each
# page of shared memory it has not seen.
sub compare_closely
{
	my ($what, $clients, @systems) = @_;
	my %tps;
	foreach my $round (1 .. $rounds + 1)
	{
		push @{ $tps{$_} }, throughput($what, $_, $clients, $quick ? 0.3 : 4) foreach in_turn($round, @systems);
	}
	return \%tps;
}

# Calls for 100 keys each: a script of pgbench is one array, as a parameter, and
# each call takes a script at random.  Redis gets as many keys.
my $arrays = 120;
# seconds of a run
my $short = 0.4;

sub measure_mget
{
	my ($tps) = @_;
	my @keys = split /\n/, sql("SELECT unnest(keys[1:${arrays}00]) FROM draws WHERE seed = 1 AND range = $million");
	my @parameters = map { '{' . join(',', @keys[ $_ * 100 .. $_ * 100 + 99 ]) . '}' } 0 .. $arrays - 1;
	my @define = map { "a$_=$parameters[$_]" } 0 .. $#parameters;
	my %script = (
		hotset => [ map { "SELECT kv_mget(:a$_);" } 0 .. $#parameters ],
		noop => [ map { "SELECT noop_kv_mget(:a$_);" } 0 .. $#parameters ],
		table => [ map { "SELECT key, value FROM plain WHERE key = ANY (:a$_\::text[]);" } 0 .. $#parameters ]);
	foreach my $round (1 .. $rounds)
	{
		my %run = (
			hotset => sub { return pgbench(1, $quick ? $short : 1, $script{hotset}, define => \@define) },
			noop => sub { return pgbench(1, $quick ? $short : 1, $script{noop}, define => \@define) },
			redis => sub { return redis_benchmark('MGET' . ' __rand_int__' x 100, 1, $quick ? 2_000 : 6_000, "${arrays}00") },
			table => sub { return pgbench(1, $quick ? $short : 1, $script{table}, define => \@define) });
		push @{ $tps->{mget}{1}{$_} }, 100 * $run{$_}->() foreach in_turn($round, qw(hotset noop redis table));
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
	$short = 0.15 if $quick;
	$tps{closely}{8} = compare_closely('get', 8, 'hotset', 'noop');
	foreach my $round (1 .. $rounds)
	{
		foreach my $clients (1, 2, 4, 8, 16)
		{
			push @{ $tps{get}{$clients}{$_} }, throughput('get', $_, $clients, $short) foreach in_turn($round, qw(hotset noop redis table));
		}
		foreach my $what (qw(set zadd), 'top 10')
		{
			push @{ $tps{$what}{8}{$_} }, throughput($what, $_, 8, $short) foreach in_turn($round, qw(hotset redis table));
		}
		sql('VACUUM plain', 'VACUUM board');
	}
	measure_mget(\%tps);

	my $median = sub { my ($what, $clients, $system) = @_; return median(@{ $tps{$what}{$clients}{$system} }) };
	my @titles = ('hotset', 'no-op', 'Redis', 'UNLOGGED table');
	say_line("\n## Over a connection\n");
	say_line('Operations per second over unix sockets, one call a round trip: pgbench -M prepared, redis-benchmark without ' .
		'pipelining; the clients run on the same cores. In parentheses: how many times more hotset does.');
	my $row = sub {
		my ($title, $what, $clients) = @_;
		my ($own, $noop, @others) = @{ $tps{$what}{$clients} }{qw(hotset noop redis table)};
		table_row($title, 'more', \@titles, $own, $noop ? \$noop : undef, @others);
	};
	table_head('', @titles);
	$row->("get, $_ client" . ($_ > 1 ? 's' : ''), 'get', $_) foreach 1, 2, 4, 8, 16;
	$row->("$_, 8 clients", $_, 8) foreach 'set', 'zadd', 'top 10';
	$row->('mget of 100 keys, 1 client: keys', 'mget', 1);
	my @systems = ([ hotset => 'hotset' ], [ noop => 'no-op' ], [ redis => 'Redis' ], [ table => 'UNLOGGED table' ]);
	plot('throughput', title => 'Reads of a key at random per second, by clients', xlabel => 'clients', ylabel => 'thousand per second',
		set => [ 'logscale x 2', 'yrange [0:*]' ],
		series => [ map { my ($system, $title) = @$_; [ $title, map { [ $_, $median->('get', $_, $system) / 1000 ] } 1, 2, 4, 8, 16 ] } @systems ]);
	foreach ([ 5, '`SELECT kv_get($1)`, 8 clients', '>= 0.97x', 'closely', 8, 'noop', 'no-op' ],
		[ 5, '`SELECT kv_get($1)`, 8 clients', '>= 1.15x', 'get', 8, 'table', 'SELECT by primary key' ],
		[ 6, '`kv_mget` of 100 keys, 1 client', '>= 1.2x', 'mget', 1, 'redis', 'Redis MGET' ],
		[ 6, '`kv_mget` of 100 keys, 1 client', '>= 2x', 'mget', 1, 'table', 'SELECT ... key = ANY ($1)' ])
	{
		my ($number, $what, $limit, $trip, $clients, $system, $title) = @$_;
		my ($own, $other) = @{ $tps{$trip}{$clients} }{ 'hotset', $system };
		goal($number, $what, $limit, ratios($own, $other), baseline($trip eq 'mget' ? 'keys/s' : '/s', hotset => median(@$own), $title => median(@$other)));
	}
	return;
}

1;
