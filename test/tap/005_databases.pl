# Keyspaces belong to a database: same names, other keys.  Dropping the database
# or the extension gives the memory back.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use Test::More;

my $node = hotset_node('main');
my $fill = q{SELECT count(kv_set('k' || i, current_database() || repeat('x', 1000)))
	FROM generate_series(1, 1000) i};

$node->safe_psql('postgres', q{SELECT kv_set('k', 'postgres')});
my $before = segments($node, 'records');

# A copy of a database has servers with the same oids.
$node->safe_psql('postgres', 'CREATE DATABASE tmpl');
$node->safe_psql('tmpl', q{CREATE EXTENSION hotset; SELECT kv_set('k', 'tmpl')});
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE tmpl');
is($node->safe_psql('copy', q{SELECT kv_get('k') IS NULL}), 't', 'a copy starts empty');
is($node->safe_psql('copy', q{SELECT oid FROM pg_foreign_server WHERE srvname = 'kv'}),
	$node->safe_psql('tmpl', q{SELECT oid FROM pg_foreign_server WHERE srvname = 'kv'}),
	'its keyspace has the same oid');
$node->safe_psql('copy', q{SELECT kv_set('k', 'copy')});
is($node->safe_psql('tmpl', q{SELECT kv_get('k')}), 'tmpl', 'and is another one');
is($node->safe_psql('postgres', q{SELECT kv_get('k')}), 'postgres', 'as is that of a third database');
is($node->safe_psql('copy', q{SELECT string_agg(keyspace, ',') FROM hotset_stats}), 'kv',
	'statistics show one database');

# DROP DATABASE.
$node->safe_psql($_, $fill) for ('tmpl', 'copy');
cmp_ok(segments($node, 'records'), '>', $before, 'they take memory');
my $session = $node->background_psql('postgres');
is($session->query_safe(q{SELECT kv_get('k')}), 'postgres', 'a session elsewhere');
$node->safe_psql('postgres', 'DROP DATABASE copy');
is($node->safe_psql('tmpl', 'SELECT kv_count()'), 1001, 'the other database keeps its keys');
$node->safe_psql('postgres', 'DROP DATABASE tmpl');
is($session->query_safe(q{SELECT kv_get('k')}), 'postgres', 'the session elsewhere goes on');
$session->quit;
is(segments($node, 'records'), $before, 'DROP DATABASE gives the memory back');
verify_ok($node, 'after DROP DATABASE');

# DROP EXTENSION while another session has the keyspace in use.
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', "CREATE EXTENSION hotset; $fill");
$session = $node->background_psql('other', on_error_stop => 0);
is($session->query_safe('SELECT kv_count()'), 1000, 'a session uses the keyspace');
$node->safe_psql('other', 'DROP EXTENSION hotset CASCADE');
is(segments($node, 'records'), $before, 'DROP EXTENSION gives the memory back');
query_fails($session, 'SELECT kv_count()', qr/function kv_count\(\) does not exist/,
	'the function is gone for the session');
$node->safe_psql('other', 'CREATE EXTENSION hotset');
is($session->query_safe('SELECT kv_count()'), 0, 'made again, it is empty');
$session->quit;

# Many keyspaces come and go: nothing adds up.
$node->safe_psql('other', q{
	DO $$ BEGIN FOR i IN 1 .. 300 LOOP
		EXECUTE format('CREATE SERVER t%s FOREIGN DATA WRAPPER hotset OPTIONS (memory %L)', i, '1MB');
		PERFORM kv_set('k', 'v', keyspace => ('t' || i)::name);
		EXECUTE format('DROP SERVER t%s', i);
		IF i % 20 = 0 THEN COMMIT; END IF;
	END LOOP; END $$});
is(segments($node, 'records'), $before, '300 keyspaces came and went');
verify_ok($node, 'after that');

# More than the table holds: a clear error.
my ($ret, $out, $err) = $node->psql('other', q{
	DO $$ BEGIN FOR i IN 1 .. 1100 LOOP
		EXECUTE format('CREATE SERVER t%s FOREIGN DATA WRAPPER hotset OPTIONS (memory %L)', i, '1MB');
		PERFORM kv_get('k', keyspace => ('t' || i)::name);
	END LOOP; END $$});
like($err, qr/too many keyspaces|out of memory in keyspace/, 'too many keyspaces are refused');
is(segments($node, 'records'), $before, 'and the failed transaction leaves none');
verify_ok($node, 'after too many keyspaces');
$node->safe_psql('postgres', 'DROP DATABASE other');

$node->stop;
done_testing();
