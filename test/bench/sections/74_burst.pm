# A million keys that expire within a second while four sessions write.
package Bench::Section::burst;
use strict;
use warnings;
use Time::HiRes qw(time sleep);
use Bench;
use Backends;

section(burst => \&measure, seconds => 60);

my $writers = 4;
my $kept = 100_000;

sub writes
{
	my ($start, $seconds) = @_;
	return (timed_calls(expressions => ["kv_set(\$1, 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv', keyspace => 'burst')"],
		processes => $writers, keys => $kept, seconds => $seconds, start => "to_timestamp($start)"))[0];
}

# Runs in the server, so that looking costs little, until 'seconds' after the instant and nothing changes any more: when
# the keys were gone; when 99 % of the memory that comes back was back; how much stays.
sub watch
{
	my ($instant, $full, $seconds) = @_;
	return <<"SQL";
CREATE FUNCTION pg_temp.watch(OUT gone float8, OUT back float8, OUT stays bigint) LANGUAGE plpgsql AS \$body\$
DECLARE
	k bigint; b bigint; last bigint; since float8; now float8; times float8[]; sizes bigint[];
BEGIN
	LOOP
		SELECT keys, bytes INTO k, b FROM hotset_stats() WHERE keyspace = 'burst';
		now := extract(epoch FROM clock_timestamp()) - $instant;
		times := times || now;
		sizes := sizes || b;
		IF b IS DISTINCT FROM last THEN since := now; END IF;
		last := b;
		IF gone IS NULL AND k <= $kept THEN gone := now; END IF;
		EXIT WHEN gone IS NOT NULL AND now > $seconds AND now > since + 1;
		IF now > 60 THEN RAISE 'not expired after a minute: % keys, % bytes', k, b; END IF;
		PERFORM pg_sleep(0.03);
	END LOOP;
	SELECT min(t) INTO back FROM unnest(times, sizes) AS seen (t, s) WHERE s <= b + 0.01 * ($full - b);
	stays := b;
END \$body\$;
SELECT * FROM pg_temp.watch()
SQL
}

sub bytes { return sql("SELECT bytes FROM hotset_stats WHERE keyspace = 'burst'") }

my ($quiet_seconds, $busy_seconds) = (1.5, 3);
my $lead = 3;

# One round: figures by name, and the histograms of writes while it is quiet and while keys expire.
sub round
{
	my ($instant, $full);
	my $before = bytes();
	for (;;)
	{
		my $start = time;
		$instant = $start + $lead + $quiet_seconds + 0.5;
		# spread over one second, neighbours not together
		sql("SELECT count(kv_set('gone:' || i, repeat('v', 40), keyspace => 'burst',
				ttl => greatest(to_timestamp($instant + (i * 7919::bigint % 100000) / 100000.0) - clock_timestamp(), '1 ms'))) FROM generate_series(1, $million) AS i");
		$full = bytes();
		last if time < $instant - $quiet_seconds - 0.5;
		$lead = 1 + 1.5 * (time - $start);
		die "machine too slow for this test" if $lead > 60;
	}
	my $worker = sql("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'hotset%'");
	# looks from before the quiet part on, which it is to disturb as much
	open(my $watcher, '-|', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', watch($instant, $full, $busy_seconds)) or die "psql: $!";
	my $quiet = writes($instant - $quiet_seconds - 0.2, $quiet_seconds);
	my $cpu = process_cpu_ns($worker);
	my $busy = writes($instant, $busy_seconds);
	my ($gone, $back, $stays) = map { split /\|/ } <$watcher>;
	close($watcher) or die 'watching failed';
	return ({ gone => $gone - 1, back => $back - 1, stays => $stays, cpu => (process_cpu_ns($worker) - $cpu) / 1e6, before => $before, full => $full,
		quiet => quantile($quiet->{wall}, 0.999), busy => quantile($busy->{wall}, 0.999) }, $quiet, $busy);
}

sub measure
{
	my (%m, %quiet, %busy);
	sql("CREATE SERVER burst FOREIGN DATA WRAPPER hotset OPTIONS (memory '300MB')");
	sql("SELECT count(kv_set('key:' || i, repeat('v', 40), keyspace => 'burst')) FROM generate_series(0, $kept - 1) AS i");
	foreach (1 .. $rounds)
	{
		my ($figures, $quiet, $busy) = round();
		push @{ $m{$_} }, $figures->{$_} foreach keys %$figures;
		foreach my $clock (qw(wall cpu))
		{
			merge($quiet{$clock} //= {}, $quiet->{$clock});
			merge($busy{$clock} //= {}, $busy->{$clock});
		}
	}
	sql('DROP SERVER burst');
	my %median = map { $_ => median(@{ $m{$_} }) } keys %m;

	say_line("\n## Expiry under load\n");
	say_line(three_digits($million) . " keys expire within one second while $writers sessions overwrite " . three_digits($kept) .
		" others of the same keyspace, as fast as they can on this machine's processors. " . sprintf('%.2f s after the last one expired all of them were gone, after %.2f s their memory was back (%.1f MB before they came, %.1f MB with them, %.1f MB after); ',
			@median{qw(gone back)}, map { $_ / 1048576 } @median{qw(before full stays)}) .
		sprintf('the worker took %.0f ms of CPU. Microseconds for one `kv_set` of all rounds, its clocks (0.4) included:', $median{cpu}));
	table_head('', 'p50', 'p99', 'p99.9', 'p99.99', 'longest');
	foreach ([ 'elapsed, quiet', $quiet{wall} ], [ 'elapsed, while keys expire', $busy{wall} ],
		[ 'CPU, quiet', $quiet{cpu} ], [ 'CPU, while keys expire', $busy{cpu} ])
	{
		my ($what, $h) = @$_;
		say_line(join(' | ', "| $what", map { three_digits($_) } (map { quantile($h, $_) } 0.5, 0.99, 0.999, 0.9999), $h->{max} / 1000) . ' |');
	}
	my $work = three_digits($million) . ' keys expire in one second under load: ';
	goal(14, $work . 'memory back after the last', '<= 2 s', $m{back}, sprintf('MB before, with them, after: %.1f, %.1f, %.1f', map { $_ / 1048576 } @median{qw(before full stays)}));
	goal(14, $work . "writers' p99.9, elapsed", '<= 2x', ratios(@m{qw(busy quiet)}), baseline('us', expiring => $median{busy}, quiet => $median{quiet}));
	goal(14, $work . 'worker CPU', '< 300 ms', $m{cpu}, '');
	return;
}

1;
