# Cached results where a server of its own is needed: restarts with prepared
# transactions, standbys, replication, dumps, herds, sessions that are killed.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = hotset_node('main', 'max_prepared_transactions = 10', 'wal_level = logical', 'max_connections = 250');
my $bin = $node->config_data('--bindir');

$node->safe_psql('postgres', q{
	CREATE TABLE item (id int PRIMARY KEY, v int);
	INSERT INTO item SELECT i, 1 FROM generate_series(1, 10) AS i;
	SELECT kv_watch('item', 'item:{id}', 'items');
	CREATE FUNCTION item(n int) RETURNS text LANGUAGE sql AS
		$$ SELECT kv_fetch('item:' || n, 'SELECT v FROM item WHERE id = $1', ARRAY[n::text]) $$;
	CREATE FUNCTION slow() RETURNS text LANGUAGE sql AS $$ SELECT pg_sleep(0.05); SELECT 'slow' $$});

sub item { my ($server, $n) = @_; return $server->safe_psql('postgres', "SELECT item($n)") }
sub counts
{
	my ($server, $what) = @_;
	return $server->safe_psql('postgres', "SELECT $what FROM hotset_cache_stats()");
}

# A transaction that was prepared before the restart has not registered in this life.
is(item($node, 1), 1, 'a result');
$node->safe_psql('postgres', q{BEGIN; UPDATE item SET v = 2 WHERE id = 1; PREPARE TRANSACTION 'p'});
is(item($node, 1), 1, 'prepared is not committed');
$node->stop('immediate');
$node->start;
my $old = $node->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($old->query_safe('SELECT item(1)'), 1, 'after a crash: the old value');
is(item($node, 1), 1, 'for new snapshots, too');
is(counts($node, 'hits + fills'), 0, 'and nothing was kept or hit while it is unresolved');
$node->safe_psql('postgres', q{COMMIT PREPARED 'p'});
is($old->query_safe('SELECT item(1)'), 1, 'an old snapshot goes on seeing the old value');
is(item($node, 1), 2, 'a new one the new value');
is($old->query_safe('SELECT item(1)'), 1, 'and still');
is(item($node, 1), 2, 'and still');
$old->query_safe('COMMIT');
is($old->query_safe('SELECT item(1)'), 2, 'then this one, too');
$old->quit;
is(item($node, 1), 2, 'a result');
is($node->safe_psql('postgres', 'SELECT item(1); SELECT hits > 0 FROM hotset_cache_stats()'), "2\nt", 'which is kept now');

# A herd: one runs the query, or two if the first was done before the second looked.
my $script = $node->basedir . '/herd.sql';
append_to_file($script, "SELECT kv_fetch('herd', 'SELECT slow()', wait => '1 minute');\n");
$node->safe_psql('postgres', 'SELECT hotset_cache_stats_reset()');
$node->command_ok([ "$bin/pgbench", '-n', '-c', 200, '-j', 2, '-t', 1, '-f', $script, 'postgres' ], 'a herd of 200');
cmp_ok(counts($node, 'computed'), '<=', 2, 'ran the query at most twice');

# Whoever computes is cancelled or terminated: the next takes over, nobody hangs.
$node->safe_psql('postgres', q{CREATE FUNCTION longer() RETURNS text LANGUAGE sql AS $$ SELECT pg_sleep(1000) WHERE kv_del('sleeps'); SELECT 'done' $$});
for my $how ('cancel', 'terminate')
{
	my $holder = $node->background_psql('postgres', on_error_stop => 0);
	$holder->query_safe("SET application_name = 'holder'; SELECT kv_set('sleeps', 'once')");
	$holder->query_until(qr/started/, "\\echo started\nSELECT kv_fetch('held $how', 'SELECT longer()');\n");
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}), 'one computes');
	my $waiter = $node->background_psql('postgres');
	$waiter->query_safe("SET application_name = 'waiter'");
	$waiter->query_until(qr/started/, "\\echo started\nSELECT 'got ' || kv_fetch('held $how', 'SELECT longer()', wait => '10 minutes');\n");
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'waiter' AND wait_event_type = 'Extension'}), 'another waits');
	$node->safe_psql('postgres', "SELECT pg_${how}_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
	like($waiter->query("\\echo after"), qr/got done/, "$how: the next takes over");
	$waiter->quit;
	eval { $holder->quit };
}
# and the one who waits can be cancelled
{
	my $holder = $node->background_psql('postgres', on_error_stop => 0);
	$holder->query_safe("SET application_name = 'holder'; SELECT kv_set('sleeps', 'once')");
	$holder->query_until(qr/started/, "\\echo started\nSELECT kv_fetch('held', 'SELECT longer()');\n");
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'}), 'one computes');
	my ($ret, $out, $err) = $node->psql('postgres', q{SET statement_timeout = '200ms'; SELECT kv_fetch('held', 'SELECT longer()', wait => '10 minutes')});
	like($err, qr/statement timeout/, 'waiting can be cancelled');
	is($node->safe_psql('postgres', q{BEGIN; SELECT pg_current_xact_id() > '0'::xid8; SELECT kv_fetch('held', 'SELECT longer()', wait => '10 minutes')}), "t\ndone",
		'a transaction with changes does not wait');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'});
	eval { $holder->quit };
}

# A million keys invalidated by one transaction.
is($node->safe_psql('postgres', q{
	SELECT item(2);
	BEGIN; SELECT count(kv_invalidate('item:' || i)) FROM generate_series(1, 1000000) AS i; COMMIT;
	SELECT hotset_cache_stats_reset();
	SELECT item(2);
	SELECT misses_label FROM hotset_cache_stats()}) =~ s/\s+/ /gr, '1 1000000 1 1', 'a million keys in one transaction');

# Parallel workers.
is($node->safe_psql('postgres', q{
	SELECT kv_fill('par:' || id, v::text, (kv_get_lease('par:' || id)).lease) FROM item WHERE id = 3;
	ALTER TABLE item SET (parallel_workers = 2);
	SELECT kv_fill('par:' || id, v::text, (kv_get_lease('par:' || id)).lease) FROM item WHERE id = 3;
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;
	SELECT count(kv_get_cached('par:' || id)) FROM item;
	BEGIN; SELECT pg_current_xact_id() > '0'::xid8;
	SELECT count(kv_get_cached('par:' || id)) FROM item; COMMIT}) =~ s/\s+/ /gr, 't t 1 t 0',
	'workers hit, but not for a leader with changes');

# Logical replication: changes that are applied invalidate on the subscriber.
my $subscriber = hotset_node('subscriber');
$subscriber->safe_psql('postgres', q{
	CREATE TABLE item (id int PRIMARY KEY, v int);
	SELECT kv_watch('item', 'item:{id}');
	CREATE FUNCTION item(n int) RETURNS text LANGUAGE sql AS
		$$ SELECT kv_fetch('item:' || n, 'SELECT v FROM item WHERE id = $1', ARRAY[n::text]) $$});
is($subscriber->safe_psql('postgres', 'SELECT item(1) IS NULL'), 't', 'nothing there yet');
my $connection = $node->connstr . ' dbname=postgres';
$node->safe_psql('postgres', 'CREATE PUBLICATION items FOR TABLE item');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION items CONNECTION '$connection' PUBLICATION items");
$subscriber->wait_for_subscription_sync($node, 'items');
is(item($subscriber, 1), 2, 'the initial copy was noticed');
$node->safe_psql('postgres', 'UPDATE item SET v = 3 WHERE id = 1');
$node->wait_for_catchup('items');
is(item($subscriber, 1), 3, 'an update, too');
$node->safe_psql('postgres', 'TRUNCATE item');
$node->wait_for_catchup('items');
is($subscriber->safe_psql('postgres', 'SELECT item(1) IS NULL'), 't', 'and TRUNCATE');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION items');
$subscriber->stop;
$node->safe_psql('postgres', 'INSERT INTO item SELECT i, 1 FROM generate_series(1, 10) AS i');

# A standby misses and keeps nothing, until it is promoted.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
is(item($standby, 4), 1, 'the result of the query on a standby');
is(item($standby, 4), 1, 'again');
is(counts($standby, 'hits + fills'), 0, 'nothing is kept');
my ($ret, $out, $err) = $standby->psql('postgres', q{SELECT kv_invalidate('x')});
like($err, qr/read-only transaction|during recovery/, 'nor invalidated');
my $held = $standby->background_psql('postgres');
$held->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($held->query_safe('SELECT item(4)'), 1, 'a snapshot of the time of recovery');
$standby->promote;
is($standby->safe_psql('postgres', 'UPDATE item SET v = 5 WHERE id = 4'), '', 'promoted');
is($standby->safe_psql('postgres', 'SELECT item(4), item(4); SELECT hits > 0 FROM hotset_cache_stats()'), "5|5\nt", 'it keeps results');
is($held->query_safe('SELECT item(4)'), 1, 'the old snapshot sees the old value');
$held->query_safe('COMMIT');
is($held->query_safe('SELECT item(4)'), 5, 'and a new one the new value');
$held->quit;
verify_ok($standby, 'on the promoted standby');
$standby->stop;

# Definitions and watched tables are part of a dump.
$node->safe_psql('postgres', q{
	CREATE ROLE keeper; GRANT USAGE ON FOREIGN SERVER kv TO keeper; GRANT SELECT ON item TO keeper;
	SET ROLE keeper;
	SELECT kv_define('value of', 'SELECT v FROM public.item WHERE id = $1', 'item:{1}');
	SELECT kv_define_grant('value of')});
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ "$bin/pg_dump", '-f', $dump, 'postgres' ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ "$bin/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, 'restored' ], 'restore');
is($node->safe_psql('restored', q{SELECT kv_fetch_def('value of', '1'); UPDATE item SET v = 8 WHERE id = 1; SELECT kv_fetch_def('value of', '1')}),
	"1\n8", 'definitions and watches come with it');
is($node->safe_psql('restored', q{SELECT owner, granted FROM hotset_definitions}), 'keeper|{-}', 'with owner and grants');
is($node->safe_psql('postgres', q{SELECT kv_fetch_def('value of', '1')}), 1, 'and databases are apart');

# A role that is gone has a number only, which may be that of another role elsewhere.
$node->safe_psql('postgres', q{
	CREATE ROLE leaver; GRANT USAGE ON FOREIGN SERVER kv TO leaver;
	SET ROLE leaver; SELECT kv_define('of leaver', 'SELECT current_user::text', 'leaver'), kv_define_grant('of leaver'); RESET ROLE;
	SELECT kv_define('for leaver', 'SELECT 1', 'leaver'), kv_define_grant('for leaver', 'leaver'), kv_define_grant('for leaver', 'keeper');
	DROP OWNED BY leaver; DROP ROLE leaver});
$node->command_ok([ "$bin/pg_dump", '-Fc', '-f', "$dump.c", 'postgres' ], 'dump after a role was dropped');
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok([ "$bin/pg_restore", '-e', '-j', 2, '-d', $node->connstr('again'), "$dump.c" ], 'restore');
is($node->safe_psql('again', q{SELECT name, owner = current_user::regrole, granted FROM hotset_definitions ORDER BY name}), "for leaver|t|{keeper}\nvalue of|f|{-}", 'without what was of that role');
$node->safe_psql('postgres', q{SELECT kv_undefine('of leaver'), kv_undefine('for leaver')});

# DDL voids the results of its own database, that of roles the results of all.
my $again = 'SELECT item(2); SELECT hotset_cache_stats_reset(); SELECT item(2); SELECT hits FROM hotset_cache_stats()';
like($node->safe_psql('restored', $again), qr/1\z/, 'a hit');
$node->safe_psql('postgres', 'CREATE TABLE another (id int); TRUNCATE item');
is($node->safe_psql('restored', 'SELECT item(2); SELECT hits FROM hotset_cache_stats()'), "1\n2", 'still, after DDL in another database');
$node->safe_psql('postgres', 'GRANT pg_monitor TO keeper');
is($node->safe_psql('restored', 'SELECT item(2); SELECT hits FROM hotset_cache_stats()'), "1\n2", 'no more, after a role got privileges');
$node->safe_psql('postgres', 'INSERT INTO item SELECT i, 1 FROM generate_series(1, 10) AS i');

# A role that is renamed keeps what it has; dropped and made anew it is another.
$node->safe_psql('postgres', 'ALTER ROLE keeper RENAME TO holder');
is($node->safe_psql('postgres', q{SELECT kv_fetch_def('value of', '1')}), 1, 'the owner is renamed');
verify_ok($node, 'in the end');
done_testing();
