# Bytes of memory for each key and member.
package Bench::Section::memory;
use strict;
use warnings;
use Bench;

section(memory => \&measure);

sub measure
{
	my @cases = (
		[ 'key of 10 bytes, value of 40', $million,
			"SELECT count(kv_set('key:' || i, repeat('v', 40), keyspace => 'memory')) FROM generate_series(1, $million) AS i",
			"for i = 1, $million do redis.call('SET', 'key:' .. i, string.rep('v', 40)) end",
			"INSERT INTO measured SELECT 'key:' || i, repeat('v', 40), NULL FROM generate_series(1, $million) AS i" ],
		[ 'the same with a time to live', $million,
			"SELECT count(kv_set('key:' || i, repeat('v', 40), ttl => '1 hour', keyspace => 'memory')) FROM generate_series(1, $million) AS i",
			"for i = 1, $million do redis.call('SET', 'key:' .. i, string.rep('v', 40), 'EX', 3600) end",
			"INSERT INTO measured SELECT 'key:' || i, repeat('v', 40), now() + '1 hour' FROM generate_series(1, $million) AS i" ],
		[ 'counter', $million,
			"SELECT count(kv_incr('key:' || i, i, keyspace => 'memory')) FROM generate_series(1, $million) AS i",
			"for i = 1, $million do redis.call('INCRBY', 'key:' .. i, i) end",
			"INSERT INTO measured SELECT 'key:' || i, i, NULL FROM generate_series(1, $million) AS i" ],
		[ 'member of a sorted set of ' . three_digits($million), $million,
			"SELECT count(zadd('board', (i::bigint * 7919) % 1000003, 'member:' || i, keyspace => 'memory')) FROM generate_series(1, $million) AS i",
			"for i = 1, $million do redis.call('ZADD', 'board', (i * 7919) % 1000003, 'member:' .. i) end",
			"INSERT INTO measured_board SELECT 'member:' || i, (i::bigint * 7919) % 1000003 FROM generate_series(1, $million) AS i" ],
		[ 'member of a sorted set of 20', $million,
			"SELECT count(zadd('board:' || i % ($million / 20), i, 'member:' || i, keyspace => 'memory')) FROM generate_series(1, $million) AS i",
			"for i = 1, $million do redis.call('ZADD', 'board:' .. i % ($million / 20), i, 'member:' .. i) end",
			undef ],
	);
	say_line("\n## Memory\n");
	say_line('Bytes of memory (table: of files) for each, key and overhead included: what `hotset_stats` charges to the keyspace, used_memory of ' .
		'Redis, pg_total_relation_size of an UNLOGGED table with its indexes. In parentheses: how many times less hotset needs.');
	my @titles = ('hotset', 'Redis', 'UNLOGGED table');
	my @live;
	table_head(three_digits($million) . ' of', @titles);
	foreach my $case (@cases)
	{
		my ($what, $count, $hotset, $lua, $table) = @$case;
		sql("CREATE SERVER memory FOREIGN DATA WRAPPER hotset OPTIONS (memory '400MB')");
		# the server exists, its memory comes with the first key
		sql("SELECT kv_set('x', 'x', keyspace => 'memory')");
		my ($empty, $empty_live) = hotset_bytes('memory');
		sql($hotset);
		my ($own, $live) = hotset_bytes('memory');
		sql('DROP SERVER memory');
		redis('redis', 'FLUSHALL', 'SYNC');
		my $redis_empty = redis_info('redis', 'used_memory');
		redis('redis', 'EVAL', $lua, 0);
		my $redis = (redis_info('redis', 'used_memory') - $redis_empty) / $count;
		redis('redis', 'FLUSHALL', 'SYNC');
		my $relation;
		if ($table)
		{
			sql("CREATE UNLOGGED TABLE measured (LIKE cache INCLUDING ALL); CREATE UNLOGGED TABLE measured_board (LIKE board INCLUDING ALL);");
			sql($table);
			$relation = sql("SELECT pg_total_relation_size('measured') + pg_total_relation_size('measured_board')") / $count;
			sql('DROP TABLE measured, measured_board');
		}
		table_row($what, 'less', \@titles, ($own - $empty) / $count, $redis, $relation);
		push @live, "$what " . three_digits(($live - $empty_live) / $count);
	}
	say_line("\nWithout dead records, which are compacted away when the keyspace needs the room: " . join('; ', @live) . '.');
	return;
}

1;
