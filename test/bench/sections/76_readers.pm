# Many readers at once: what sharing costs.
package Bench::Section::readers;
use strict;
use warnings;
use Bench;
use Backends;

section(readers => \&measure, seconds => 55);

# CPU nanoseconds of one evaluation in each of several processes, a key each.
sub cpu_of_calls
{
	my ($seconds, @keys) = @_;
	my $start = soon(0.2);
	my @results = in_parallel(map { "SELECT cpu_ns::float8 / calls FROM bench_calls(ARRAY['kv_get(''$_'')'], keys => 1, seconds => $seconds, timed => false, start_at => $start)" } @keys);
	my $sum = 0;
	$sum += $_ foreach @results;
	return $sum / @results;
}

# Reads (and of a hundred, so many writes) of the engine: calls a second of all processes, CPU nanoseconds of a call.
sub engine
{
	my ($processes, $keys, $writes, $locked, $seconds) = @_;
	# time to connect and to look at keys
	my $start = soon($processes < 16 ? 0.2 : $keys == 1 ? 0.5 : 1);
	my @results = in_parallel(map { "SELECT bench_reads((SELECT size FROM pg_shmem_allocations WHERE name = 'hotset region'),
		(SELECT oid FROM pg_database WHERE datname = current_database()), (SELECT oid FROM pg_foreign_server WHERE srvname = 'readers'),
		$keys, $writes, $locked, $seconds, $_, $start)" } 1 .. $processes);
	my ($calls_per_second, $calls, $cpu) = (0, 0, 0);
	foreach my $result (@results)
	{
		my ($n, $ns, $elapsed) = $result =~ /(\d+),(\d+),(\d+)/ or die "bench_reads: $result";
		$calls_per_second += $n / $elapsed * 1e9;
		$calls += $n;
		$cpu += $ns;
	}
	return ($calls_per_second, $cpu / $calls);
}

sub measure
{
	my $seconds = $quick ? 0.2 : 0.3;
	my %m;
	sql('CREATE SERVER readers FOREIGN DATA WRAPPER hotset');
	sql("SELECT count(kv_set('key:' || i, repeat('v', 40), keyspace => 'readers')) FROM generate_series(0, $million - 1) AS i");
	sql("SELECT kv_set('hot:1', repeat('v', 40)), kv_set('hot:2', repeat('v', 40))");
	my %keys = (one => ['hot:1'], both => [ 'hot:1', 'hot:1' ], own => [ 'hot:1', 'hot:2' ]);
	foreach my $round (1 .. 2 * $rounds)
	{
		push @{ $m{$_} }, cpu_of_calls($seconds, @{ $keys{$_} }) foreach in_turn($round, qw(one both own));
	}
	foreach my $round (1 .. $rounds)
	{
		my @ways = in_turn($round, [ free => 'false' ], [ locked => 'true' ]);
		foreach my $way (@ways) { push @{ $m{"$way->[0] $_"} }, (engine($_, 1, 0, $way->[1], $seconds / 2))[1] foreach 1, 2 }
		push @{ $m{"$_->[0] 16"} }, (engine(16, $million, 5, $_->[1], 2 * $seconds))[0] foreach @ways;
		push @{ $m{"$_->[0] hot 16"} }, (engine(16, 1, 5, $_->[1], $seconds))[0] foreach @ways;
	}
	sql('DROP SERVER readers');
	sql("SELECT kv_del(ARRAY['hot:1', 'hot:2'])");
	my %median = map { $_ => median(@{ $m{$_} }) } keys %m;

	say_line("\n## Many readers\n");
	say_line('Nanoseconds of CPU for one read of one key of 40 bytes, in one process and in two at the same time. The second row is the engine alone, called in a backend, ' .
		'the third the same code with a shared LWLock of the partition around each read.');
	table_head('', 'one process', 'two, the same key', 'two, a key each');
	say_line(join(' | ', '| `kv_get` in SQL', map { three_digits($_) } @median{qw(one both own)}) . ' |');
	say_line(join(' | ', '| engine', map { three_digits($_) } @median{ 'free 1', 'free 2' }) . ' | - |');
	say_line(join(' | ', '| engine, with a shared lock', map { three_digits($_) } @median{ 'locked 1', 'locked 2' }) . ' | - |');
	say_line("\n16 processes, 95 reads to 5 writes, engine in backends, million calls a second:");
	my @titles = ('without a lock', 'with a shared lock');
	my $in_millions = sub { return [ map { $_ / 1e6 } @{ $m{ $_[0] } } ] };
	table_head('', @titles);
	table_row(three_digits($million) . ' keys', 'more', \@titles, map { $in_millions->($_) } 'free 16', 'locked 16');
	table_row('one key', 'more', \@titles, map { $in_millions->($_) } 'free hot 16', 'locked hot 16');
	goal(16, 'one hot key, CPU of `kv_get` in 2 processes against 1', '<= 1.05x', ratios(@m{qw(both one)}),
		baseline('ns', 'one process' => $median{one}, 'two' => $median{both}, 'two, a key each' => $median{own}));
	goal(17, '16 processes, 95/5, ' . three_digits($million) . ' keys, against a shared lock on reads', '>= 5x', ratios(@m{ 'free 16', 'locked 16' }),
		baseline('M/s', 'without' => $median{'free 16'} / 1e6, 'with the lock' => $median{'locked 16'} / 1e6));
	return;
}

1;
