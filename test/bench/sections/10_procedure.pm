# Keys in a loop of PL/pgSQL beside Redis in Lua, a table and memcached.
package Bench::Section::procedure;
use strict;
use warnings;
use IO::Socket::UNIX;
use Bench;

section(procedure => \&measure, seconds => 75);

# The statement of each system; plpgsql_loop() says what it may use.  'range':
# of the keys, a million unless given.  The table's statements are the shortest
# that do the work: without a time to live it has no column for one.
my @cases = (
	{   name => 'constant', what => 'loop alone, with a constant', baseline => 1,
		hotset => 'v := bytes40;', redis => 'local v = bytes40' },
	{   name => 'loop', what => 'loop alone, with a key', range => 1000, baseline => 1,
		hotset => 'v := keys[i];', redis => 'local v = keys[i]' },
	{   name => 'hot', what => 'get, one key', closely => 1,
		hotset => "v := kv_get('1000000007');", noop => "v := noop_kv_get('1000000007');",
		redis => "local v = cmd('GET', '1000000007')",
		table => "SELECT value INTO v FROM plain WHERE key = '1000000007';",
		memcached => "v := memcache_get('1000000007');" },
	{   name => 'thousand', what => 'get, 1,000 keys', range => 1000, closely => 1,
		hotset => 'v := kv_get(keys[i]);', noop => 'v := noop_kv_get(keys[i]);',
		redis => "local v = cmd('GET', keys[i])",
		table => 'SELECT value INTO v FROM plain WHERE key = keys[i];',
		memcached => 'v := memcache_get(keys[i]);' },
	{   name => 'get', what => 'get at random',
		hotset => 'v := kv_get(keys[i]);', noop => 'v := noop_kv_get(keys[i]);',
		redis => "local v = cmd('GET', keys[i])",
		table => 'SELECT value INTO v FROM plain WHERE key = keys[i];',
		memcached => 'v := memcache_get(keys[i]);' },
	{   name => 'missing', what => 'get of a missing key',
		hotset => 'v := kv_get(members[i]);', noop => 'v := noop_kv_get(members[i]);',
		redis => "local v = cmd('GET', members[i])",
		table => 'SELECT value INTO v FROM plain WHERE key = members[i];',
		memcached => 'v := memcache_get(members[i]);' },
	{   name => 'set', what => 'set at random, 40 bytes',
		hotset => 'b := kv_set(keys[i], bytes40);', noop => 'b := noop_kv_set(keys[i], bytes40);',
		redis => "cmd('SET', keys[i], bytes40)",
		table => 'INSERT INTO plain VALUES (keys[i], bytes40) ON CONFLICT (key) DO UPDATE SET value = excluded.value;',
		memcached => 'b := memcache_set(keys[i], bytes40);' },
	{   name => 'ttl', what => 'set at random with time to live',
		hotset => 'b := kv_set(keys[i], bytes40, hour);', noop => 'b := noop_kv_set(keys[i], bytes40, hour);',
		redis => "cmd('SET', keys[i], bytes40, 'EX', hour)",
		table => 'INSERT INTO expiring VALUES (keys[i], bytes40, clock_timestamp() + hour)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;',
		memcached => 'b := memcache_set(keys[i], bytes40, hour);' },
	{   name => 'incr', what => 'incr, one key',
		hotset => "n := kv_incr('hits');", noop => "n := noop_kv_incr('hits');",
		redis => "cmd('INCR', 'hits')",
		# in one transaction all versions of the row stay and each update passes them
		table => "UPDATE counter SET value = value + 1 WHERE key = 'hits' RETURNING value INTO n;", commit => 50,
		memcached => "n := memcache_incr('hits');" },
);

# A million keys into memcached; its own functions would need a minute.
sub fill_memcached
{
	my $socket = IO::Socket::UNIX->new("$sockets/memcached") or die "memcached: $!";
	my $value = 'v' x 40;
	print $socket "set $_ 0 0 40 noreply\r\n$value\r\n" foreach 1_000_000_000 .. 999_999_999 + $million;
	print $socket "set hits 0 0 1\r\n0\r\n";
	<$socket> =~ /STORED/ or die 'memcached does not store';
	return;
}

# Two that take about as long, one right after the other, often: [ hotset, no-op ] each time.
sub compare_closely
{
	my ($case, %o) = @_;
	my @pairs;
	foreach my $turn (1 .. 6)
	{
		my %ns = map { $_ => scalar(plpgsql_loop($case->{$_}, %o, calls => 0.1 * $million)) } in_turn($turn, 'hotset', 'noop');
		push @pairs, [ @ns{ 'hotset', 'noop' } ];
	}
	return @pairs;
}

sub measure
{
	need_keys();
	fill_memcached();
	sql('CREATE UNLOGGED TABLE counter (key text PRIMARY KEY, value bigint NOT NULL)', "INSERT INTO counter VALUES ('hits', 0)",
		'CREATE UNLOGGED TABLE expiring (key text PRIMARY KEY, value text NOT NULL, expires_at timestamptz NOT NULL)',
		"INSERT INTO expiring SELECT key, value, now() + '1 hour' FROM plain",
		'CREATE INDEX ON expiring (expires_at)', 'VACUUM ANALYZE expiring, counter');
	my (%ns, %closely);
	# 20,000 calls of one that takes 10 us are as exact as 200,000 of one that takes 1 us
	my %calls = (hotset => 0.2, noop => 0.2, redis => 0.15, table => 0.02, memcached => 0.002);
	foreach my $round (1 .. $rounds)
	{
		foreach my $case (@cases)
		{
			my %o = (seed => $case->{range} ? 1 : $round, range => $case->{range});
			foreach my $system (in_turn($round, grep { $case->{$_} } qw(hotset noop redis table memcached)))
			{
				my %run = (%o, calls => $million * $calls{$system}, commit => $system eq 'table' ? $case->{commit} : undef);
				my ($cpu, $elapsed) = $system eq 'redis' ? lua_loop($case->{redis}, %run) : plpgsql_loop($case->{$system}, %run);
				push @{ $ns{ $case->{name} }{$system} }, $system eq 'memcached' ? $elapsed : $cpu;
			}
			push @{ $closely{ $case->{name} } }, compare_closely($case, %o) if $case->{closely};
		}
		sql('VACUUM plain', 'VACUUM expiring', 'VACUUM counter');
	}
	sql('DROP TABLE counter, expiring');
	my @titles = ('hotset', 'no-op', 'Redis, Lua', 'UNLOGGED table', 'memcached');
	say_line("\n## Keys in a procedure\n");
	say_line('Nanoseconds per operation in a loop of PL/pgSQL (Redis: of Lua, in EVAL), loop included, on ' . three_digits($million) .
		' keys; every system gets the same sequence. CPU time of the one process that works; elapsed time for memcached, where two take ' .
		'turns. All of PL/pgSQL runs in one session, as Redis is one process. The no-op is a function in C with the same declaration that returns a constant, called by the same loop. In parentheses: how many times faster hotset is.');
	table_head('operation', @titles);
	foreach my $case (@cases)
	{
		my $ns = $ns{ $case->{name} };
		table_row($case->{what}, $case->{baseline} ? 'baseline' : 'less', \@titles,
			$ns->{hotset}, $ns->{noop} ? \$ns->{noop} : undef, @$ns{qw(redis table memcached)});
	}
	my $against = sub {
		my ($number, $what, $limit, $name, $system, $title) = @_;
		my ($own, $other) = @{ $ns{$name} }{ 'hotset', $system };
		($own, $other) = map { my $i = $_; [ map { $_->[$i] } @{ $closely{$name} } ] } 0, 1 if $system eq 'noop';
		my $baseline = baseline('ns', hotset => median(@$own), $title => median(@$other));
		if ($system eq 'noop')
		{
			my $loop = median(@{ $ns{ $name eq 'hot' ? 'constant' : 'loop' }{hotset} });
			my $calls = median(@{ ratios(map { my $all = $_; [ map { $_ - $loop } @$all ] } $own, $other) });
			$baseline .= sprintf(', loop included; of the loop alone %s ns, and without it %.2fx', three_digits($loop), $calls);
		}
		goal($number, $what, $limit, ratios($own, $other), $baseline);
	};
	my ($noop, $redis) = ([ 'noop', 'no-op' ], [ 'redis', 'Redis in Lua' ]);
	$against->(1, '`kv_get` of one key', '<= 1.6x', 'hot', @$noop);
	$against->(1, '`kv_get` of 1,000 keys', '<= 1.8x', 'thousand', @$noop);
	$against->(2, '`kv_get` at random', '<= 0.45x', 'get', @$redis);
	$against->(2, '`kv_get` at random', '<= 0.10x', 'get', 'table', 'SELECT by primary key');
	$against->(3, '`kv_set` at random', '<= 0.50x', 'set', @$redis);
	$against->(3, '`kv_set` at random', '<= 0.06x', 'set', 'table', 'UPSERT');
	$against->(3, '`kv_set` at random, time to live', '<= 0.50x', 'ttl', @$redis);
	$against->(3, '`kv_set` at random, time to live', '<= 0.06x', 'ttl', 'table', 'UPSERT');
	$against->(4, '`kv_incr` of one key', '<= 0.8x', 'incr', @$redis);
	$against->(4, '`kv_incr` of one key', '<= 0.03x', 'incr', 'table', 'UPDATE');
	return;
}

1;
