# Bytes of memory for each key and member.
package Bench::Section::memory;
use strict;
use warnings;
use Bench;

section(memory => \&measure, seconds => 90, beside => 1);

# A score for number i, as random() would draw it: a fraction with all the digits a double has.
my $score = '(i::bigint * 7919 % 1000003) / 1000003::float8';

# Calls where Redis takes long.
my $half = $million / 2;
my ($sets_of_100, $sets_of_20, $hashes) = ($million / 100, $half / 20, $million / 10);

# What is stored by a million calls (or 'calls'), how many units a call makes, the
# call for number i in SQL, in Lua (k: key, m: member, v: value, score) and as a
# row of a table.  'keyspace' is the last argument of each function.  'goal': its
# number and limit.
my @cases = (
	{   what => 'key of 10 bytes, value of 40', goal => [ 10, '<= 0.58x' ],
		hotset => "kv_set(key_of(i), repeat('v', 40), keyspace => 'memory')",
		redis => "'SET', k, v",
		columns => 'key text PRIMARY KEY, value text NOT NULL', row => "key_of(i), repeat('v', 40)" },
	{   what => 'key with a time to live', goal => [ 10, '<= 0.50x' ],
		hotset => "kv_set(key_of(i), repeat('v', 40), ttl => '1 hour', keyspace => 'memory')",
		redis => "'SET', k, v, 'EX', 3600",
		columns => 'key text PRIMARY KEY, value text NOT NULL, expires_at timestamptz NOT NULL', index => 'expires_at', row => "key_of(i), repeat('v', 40), now() + '1 hour'" },
	{   what => 'counter',
		hotset => "kv_incr(key_of(i), i, keyspace => 'memory')",
		redis => "'INCRBY', k, i",
		columns => 'key text PRIMARY KEY, value bigint NOT NULL', row => 'key_of(i), i' },
	{   what => 'member of a sorted set of 1,000,000', goal => [ 11, '<= 0.42x' ],
		hotset => "zadd('board', $score, member_of(i), keyspace => 'memory')",
		redis => "'ZADD', 'board', score, m",
		columns => 'member text PRIMARY KEY, score float8 NOT NULL', index => 'score, member', row => "member_of(i), $score" },
	{   what => 'member of a sorted set of 100', goal => [ 11, '<= 0.70x' ],
		hotset => "zadd('board:' || i % $sets_of_100, $score, member_of(i), keyspace => 'memory')",
		redis => "'ZADD', 'board:' .. i % $sets_of_100, score, m" },
	{   what => 'member of a sorted set of 100, whole numbers as scores', goal => [ 11, '<= 0.70x' ],
		hotset => "zadd('board:' || i % $sets_of_100, i::bigint * 7919 % 1000003, member_of(i), keyspace => 'memory')",
		redis => "'ZADD', 'board:' .. i % $sets_of_100, i * 7919 % 1000003, m" },
	{   what => 'member of a sorted set of 100, one set after the other', calls => $half,
		hotset => "zadd('board:' || i / 100, $score, member_of(i), keyspace => 'memory')",
		redis => "'ZADD', 'board:' .. math.floor(i / 100), score, m" },
	{   what => 'member of a sorted set of 20', calls => $half,
		hotset => "zadd('board:' || i % $sets_of_20, $score, member_of(i), keyspace => 'memory')",
		redis => "'ZADD', 'board:' .. i % $sets_of_20, score, m" },
	{   what => 'hash of 10 fields', units => 0.1, goal => [ 24, '<= 0.8x' ],
		hotset => "hset('hash:' || i % $hashes, 'field' || i / $hashes, 'value' || i, keyspace => 'memory')",
		redis => "'HSET', 'hash:' .. i % $hashes, 'field' .. math.floor(i / $hashes), 'value' .. i" },
	{   what => 'field of a hash of 1,000,000', goal => [ 24, '<= 0.55x' ],
		hotset => "hset('hash', member_of(i), 'value' || i, keyspace => 'memory')",
		redis => "'HSET', 'hash', m, 'value' .. i" },
	{   what => 'integer in a set of 1,000,000', goal => [ 24, '<= 0.5x' ],
		hotset => "sadd('set', i::text, keyspace => 'memory')",
		redis => "'SADD', 'set', i" },
	{   what => 'item of 20 random hexadecimal digits in a list of 1,000,000', goal => [ 24, '<= 0.8x' ],
		hotset => "rpush('list', left(md5(i::text), 20), keyspace => 'memory')",
		redis => "'RPUSH', 'list', redis.sha1hex(i):sub(1, 20)" },
	{   what => 'the same, numbered items, most digits alike',
		hotset => "rpush('list', 'item:' || lpad(i::text, 15, '0'), keyspace => 'memory')",
		redis => "'RPUSH', 'list', string.format('item:%015d', i)" },
);

# Bytes that the case takes in each system, for $n calls: (hotset, hotset without dead records, Redis, table).
my @empty;
sub bytes
{
	my ($case, $n) = @_;
	flush_redis();
	my $redis_empty = redis_info('redis', 'used_memory');
	my $value = 'v' x ($case->{size} // 40);
	my $score = $case->{redis} =~ /\bscore\b/ ? "local score = string.format('%.17g', i * 7919 % 1000003 / 1000003)" : '';
	# Redis fills itself meanwhile
	open(my $filling, '-|', 'redis-cli', '-s', "$sockets/redis", 'EVAL', "local v = '$value' for i = 0, $n - 1 do
		local k, m = string.format('%.0f', 1000000000 + i), string.format('member:%06d', i) $score redis.call($case->{redis}) end", 0) or die "redis-cli: $!";

	# the server exists, its memory comes with the first key
	sql("CREATE SERVER memory FOREIGN DATA WRAPPER hotset OPTIONS (memory '450MB')", "SELECT kv_set('x', 'x', keyspace => 'memory')");
	@empty = hotset_bytes('memory') unless @empty;
	sql("SELECT count($case->{hotset}) FROM generate_series(0, $n - 1) AS i");
	my $table;
	if ($case->{columns})
	{
		$table = sql("CREATE UNLOGGED TABLE measured ($case->{columns})", $case->{index} ? "CREATE INDEX ON measured ($case->{index})" : (),
			"INSERT INTO measured SELECT $case->{row} FROM generate_series(0, $n - 1) AS i", "SELECT pg_total_relation_size('measured')");
		sql('DROP TABLE measured');
	}
	# the worker has had time to tidy up
	my ($own, $live) = hotset_bytes('memory');
	sql('DROP SERVER memory');
	my $reply = join('', <$filling>);
	close($filling) && $reply !~ /ERR/ or die "redis: $reply";
	my $redis = redis_info('redis', 'used_memory') - $redis_empty;
	return ($own - $empty[0], $live - $empty[1], $redis, $table);
}

# What a key costs beyond its own bytes, by the size of the value.
sub plot_sizes
{
	my $n = $million * 0.2;
	my @systems = ('hotset', 'Redis', 'UNLOGGED table');
	my @series = map { [$_] } @systems;
	foreach my $size (map { 2**$_ } 3 .. 10)
	{
		my ($own, undef, $redis, $table) = bytes({ size => $size, hotset => "kv_set(key_of(i), repeat('v', $size), keyspace => 'memory')",
			redis => "'SET', k, v", columns => 'key text PRIMARY KEY, value text NOT NULL', row => "key_of(i), repeat('v', $size)" }, $n);
		my @bytes = ($own, $redis, $table);
		push @{ $series[$_] }, [ $size, $bytes[$_] / $n - 10 - $size ] foreach 0 .. $#systems;
	}
	plot('memory', title => 'Memory of a key beyond the bytes of key and value, ' . three_digits($n) . ' keys', xlabel => 'bytes of the value', ylabel => 'bytes',
		set => [ 'logscale x 2', 'yrange [0:*]' ], series => \@series);
	return;
}

sub measure
{
	my @titles = ('hotset', 'Redis', 'UNLOGGED table');
	my @live;
	say_line("\n## Memory\n");
	say_line('Bytes of memory (table: of files) for each, key and overhead included: what `hotset_stats` charges to the keyspace, used_memory of ' .
		'Redis, pg_total_relation_size of an UNLOGGED table with its indexes. In parentheses: how many times less hotset needs.');
	table_head($quick ? 'quick: a tenth of' : '1,000,000 of', @titles);
	foreach my $case (@cases)
	{
		my $calls = $case->{calls} // $million;
		my ($own, $live, $redis, $table) = map { defined ? $_ / $calls / ($case->{units} // 1) : undef } bytes($case, $calls);
		table_row($case->{what}, 'less', \@titles, $own, $redis, $table);
		push @live, "$case->{what} " . three_digits($live);
		goal($case->{goal}[0], "bytes: $case->{what}", $case->{goal}[1], $own / $redis, baseline('B', hotset => $own, 'Redis' => $redis)) if $case->{goal};
	}
	say_line("\nWithout dead records, which are compacted away when the keyspace needs the room: " . join('; ', @live) . '.');
	plot_sizes();
	return;
}

1;
