# Hit ratio under a memory limit.
package Bench::Section::hits;
use strict;
use warnings;
use Time::HiRes qw(time sleep);
use Bench;

section(hits => \&measure);

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

sub measure
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

1;
