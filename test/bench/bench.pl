#!/usr/bin/perl
#
# The measurements behind docs/benchmarks.md; run.sh starts the servers.
# Bench.pm tells how to add a section or a row.
use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use Getopt::Long;
use List::Util qw(sum0);
use Storable qw(lock_store lock_retrieve);
use lib $FindBin::Bin;
use Bench;
use Load;

$| = 1;

my @files = map { { path => $_, name => m,/\d+_(\w+)\.pm$, } } sort glob "$FindBin::Bin/sections/*.pm";
my $usage = 'usage: run.sh [--quick] [--only ' . join(',', map { $_->{name} } @files) . "]\n";
my ($sockets_dir, $out, $is_quick, $only, $started);
GetOptions('sockets=s' => \$sockets_dir, 'out=s' => \$out, 'started=i' => \$started, quick => \$is_quick, 'only=s' => \$only) or die $usage;
my %wanted = map { $_ => 1 } split /,/, $only // join(',', map { $_->{name} } @files);
foreach my $name (keys %wanted) { die "no section '$name'; $usage" unless grep { $_->{name} eq $name } @files }
Bench::configure($sockets_dir, $FindBin::Bin, $is_quick);
foreach my $file (@files) { require $file->{path}; die "$file->{path} announces no section $file->{name}" unless $Bench::sections{ $file->{name} } }

sub losses
{
	return "\n## Where hotset loses\n\n" . (@Bench::losses ? join('', map { "- $_\n" } @Bench::losses) : "Nowhere in this run.\n");
}

my $machine;
sub describe_machine
{
	my $cpu = run_command('sh', '-c', "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1");
	my $cores = run_command('nproc');
	my $version = sql('SHOW server_version') =~ s/ .*//r;
	my $redis = redis_info('redis', 'redis_version');
	my $day = run_command('date', '-u', '+%Y-%m-%d');
	return "$cpu, $cores cores, PostgreSQL $version, Redis $redis, $day; medians of $rounds interleaved rounds or more.";
}

# Each part of the run: name, seconds, seconds it may take, CPU seconds, shares of others in the processors (per cent).
my @parts;
sub run_table
{
	my $table = "\n## This run\n\nSeconds, seconds of CPU of all our processes, and per cent of the processors that others used meanwhile, or that the host took away.\n\n| part | seconds | planned | CPU | others, % | host, % |\n|---|--:|--:|--:|--:|--:|\n";
	foreach my $part (@parts, [ 'all', map { my $i = $_; sum0(map { $_->[$i] // 0 } @parts) } 1 .. 3 ])
	{
		my ($name, $took, $planned, $cpu, @shares) = @$part;
		$table .= "| $name | " . join(' | ', sprintf('%.0f', $took), $planned // '-', defined $cpu ? sprintf('%.0f', $cpu) : '-', @shares ? map { sprintf('%.1f', $_) } @shares : ('-', '-')) . " |\n";
	}
	return $table;
}

my $begin;
sub busy_note
{
	my ($cpu, $others, $host) = Load::shares($begin) or return '';
	return sprintf("\nWhile it ran, others used %.1f %% of the processors and the host took %.1f %% away.\n", $others, $host) .
	  ($others + $host > $Load::quiet_enough ? "**The machine was busy during this run:** CPU times stand that rather well, throughput and elapsed times do not. \"This run\", at the end, tells when.\n" : '');
}

# After each section, so that a run that is cut short leaves what it has.  What
# is not the whole page goes beside the servers and is gone with them.
sub write_page
{
	my $to = $is_quick || defined $only ? "$sockets_dir/page" : $out;
	make_path("$to/plots");
	Bench::draw_plots("$to/plots");
	open(my $page, '>', "$to/benchmarks.md") or die "$to/benchmarks.md: $!";
	print $page "# Benchmarks\n\nWritten by `test/bench/run.sh`; run it on your machine, the ratios matter more than the figures.\n\n$machine\n", busy_note(),
	  Bench::goals_table(), $Bench::page, losses(), run_table();
	close($page);
	return;
}

# True if the section did not die: the others are worth having all the same.
sub run_section
{
	my ($name) = @_;
	return 1 if eval { $Bench::sections{$name}{measure}->(); 1 };
	warn "section $name: $@";
	say_line("\n(The section $name failed.)");
	return;
}

# Sections at the same time, each in a process of its own that leaves its
# results in a file.  Those that failed.
sub run_beside
{
	my @names = @_;
	my %child;
	new_session();
	foreach my $name (@names)
	{
		$child{$name} = fork() // die "cannot fork: $!";
		next if $child{$name};
		open(STDOUT, '>', '/dev/null') or die $!;
		($Bench::page, @Bench::losses, @Bench::goals, @Bench::plots) = ('');
		my $fine = run_section($name);
		lock_store({ page => $Bench::page, losses => \@Bench::losses, goals => \@Bench::goals, plots => \@Bench::plots }, "$sockets_dir/$name.result");
		# no clean-up of the parent's files
		POSIX::_exit($fine ? 0 : 1);
	}
	my @failed;
	foreach my $name (@names)
	{
		waitpid($child{$name}, 0);
		push @failed, $name if $?;
		my $result = eval { lock_retrieve("$sockets_dir/$name.result") } or next;
		print $result->{page};
		$Bench::page .= $result->{page};
		push @Bench::losses, @{ $result->{losses} };
		push @Bench::goals, @{ $result->{goals} };
		push @Bench::plots, @{ $result->{plots} };
	}
	return @failed;
}

run_command('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$FindBin::Bin/setup.sql", '-f', "$FindBin::Bin/hotset_bench.sql");
Load::ours(getppid(), (split /\n/, sql("SELECT pg_read_file('postmaster.pid')"))[0]);
$begin = Load::now();
$machine = describe_machine();
print "$machine\n";
push @parts, [ 'building, starting servers', time - $started, 45 ] if $started;
my @left = map { $_->{name} } grep { $wanted{ $_->{name} } } @files;
my @failed;
while (@left)
{
	my @now = shift @left;
	if ($Bench::sections{ $now[0] }{beside}) { push @now, shift @left while @left && $Bench::sections{ $left[0] }{beside} }
	my ($start, $then) = (time, Load::now());
	if (@now > 1)
	{
		push @failed, run_beside(@now);
		flush_redis();
	}
	elsif (!run_section($now[0])) { push @failed, @now }
	# the longest of those that run at the same time
	my ($planned) = sort { $b <=> $a } map { $Bench::sections{$_}{seconds} // 0 } @now;
	push @parts, [ join(' beside ', @now), time - $start, $planned, Load::shares($then) ];
	printf STDERR "(%s: %d s, planned %d; CPU %d s; others used %.0f %% of the processors, the host %.0f %%)\n", (map { $_ // 0 } @{ $parts[-1] })[ 0 .. 5 ];
	write_page();
}
print losses(), Bench::goals_table(), busy_note(), run_table();
die "failed: @failed\n" if @failed;
