# Keyspaces are dropped, made, altered and taken away while others read and write
# them: nobody fails but with a clear error, and nothing is left behind.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{HOTSET_LOAD_SECONDS} // 4;
my $node = hotset_node('main', "hotset.memory = '16MB'", 'log_min_messages = warning');
my $dir = $PostgreSQL::Test::Utils::tmp_check;

my %script = (
	small => q{
DO $$ BEGIN
	FOR i IN 1 .. 50 LOOP
		PERFORM kv_set('k' || (random() * 2000)::int, repeat('x', (random() * 3000)::int), keyspace => 'st');
		PERFORM kv_get('k' || (random() * 2000)::int, 'st');
	END LOOP;
EXCEPTION WHEN undefined_object OR insufficient_privilege OR out_of_memory THEN NULL;
END $$;
},
	large => q{
DO $$ BEGIN
	PERFORM kv_set('b' || (random() * 5)::int, repeat('x', (random() * 300000)::int), keyspace => 'st');
	PERFORM length(kv_get('b' || (random() * 5)::int, 'st'));
	PERFORM count(*) FROM hotset_big_keys(10, 'st');
	PERFORM kv_flush('st');
EXCEPTION WHEN undefined_object OR insufficient_privilege OR out_of_memory THEN NULL;
END $$;
},
	ddl => q{
\set r random(1, 6)
\if :r = 1
DROP SERVER IF EXISTS st;
\elif :r = 2
DO $$ BEGIN
	CREATE SERVER st FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', eviction 's3fifo');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
\elif :r = 3
BEGIN;
DROP SERVER IF EXISTS st;
CREATE SERVER st FOREIGN DATA WRAPPER hotset;
SELECT kv_set('k1', 'v', keyspace => 'st');
ROLLBACK;
\elif :r = 4
BEGIN;
DROP SERVER IF EXISTS st;
CREATE SERVER st FOREIGN DATA WRAPPER hotset;
SELECT kv_set('k1', 'v', keyspace => 'st');
COMMIT;
\elif :r = 5
DO $$ BEGIN
	ALTER SERVER st OPTIONS (SET memory '3MB');
EXCEPTION WHEN undefined_object THEN NULL;
END $$;
\else
SELECT * FROM hotset_stats;
\endif
});
my %clients = (small => 3, large => 2, ddl => 1);

my (@runs, %out);
for my $name (sort keys %script)
{
	append_to_file("$dir/$name.sql", $script{$name});
	$out{$name} = '';
	push @runs, IPC::Run::start([ 'pgbench', '-n', '-c', $clients{$name}, '-T', $seconds,
			'-f', "$dir/$name.sql", $node->connstr('postgres') ],
		'<', \undef, '>&', \$out{$name});
}
$_->finish for @runs;
for my $name (sort keys %script)
{
	# ALTER and DROP of a server that is just not there fail; nothing else may
	like($out{$name}, qr/number of failed transactions: 0/, "$name: to the end");
	unlike($out{$name}, qr/(PANIC|FATAL|server closed|aborted)/, "$name: without a crash");
}

$node->safe_psql('postgres', 'DROP SERVER IF EXISTS st');
is(segments($node, $_), 0, "no $_ are left behind") for ('records', 'large values');
verify_ok($node, 'after all that');
$node->stop;
done_testing();
