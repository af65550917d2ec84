# Hit ratio under a memory limit.
package Bench::Section::hits;
use strict;
use warnings;
use IO::Socket::UNIX;
use Time::HiRes qw(time sleep);
use Bench;

section(hits => \&measure, seconds => 80, beside => 1);

# Requests for keys 0 .. n-1 by a Zipf law of exponent s, always the same.
sub zipf_trace
{
	my ($n, $s, $requests) = @_;
	my ($total, @cumulative, @guide) = (0);
	push @cumulative, $total += 1 / $_**$s foreach 1 .. $n;
	# where to begin the search for the i-th n-th of all requests
	my $at = 0;
	foreach my $i (0 .. $n)
	{
		$at++ while $at < $n - 1 && $cumulative[$at] < $total * $i / $n;
		push @guide, $at;
	}
	srand(42);
	my @trace;
	foreach (1 .. $requests)
	{
		my $u = rand();
		my $key = $guide[ $u * $n ];
		$key++ while $key < $n - 1 && $cumulative[$key] < $u * $total;
		# neighbours in popularity are no neighbours in the key space
		push @trace, $key * 7919 % $n;
	}
	return \@trace;
}

# Misses are filled, as a cache would be; the second half counts.  Replays [zipf, bytes] one
# after the other in a session of its own and returns where to read, for each, the
# share of hits in percent | how many keys fit in the end.
sub replay_hotset
{
	my @commands = (<<"SQL", map {
CREATE FUNCTION pg_temp.replay(z float8) RETURNS float8 LANGUAGE plpgsql AS \$body\$
DECLARE
	requests int[] := (SELECT keys FROM trace WHERE zipf = z);
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
END \$body\$
SQL
		my ($zipf, $bytes) = @$_;
		("CREATE SERVER hits FOREIGN DATA WRAPPER hotset OPTIONS (memory '${bytes}B', eviction 's3fifo')", "SELECT pg_temp.replay($zipf) AS hits \\gset",
			"SELECT :hits, keys FROM hotset_stats WHERE keyspace = 'hits'", 'DROP SERVER hits') } @_);
	open(my $script, '>', "$sockets/replay.sql") or die "replay.sql: $!";
	print $script map { /\\gset$/ ? "$_\n" : "$_;\n" } @commands;
	close($script);
	open(my $pipe, '-|', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', "$sockets/replay.sql") or die "psql: $!";
	return $pipe;
}

# Replay traces on several servers of Redis at once, slowly, in step with the
# clocks of LRU (seconds) and LFU (minutes).  A replay is { server, trace, bytes };
# it gets hits (in percent) and keys (that fit).
sub replay_redis
{
	my ($duration, @replays) = @_;
	my $chunk = 5000;
	my $script = "local hits = 0
for i = 1, #ARGV do
	local k = 'key:' .. ARGV[i]
	if redis.call('GET', k) then hits = hits + 1
	else redis.call('SET', k, string.rep('v', 40)) end
end
return hits";
	foreach my $r (@replays)
	{
		redis($r->{server}, 'FLUSHALL', 'SYNC');
		redis($r->{server}, 'CONFIG', 'SET', 'maxmemory', redis_info($r->{server}, 'used_memory') + $r->{bytes});
		$r->{found} = 0;
		$r->{sha} = redis($r->{server}, 'SCRIPT', 'LOAD', $script);
		$r->{socket} = IO::Socket::UNIX->new("$sockets/$r->{server}") or die "$r->{server}: $!";
	}
	my $begin = time;
	my $requests = @{ $replays[0]{trace} };
	for (my $at = 0; $at < $requests; $at += $chunk)
	{
		foreach my $r (@replays)
		{
			my @command = ('EVALSHA', $r->{sha}, 0, @{ $r->{trace} }[ $at .. $at + $chunk - 1 ]);
			print { $r->{socket} } '*' . @command . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @command;
			$r->{socket}->flush;
		}
		foreach my $r (@replays)
		{
			my $reply = readline($r->{socket}) // die "$r->{server} hangs up";
			die "$r->{server}: $reply" unless $reply =~ /^:(\d+)/;
			$r->{found} += $1 if $at >= $requests / 2;
		}
		my $wait = $begin + $duration * ($at + $chunk) / $requests - time;
		sleep($wait) if $wait > 0;
	}
	foreach my $r (@replays)
	{
		$r->{hits} = 200 * $r->{found} / $requests;
		$r->{keys} = redis($r->{server}, 'DBSIZE');
		redis($r->{server}, 'FLUSHALL', 'SYNC');
	}
	return;
}

sub measure
{
	my $requests = $quick ? 200_000 : 2_000_000;
	my $usual = $quick ? 4 : 12;
	my $duration = $quick ? 5 : 60;
	my @limits = map { $usual * $_ } 0.25, 0.5, 1, 2;
	# exponent of Zipf's law, MB, and the number of the servers of Redis, lru1 and lfu1 ..
	my @runs = ((map { [ '1.0', $limits[$_], $_ + 1 ] } 0 .. $#limits), [ '0.8', $usual, @limits + 1 ]);
	my (%trace, %own, @replays);
	sql('CREATE TABLE trace (zipf float8, keys int[])');
	foreach my $zipf ('1.0', '0.8')
	{
		$trace{$zipf} = zipf_trace($million, $zipf, $requests);
		open(my $copy, '|-', 'psql', '-Xq', '-c', 'COPY trace FROM STDIN') or die $!;
		print $copy "$zipf\t{", join(',', @{ $trace{$zipf} }), "}\n";
		close($copy) or die 'COPY failed';
	}
	my $results = replay_hotset(map { [ $_->[0], $_->[1] * 1048576 ] } @runs);
	foreach my $run (@runs)
	{
		my ($zipf, $mb, $number) = @$run;
		push @replays, { server => "$_$number", trace => $trace{$zipf}, bytes => $mb * 1048576 } foreach 'lru', 'lfu';
	}
	replay_redis($duration, @replays);
	$own{ $_->[2] } = [ split /\|/, readline($results) // die 'no hits' ] foreach @runs;
	close($results) or die 'psql failed';
	sql('DROP TABLE trace');
	my %redis = map { $_->{server} => $_ } @replays;

	say_line("\n## Hit ratio under a limit\n");
	say_line(three_digits($requests) . ' requests for ' . three_digits($million) . ' keys with values of 40 bytes, as much memory for each system ' .
		"(Redis: on top of what it needs empty), misses are filled, the second half counts. Redis was given $duration s, " .
		'because its clocks tick in seconds and minutes. Miss ratio in percent; in parentheses: how many times fewer misses hotset has.');
	my @titles = ('hotset s3fifo', 'Redis allkeys-lru', 'Redis allkeys-lfu');
	my @series = map { [$_] } @titles;
	table_head('requests', @titles);
	foreach my $run (@runs)
	{
		my ($zipf, $mb, $number) = @$run;
		my ($lru, $lfu) = @redis{ "lru$number", "lfu$number" };
		my @hits = ($own{$number}[0], $lru->{hits}, $lfu->{hits});
		table_row("Zipf $zipf, $mb MB", 'less', \@titles, map { 100 - $_ } @hits);
		say_line(sprintf('| keys that fit | %s | %s | %s |', map { three_digits($_) } $own{$number}[1], $lru->{keys}, $lfu->{keys}));
		if ($zipf eq '1.0') { push @{ $series[$_] }, [ $mb, $hits[$_] ] foreach 0 .. 2 }
		if ($mb == $usual)
		{
			my ($name, $best) = $lru->{hits} > $lfu->{hits} ? ('allkeys-lru', $lru->{hits}) : ('allkeys-lfu', $lfu->{hits});
			goal(12, "misses, Zipf $zipf, $usual MB", $zipf eq '1.0' ? '<= 0.70x' : '<= 0.75x', (100 - $hits[0]) / (100 - $best),
				baseline('%', hotset => 100 - $hits[0], "Redis $name" => 100 - $best));
		}
	}
	plot('hits', title => 'Hit ratio by size of the cache, Zipf 1.0, ' . three_digits($million) . ' keys of 40 bytes', xlabel => 'MB', ylabel => 'hits in percent',
		set => ['logscale x 2'], series => \@series);
	return;
}

1;
