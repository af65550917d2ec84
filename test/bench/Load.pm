#
# Who used the processors meanwhile: this benchmark, others, the host of a
# virtual machine.
package Load;
use strict;
use warnings;
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(time);

# Above this share of the processors (per cent) the page says that the machine was busy.
our $quiet_enough = 5;

my $ticks = sysconf(_SC_CLK_TCK);
my @roots;

# The processes that count as ours, with all that descends from them.
sub ours { @roots = @_; return }

# What /proc has of a process: parent, and CPU seconds with those of children waited for.
sub process
{
	my ($pid) = @_;
	open(my $file, '<', "/proc/$pid/stat") or return;
	# the name, in parentheses, may contain anything
	my @fields = split ' ', (readline($file) // return) =~ s/^.*\) //sr;
	my $cpu = 0;
	$cpu += $_ foreach @fields[ 11 .. 14 ];
	return ($fields[1], $cpu / $ticks);
}

sub own_seconds
{
	my (%children, %cpu);
	foreach my $pid (map { m,(\d+)$, } glob '/proc/[0-9]*')
	{
		my ($parent, $cpu) = process($pid) or next;
		push @{ $children{$parent} }, $pid;
		$cpu{$pid} = $cpu;
	}
	my ($sum, @left) = (0, @roots);
	while (defined(my $pid = shift @left))
	{
		$sum += delete $cpu{$pid} // 0;
		push @left, @{ $children{$pid} // [] };
	}
	return $sum;
}

# A point in time, for shares(); undef where /proc does not tell.
sub now
{
	open(my $file, '<', '/proc/stat') or return;
	my ($name, @t) = split ' ', readline($file);
	my $cores = grep { /^cpu\d/ } <$file>;
	# user, nice, system, idle, iowait, irq, softirq, steal
	return { time => time, cores => $cores, busy => ($t[0] + $t[1] + $t[2] + $t[5] + $t[6]) / $ticks, steal => $t[7] / $ticks, own => own_seconds() };
}

# Since a point: CPU seconds of ours, and per cent of all processors used by others, and by the
# host for something else.
sub shares
{
	my ($then) = @_;
	my $now = now();
	return unless $then && $now;
	my $all = ($now->{time} - $then->{time}) * $now->{cores} / 100 || 1;
	my %d = map { $_ => $now->{$_} - $then->{$_} } qw(busy steal own);
	my $others = ($d{busy} - $d{own}) / $all;
	return ($d{own}, $others > 0 ? $others : 0, $d{steal} / $all);
}

1;
