# A plain keyspace lives as long as the server: after a restart it is empty
# and usable, and settings and options are as they were.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use Test::More;

my $node = hotset_node('main');

$node->safe_psql('postgres', q{
	CREATE SERVER small FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB', eviction 's3fifo');
	SELECT kv_set('k', 'v'), kv_set('k', 'w', keyspace => 'small');
});
is($node->safe_psql('postgres', q{SELECT kv_get('k'), kv_get('k', keyspace => 'small')}),
	'v|w', 'another session sees the keys');

my $version = $node->safe_psql('postgres', q{SELECT kv_version('k')});
$node->restart;
is($node->safe_psql('postgres',
		q{SELECT kv_get('k') IS NULL, kv_get('k', keyspace => 'small') IS NULL}),
	't|t', 'empty after a restart');
is($node->safe_psql('postgres', q{SELECT kv_set('k', 'v'); SELECT kv_get('k')}),
	"t\nv", 'and usable');
cmp_ok($node->safe_psql('postgres', q{SELECT kv_version('k')}), '>', $version,
	'versions do not repeat');
is($node->safe_psql('postgres', q{
		SELECT kv_get('k', keyspace => 'small');
		SELECT limit_bytes FROM hotset_stats WHERE keyspace = 'small'}),
	"\n2097152", 'options are read again');

# More memory, as a restart can give.
my @took;
for my $memory ('32MB', '2GB')
{
	$node->append_conf('postgresql.conf', "hotset.memory = '$memory'");
	my $start = time();
	$node->restart;
	push @took, time() - $start;
}
cmp_ok($took[1], '<=', 5 + 2 * $took[0], 'a larger region starts quickly');
is($node->safe_psql('postgres', q{SELECT bytes FROM hotset_memory WHERE use = 'total'}),
	2 * 1024 * 1024 * 1024, 'the region has the size of hotset.memory');
verify_ok($node, 'after it grew');

# The smallest one.
$node->append_conf('postgresql.conf', "hotset.memory = '8MB'");
$node->restart;
is($node->safe_psql('postgres', q{SELECT kv_set('k', 'v'); SELECT kv_get('k')}),
	"t\nv", 'the smallest region works');
verify_ok($node, 'in the smallest region');

$node->stop;
done_testing();
