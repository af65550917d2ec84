# A process that dies by kill -9 takes the contents with it, not the server:
# PostgreSQL starts over with fresh shared memory.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = hotset_node('main', 'restart_after_crash = on');

# Kill a process, wait until the server is back and check that it is well.
sub crash
{
	my ($pid, $what) = @_;

	$node->safe_psql('postgres', q{SELECT kv_set('k', 'v')});
	my $logged = -s $node->logfile;
	is(kill('KILL', $pid), 1, "kill -9 of $what");
	ok(eventually(sub {
				my ($ret, $out) = $node->psql('postgres', 'SELECT 1');
				return defined $ret && $ret == 0 && 
					$node->log_contains('all server processes terminated', $logged);
			}), "the server comes back after the death of $what");
	is($node->safe_psql('postgres', q{SELECT kv_get('k') IS NULL}), 't', 'empty');
	is($node->safe_psql('postgres', q{SELECT kv_set('k', 'w'); SELECT kv_get('k')}),
		"t\nw", 'and usable');
	ok(eventually(sub { worker_pid($node) ne '' }), 'the worker is back');
	verify_ok($node, "after the death of $what");
}

# A backend in the middle of writing.
my $writer = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $writer->query_safe('SELECT pg_backend_pid()');
$writer->query_until(qr/started/, q{
	\echo started
	DO $$ BEGIN FOR i IN 1 .. 100000000 LOOP
		PERFORM kv_set('k' || i % 1000, repeat('x', i % 500));
	END LOOP; END $$;
});
ok(eventually(sub { $node->safe_psql('postgres', 'SELECT kv_count()') > 0 }), 'it writes');
crash($pid, 'a writing backend');
eval { $writer->quit };

crash(worker_pid($node), 'the worker');

# Ended politely, the worker alone starts again; the contents stay.
$node->safe_psql('postgres', q{SELECT kv_set('stays', 'v')});
my $old = worker_pid($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($old)");
ok(eventually(sub { my $new = worker_pid($node); $new ne '' && $new ne $old }),
	'a terminated worker is started again');
is($node->safe_psql('postgres', q{SELECT kv_get('stays')}), 'v', 'and nothing is lost');

# Terminated in the middle of writing: nothing half done, nothing locked.
$writer = $node->background_psql('postgres', on_error_stop => 0);
$pid = $writer->query_safe('SELECT pg_backend_pid()');
$writer->query_until(qr/started/, q{
	\echo started
	DO $$ BEGIN FOR i IN 1 .. 100000000 LOOP
		PERFORM kv_set('k' || i % 1000, repeat('x', i % 500));
	END LOOP; END $$;
});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok(eventually(sub {
			$node->safe_psql('postgres',
				"SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") == 0;
		}), 'a writing backend can be terminated');
eval { $writer->quit };
verify_ok($node, 'after it was terminated');

$node->stop;
done_testing();
