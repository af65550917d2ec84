# Long commands can be cancelled, time out and be terminated, and leave nothing
# locked or half done.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use Test::More;
use Time::HiRes qw(time);

my $node = hotset_node('main', "hotset.memory = '64MB'");
$node->safe_psql('postgres', q{
	SELECT count(kv_set('key:' || i, 'x')) FROM generate_series(1, 400000) i;
	SELECT zadd('board', array_agg(i::float8), array_agg('member:' || i)) FROM generate_series(1, 100000) i;
	SELECT kv_set(repeat('a', 60000), 'x')});

# Each takes much longer than the timeout.
my %long = (
	'kv_scan' => q{SELECT count(*) FROM generate_series(1, 1000) i, LATERAL kv_scan('*' || left(i::text, 0))},
	'kv_scan, nothing matches' => q{SELECT count(*) FROM generate_series(1, 1000) i, LATERAL kv_scan('nothing' || i)},
	'hotset_big_keys' => q{SELECT count(*) FROM generate_series(1, 1000) i, LATERAL hotset_big_keys(10000 - i)},
	'zrange' => q{SELECT count(*) FROM generate_series(1, 1000) i, LATERAL zrange('board', 0, i - i - 1)},
	'zrange, select list' => q{SELECT count(*) FROM (SELECT zrange('board', 0, -1) FROM generate_series(1, 1000)) z},
	'zunion' => q{SELECT count(*) FROM generate_series(1, 1000) i, LATERAL zunion('{board, board}', ARRAY[i, 1])},
	'zunionstore' => q{SELECT count(zunionstore('dest', '{board}', ARRAY[i])) FROM generate_series(1, 10000) i},
	'zincrby' => q{SELECT count(zincrby('board', 1, 'member:' || i % 100000)) FROM generate_series(1, 100000000) i},
	'bzpopmin' => q{SELECT * FROM bzpopmin('{nothing}')},
	'kv_count' => q{SELECT count(kv_count()) FROM generate_series(1, 100000000)},
	'kv_get' => q{SELECT count(kv_get('key:' || i)) FROM generate_series(1, 100000000) i},
	'kv_set' => q{SELECT count(kv_set('key:' || i % 400000, repeat('x', i % 100))) FROM generate_series(1, 100000000) i});

for my $what (sort keys %long)
{
	my $start = time();
	my ($ret, $out, $err) = $node->psql('postgres',
		"\\set VERBOSITY sqlstate\nSET statement_timeout = '100ms';\n$long{$what}");
	like($err, qr/57014/, "$what: statement_timeout");
	cmp_ok(time() - $start, '<', 10, "$what: in time");
}

# Cancelled and terminated by others.
for my $function ('pg_cancel_backend', 'pg_terminate_backend')
{
	for my $what (sort keys %long)
	{
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		my $pid = $session->query_safe('SELECT pg_backend_pid()');

		$session->query_until(qr/started/, "\\echo started\n$long{$what};\n");
		ok(eventually(sub {
					$node->safe_psql('postgres',
						"SELECT state FROM pg_stat_activity WHERE pid = $pid") eq 'active';
				}), "$what: runs");
		$node->safe_psql('postgres', "SELECT $function($pid)");
		ok(eventually(sub {
					$node->safe_psql('postgres',
						"SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND state = 'active'") == 0;
				}, 20), "$what: $function");
		eval { $session->quit };
	}
}

# Waiting for a DROP SERVER that is not committed.
$node->safe_psql('postgres', 'CREATE SERVER s FOREIGN DATA WRAPPER hotset');
my $dropping = $node->background_psql('postgres');
$dropping->query_safe('BEGIN');
$dropping->query_safe('DROP SERVER s');
my ($ret, $out, $err) = $node->psql('postgres',
	"\\set VERBOSITY sqlstate\nSET lock_timeout = '100ms';\nSELECT kv_get('k', 's')");
like($err, qr/55P03/, 'lock_timeout while a keyspace is being dropped');
$dropping->query_safe('ROLLBACK');
$dropping->quit;
is($node->safe_psql('postgres', q{SELECT kv_get('k', 's') IS NULL}), 't', 'and on it goes');

is($node->safe_psql('postgres', q{SELECT kv_count() - kv_exists('{dest}'::text[])}), 400002, 'no key is lost');
is($node->safe_psql('postgres', q{SELECT zcard('board')}), 100000, 'nor a member');
verify_ok($node, 'after all that');
$node->stop;
done_testing();
