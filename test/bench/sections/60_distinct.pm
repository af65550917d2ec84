# Approximate count of distinct values.
package Bench::Section::distinct;
use strict;
use warnings;
use Bench;

section(distinct => \&measure);

sub measure
{
	my $rows = $million * 2;
	sql("CREATE TABLE visits AS SELECT 'visitor' || (i * 7919::bigint) % $million AS who FROM generate_series(1, $rows) AS i");
	sql('VACUUM ANALYZE visits');
	my %query = (
		hotset => 'SELECT approx_count_distinct(who) FROM visits',
		hll => 'SELECT pghll.hll_cardinality(pghll.hll_add_agg(pghll.hll_hash_text(who), 14)) FROM visits',
		exact => 'SELECT count(DISTINCT who) FROM visits',
	);
	my (%ms, %estimate);
	foreach my $round (1 .. $rounds)
	{
		foreach my $system (qw(hotset hll exact))
		{
			foreach my $workers (0, 2)
			{
				my $result = sql("SET max_parallel_workers_per_gather = $workers; SET min_parallel_table_scan_size = 0;
					EXPLAIN (ANALYZE, TIMING OFF) $query{$system}");
				push @{ $ms{$system}{$workers} }, $result =~ /Execution Time: ([\d.]+)/ ? $1 : die $result;
			}
		}
	}
	$estimate{$_} = sql($query{$_}) foreach keys %query;
	sql('DROP TABLE visits');
	say_line("\n## Distinct values\n");
	say_line(three_digits($rows) . ' rows with ' . three_digits($million) . ' distinct texts; postgresql-hll with 14 bits too. Milliseconds; in parentheses: ' .
		'how many times faster hotset is.');
	my @titles = ('approx_count_distinct', 'postgresql-hll', 'count(DISTINCT)');
	table_head('', @titles);
	table_row('distinct, one process', 'less', \@titles, map { median(@{ $ms{$_}{0} }) } qw(hotset hll exact));
	table_row('distinct, two workers allowed', 'less', \@titles, map { median(@{ $ms{$_}{2} }) } qw(hotset hll exact));
	say_line(sprintf('| error of this count, %% | %.2f | %.2f | %.2f |',
		map { 100 * abs($estimate{$_} / $million - 1) } qw(hotset hll exact)));
	return;
}

1;
