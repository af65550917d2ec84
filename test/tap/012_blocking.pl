# Blocking pops: order of arrival, wakeups that come soon and are never lost,
# and every way in which a wait can end.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use Test::More;
use Time::HiRes qw(time);

my $node = hotset_node('main', 'restart_after_crash = on');

sub session { return $node->background_psql('postgres', on_error_stop => 0) }

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Until so many sessions wait for a key.
sub waiting { waiting_sessions($node, $_[0]) }

my @s = map { session() } 1 .. 3;

# Each asks when the one before already waits.
sub queue_up
{
	my (@queries) = @_;

	for my $i (0 .. $#queries)
	{
		ask($s[$i], $queries[$i]);
		waiting($i + 1);
	}
}

# Order of arrival, whatever other keys one waits for.
queue_up(q{SELECT * FROM bzpopmin('{a}', '100 seconds')}, q{SELECT * FROM bzpopmax('{b, a}')},
	q{SELECT * FROM bzpopmin('{a, b}', '0')});
sql(q{SELECT zadd('a', 1, 'first')});
is(answer($s[0]), 'a|first|1', 'the first to come is served first');
sql(q{SELECT zadd('a', '{2, 3, 4}'::float8[], '{second, third, fourth}'::text[])});
is(answer($s[1]), 'a|fourth|4', 'then the second');
is(answer($s[2]), 'a|second|2', 'and the third, of one push');
is(sql(q{SELECT zcard('a')}), 1, 'what nobody takes is left');
sql(q{SELECT zpopmin('a')});

queue_up(q{SELECT * FROM bzpopmin('{a}')}, q{SELECT * FROM bzpopmin('{b, a}')});
sql(q{SELECT zincrby('b', 7, 'of b')});
is(answer($s[1]), 'b|of b|7', 'who waits for another key does not have to wait for the first');
sql(q{SELECT zadd('c', 1, 'm'), zunionstore('a', '{c}')});
is(answer($s[0]), 'a|m|1', 'what is stored wakes, too');
queue_up(q{SELECT * FROM bzpopmin('{a}')});
sql(q{SELECT zrangestore('a', 'c', 0, -1)});
is(answer($s[0]), 'a|m|1', 'and a range that is stored');
# And whatever else makes a key.
sql(q{SELECT kv_set('dump', encode(kv_dump('c'), 'hex'))});
for my $make (q{kv_rename('c', 'a')}, q{kv_restore('a', decode(kv_get('dump'), 'hex'))},
	q{kv_copy('d', 'a')})
{
	queue_up(q{SELECT * FROM bzpopmin('{a}')});
	sql(q{SELECT zadd('d', 1, 'm')});
	sql("SELECT $make");
	my $start = time();			# without what it takes to start a session
	is(answer($s[0]), 'a|m|1', "$make wakes");
	cmp_ok(time() - $start, '<', 3, 'at once');
}

# What is not a sorted set does not count, until it is one.
queue_up(q{SELECT * FROM bzpopmin('{a}')});
sql(q{SELECT pfadd('a', 'x')});
sql(q{SELECT zunionstore('a', '{none}')});
sql(q{SELECT zadd('a', 1, 'm')});
is(answer($s[0]), 'a|m|1', 'a key that was of another type meanwhile');

# Who gives up hands his turn on.
my $start = time();
ask($s[0], q{SELECT * FROM bzpopmin('{a}', '500 milliseconds')});
waiting(1);
ask($s[1], q{SELECT * FROM bzpopmin('{a}')});
is(answer($s[0]), '', 'no row after the timeout');
my $took = time() - $start;
ok($took >= 0.5 && $took < 20, "which is kept: $took s for 0.5");
waiting(1);
sql(q{SELECT zadd('a', 1, 'm')});
is(answer($s[1]), 'a|m|1', 'the next is served after a timeout');

# A client that is gone, kill -9 or a lost machine, takes nothing.
my $gone = session();
ask($gone, q{SELECT * FROM bzpopmin('{a}')});
waiting(1);
ask($s[1], q{SELECT * FROM bzpopmin('{a}')});
waiting(2);
$gone->{run}->signal('KILL');
eval { $gone->{run}->finish };
sql(q{SELECT zadd('a', 1, 'm')});
is(answer($s[1]), 'a|m|1', 'a client that is gone takes nothing');
waiting(0);

for my $way (
	[ 'cancel', q{SELECT pg_cancel_backend(pid)}, qr/canceling statement due to user request/ ],
	[ 'statement_timeout', undef, qr/canceling statement due to statement timeout/ ],
	[ 'terminate', q{SELECT pg_terminate_backend(pid)}, qr/terminating connection due to administrator command/ ])
{
	my ($what, $sql, $message) = @$way;
	my $victim = session();

	$victim->query_safe(q{SET statement_timeout = '300ms'}) unless $sql;
	my $pid = $victim->query_safe('SELECT pg_backend_pid()');
	if ($what eq 'terminate')
	{
		$victim->{stdin} .= "SELECT * FROM bzpopmin('{a}');\n";
		$victim->{run}->pump_nb;
	}
	else
	{
		ask($victim, q{SELECT * FROM bzpopmin('{a}')});
	}
	waiting(1) if $sql;
	ask($s[1], q{SELECT * FROM bzpopmin('{a}')});
	waiting(2) if $sql;
	sql("$sql FROM (SELECT $pid AS pid) AS p") if $sql;
	if ($what eq 'terminate')
	{
		ok(eventually(sub { $victim->{run}->pump_nb; $victim->{stderr} =~ $message }), "$what ends the wait");
	}
	else
	{
		my ($out, $err) = answer($victim);
		like($err, $message, "$what ends the wait");
		is($victim->query_safe(q{RESET statement_timeout; SELECT zcard('a')}), 0, 'and the session goes on');
	}
	waiting(1);
	sql(q{SELECT zadd('a', 1, 'm')});
	is(answer($s[1]), 'a|m|1', "the next is served after $what");
}

# Who does not take his turn does not hold up the others for long.
{
	my $stopped_pid = $s[0]->query_safe('SELECT pg_backend_pid()');

	queue_up(q{SELECT * FROM bzpopmin('{a}')}, q{SELECT * FROM bzpopmin('{a}')});
	kill 'STOP', $stopped_pid;
	my $start = time();
	sql(q{SELECT zadd('a', 1, 'm')});
	is(answer($s[1]), 'a|m|1', 'a stopped session is passed over');
	cmp_ok(time() - $start, '<', 20, 'after some seconds');
	kill 'CONT', $stopped_pid;
	sql(q{SELECT zadd('a', 2, 'n')});
	is(answer($s[0]), 'a|n|2', 'and served when it goes on');
}

# The keyspace goes, or the right to use it.
sql(q{CREATE ROLE app; CREATE SERVER away FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
	GRANT USAGE ON FOREIGN SERVER away TO app});
$s[0]->query_safe('SET ROLE app');
my $pop_away = q{SELECT * FROM bzpopmin('{a}', keyspace => 'away')};
queue_up($pop_away);
sql(q{REVOKE USAGE ON FOREIGN SERVER away FROM app});
sql(q{SELECT zadd('a', 1, 'secret', keyspace => 'away')});
my ($out, $err) = answer($s[0]);
like($err, qr/permission denied for keyspace "away"/, 'no member for who lost the right while waiting');
is(sql(q{SELECT zpopmin('a', keyspace => 'away')}), '(secret,1)', 'it was not taken');
sql(q{GRANT USAGE ON FOREIGN SERVER away TO app});
queue_up($pop_away);
sql(q{SELECT zadd('other', 1, 'm', keyspace => 'away')});
sql(q{BEGIN; DROP SERVER away; CREATE SERVER away FOREIGN DATA WRAPPER hotset OPTIONS (memory '2MB');
	GRANT USAGE ON FOREIGN SERVER away TO app; COMMIT});
waiting(1);
sql(q{SELECT zadd('a', 1, 'anew', keyspace => 'away')});
is(answer($s[0]), 'a|anew|1', 'a keyspace made anew under the same name');
queue_up($pop_away);
sql(q{DROP SERVER away});
($out, $err) = answer($s[0]);
like($err, qr/keyspace "away" does not exist/, 'a dropped keyspace ends the wait');
$s[0]->query_safe('RESET ROLE');

# Woken at once.
my @late;
for (1 .. 20)
{
	ask($s[0], q{SELECT extract(epoch FROM clock_timestamp()) FROM bzpopmin('{a}', '10 seconds')});
	waiting(1);
	my $pushed = sql(q{SELECT extract(epoch FROM clock_timestamp()) FROM zadd('a', 1, 'm')});
	push @late, 1000 * (answer($s[0]) - $pushed);
}
my $median = (sort { $a <=> $b } @late)[10];
note("woken $median ms after the push (median of 20)");
# who is not woken looks every 5 seconds; a busy machine is late, too
cmp_ok($median, '<', 500, 'woken, not by looking again');

# Nothing lost: as many as are pushed are taken, and nobody waits in vain.
$start = time();
ask($_, q{SELECT count(member), count(DISTINCT member) FROM generate_series(1, 1000) AS i,
	LATERAL bzpopmin(ARRAY['q' || i % 2, 'q2', 'q' || 1 - i % 2], '60 seconds')}) for @s;
my @producers = map { session() } 1 .. 2;
ask($producers[$_], qq{SELECT sum(zadd('q' || i % 3, i, 'p$_:' || i)) FROM generate_series(1, 1500) AS i}) for 0 .. 1;
is(answer($_), '1500', 'all pushed') for @producers;
is(answer($_), '1000|1000', 'all taken') for @s;
cmp_ok(time() - $start, '<', 55, 'without waiting for a timeout');
is(sql(q{SELECT zcard('q0') + zcard('q1') + zcard('q2')}), 0, 'nothing is left');

# Arrays are added all at once: both members always agree.
ask($producers[0], q{DO $$ BEGIN
	FOR i IN 1 .. 20000 LOOP PERFORM zadd('pair', ARRAY[i, i]::float8[], '{left, right}'::text[]); END LOOP; END $$});
ask($s[$_], q{SELECT count(*) FROM generate_series(1, 20000) AS i,
	LATERAL (SELECT min(score), max(score), count(*) AS n FROM zrange('pair', 0, i + 1)) AS pair
	WHERE n NOT IN (0, 2) OR min <> max}) for 0 .. 1;
is(answer($s[$_]), '0', 'no reader sees half of an array') for 0 .. 1;
answer($producers[0]);

# A session that is killed while it waits takes the server down; the queues begin anew.
my $killed = session();
my $killed_pid = $killed->query_safe('SELECT pg_backend_pid()');
ask($killed, q{SELECT * FROM bzpopmin('{a}')});
waiting(1);
kill 'KILL', $killed_pid;
ok(eventually(sub { ($node->psql('postgres', 'SELECT kv_count()'))[1] eq '0' }), 'the server restarts, and is empty');
@s = map { session() } 1 .. 2;
queue_up(q{SELECT * FROM bzpopmin('{a}')}, q{SELECT * FROM bzpopmin('{a}')});
sql(q{SELECT zadd('a', '{1, 2}'::float8[], '{m, n}'::text[])});
is(answer($s[0]) . answer($s[1]), 'a|m|1a|n|2', 'who waits then is served');

# The server can stop while somebody waits.
ask($s[0], q{SELECT * FROM bzpopmin('{a}')});
waiting(1);
verify_ok($node, 'while one waits');
$start = time();
$node->stop('fast');
cmp_ok(time() - $start, '<', 30, 'a fast shutdown does not wait for those who wait');

done_testing();
