# The background worker: visible, adjustable, and nothing depends on it but
# when memory comes back.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = hotset_node('main', "hotset.worker_interval = '20ms'");

ok(eventually(sub { worker_pid($node) ne '' }), 'the worker is in pg_stat_activity');
is($node->safe_psql('postgres',
		q{SELECT datname IS NULL FROM pg_stat_activity WHERE backend_type = 'hotset worker'}),
	't', 'connected to no database');

# Expired keys are removed without anybody looking at them.
$node->safe_psql('postgres', q{
	SELECT count(kv_set('e' || i, repeat('x', 100), ttl => interval '300 ms'))
	FROM generate_series(1, 20000) i});
ok(eventually(sub {
			$node->safe_psql('postgres',
				q{SELECT keys FROM hotset_stats WHERE keyspace = 'kv'}) == 0;
		}, 30), 'the worker removes expired keys');
is($node->safe_psql('postgres', q{SELECT expired FROM hotset_stats WHERE keyspace = 'kv'}),
	20000, 'and counts them');
verify_ok($node, 'after active expiry');

# So are expired members, and with the last one the key.
$node->safe_psql('postgres', q{
	SELECT sadd('members', array_agg(i::text)), hset('fields', array_agg(i::text), array_agg(i::text)),
		zadd('scored', array_agg(i::float8), array_agg(i::text)) FROM generate_series(1, 20000) i});
my $used = $node->safe_psql('postgres', q{SELECT bytes FROM hotset_stats WHERE keyspace = 'kv'});
$node->safe_psql('postgres', q{
	SELECT cardinality(sexpire('members', array_agg(i::text), '300 ms')),
		cardinality(hexpire('fields', array_agg(i::text), '300 ms')),
		cardinality(zexpire('scored', array_agg(i::text) FILTER (WHERE i > 10), '300 ms'))
	FROM generate_series(1, 20000) i});
ok(eventually(sub {
			$node->safe_psql('postgres', q{
				SELECT keys FROM hotset_stats WHERE keyspace = 'kv'}) == 1;
		}, 30), 'the worker removes expired members');
ok(eventually(sub {
			$node->safe_psql('postgres', q{
				SELECT bytes FROM hotset_stats WHERE keyspace = 'kv'}) < $used * 2 / 3;
		}, 30), 'and gives their memory back');
is($node->safe_psql('postgres', q{SELECT zcard('scored'), kv_del('scored')}), '10|t', 'and no others');
verify_ok($node, 'after members expired');

# Stopped, it delays nothing but the return of memory.
my $pid = worker_pid($node);
kill('STOP', $pid);
$node->safe_psql('postgres', q{
	SELECT count(kv_set('s' || i, 'x', ttl => interval '200 ms')) FROM generate_series(1, 1000) i});
$node->safe_psql('postgres', q{
	SELECT hset('h', array_agg(i::text), array_agg(i::text)),
		cardinality(hexpire('h', array_agg(i::text) FILTER (WHERE i > 1), '200 ms')) FROM generate_series(1, 1000) i});
sleep(0.3);
is($node->safe_psql('postgres', q{SELECT count(*) FROM hgetall('h')}), 1, 'members are not seen then either');
is($node->safe_psql('postgres', q{SELECT hexpire('h', '1', '0'), kv_exists('h')}), 't|f', 'nor a key without any');
is($node->safe_psql('postgres', q{
		SELECT count(kv_get('s' || i)) FROM generate_series(1, 1000) i}),
	0, 'expiry is exact while the worker is stopped');
is($node->safe_psql('postgres', q{SELECT kv_count()}), 0, 'for counting too');
is($node->safe_psql('postgres', q{SELECT kv_set('k', 'v'); SELECT kv_get('k')}),
	"t\nv", 'writing works while the worker is stopped');
my $drop_start = time();
$node->safe_psql('postgres', q{
	CREATE SERVER gone FOREIGN DATA WRAPPER hotset;
	SELECT kv_set('k', 'v', keyspace => 'gone');
	DROP SERVER gone});
cmp_ok(time() - $drop_start, '<', 10, 'so does DROP SERVER');
kill('CONT', $pid);
is(worker_pid($node), $pid, 'the worker goes on');
verify_ok($node, 'after the worker was stopped');

# Settings apply on reload.
$node->append_conf('postgresql.conf', "hotset.worker_interval = '50ms'\nhotset.worker_cpu = 50");
$node->reload;
ok(eventually(sub {
			$node->safe_psql('postgres', 'SHOW hotset.worker_interval') eq '50ms';
		}), 'reloaded');
is(worker_pid($node), $pid, 'the worker survives a reload');

# A barrier must not wait for a sleeping worker.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('postgres', 'DROP DATABASE other');

# Shutting down is not held up, whatever the mode.
for my $mode ('smart', 'fast', 'immediate')
{
	my $start = time();
	$node->stop($mode);
	cmp_ok(time() - $start, '<', 10, "$mode shutdown is prompt");
	$node->start;
}
is($node->safe_psql('postgres', q{SELECT kv_set('k', 'v')}), 't', 'usable after all that');
$node->stop;

# A stopped process does not react to a fast shutdown; an immediate one ends it.
$node->start;
ok(eventually(sub { worker_pid($node) ne '' }), 'started');
kill('STOP', worker_pid($node));
my $start = time();
$node->stop('immediate');
cmp_ok(time() - $start, '<', 20, 'immediate shutdown ends a stopped worker too');

done_testing();
