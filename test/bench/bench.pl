#!/usr/bin/perl
#
# The measurements behind docs/benchmarks.md; run.sh starts the servers.
# Bench.pm tells how to add a section or a row.
use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use Getopt::Long;
use lib $FindBin::Bin;
use Bench;

$| = 1;

my @files = map { { path => $_, name => m,/\d+_(\w+)\.pm$, } } sort glob "$FindBin::Bin/sections/*.pm";
my $usage = 'usage: run.sh [--quick] [--only ' . join(',', map { $_->{name} } @files) . "]\n";
my ($sockets_dir, $out, $is_quick, $only);
GetOptions('sockets=s' => \$sockets_dir, 'out=s' => \$out, quick => \$is_quick, 'only=s' => \$only) or die $usage;
my %wanted = map { $_ => 1 } split /,/, $only // join(',', map { $_->{name} } @files);
foreach my $name (keys %wanted) { die "no section '$name'; $usage" unless grep { $_->{name} eq $name } @files }
Bench::configure($sockets_dir, $FindBin::Bin, $is_quick);
foreach my $file (@files) { require $file->{path}; die "$file->{path} announces no section $file->{name}" unless $Bench::sections{ $file->{name} } }

sub losses
{
	return "\n## Where hotset loses\n\n" . (@Bench::losses ? join('', map { "- $_\n" } @Bench::losses) : "Nowhere in this run.\n");
}

sub machine
{
	my $cpu = run_command('sh', '-c', "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1");
	my $cores = run_command('nproc');
	my $version = sql('SHOW server_version') =~ s/ .*//r;
	my $redis = redis_info('redis', 'redis_version');
	my $load = (split ' ', run_command('cat', '/proc/loadavg'))[0];
	return "$cpu, $cores cores, PostgreSQL $version, Redis $redis; load average at the start $load; medians of $rounds interleaved rounds.";
}

# After each section, so that a run that is cut short leaves what it has.  What
# is not the whole page goes beside the servers and is gone with them.
my $head;
sub write_page
{
	my $to = $is_quick || defined $only ? "$sockets_dir/page" : $out;
	make_path("$to/plots");
	Bench::draw_plots("$to/plots");
	open(my $page, '>', "$to/benchmarks.md") or die "$to/benchmarks.md: $!";
	print $page $head, Bench::goals_table(), $Bench::page, losses();
	close($page);
	return;
}

run_command('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$FindBin::Bin/setup.sql", '-f', "$FindBin::Bin/hotset_bench.sql");
$head = "# Benchmarks\n\nWritten by `test/bench/run.sh`; run it on your machine, the ratios matter more than the figures.\n\n" . machine() . "\n";
print $head;
my @failed;
foreach my $file (grep { $wanted{ $_->{name} } } @files)
{
	my $start = time;
	redis('redis', 'FLUSHALL', 'SYNC');
	if (!eval { $Bench::sections{ $file->{name} }->(); 1 })
	{
		# the others are worth having all the same
		warn "section $file->{name}: $@";
		push @failed, $file->{name};
		say_line("\n(The section $file->{name} failed.)");
	}
	printf STDERR "(section %s: %d s)\n", $file->{name}, time - $start;
	write_page();
}
print losses(), Bench::goals_table();
die "failed: @failed\n" if @failed;
