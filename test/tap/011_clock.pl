# The clock of the machine is set forth and back.  Nothing but the lives of keys
# with an expiry depends on it.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Clock;
use Hotset;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $clock = Clock->new;
plan skip_all => 'no C compiler' unless $clock;

sub cpu_ticks
{
	my ($pid) = @_;
	my @stat = split / /, slurp_file("/proc/$pid/stat") =~ s/.*\) //sr;
	return $stat[11] + $stat[12];
}

my $hour = 3600;
$clock->preload;
my $node = hotset_node('main', "hotset.worker_interval = '20ms'");
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
$clock->set(-5 * $hour);
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
$clock->set(0);
is($node->safe_psql('postgres', q{SELECT kv_exists('new')}), 'f', 'set back then, expired now');
is($node->safe_psql('postgres', $alive), 'one hour, stays, ten hours', 'the others as before');
$clock->set(3 * $hour);
is($node->safe_psql('postgres', $alive), 'stays, ten hours', 'an hour has passed');
ok(eventually(sub {
			$node->safe_psql('postgres', q{SELECT keys FROM hotset_stats WHERE keyspace = 'kv'}) == 2;
		}), 'the worker notices');
verify_ok($node, 'after three hours');

# Two hundred years.
$clock->set(200 * 365 * 24 * $hour);
is($node->safe_psql('postgres', $alive), 'stays', 'long after');
is($node->safe_psql('postgres', q{SELECT kv_set('then', 'v', ttl => '1 hour'), kv_exists('then')}),
	't|t', 'usable then');
$clock->set(0);
is($node->safe_psql('postgres', q{SELECT kv_exists('then')}), 't', 'and back');
is(worker_pid($node), $worker, 'the worker is still the same');
verify_ok($node, 'after all that');

$node->stop;
done_testing();
