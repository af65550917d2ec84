# A million keys that expire at once.
package Bench::Section::expiry;
use strict;
use warnings;
use Time::HiRes qw(time sleep);
use Bench;

section(expiry => \&measure, seconds => 15);

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

# Calls fill(instant) until it is done before the instant, which it returns; the
# second time it knows how long that takes.
sub fill_before
{
	my ($fill) = @_;
	for (my $lead = $quick ? 2 : 4; $lead < 60;)
	{
		my $start = time;
		my $instant = int($start) + $lead;
		$fill->($instant);
		return $instant if time < $instant;
		$lead = 2 + int(1.5 * (time - $start));
	}
	die "machine too slow for the expiry test";
}

sub measure
{
	sql("CREATE SERVER expiring FOREIGN DATA WRAPPER hotset OPTIONS (memory '300MB')");
	my $instant = fill_before(sub {
		sql("SELECT count(kv_set('key:' || i, repeat('v', 40), keyspace => 'expiring', ttl => greatest(to_timestamp($_[0]) - clock_timestamp(), '1 ms')))
			FROM generate_series(1, $million) AS i");
	});
	my $worker = sql("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'hotset%'");
	my @own = until_gone($instant, $worker, sub { sql("SELECT keys FROM hotset_stats WHERE keyspace = 'expiring'") });
	sql('DROP SERVER expiring');
	flush_redis();
	$instant = fill_before(sub { redis('redis', 'EVAL', "for i = 1, $million do redis.call('SET', 'key:' .. i, string.rep('v', 40), 'EXAT', $_[0]) end", 0) });
	my @redis = until_gone($instant, redis_info('redis', 'process_id'), sub { redis('redis', 'DBSIZE') });
	say_line("\n## Expiry\n");
	say_line(three_digits($million) . ' keys that expire at the same instant: nobody reads them, when is the memory back? One run, polled ten times a second; ' .
		'the worker of hotset runs with its default budget.');
	my @titles = ('hotset', 'Redis');
	table_head('', @titles);
	table_row('expiry: seconds until all are gone', 'less', \@titles, $own[0], $redis[0]);
	table_row('expiry: CPU of the worker (Redis: of the server), ms', 'less', \@titles, $own[1], $redis[1]);
	return;
}

1;
