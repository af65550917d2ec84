# The clock of the machine is set forth and back.  Nothing but the lives of keys
# with an expiry depends on it.
#
# The server runs with a gettimeofday() that adds what a file says.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $offset_file = "$dir/clock_offset";
my $library = "$dir/clock.so";

append_to_file("$dir/clock.c", q{
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;
	long		offset = 0;
	FILE	   *f = fopen(getenv("CLOCK_OFFSET"), "r");

	if (f != NULL)
	{
		if (fscanf(f, "%ld", &offset) != 1)
			offset = 0;
		fclose(f);
	}
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec + offset;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}
});
my $cc = $ENV{CC} // 'cc';
plan skip_all => 'no C compiler'
	if system("$cc -shared -fPIC -o $library $dir/clock.c >$dir/clock.log 2>&1") != 0;

# Put in place at once: nobody reads half a number.
sub set_clock
{
	my ($seconds) = @_;
	unlink "$offset_file.new";
	append_to_file("$offset_file.new", "$seconds\n");
	rename "$offset_file.new", $offset_file or die "rename: $!";
}

sub cpu_ticks
{
	my ($pid) = @_;
	my @stat = split / /, slurp_file("/proc/$pid/stat") =~ s/.*\) //sr;
	return $stat[11] + $stat[12];
}

my $hour = 3600;
my $node;
set_clock(0);
{
	local $ENV{LD_PRELOAD} = $library;
	local $ENV{CLOCK_OFFSET} = $offset_file;
	$node = hotset_node('main', "hotset.worker_interval = '20ms'");
}
ok(eventually(sub { worker_pid($node) ne '' }), 'the worker runs');
my $worker = worker_pid($node);

$node->safe_psql('postgres', q{
	SELECT kv_set('stays', 'v');
	SELECT kv_set('one hour', 'v', ttl => '1 hour');
	SELECT kv_set('ten hours', 'v', ttl => '10 hours');
	SELECT count(kv_set('many:' || i, 'v', ttl => '1 hour')) FROM generate_series(1, 5000) i});
my $alive = q{SELECT string_agg(k, ', ' ORDER BY k) FROM unnest('{stays,one hour,ten hours}'::text[]) k
	WHERE kv_exists(k)};
is($node->safe_psql('postgres', $alive), 'one hour, stays, ten hours', 'all alive');

# Back by five hours: keys live longer by as much.
set_clock(-5 * $hour);
is($node->safe_psql('postgres', q{SELECT clock_timestamp() < pg_postmaster_start_time()}), 't',
	'the clock was set back');
is($node->safe_psql('postgres', $alive), 'one hour, stays, ten hours', 'all alive after that');
is($node->safe_psql('postgres', q{SELECT kv_ttl('one hour') > interval '5 hours'}), 't',
	'with more time left');
is($node->safe_psql('postgres', q{SELECT kv_set('new', 'v', ttl => '2 hours'), kv_ttl('new') <= interval '2 hours'}),
	't|t', 'new keys count from now');
my $version = $node->safe_psql('postgres', q{SELECT kv_version('stays')});
isnt($node->safe_psql('postgres', q{SELECT kv_set('stays', 'w'); SELECT kv_version('stays')}),
	"t\n$version", 'versions do not go back');

# The worker neither spins nor sleeps for five hours.
my $before = cpu_ticks($worker);
sleep(2);
cmp_ok(cpu_ticks($worker) - $before, '<', 50, 'the worker does not spin');

# To where it was, and three hours on: what was due goes, by hand and by worker.
set_clock(0);
is($node->safe_psql('postgres', q{SELECT kv_exists('new')}), 'f', 'set back then, expired now');
is($node->safe_psql('postgres', $alive), 'one hour, stays, ten hours', 'the others as before');
set_clock(3 * $hour);
is($node->safe_psql('postgres', $alive), 'stays, ten hours', 'an hour has passed');
ok(eventually(sub {
			$node->safe_psql('postgres', q{SELECT keys FROM hotset_stats WHERE keyspace = 'kv'}) == 2;
		}), 'the worker notices');
verify_ok($node, 'after three hours');

# Two hundred years.
set_clock(200 * 365 * 24 * $hour);
is($node->safe_psql('postgres', $alive), 'stays', 'long after');
is($node->safe_psql('postgres', q{SELECT kv_set('then', 'v', ttl => '1 hour'), kv_exists('then')}),
	't|t', 'usable then');
set_clock(0);
is($node->safe_psql('postgres', q{SELECT kv_exists('then')}), 't', 'and back');
is(worker_pid($node), $worker, 'the worker is still the same');
verify_ok($node, 'after all that');

$node->stop;
done_testing();
