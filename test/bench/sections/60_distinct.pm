# Approximate counts of distinct values, beside postgresql-hll.
package Bench::Section::distinct;
use strict;
use warnings;
use Bench;

section(distinct => \&measure, seconds => 45);

# Milliseconds of CPU of a query in one process.
sub cpu_ms
{
	my ($query) = @_;
	my ($begin, @rest) = split /\n/, sql("SET max_parallel_workers_per_gather = 0; SELECT cpu_ns(); $query; SELECT cpu_ns()");
	return ($rest[-1] - $begin) / 1e6;
}

# Milliseconds that a query takes with so many workers beside the leader.
sub elapsed_ms
{
	my ($query, $workers) = @_;
	my $result = sql("SET max_parallel_workers_per_gather = $workers; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
		SET min_parallel_table_scan_size = 0; EXPLAIN (ANALYZE, TIMING OFF) $query");
	return $result =~ /Execution Time: ([\d.]+)/ ? $1 : die $result;
}

# Kilobytes in memory and on disk of the hash table of a GROUP BY.
sub group_kb
{
	my ($aggregate, $groups, $work_mem_kb) = @_;
	my $result = sql("SET max_parallel_workers_per_gather = 0; SET work_mem = $work_mem_kb; SET enable_sort = off;
		EXPLAIN (ANALYZE, TIMING OFF) SELECT g, $aggregate FROM groups WHERE g < $groups GROUP BY g");
	die $result unless $result =~ /HashAggregate.*Memory Usage: (\d+)kB/s;
	my $memory = $1;
	return ($memory, $result =~ /Disk Usage: (\d+)kB/ ? $1 : 0);
}

sub counts
{
	my ($rows, $texts) = ($million * 5, $million * 2);
	my $hll = 'pghll.hll_cardinality(pghll.hll_add_agg(pghll.hll_hash';
	sql("CREATE TABLE numbers AS SELECT i * 7919::bigint % $million AS v FROM generate_series(1, $rows) AS i",
		"CREATE TABLE texts AS SELECT 'visitor' || i * 7919::bigint % $million AS v FROM generate_series(1, $texts) AS i", 'VACUUM ANALYZE numbers, texts');
	my %query = (
		scan => 'SELECT count(*) FROM numbers', sum => 'SELECT sum(v) FROM numbers',
		hotset => 'SELECT approx_count_distinct(v) FROM numbers', hll => "SELECT ${hll}_bigint(v))) FROM numbers",
		exact => 'SELECT count(DISTINCT v) FROM numbers',
		'text scan' => 'SELECT count(*) FROM texts', 'text hotset' => 'SELECT approx_count_distinct(v) FROM texts',
		'text hll' => "SELECT ${hll}_text(v))) FROM texts", 'text exact' => 'SELECT count(DISTINCT v) FROM texts');
	my (%cpu, %elapsed);
	foreach my $round (1 .. $rounds)
	{
		# the exact counts only sort; one of them will do
		foreach my $name (in_turn($round, grep { $round == 1 || !/exact/ } sort keys %query)) { push @{ $cpu{$name} }, cpu_ms($query{$name}) }
		foreach my $name (in_turn($round, qw(hotset hll))) { push @{ $elapsed{$name}{$_} }, elapsed_ms($query{$name}, $_) foreach in_turn($round, 0, 2) }
	}
	my %error = map { $_ => 100 * abs(sql($query{$_}) / $million - 1) } qw(hotset hll);

	say_line("\n## Distinct values\n");
	say_line(three_digits($rows) . ' numbers (bigint) and ' . three_digits($texts) . ' texts, ' . three_digits($million) . ' distinct of each; postgresql-hll with ' .
		'its default of 11 bits, hotset has 14. Milliseconds of CPU time, elapsed where workers help; in parentheses: how many times faster hotset is.');
	my @titles = ('approx_count_distinct', 'postgresql-hll', 'count(DISTINCT)', 'count(*)', 'sum');
	table_head('', @titles);
	table_row('numbers', 'less', \@titles, @cpu{qw(hotset hll)}, median(@{ $cpu{exact} }), \$cpu{scan}, \$cpu{sum});
	table_row('texts', 'less', \@titles, @cpu{ 'text hotset', 'text hll' }, median(@{ $cpu{'text exact'} }), \$cpu{'text scan'}, undef);
	table_row('numbers, elapsed', 'less', \@titles, $elapsed{hotset}{0}, $elapsed{hll}{0}, undef, undef, undef);
	table_row('numbers, elapsed, with two workers', 'less', \@titles, $elapsed{hotset}{2}, $elapsed{hll}{2}, undef, undef, undef);
	say_line(sprintf('| error of this count, %% | %.2f | %.2f | 0 | | |', @error{qw(hotset hll)}));
	my ($own, $hll_own) = map { differences($cpu{$_}, $cpu{scan}) } qw(hotset hll);
	goal(18, '`approx_count_distinct(bigint)` minus the scan', '<= 0.33x', ratios($own, $hll_own), baseline('ms', hotset => median(@$own), 'postgresql-hll' => median(@$hll_own)));
	goal(18, 'the same in total', '<= 1.5x', ratios(@cpu{qw(hotset sum)}), baseline('ms', hotset => median(@{ $cpu{hotset} }), 'sum()' => median(@{ $cpu{sum} })));
	my ($alone, $helped) = @{ $elapsed{hotset} }{ 0, 2 };
	goal(18, 'the same with two workers on two cores, times faster', '>= 1.5x', ratios($alone, $helped), baseline('ms', workers => median(@$helped), 'one process' => median(@$alone)));
	sql('DROP TABLE numbers, texts');
	return;
}

# Many groups of few values each.
sub groups
{
	my $groups = $million / 10;
	sql("CREATE TABLE groups AS SELECT i % $groups AS g, i * 7919::bigint % $million AS v FROM generate_series(1, $groups * 5) AS i", 'VACUUM ANALYZE groups');
	my $own = 'approx_count_distinct(v)';
	# postgresql-hll would need 14 GB for all groups
	my ($fewer, $plenty) = (1000, '2GB');
	my ($memory) = group_kb($own, $groups, "'$plenty'");
	my ($memory_hll) = group_kb('pghll.hll_cardinality(pghll.hll_add_agg(pghll.hll_hash_bigint(v)))', $fewer, "'$plenty'");
	# a limit with room for a third more than was needed; hash_mem_multiplier is 2
	my (undef, $disk) = group_kb($own, $groups, int($memory * 1.33 / 2));
	sql('DROP TABLE groups');
	my ($each, $each_hll) = ($memory * 1024 / $groups, $memory_hll * 1024 / $fewer);
	say_line("\nGROUP BY with " . three_digits($groups) . ' groups of 5 values: ' . three_digits($each) . ' bytes of memory for each group, postgresql-hll ' .
		three_digits($each_hll) . ' (of ' . three_digits($fewer) . ' groups).');
	goal(19, three_digits($groups) . ' groups of 5 values', '<= 0.3x', $each / $each_hll, baseline('B a group', hotset => $each, 'postgresql-hll' => $each_hll));
	goal(19, 'the same, spilled to disk with room for all groups', '<= 0 kB', $disk,
		'memory needed ' . three_digits($memory) . ' kB, hash memory ' . three_digits($memory * 1.33) . ' kB');
	return;
}

sub measure
{
	counts();
	groups();
	return;
}

1;
