# Keyspaces on a streaming standby: usable for reading and writing, memory of
# that node alone, given back when the primary's DDL arrives.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = hotset_node('primary');
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

$primary->safe_psql('postgres', q{SELECT kv_set('k', 'primary')});
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT pg_is_in_recovery(), kv_get('k') IS NULL}),
	't|t', 'the standby does not share keys with the primary');
is($standby->safe_psql('postgres', q{SELECT kv_set('k', 'standby'); SELECT kv_get('k')}),
	"t\nstandby", 'keys can be written on a standby');
is($standby->safe_psql('postgres', q{SELECT kv_incr('n'); SELECT kv_incr('n')}),
	"1\n2", 'counters too');
is($primary->safe_psql('postgres', q{SELECT kv_get('k')}), 'primary',
	'the primary does not notice');
ok(eventually(sub { worker_pid($standby) ne '' }), 'the worker runs on a standby');

# A keyspace made on the primary, filled on the standby, dropped on the primary.
my $before = segments($standby, 'records');
$primary->safe_psql('postgres', q{CREATE SERVER more FOREIGN DATA WRAPPER hotset});
$primary->wait_for_catchup($standby);
$standby->safe_psql('postgres', q{
	SELECT count(kv_set('k' || i, repeat('x', 1000), keyspace => 'more'))
	FROM generate_series(1, 1000) i});
cmp_ok(segments($standby, 'records'), '>', $before, 'it takes memory on the standby');
my $session = $standby->background_psql('postgres', on_error_stop => 0);
is($session->query_safe(q{SELECT kv_count(keyspace => 'more')}), 1000, 'a session uses it');

$primary->safe_psql('postgres', q{ALTER SERVER more OPTIONS (ADD memory '4MB')});
$primary->wait_for_catchup($standby);
is($session->query_safe(q{SELECT kv_count(keyspace => 'more')}), 1000, 'altered, it keeps its keys');
is($standby->safe_psql('postgres',
		q{SELECT limit_bytes FROM hotset_stats WHERE keyspace = 'more'}),
	4 * 1024 * 1024, 'and has the new options');

$primary->safe_psql('postgres', q{DROP SERVER more});
$primary->wait_for_catchup($standby);
my ($ret, $out, $err) = $standby->psql('postgres', q{SELECT kv_get('k1', keyspace => 'more')});
like($err, qr/keyspace "more" does not exist/, 'dropped there, gone here');
$standby->safe_psql('postgres', q{SELECT kv_get('k')});
is(segments($standby, 'records'), $before, 'the standby gives the memory back');
query_fails($session, q{SELECT kv_count(keyspace => 'more')},
	qr/keyspace "more" does not exist/, 'also for a session that used it');
eval { $session->quit };
verify_ok($standby, 'on the standby');

# Promoted, it goes on with what it has.
$standby->promote;
is($standby->safe_psql('postgres', q{SELECT kv_get('k')}), 'standby', 'promotion keeps the keys');
$standby->safe_psql('postgres', q{CREATE SERVER mine FOREIGN DATA WRAPPER hotset});
is($standby->safe_psql('postgres', q{SELECT kv_set('k', 'v', keyspace => 'mine')}), 't',
	'a new keyspace on the promoted server');
verify_ok($standby, 'after promotion');

$standby->stop;
$primary->stop;
done_testing();
