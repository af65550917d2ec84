# The longest single command while a keyspace and a sorted set grow.
package Bench::Section::growth;
use strict;
use warnings;
use Bench;
use Backends;

section(growth => \&measure, seconds => 75);

my %titles = (keys => 'set of a new key, 0 to %s keys', deleting => 'del, %s keys to 0', members => 'zadd of a new member, 0 to %s');

sub measure
{
	my $calls = 10 * $million;
	my @titles = ('p50', 'p99', 'p99.9', 'p99.99', 'longest that repeats', 'longest');
	say_line("\n## Growth\n");
	say_line('Microseconds of CPU time of the thread for one command of the engine, without a server, each timed alone (about 0.3 is the clock). ' .
		'A virtual machine counts as CPU time what its host took away; if one call took 0.5 ms the growth was repeated, and of each call the ' .
		'shortest time counts as what repeats.');
	table_head('', @titles);
	# both at once, for it is CPU time that counts
	my @pipes = map { open(my $pipe, '-|', 'engine_growth', $_, $calls) or die "engine_growth: $!"; $pipe } qw(keys members);
	foreach my $line (map { my @lines = readline($_); close($_) or die 'engine_growth failed'; @lines } @pipes)
	{
		my ($name, $n, $longest, $repeats, $buckets) = split /\|/, $line;
		my $h = read_histogram($n, $longest, $buckets);
		my @figures = ((map { quantile($h, $_) } 0.5, 0.99, 0.999, 0.9999), $repeats / 1000, $longest / 1000);
		say_line(join(' | ', '| ' . sprintf($titles{$name}, three_digits($calls)), map { three_digits($_) } @figures) . ' |');
		goal(15, sprintf($titles{$name}, three_digits($calls)) . ': worst call', '< 1 ms', $repeats / 1e6, baseline('us', 'p99.9' => $figures[2], 'once, not repeated' => $longest / 1000))
		  unless $name eq 'deleting';
	}
	return;
}

1;
