# Without shared_preload_libraries: what needs no shared memory works, all else
# says what to add to postgresql.conf.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# the setting may be left over from when the library was preloaded
$node->append_conf('postgresql.conf', "hotset.memory = '32MB'\nhotset.keyspace = 'kv'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION hotset');

my @calls = keyspace_calls($node, 'postgres', 'kv');
cmp_ok(scalar @calls, '>', 2, 'there are functions with a keyspace');
for my $call (@calls,
	(map { [ $_, $_ ] } 'SELECT * FROM hotset_stats', 'SELECT * FROM hotset_memory',
		'SELECT hotset_verify()'))
{
	my ($signature, $sql) = @$call;
	my ($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	like($err, qr/55000: hotset must be loaded via shared_preload_libraries.*shared_preload_libraries = 'hotset'/s,
		"$signature says how to fix it");
}

is($node->safe_psql('postgres', q{
		SELECT approx_count_distinct(i), hll_cardinality(hll_union(hll_add_agg(i), hll_add(hll_empty(), 0)))
		FROM generate_series(1, 100) i}),
	'100|101', 'HyperLogLog columns and aggregates work');

# Servers can be made and dropped; they take effect once the library is loaded.
$node->safe_psql('postgres', q{
	CREATE SERVER s FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
	ALTER SERVER s OPTIONS (SET memory '4MB');
	DROP SERVER s;
	CREATE SERVER t FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB')});
is($node->safe_psql('postgres', q{SET hotset.keyspace = 't'; SHOW hotset.keyspace}), 't',
	'the settings of a session are there');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'hotset'");
$node->restart;
my $fetch = q{SELECT kv_fetch('watched:1', 'SELECT name FROM watched WHERE id = 1')};
$node->safe_psql('postgres', q{CREATE TABLE watched (id int PRIMARY KEY, name text);
		INSERT INTO watched VALUES (1, 'kept');
		SELECT kv_watch('watched', 'watched:{id}')});
is($node->safe_psql('postgres', "$fetch; $fetch"), "kept\nkept", 'a table is watched');

# Somebody takes the library out again: there is no result that could be stale, so
# tables go on.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is($node->safe_psql('postgres', q{UPDATE watched SET name = 'changed';
		INSERT INTO watched VALUES (2, 'two'); DELETE FROM watched WHERE id = 2;
		TRUNCATE watched; INSERT INTO watched VALUES (1, 'new');
		SELECT name FROM watched}), 'new', 'watched tables can be written without the library');
like(($node->psql('postgres', q{SELECT kv_watch('watched', 'watched:{id}')}))[2],
	qr/must be loaded via shared_preload_libraries/, 'but not be watched anew');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'hotset'");
$node->restart;
is($node->safe_psql('postgres', $fetch), 'new', 'back again, with what is there now');
$node->safe_psql('postgres', q{UPDATE watched SET name = 'newer'});
is($node->safe_psql('postgres', $fetch), 'newer', 'and watched as before');
is($node->safe_psql('postgres', q{SELECT kv_set('k', 'v', keyspace => 't'); SHOW hotset.memory}),
	"t\n32MB", 'with the line added it works');
$node->stop;

# A server for pg_upgrade takes no memory and starts no worker.
my @pg_ctl = ('pg_ctl', '-w', '-D', $node->data_dir, '-l', $node->logfile);
system_or_bail(@pg_ctl, '-o', '-b', 'start');
is($node->safe_psql('postgres', q{
		SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'hotset worker';
		SELECT count(*) FROM pg_shmem_allocations WHERE name LIKE 'hotset%';
		SELECT count(*) FROM pg_foreign_server}),
	"0\n0\n2", 'idle during pg_upgrade');
system_or_bail(@pg_ctl, 'stop');

done_testing();
