#
# Measurements inside several backends at once, with the functions of
# hotset_bench.c, and histograms of what calls took.
package Backends;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max);
use Time::HiRes qw(time);
use Bench;

our @EXPORT = qw(in_parallel soon timed_calls read_histogram merge quantile);

# The result of each statement, a session for each, all at the same time.
sub in_parallel
{
	my @pipes;
	foreach my $statement (@_)
	{
		open(my $pipe, '-|', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', $statement) or die "psql: $!";
		push @pipes, $pipe;
	}
	return map { my $result = join('', <$_>); close($_) or die "psql failed: $result"; chomp $result; $result } @pipes;
}

# A timestamp in SQL, that many seconds from now.
sub soon { return sprintf('to_timestamp(%.6f)', time + $_[0]) }

# Which processes evaluate which expressions (bench_calls() of hotset_bench.c tells of
# the parameters) for how long; options: expressions, processes, keys, seconds, start (SQL),
# search (settings before).  A histogram for each expression, in order: { calls, cpu => { ... }, wall => { ... } }.
sub timed_calls
{
	my (%o) = @_;
	my $list = join(', ', map { "\$e\$$_\$e\$" } @{ $o{expressions} });
	my $start = $o{start} // soon(0.3);
	my @results = in_parallel(map {
		"SELECT expression, calls, cpu_ns, max_cpu_ns, max_wall_ns, array_to_string(cpu, ','), array_to_string(wall, ',')
			FROM bench_calls(ARRAY[$list], keys => $o{keys}, seconds => $o{seconds}, seed => $_, start_at => $start)" } 1 .. $o{processes} // 1);
	my @merged;
	foreach my $line (map { split /\n/ } @results)
	{
		my ($number, $calls, $cpu_ns, $max_cpu, $max_wall, $cpu, $wall) = split /\|/, $line;
		my $sum = $merged[ $number - 1 ] //= { cpu => {}, wall => {} };
		merge($sum->{cpu}, read_histogram($calls, $max_cpu, $cpu));
		merge($sum->{wall}, read_histogram($calls, $max_wall, $wall));
	}
	return @merged;
}

# ---- Histograms, as of histogram.h ----------------------------------------

my $bits = 4;

sub read_histogram { my ($calls, $longest, $buckets) = @_; return { calls => $calls, max => $longest, bucket => [ split /,/, $buckets ] } }

sub merge
{
	my ($sum, $other) = @_;
	$sum->{calls} += $other->{calls};
	$sum->{max} = max($sum->{max} // 0, $other->{max});
	$sum->{bucket}[$_] += $other->{bucket}[$_] foreach 0 .. $#{ $other->{bucket} };
	return;
}

sub upper
{
	my ($i) = @_;
	my $shift = $i < 2 << $bits ? 0 : ($i >> $bits) - 1;
	return ($i + 1 - ($shift << $bits)) << $shift;
}

# Microseconds below which a share (0 .. 1) of the calls stay.
sub quantile
{
	my ($h, $share) = @_;
	my $seen = 0;
	foreach my $i (0 .. $#{ $h->{bucket} })
	{
		$seen += $h->{bucket}[$i];
		return (upper($i) < $h->{max} ? upper($i) : $h->{max}) / 1000 if $seen > 0 && $seen >= $share * $h->{calls};
	}
	return $h->{max} / 1000;
}

1;
