# Lists that sessions wait for: what wakes them, in which order, and chains of
# blmove.  How waits end is tested in 012_blocking.pl: it is the same for all types.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use Test::More;
use Time::HiRes qw(time);

my $node = hotset_node('main');

sub session { return $node->background_psql('postgres', on_error_stop => 0) }

sub sql { return $node->safe_psql('postgres', $_[0]) }

my @s = map { session() } 1 .. 4;

# Each asks when the one before already waits.
sub queue_up
{
	my (@queries) = @_;

	for my $i (0 .. $#queries)
	{
		ask($s[$i], $queries[$i]);
		waiting_sessions($node, $i + 1);
	}
}

# Order of arrival, whatever end and whatever other keys one waits for.
queue_up(q{SELECT * FROM blpop('{a}', '100 seconds')}, q{SELECT * FROM brpop('{b, a}')},
	q{SELECT * FROM blpop('{a, b}', '0')});
sql(q{BEGIN; SELECT rpush('a', 'first'); ROLLBACK});
is(answer($s[0]), 'a|first', 'the first to come is served first, and at once');
is(sql(q{SELECT rpush('a', '{second, third, fourth}'::text[])}), 3, 'a push counts what others take later');
is(answer($s[1]), 'a|fourth', 'then the second');
is(answer($s[2]), 'a|second', 'and the third, of one push');
is(sql(q{SELECT lpop('a')}), 'third', 'what nobody takes is left');
queue_up(q{SELECT * FROM blpop('{a}')}, q{SELECT * FROM blpop('{b, a}')});
sql(q{SELECT lpush('b', 'of b')});
is(answer($s[1]), 'b|of b', 'who waits for another key does not have to wait for the first');
sql(q{SELECT rpushx('a', 'x')});
waiting_sessions($node, 1);
sql(q{SELECT lpush('a', 'x')});
is(answer($s[0]), 'a|x', 'a push to no list wakes nobody');

# Whatever else makes a list.
for my $make (q{lmove('c', 'a', true, true)}, q{blmove('c', 'a', true, true)}, q{kv_rename('c', 'a')},
	q{kv_copy('c', 'a')}, q{kv_restore('a', decode(kv_get('dump'), 'hex'))})
{
	sql(q{SELECT kv_del('c'), rpush('c', 'm'), kv_set('dump', encode(kv_dump('c'), 'hex'))});
	queue_up(q{SELECT * FROM blpop('{a}')});
	sql("SELECT $make");
	my $start = time();			# without what it takes to start a session
	is(answer($s[0]), 'a|m', "$make wakes");
	cmp_ok(time() - $start, '<', 3, 'at once');
}

# A chain: each move wakes who waits for its destination.
sql(q{SELECT kv_del('c')});
queue_up(q{SELECT * FROM blpop('{d}')}, q{SELECT blmove('c', 'd', true, false)},
	q{SELECT blmove('b', 'c', true, false)}, q{SELECT blmove('a', 'b', false, true)});
sql(q{SELECT rpush('a', 'through')});
is(answer($s[0]), 'd|through', 'at the end of the chain');
is(answer($s[$_]), 'through', "moved by number $_") for 1 .. 3;
is(sql(q{SELECT llen('a') + llen('b') + llen('c') + llen('d')}), 0, 'nothing is left behind');

# A list that is rotated while it is empty, and a destination that is something else.
queue_up(q{SELECT blmove('a', 'a', true, false)}, q{SELECT * FROM blpop('{a}')});
sql(q{SELECT rpush('a', 'round')});
is(answer($s[0]), 'round', 'rotated');
is(answer($s[1]), 'a|round', 'and then taken by the next');
queue_up(q{SELECT blmove('a', 'text', true, false)}, q{SELECT * FROM blpop('{a}')});
sql(q{SELECT kv_set('text', 'x')});
sql(q{SELECT rpush('a', 'stays')});
my ($out, $err) = answer($s[0]);
like($err, qr/key "text" holds a string, not a list/, 'nothing is moved to what is no list');
is(answer($s[1]), 'a|stays', 'the value goes to the next');

# Moved and popped after a timeout, or a cancel, by nobody.
ask($s[0], q{SELECT blmove('a', 'b', true, true, '300 milliseconds')});
is(answer($s[0]), '', 'a move can give up');
ask($s[0], q{SELECT blmove('a', 'b', true, true)});
waiting_sessions($node, 1);
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT blmove%' AND state = 'active'});
($out, $err) = answer($s[0]);
like($err, qr/canceling statement due to user request/, 'or be cancelled');
is(sql(q{SELECT rpush('a', 'x'), llen('b'), lpop('a')}), '1|0|x', 'then it takes nothing any more');

# Woken within milliseconds.
my @late;
for (1 .. 20)
{
	ask($s[0], q{SELECT extract(epoch FROM clock_timestamp()) FROM blpop('{a}', '10 seconds')});
	waiting_sessions($node, 1);
	my $pushed = sql(q{SELECT extract(epoch FROM clock_timestamp()) FROM rpush('a', 'm')});
	push @late, 1000 * (answer($s[0]) - $pushed);
}
my $median = (sort { $a <=> $b } @late)[10];
note("woken $median ms after the push (median of 20)");
# who is not woken looks every 5 seconds; a busy machine is late, too
cmp_ok($median, '<', 500, 'woken, not by looking again');

# Nothing lost, nothing twice: pushed in threes, moved on by some, taken by others.
my $start = time();
ask($s[$_], q{SELECT count(blmove('in', 'out', true, false, '60 seconds')) FROM generate_series(1, 1500)}) for 0 .. 1;
ask($s[$_], q{SELECT count(value), count(DISTINCT value) FROM generate_series(1, 1500) AS i,
	LATERAL blpop(ARRAY['none' || i, 'out'], '60 seconds')}) for 2 .. 3;
sql(q{SELECT sum(rpush('in', ARRAY['a' || i, 'b' || i, 'c' || i])) FROM generate_series(1, 1000) AS i});
is(answer($s[$_]), '1500', 'all moved') for 0 .. 1;
is(answer($s[$_]), '1500|1500', 'all taken') for 2 .. 3;
cmp_ok(time() - $start, '<', 55, 'without waiting for a timeout');
is(sql(q{SELECT llen('in') + llen('out')}), 0, 'nothing is left');

verify_ok($node, 'at the end');
$node->stop;

done_testing();
