#!/usr/bin/perl
#
# Compare counts of instructions with the expected ones; see instructions.sh.
use strict;
use warnings;
use Getopt::Long;

my $tolerance = 3;
my ($dumps, $expected_file, $built, $update, $profile);
GetOptions('dumps=s' => \$dumps, 'expected=s' => \$expected_file, 'built=s' => \$built,
	'tolerance=f' => \$tolerance, update => \$update, 'profile=s' => \$profile)
  or die "usage: instructions.sh [--tolerance per-cent] [--update] [--profile command]\n";

# Counts by level, command and calls; the order in which they were taken; the dump of most calls.
my (%count, @order, %dump);

# Dumps are numbered as they were written.
sub by_number { my ($x, $y) = map { /\.(\d+)$/ ? $1 : 0 } @_; return $x <=> $y }

sub read_dumps
{
	foreach my $level (qw(engine sql))
	{
		foreach my $file (sort { by_number($a, $b) } glob "$dumps/$level.*")
		{
			open(my $in, '<', $file) or die "$file: $!";
			my ($command, $calls);
			while (<$in>)
			{
				($command, $calls) = ($1, $2) if /^desc: Trigger: Client Request: $level\|(.*)\|(\d+)$/;
				next unless defined $command && /^summary: (\d+)/;
				push @order, [ $level, $command ] unless $count{$level}{$command} || $command eq 'warming up';
				$count{$level}{$command}{$calls} = $1;
				$dump{$level}{$command} = $file;
			}
		}
	}
	return;
}

# Instructions of one call; in SQL without those of the loop.
sub per_call
{
	my ($level, $command) = @_;
	my ($few, $many) = sort { $a <=> $b } keys %{ $count{$level}{$command} };
	die "no two counts of $level $command\n" unless defined $many;
	my $n = ($count{$level}{$command}{$many} - $count{$level}{$command}{$few}) / ($many - $few);
	$n -= per_call('sql', 'loop') if $level eq 'sql' && $command ne 'loop';
	return $n;
}

sub read_expected
{
	my %expected;
	open(my $in, '<', $expected_file) or die "$expected_file: $!";
	while (<$in>)
	{
		$expected{built} = $1 if /^# (.*PostgreSQL.*)/;
		$expected{$1}{$2} = $3 if /^(engine|sql)\s+(.*?)\s+(\d+)$/;
	}
	return \%expected;
}

sub write_expected
{
	open(my $out, '>', $expected_file) or die "$expected_file: $!";
	print $out "# Instructions of one call; written by instructions.sh --update.\n# $built\n";
	printf $out "%-8s%-24s%8.0f\n", @$_, per_call(@$_) foreach @order;
	close($out);
	return;
}

sub compare
{
	my $expected = read_expected();
	my $worse = 0;
	print "expected: $expected->{built}\n", "counted:  $built\n" if $expected->{built} ne $built;
	printf "%-8s%-24s%10s%10s%9s\n", '', 'instructions of a call', 'expected', 'counted', '';
	foreach my $row (@order)
	{
		my ($level, $command) = @$row;
		my $before = $expected->{$level}{$command};
		my $now = per_call($level, $command);
		my $change = defined $before ? 100 * ($now / $before - 1) : 0;
		my $remark = !defined $before ? 'new' : sprintf('%+.1f %%', $change);
		$worse++ if $change > $tolerance;
		printf "%-8s%-24s%10s%10.0f%9s%s\n", $level, $command, $before // '', $now, $remark, $change > $tolerance ? '  worse' : '';
	}
	foreach my $level (qw(engine sql))
	{
		foreach my $command (grep { !$count{$level}{$_} } sort keys %{ $expected->{$level} })
		{
			print "$level $command was not counted\n";
			$worse++;
		}
	}
	print $worse ? "$worse of " . @order . " commands are worse by more than $tolerance %\n" : "all within $tolerance %\n";
	return $worse == 0;
}

sub show_profile
{
	my $found = 0;
	foreach my $level (grep { $dump{$_}{$profile} } qw(engine sql))
	{
		print "$level: $profile\n";
		open(my $in, '-|', 'callgrind_annotate', $dump{$level}{$profile}) or die "callgrind_annotate: $!";
		while (<$in>) { print if /^\s*[\d,]+ \(/ && $. < 60 }
		$found++;
	}
	die "no command '$profile'\n" unless $found;
	return;
}

read_dumps();
die "nothing was counted\n" unless @order;
if ($profile) { show_profile() }
elsif ($update) { write_expected() }
else { exit(compare() ? 0 : 1) }
