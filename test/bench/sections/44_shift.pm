# What is left of a full cache for longer values than those that filled it.
package Bench::Section::shift;
use strict;
use warnings;
use Bench;

section(shift => \&measure, seconds => 30, beside => 1);

my $megabytes = 64;

# Sets of SQL and Lua: keys with a prefix, twice as many bytes as there is memory for.
sub fill_hotset
{
	my ($keyspace, $prefix, $size) = @_;
	my $keys = int(2 * $megabytes * 1048576 / $size);
	sql("SELECT count(kv_set('$prefix' || i, repeat('v', $size), keyspace => '$keyspace')) FROM generate_series(1, $keys) AS i");
	return;
}

# In pieces, for Redis evicts between commands and a script is one; and with patience, or it
# would go on to the next script before it is below its limit.
sub fill_redis
{
	my ($prefix, $size) = @_;
	my $keys = int(2 * $megabytes * 1048576 / $size);
	my $piece = int(2_000_000 / $size);
	for (my $i = 1; $i <= $keys; $i += $piece)
	{
		redis('lru6', 'EVAL', "local v = string.rep('v', $size) for i = $i, $i + $piece - 1 do redis.call('SET', '$prefix' .. i, v) end", 0);
	}
	return;
}

# Bytes of all keys and values.
sub redis_payload
{
	my $sum = 0;
	foreach ([ 'short:', 100 ], [ 'long:', 1000 ])
	{
		my ($prefix, $size) = @$_;
		my $keys = int(2 * $megabytes * 1048576 / $size);
		$sum += redis('lru6', 'EVAL', "local sum = 0 for i = 1, $keys do local k = '$prefix' .. i if redis.call('EXISTS', k) == 1 then sum = sum + #k + $size end end return sum", 0);
	}
	return $sum;
}

sub payload { return sql("SELECT sum(octet_length(key) + octet_length(kv_get(key, '$_[0]'))) FROM kv_scan(keyspace => '$_[0]')") }

sub measure
{
	my $options = "memory '${megabytes}MB', eviction 's3fifo'";
	my (%hotset, %redis);
	my $tenacity = (split /\n/, redis('lru6', 'CONFIG', 'GET', 'maxmemory-eviction-tenacity'))[1];
	redis('lru6', 'CONFIG', 'SET', 'maxmemory-eviction-tenacity', 100);
	foreach my $phase (qw(fresh shifted))
	{
		sql("CREATE SERVER shift FOREIGN DATA WRAPPER hotset OPTIONS ($options)");
		redis('lru6', 'FLUSHALL', 'SYNC');
		redis('lru6', 'CONFIG', 'SET', 'maxmemory', redis_info('lru6', 'used_memory') + $megabytes * 1048576);
		if ($phase eq 'shifted')
		{
			fill_hotset('shift', 'short:', 100);
			fill_redis('short:', 100);
		}
		fill_hotset('shift', 'long:', 1000);
		fill_redis('long:', 1000);
		$hotset{$phase} = payload('shift');
		$redis{$phase} = redis_payload();
		sql('DROP SERVER shift');
	}
	redis('lru6', 'FLUSHALL', 'SYNC');
	redis('lru6', 'CONFIG', 'SET', 'maxmemory-eviction-tenacity', $tenacity);
	my @titles = ('hotset s3fifo', 'Redis allkeys-lru');
	my $share = sub { return 100 * $_[0] / ($megabytes * 1048576) };
	say_line("\n## A shift in sizes\n");
	say_line("Values of 1,000 bytes, twice as many as fit into $megabytes MB, set in a fresh store and in one that values of 100 bytes had filled: " .
		'keys and values that are there at the end, per cent of the memory.');
	table_head('', @titles);
	table_row('in a fresh store', 'more', \@titles, $share->($hotset{fresh}), $share->($redis{fresh}));
	table_row('after values of 100 bytes', 'more', \@titles, $share->($hotset{shifted}), $share->($redis{shifted}));
	goal(13, 'values of 1,000 B after 100 B, live payload less than in a fresh store', '<= 2 %', 100 * (1 - $hotset{shifted} / $hotset{fresh}),
		baseline('% of the memory', fresh => $share->($hotset{fresh}), shifted => $share->($hotset{shifted})));
	return;
}

1;
