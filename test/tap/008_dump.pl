# pg_dump carries keyspaces and who may use them, definitions and watches, not keys.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = hotset_node('main');
my $dump = "$PostgreSQL::Test::Utils::tmp_check/hotset.dump";

$node->safe_psql('postgres', q{
	CREATE ROLE app;
	CREATE SERVER sessions FOREIGN DATA WRAPPER hotset
		OPTIONS (memory '2MB', eviction 's3fifo', default_ttl '1 hour');
	COMMENT ON SERVER sessions IS 'of the shop';
	GRANT USAGE ON FOREIGN SERVER sessions, kv TO app;
	SELECT kv_set('k', 'v'), kv_set('k', 'v', keyspace => 'sessions');
	CREATE TABLE sketches AS SELECT hll_add_agg(i) AS h FROM generate_series(1, 100) i;
	CREATE TABLE watched (id int PRIMARY KEY, name text);
	INSERT INTO watched VALUES (1, 'one');
	GRANT SELECT ON watched TO app;
	SELECT kv_watch('watched', 'w:{id}');
	SET ROLE app;
	SELECT kv_define('name', 'SELECT name FROM watched WHERE id = $1', 'w:{1}', ttl => '1 hour');
	RESET ROLE;
	CREATE ROLE gone;
	GRANT USAGE ON FOREIGN SERVER kv TO gone;
	SET ROLE gone;
	SELECT kv_define('of one gone', 'SELECT 1', 'x');
	RESET ROLE;
	DROP OWNED BY gone;
	DROP ROLE gone;
	CREATE DATABASE copy});
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump,
		'-d', $node->connstr('copy') ], 'restored');

is($node->safe_psql('copy', q{SELECT srvoptions FROM pg_foreign_server WHERE srvname = 'sessions'}),
	'{"default_ttl=1 hour",eviction=s3fifo,memory=2MB}', 'options');
is($node->safe_psql('copy', q{SET ROLE app; SELECT kv_get('k') IS NULL, kv_get('k', keyspace => 'sessions') IS NULL}),
	't|t', 'privileges, but no keys');
is($node->safe_psql('copy', q{SELECT hll_cardinality(h) FROM sketches}),
	$node->safe_psql('postgres', q{SELECT hll_cardinality(h) FROM sketches}), 'columns of type hll');
is($node->safe_psql('copy', q{SELECT kv_set('k', 'copy', keyspace => 'sessions');
		SELECT limit_bytes FROM hotset_stats WHERE keyspace = 'sessions'}),
	"t\n2097152", 'usable with the same options');
is($node->safe_psql('copy', q{SELECT name, owner, ttl FROM hotset_definition}), 'name|app|01:00:00',
	'definitions, but for those of dropped roles');
$node->safe_psql('copy', q{SELECT kv_fetch_def('name', '1')});
$node->safe_psql('copy', q{UPDATE watched SET name = 'two'});
is($node->safe_psql('copy', q{SELECT kv_fetch_def('name', '1')}), 'two', 'watches');

$node->stop;
done_testing();
