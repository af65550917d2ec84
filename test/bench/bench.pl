#!/usr/bin/perl
#
# The measurements behind docs/benchmarks.md; run.sh starts the servers.
#
# Every figure is the median of several rounds.  Rounds are interleaved: one
# measurement of each system, then the next round, so that a disturbance of
# the machine meets all of them alike.
use strict;
use warnings;
use Getopt::Long;
use List::Util qw(sum max);
use Time::HiRes qw(time sleep);
use FindBin;

my ($sockets, $out, $quick, $only);
GetOptions('sockets=s' => \$sockets, 'out=s' => \$out, quick => \$quick, 'only=s' => \$only)
  or die "usage: run.sh [--quick] [--only loops,trips,memory,hits,expiry,distinct]\n";

my $rounds = $quick ? 3 : 5;
my $nkeys = $quick ? 20_000 : 100_000;
my $million = $quick ? 100_000 : 1_000_000;
my $seconds = $quick ? 1 : 2;
my $page = '';
my @losses;

# ---- Talking to the servers -------------------------------------------------

sub run_command
{
	open(my $pipe, '-|', @_) or die "cannot run $_[0]: $!";
	my $output = join('', <$pipe>);
	close($pipe) or die "failed: @_\n$output";
	chomp $output;
	return $output;
}

sub sql { return run_command('env', 'PGOPTIONS=-c client_min_messages=warning', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', $_[0]) }

sub redis
{
	my ($server, @command) = @_;
	my $reply = run_command('redis-cli', '-s', "$sockets/$server", @command);
	die "redis: $reply\n" if $reply =~ /^(ERR|WRONGTYPE|OOM|NOSCRIPT|\(error\))/;
	return $reply;
}

sub redis_info { my ($server, $field) = @_; return redis($server, 'INFO') =~ /^$field:(\S+?)\r?$/m ? $1 : die "no $field" }

my %redis_pid;
sub redis_cpu_ns
{
	my ($server) = @_;
	my $pid = $redis_pid{$server} //= redis_info($server, 'process_id');
	open(my $file, '<', "/proc/$pid/schedstat") or die "/proc/$pid/schedstat: $!";
	return (split ' ', <$file>)[0];
}

# ---- Numbers and tables -----------------------------------------------------

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ $#sorted / 2 ] }

sub three_digits
{
	my ($x) = @_;
	return '-' unless defined $x;
	return sprintf('%.2f', $x) if $x < 10;
	return sprintf('%.1f', $x) if $x < 100;
	my $whole = sprintf('%.0f', $x);
	1 while $whole =~ s/^(\d+)(\d{3})/$1,$2/;
	return $whole;
}

sub ratio
{
	my ($x) = @_;
	return $x < 1 ? sprintf('%.2f', $x) : $x < 9.95 ? sprintf('%.1f', $x) : three_digits(sprintf('%.0f', $x)) =~ s/\.\d+$//r;
}

sub say_line { my ($line) = @_; $page .= "$line\n"; print "$line\n"; return }

sub table_head
{
	my @titles = @_;
	say_line('');
	say_line('| ' . join(' | ', @titles) . ' |');
	say_line('|---|' . '--:|' x $#titles);
	return;
}

# A row of values, hotset first: each other one with its ratio to hotset's.
# 'better' tells whether more or less is better ('baseline': neither); losses are collected.
sub table_row
{
	my ($what, $better, $titles, @values) = @_;
	my ($own, @others) = @values;
	my @cells = (three_digits($own));
	foreach my $i (0 .. $#others)
	{
		my $other = $others[$i];
		if (!defined $other) { push @cells, '-'; next }
		if ($better eq 'baseline') { push @cells, three_digits($other); next }
		my ($worse, $base) = $better eq 'less' ? ($other, $own) : ($own, $other);
		my $factor = max($worse, 1e-3) / max($base, 1e-3);
		push @cells, sprintf('%s (%s x)', three_digits($other), ratio($factor));
		push @losses, sprintf('%s: %s is %s times better (%s, hotset %s)', $what, $titles->[ $i + 1 ],
			ratio(1 / $factor), three_digits($other), three_digits($own))
		  if $factor < 0.95;
	}
	say_line("| $what | " . join(' | ', @cells) . ' |');
	return;
}

# ---- In-procedure loops -----------------------------------------------------

# Statement in PL/pgSQL for each system; k is the key, m the member, i counts.
# hotset and pgmemcache functions are assigned, as one does in a procedure.
my $live = "(expires_at IS NULL OR expires_at > clock_timestamp())";
my @loops = (
	{   what => 'loop alone', baseline => 1,
		hotset => 'NULL;', redis => '', table => 'NULL;', times => 20 },
	{   what => 'loop with a call of a built-in function', baseline => 1,
		hotset => 'n := octet_length(k);', redis => "local n = string.len(k)", table => 'n := octet_length(k);', times => 20 },
	{   what => 'get',
		hotset => 'v := kv_get(k);',
		redis => "redis.call('GET', k)",
		table => "SELECT value INTO v FROM cache WHERE key = k AND $live;",
		memcached => 'v := memcache_get(k);', times => 10 },
	{   what => 'get of a missing key',
		hotset => "v := kv_get(m);",
		redis => "redis.call('GET', m)",
		table => "SELECT value INTO v FROM cache WHERE key = m AND $live;",
		memcached => 'v := memcache_get(m);', times => 10 },
	{   what => 'set, 40 bytes',
		hotset => "b := kv_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv');",
		redis => "redis.call('SET', k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv')",
		table => "INSERT INTO cache VALUES (k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', NULL)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;",
		memcached => "b := memcache_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv');", times => 5 },
	{   what => 'set with time to live',
		hotset => "b := kv_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', hour);",
		redis => "redis.call('SET', k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', 'EX', 3600)",
		table => "INSERT INTO cache VALUES (k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', clock_timestamp() + hour)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at;",
		memcached => "b := memcache_set(k, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', hour);", times => 5 },
	{   what => 'incr',
		hotset => "n := kv_incr('n' || k);",
		redis => "redis.call('INCR', 'n' .. k)",
		table => "INSERT INTO counter VALUES ('n' || k, 1)
			ON CONFLICT (key) DO UPDATE SET value = counter.value + 1 RETURNING value INTO n;",
		memcached => "n := memcache_incr('n' || k);", times => 5 },
	{   what => 'zadd, new score',
		hotset => "n := zadd('board', (i * 7919 % 1000000)::float8, m);",
		redis => "redis.call('ZADD', 'board', i * 7919 % 1000000, m)",
		table => "INSERT INTO board VALUES (m, (i * 7919 % 1000000)::float8)
			ON CONFLICT (member) DO UPDATE SET score = excluded.score;", times => 3 },
	{   what => 'zincrby',
		hotset => "f := zincrby('board', 1, m);",
		redis => "redis.call('ZINCRBY', 'board', 1, m)",
		table => "UPDATE board SET score = score + 1 WHERE member = m RETURNING score INTO f;", times => 3 },
	{   what => 'zscore',
		hotset => "f := zscore('board', m);",
		redis => "redis.call('ZSCORE', 'board', m)",
		table => "SELECT score INTO f FROM board WHERE member = m;", times => 5 },
	{   what => 'zrevrank',
		hotset => "n := zrevrank('board', m);",
		redis => "redis.call('ZREVRANK', 'board', m)",
		table => "SELECT count(*) INTO n FROM board, (SELECT score AS s, member AS x FROM board WHERE member = m) AS me
			WHERE (score, member) > (s, x);", times => 3, table_calls => 20 },
	{   what => 'top 10',
		hotset => "FOR r IN SELECT member, score FROM zrange('board', 0, 9, rev => true) LOOP n := n + 1; END LOOP;",
		redis => "n = n + #redis.call('ZRANGE', 'board', 0, 9, 'REV', 'WITHSCORES')",
		table => "FOR r IN SELECT member, score FROM board ORDER BY score DESC, member DESC LIMIT 10 LOOP n := n + 1; END LOOP;",
		times => 1 },
	{   what => 'rank and 2 neighbours on each side',
		hotset => "n := zrevrank('board', m);
			FOR r IN SELECT member, score, rank FROM zrange('board', greatest(n - 2, 0), n + 2, rev => true) LOOP f := r.score; END LOOP;",
		redis => "local rank = redis.call('ZREVRANK', 'board', m)
			redis.call('ZRANGE', 'board', math.max(rank - 2, 0), rank + 2, 'REV', 'WITHSCORES')",
		table => "SELECT count(*) INTO n FROM board, (SELECT score AS s, member AS x FROM board WHERE member = m) AS me
				WHERE (score, member) > (s, x);
			FOR r IN SELECT member, score FROM board ORDER BY score DESC, member DESC OFFSET greatest(n - 2, 0) LIMIT 5
				LOOP f := r.score; END LOOP;", times => 1, table_calls => 10 },
);

sub plpgsql_loop
{
	my ($statement, $times, $calls, $clock) = @_;
	my $result = sql(<<"SQL");
CREATE OR REPLACE FUNCTION pg_temp.measure() RETURNS float8 LANGUAGE plpgsql AS \$body\$
DECLARE
	-- variables of an array type are kept taken apart, so that elements are found at once
	all_keys text[]; all_members text[]; k text; m text; v text; b bool; n bigint := 0; f float8; r record;
	i bigint := 0; hour interval := '1 hour'; c0 float8;
BEGIN
	SELECT keys[1:$calls], members[1:$calls] INTO all_keys, all_members FROM names;
	c0 := $clock;
	FOR pass IN 1 .. $times LOOP
		FOREACH k IN ARRAY all_keys LOOP
			i := i + 1;
			m := all_members[i % $calls + 1];
			$statement
		END LOOP;
	END LOOP;
	RETURN ($clock - c0) / i;
END \$body\$;
SELECT pg_temp.measure();
SQL
	return $result;
}

sub lua_loop
{
	my ($statement, $times) = @_;
	my $script = <<"LUA";
local n, i = 0, 0
for pass = 1, $times do
	for j = 1, #names do
		local k, m = names[j], members[j]
		i = i + 1
		$statement
	end
end
return i
LUA
	# the arrays are made before the clock starts: by the same script without calls
	my $head = "local names, members = {}, {}
for j = 1, $nkeys do local x = j * 7919 % $nkeys + 1 names[j] = 'key:' .. x members[j] = 'member:' .. x end\n";
	my @cost;
	foreach my $body ($head . 'return 0', $head . $script)
	{
		my $before = redis_cpu_ns('redis');
		my $calls = redis('redis', 'EVAL', $body, 0);
		push @cost, redis_cpu_ns('redis') - $before;
	}
	return max($cost[1] - $cost[0], 0) / ($times * $nkeys);
}

sub measure_loops
{
	my %times;
	my $cpu = 'cpu_ns()';
	my $wall = "extract(epoch FROM clock_timestamp()) * 1e9";
	foreach my $round (1 .. $rounds)
	{
		foreach my $loop (@loops)
		{
			my $t = $times{ $loop->{what} } //= {};
			push @{ $t->{hotset} }, plpgsql_loop($loop->{hotset}, $loop->{times}, $nkeys, $cpu);
			push @{ $t->{redis} }, lua_loop($loop->{redis}, $loop->{times});
			push @{ $t->{table} }, $loop->{table_calls}
			  ? plpgsql_loop($loop->{table}, 1, $loop->{table_calls}, $cpu)
			  : plpgsql_loop($loop->{table}, 1, $nkeys, $cpu);
			push @{ $t->{memcached} }, plpgsql_loop($loop->{memcached}, 1, int($nkeys / 5), $wall) if $loop->{memcached};
		}
		sql('VACUUM cache, counter, board');
	}
	my @titles = ('hotset', 'Redis, Lua', 'UNLOGGED table', 'memcached');
	say_line("\n## In a procedure\n");
	say_line("Nanoseconds per operation in a loop of PL/pgSQL (Redis: of Lua, in EVAL), loop included, " .
		"on " . three_digits($nkeys) . " keys and a board of as many members. CPU time of the one process that works; " .
		"elapsed time for memcached, where two take turns. In parentheses: how many times faster hotset is.");
	table_head('operation', @titles);
	table_row($_->{what}, $_->{baseline} ? 'baseline' : 'less', \@titles, map { $_ ? median(@$_) : undef } @{ $times{ $_->{what} } }{qw(hotset redis table memcached)})
	  foreach @loops;
	return;
}

# ---- Round trips ------------------------------------------------------------

my @trips = (
	[ 'get', 'get', 'GET key:__rand_int__' ],
	[ 'set, 40 bytes', 'set', 'SET key:__rand_int__ vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv' ],
	[ 'incr', 'incr', 'INCR nkey:__rand_int__' ],
	[ 'zadd, new score', 'zadd', 'ZADD rt-board __rand_int__ member:__rand_int__' ],
	[ 'zincrby', 'zincrby', 'ZINCRBY rt-board 1 member:__rand_int__' ],
	[ 'zrevrank', 'zrank', 'ZREVRANK rt-board member:__rand_int__' ],
	[ 'top 10', 'top10', 'ZRANGE rt-board 0 9 REV WITHSCORES' ],
);

sub pgbench
{
	my ($script, $clients) = @_;
	my $report = run_command('pgbench', '-n', '-M', 'prepared', '-c', $clients, '-j', $clients > 1 ? 2 : 1, '-T', $seconds,
		'-D', "nkeys=$nkeys", '-f', "$FindBin::Bin/pgbench/$script.sql");
	return $report =~ /^tps = ([\d.]+)/m ? $1 : die "pgbench: $report";
}

sub redis_benchmark
{
	my ($command, $clients, $calls) = @_;
	my $report = run_command('redis-benchmark', '-s', "$sockets/redis", '-c', $clients, '-n', $calls, '-r', $nkeys,
		'--csv', split ' ', $command);
	my @line = split /\n/, $report;
	return $line[-1] =~ /^"[^"]*","([\d.]+)"/ ? $1 : die "redis-benchmark: $report";
}

sub measure_trips
{
	redis('redis', 'EVAL', "for j = 0, $nkeys - 1 do
		local x = string.format('%012d', j)
		redis.call('SET', 'key:' .. x, string.rep('v', 40)) redis.call('SET', 'nkey:' .. x, 1)
		redis.call('ZADD', 'rt-board', j, 'member:' .. x) end", 0);
	my @clients = (1, 8);
	my %tps;
	foreach my $round (1 .. $rounds)
	{
		foreach my $trip (@trips)
		{
			my ($what, $script, $command) = @$trip;
			foreach my $c (@clients)
			{
				push @{ $tps{$what}{$c}{hotset} }, pgbench("hotset_$script", $c);
				push @{ $tps{$what}{$c}{redis} }, redis_benchmark($command, $c, $quick ? 10_000 : 40_000 * ($c > 1 ? 2 : 1));
				push @{ $tps{$what}{$c}{table} }, pgbench("table_$script", $c);
			}
		}
		sql('VACUUM cache, counter, board');
	}
	my @titles = ('hotset', 'Redis', 'UNLOGGED table');
	say_line("\n## Over a connection\n");
	say_line('Operations per second over unix sockets, one call a round trip: pgbench -M prepared, redis-benchmark without ' .
		'pipelining. In parentheses: how many times more hotset does.');
	foreach my $c (@clients)
	{
		table_head($c == 1 ? '1 client' : "$c clients", @titles);
		table_row("$_->[0], $c client" . ($c > 1 ? 's' : ''), 'more', \@titles,
			map { median(@$_) } @{ $tps{ $_->[0] }{$c} }{qw(hotset redis table)}) foreach @trips;
	}
	return;
}

# ---- Memory -----------------------------------------------------------------

# Bytes charged, and without what compaction gives back as soon as it is needed.
sub hotset_bytes
{
	return split /\|/, sql("SELECT bytes, bytes - record_bytes + live_record_bytes FROM hotset_stats WHERE keyspace = '$_[0]'");
}

sub measure_memory
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

# ---- Hit ratio under a limit ------------------------------------------------

# Requests for keys 0 .. n-1 by a Zipf law of exponent s, always the same.
sub zipf_trace
{
	my ($n, $s, $requests) = @_;
	my @cumulative;
	my $total = 0;
	push @cumulative, $total += 1 / $_**$s foreach 1 .. $n;
	srand(42);
	my @trace;
	foreach (1 .. $requests)
	{
		my $u = rand($total);
		my ($low, $high) = (0, $n - 1);
		while ($low < $high)
		{
			my $middle = ($low + $high) >> 1;
			if ($cumulative[$middle] < $u) { $low = $middle + 1 } else { $high = $middle }
		}
		# neighbours in popularity are no neighbours in the key space
		push @trace, $low * 7919 % $n;
	}
	return \@trace;
}

# Misses are filled, as a cache would be; the second half counts.
sub replay_hotset
{
	my ($trace, $eviction, $bytes) = @_;
	sql("CREATE SERVER hits FOREIGN DATA WRAPPER hotset OPTIONS (memory '${bytes}B', eviction '$eviction')");
	sql('CREATE TABLE IF NOT EXISTS trace (keys int[]); TRUNCATE trace');
	open(my $copy, '|-', 'psql', '-Xq', '-c', 'COPY trace FROM STDIN') or die $!;
	print $copy '{', join(',', @$trace), "}\n";
	close($copy) or die 'COPY failed';
	my $rate = sql(<<"SQL");
CREATE FUNCTION pg_temp.replay() RETURNS float8 LANGUAGE plpgsql AS \$body\$
DECLARE
	requests int[] := (SELECT keys FROM trace);
	id int; i int := 0; hits int := 0; k text;
BEGIN
	FOREACH id IN ARRAY requests LOOP
		i := i + 1;
		k := 'key:' || id;
		IF kv_get(k, 'hits') IS NOT NULL THEN
			IF i > cardinality(requests) / 2 THEN hits := hits + 1; END IF;
		ELSE
			PERFORM kv_set(k, repeat('v', 40), keyspace => 'hits');
		END IF;
	END LOOP;
	RETURN 200.0 * hits / cardinality(requests);
END \$body\$;
SELECT pg_temp.replay();
SQL
	my $keys = sql("SELECT keys FROM hotset_stats WHERE keyspace = 'hits'");
	sql('DROP SERVER hits');
	return ($rate, $keys);
}

# Slowly, in step with the clocks of LRU (seconds) and LFU (minutes) in Redis.
sub replay_redis
{
	my ($trace, $bytes, $duration, @servers) = @_;
	my $chunk = 5000;
	my $script = "local hits = 0
for i = 1, #ARGV do
	local k = 'key:' .. ARGV[i]
	if redis.call('GET', k) then hits = hits + 1
	else redis.call('SET', k, string.rep('v', 40)) end
end
return hits";
	my (%hits, %sha);
	foreach my $server (@servers)
	{
		redis($server, 'FLUSHALL', 'SYNC');
		redis($server, 'CONFIG', 'SET', 'maxmemory', redis_info($server, 'used_memory') + $bytes);
		$hits{$server} = 0;
		$sha{$server} = redis($server, 'SCRIPT', 'LOAD', $script);
	}
	my $begin = time;
	my $half = @$trace / 2;
	for (my $at = 0; $at < @$trace; $at += $chunk)
	{
		my $end = $at + $chunk > @$trace ? $#$trace : $at + $chunk - 1;
		my @ids = @$trace[ $at .. $end ];
		foreach my $server (@servers)
		{
			my $hits = redis($server, 'EVALSHA', $sha{$server}, 0, @ids);
			$hits{$server} += $hits if $at >= $half;
		}
		my $wait = $begin + $duration * $end / @$trace - time;
		sleep($wait) if $wait > 0;
	}
	return map { 200 * $hits{$_} / @$trace, redis($_, 'DBSIZE') } @servers;
}

sub measure_hits
{
	my $keys = $million;
	my $requests = $quick ? 200_000 : 2_000_000;
	my $bytes = ($quick ? 4 : 12) * 1024 * 1024;
	my $duration = $quick ? 5 : 60;
	say_line("\n## Hit ratio under a limit\n");
	say_line(three_digits($requests) . ' requests for ' . three_digits($keys) . ' keys with values of 40 bytes, ' . $bytes / 1048576 .
		" MB for each system (Redis: on top of what it needs empty), misses are filled, the second half counts. Redis was given $duration s, " .
		'because its clocks tick in seconds and minutes. Miss ratio in percent; in parentheses: how many times fewer misses hotset has.');
	my @titles = ('hotset s3fifo', 'Redis allkeys-lru', 'Redis allkeys-lfu');
	table_head('requests', @titles);
	foreach my $s (1.0, 0.8)
	{
		my $trace = zipf_trace($keys, $s, $requests);
		my ($own, $own_keys) = replay_hotset($trace, 's3fifo', $bytes);
		my ($lru, $lru_keys, $lfu, $lfu_keys) = replay_redis($trace, $bytes, $duration, 'lru', 'lfu');
		table_row(sprintf('Zipf %.1f', $s), 'less', \@titles, 100 - $own, 100 - $lru, 100 - $lfu);
		say_line(sprintf('| keys that fit | %s | %s | %s |', map { three_digits($_) } $own_keys, $lru_keys, $lfu_keys));
	}
	return;
}

# ---- Expiry -----------------------------------------------------------------

sub process_cpu_ns
{
	my ($pid) = @_;
	open(my $file, '<', "/proc/$pid/schedstat") or die "/proc/$pid/schedstat: $!";
	return (split ' ', <$file>)[0];
}

# Seconds from the instant of expiry until a count reaches 0, and CPU it took.
sub until_gone
{
	my ($instant, $pid, $count) = @_;
	sleep($instant - 0.2 - time) if $instant - 0.2 > time;
	my $cpu = process_cpu_ns($pid);
	sleep($instant - time) if $instant > time;
	while ($count->() > 0)
	{
		die "not expired after two minutes" if time > $instant + 120;
		sleep(0.1);
	}
	return (time - $instant, (process_cpu_ns($pid) - $cpu) / 1e6);
}

sub measure_expiry
{
	my $lead = $quick ? 3 : 12;
	sql("CREATE SERVER expiring FOREIGN DATA WRAPPER hotset OPTIONS (memory '300MB')");
	my $instant = int(time) + $lead;
	sql("SELECT count(kv_set('key:' || i, repeat('v', 40), keyspace => 'expiring')) FROM generate_series(1, $million) AS i");
	sql("SELECT count(kv_expire_at('key:' || i, to_timestamp($instant), keyspace => 'expiring')) FROM generate_series(1, $million) AS i");
	die "machine too slow for the expiry test" if time > $instant;
	my $worker = sql("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'hotset%'");
	my @own = until_gone($instant, $worker, sub { sql("SELECT keys FROM hotset_stats WHERE keyspace = 'expiring'") });
	sql('DROP SERVER expiring');
	$instant = int(time) + $lead;
	redis('redis', 'FLUSHALL', 'SYNC');
	redis('redis', 'EVAL', "for i = 1, $million do redis.call('SET', 'key:' .. i, string.rep('v', 40), 'EXAT', $instant) end", 0);
	my @redis = until_gone($instant, redis_info('redis', 'process_id'), sub { redis('redis', 'DBSIZE') });
	say_line("\n## Expiry\n");
	say_line(three_digits($million) . ' keys that expire at the same instant: nobody reads them, when is the memory back? Polled ten times a second; ' .
		'the worker of hotset runs with its default budget.');
	my @titles = ('hotset', 'Redis');
	table_head('', @titles);
	table_row('expiry: seconds until all are gone', 'less', \@titles, $own[0], $redis[0]);
	table_row('expiry: CPU of the worker (Redis: of the server), ms', 'less', \@titles, $own[1], $redis[1]);
	return;
}

# ---- Distinct values --------------------------------------------------------

sub measure_distinct
{
	my $rows = $million * 2;
	sql("CREATE TABLE visits AS SELECT 'visitor' || (i * 7919::bigint) % $million AS who FROM generate_series(1, $rows) AS i");
	sql('VACUUM ANALYZE visits');
	my %query = (
		hotset => 'SELECT approx_count_distinct(who) FROM visits',
		hll => 'SELECT pghll.hll_cardinality(pghll.hll_add_agg(pghll.hll_hash_text(who), 14)) FROM visits',
		exact => 'SELECT count(DISTINCT who) FROM visits',
	);
	my (%ms, %estimate);
	foreach my $round (1 .. $rounds)
	{
		foreach my $system (qw(hotset hll exact))
		{
			foreach my $workers (0, 2)
			{
				my $result = sql("SET max_parallel_workers_per_gather = $workers; SET min_parallel_table_scan_size = 0;
					EXPLAIN (ANALYZE, TIMING OFF) $query{$system}");
				push @{ $ms{$system}{$workers} }, $result =~ /Execution Time: ([\d.]+)/ ? $1 : die $result;
			}
		}
	}
	$estimate{$_} = sql($query{$_}) foreach keys %query;
	sql('DROP TABLE visits');
	say_line("\n## Distinct values\n");
	say_line(three_digits($rows) . ' rows with ' . three_digits($million) . ' distinct texts; postgresql-hll with 14 bits too. Milliseconds; in parentheses: ' .
		'how many times faster hotset is.');
	my @titles = ('approx_count_distinct', 'postgresql-hll', 'count(DISTINCT)');
	table_head('', @titles);
	table_row('distinct, one process', 'less', \@titles, map { median(@{ $ms{$_}{0} }) } qw(hotset hll exact));
	table_row('distinct, two workers allowed', 'less', \@titles, map { median(@{ $ms{$_}{2} }) } qw(hotset hll exact));
	say_line(sprintf('| error of this count, %% | %.2f | %.2f | %.2f |',
		map { 100 * abs($estimate{$_} / $million - 1) } qw(hotset hll exact)));
	return;
}

# ---- The page ---------------------------------------------------------------

my @sections = (
	[ loops => \&measure_loops ], [ trips => \&measure_trips ], [ memory => \&measure_memory ],
	[ hits => \&measure_hits ], [ expiry => \&measure_expiry ], [ distinct => \&measure_distinct ]);
my %wanted = map { $_ => 1 } split /,/, $only // join(',', map { $_->[0] } @sections);

sub losses
{
	return "\n## Where hotset loses\n\n" . (@losses ? join('', map { "- $_\n" } @losses) : "Nowhere in this run.\n");
}

# After each section, so that a run that is cut short leaves what it has.
sub write_page
{
	open(my $file, '>', $out) or die "$out: $!";
	print $file $page, losses();
	close($file);
	return;
}

sub machine
{
	my $cpu = run_command('sh', '-c', "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1");
	my $cores = run_command('nproc');
	my $version = sql('SHOW server_version') =~ s/ .*//r;
	my $redis = redis_info('redis', 'redis_version');
	my $load = (split ' ', run_command('cat', '/proc/loadavg'))[0];
	return "$cpu, $cores cores, PostgreSQL $version, Redis $redis; load average at the start $load; medians of $rounds interleaved rounds.";
}

say_line("# Benchmarks\n\nWritten by `test/bench/run.sh`; run it on your machine, the ratios matter more than the figures.\n");
say_line(machine());
run_command('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-v', "nkeys=$nkeys", '-o', '/dev/null', '-f', "$FindBin::Bin/setup.sql");
sql("SELECT count(memcache_set(k, repeat('v', 40))), count(memcache_set('n' || k, '1')) FROM names, unnest(keys) AS k");
redis('redis', 'EVAL', "for i = 1, $nkeys do redis.call('SET', 'key:' .. i, string.rep('v', 40)) redis.call('SET', 'nkey:' .. i, 1)
	redis.call('ZADD', 'board', i * 7919 % 1000000, 'member:' .. i) end", 0);
foreach my $section (@sections)
{
	next unless $wanted{ $section->[0] };
	$section->[1]->();
	write_page() unless $quick || $only;
}
print losses();
