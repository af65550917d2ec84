# Cached results: what a hit costs that is always right, and what it costs those who change the tables.
package Bench::Section::cached;
use strict;
use warnings;
use Bench;
use Backends;
use Time::HiRes qw(time);

section(cached => \&measure, seconds => 60);

my $orders = 1000;
my $lines = 20;
my $query = 'SELECT jsonb_build_object(\'customer\', o.customer, \'lines\', count(*), \'total\', sum(l.price * l.quantity))::text
	FROM bench_order AS o JOIN bench_line AS l ON l."order" = o.id WHERE o.id = $1::int GROUP BY o.id';
my $query_here = $query =~ s/\$1/keys[i]/r;

# Each gives the same text for the order keys[i]; all of them but the query were filled before.
my @reads = (
	[ get => '`kv_get`, which promises nothing', 'v := kv_get(keys[i], \'bench_plain\');' ],
	[ cached => '`kv_get_cached`', 'v := kv_get_cached(keys[i], \'bench_cached\');' ],
	[ fetch => '`kv_fetch`', "v := kv_fetch(keys[i], \$q\$$query\$q\$, ARRAY[keys[i]], keyspace => 'bench_cached');" ],
	[ def => '`kv_fetch_def`', 'v := kv_fetch_def(\'bench order\', keys[i]);' ],
	[ table => 'a table of results, UNLOGGED', 'SELECT value INTO v FROM bench_result WHERE key = keys[i];' ],
	[ query => 'the query', "$query_here INTO v;" ],
);

# What a table has that is told of changes of its rows; a process that works beside the backend.
my @watchers = (
	[ none => 'nothing', undef ],
	[ key => '`kv_watch`, a key', "SELECT kv_watch('%s', 'bench:{id}')" ],
	[ tags => '`kv_watch`, a key and two tags', "SELECT kv_watch('%s', ARRAY['bench:{id}'], ARRAY['bench of {grp}', 'bench'])" ],
	[ kv_del => 'a trigger in PL/pgSQL: `kv_del`', trigger('bench_kv_del') ],
	[ table => 'a trigger in PL/pgSQL: DELETE from a table of results', trigger('bench_table_del') ],
	[ memcached => 'a trigger in PL/pgSQL: `memcache_delete`', trigger('bench_memcache_del'), \&memcached_cpu_ns ],
	[ redis => 'a trigger in PL/Perl: DEL in Redis, through Redis::Fast', trigger('bench_redis_del'), sub { return redis_cpu_ns('redis') } ],
);

sub trigger { return "CREATE TRIGGER t AFTER UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION $_[0]()" }

sub create
{
	sql('CREATE SERVER bench_plain FOREIGN DATA WRAPPER hotset', 'CREATE SERVER bench_cached FOREIGN DATA WRAPPER hotset',
		'CREATE TABLE bench_order (id int PRIMARY KEY, customer text)',
		'CREATE TABLE bench_line ("order" int, price numeric, quantity int)',
		"INSERT INTO bench_order SELECT key_of(i)::int, 'customer ' || i FROM generate_series(0, $orders - 1) AS i",
		"INSERT INTO bench_line SELECT key_of(i % $orders)::int, 1.5 * i, i % 7 FROM generate_series(1, $orders * $lines) AS i",
		'CREATE INDEX ON bench_line ("order")', 'VACUUM ANALYZE bench_order, bench_line',
		"CREATE FUNCTION bench_run(text) RETURNS text LANGUAGE sql AS \$f\$ $query \$f\$",
		'CREATE UNLOGGED TABLE bench_result (key text PRIMARY KEY, value text NOT NULL)',
		"INSERT INTO bench_result SELECT id::text, bench_run(id::text) FROM bench_order", 'VACUUM ANALYZE bench_result',
		"SELECT kv_define('bench order', \$q\$$query\$q\$, 'bench:{1}', keyspace => 'bench_cached')",
		"SELECT count(kv_set(id::text, bench_run(id::text), keyspace => 'bench_plain')) FROM bench_order");
	sql("CREATE FUNCTION bench_kv_del() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM kv_del('bench:' || new.id); RETURN NULL; END \$f\$",
		"CREATE FUNCTION bench_table_del() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN DELETE FROM bench_result WHERE key = 'bench:' || new.id; RETURN NULL; END \$f\$",
		"CREATE FUNCTION bench_memcache_del() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM memcache_delete('bench:' || new.id); RETURN NULL; END \$f\$",
		"CREATE FUNCTION bench_herd() RETURNS text LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM kv_incr('runs', keyspace => 'bench_plain'), pg_sleep(0.05); RETURN 'x'; END \$f\$");
	if (has_perl_redis())
	{
		sql("CREATE FUNCTION bench_redis_del() RETURNS trigger LANGUAGE plperlu AS \$f\$
				require Redis::Fast;
				(\$_SHARED{redis} //= Redis::Fast->new(sock => '$sockets/redis'))->del(\"bench:\$_TD->{new}{id}\");
				return;
			\$f\$");
	}
	else { @watchers = grep { $_->[0] ne 'redis' } @watchers }
	foreach my $w (@watchers)
	{
		my $table = "bench_w_$w->[0]";
		sql("CREATE TABLE $table (id int PRIMARY KEY, grp int, times int, filler text) WITH (fillfactor = 50)",
			"INSERT INTO $table SELECT i, i % 100, 0, repeat('x', 60) FROM generate_series(0, 9999) AS i", "VACUUM ANALYZE $table");
	}
	return;
}

sub drop
{
	sql("SELECT kv_undefine('bench order')", 'DROP SERVER bench_plain', 'DROP SERVER bench_cached',
		'DROP TABLE bench_order, bench_line, bench_result, ' . join(', ', map { "bench_w_$_->[0]" } @watchers),
		'DROP FUNCTION bench_run, bench_kv_del, bench_table_del, bench_memcache_del, bench_herd', 'DROP FUNCTION IF EXISTS bench_redis_del');
	return;
}

# One UPDATE of one row in a transaction of its own, in microseconds: CPU of the backend, elapsed,
# and CPU of the process beside it.
sub update
{
	my ($table, $beside) = @_;
	my $calls = $million / ($beside ? 250 : 100);
	my $before = $beside ? $beside->() : 0;
	my ($cpu, $elapsed) = plpgsql_loop("UPDATE $table SET times = times + 1 WHERE id = numbers[i];", range => 10_000, calls => $calls, commit => 1, warm => 1);
	my $other = $beside ? ($beside->() - $before) / $calls : 0;
	return map { $_ / 1000 } $cpu, $elapsed, $other;
}

sub measure
{
	create();
	# waiting for the disk is not what is measured
	sql('ALTER DATABASE bench SET synchronous_commit = off');
	new_session();
	my (%read, %write, %elapsed, %other, %commit);
	my $note = sub {
		my ($name, @figures) = @_;
		push @{ $_->{$name} }, shift @figures foreach \%write, \%elapsed, \%other;
	};
	my $unwatched = sub {
		my ($when) = @_;
		push @{ $commit{$when} }, plpgsql_loop('PERFORM pg_current_xact_id();', range => 10_000, calls => $million / 50, commit => 1) / 1000;
		$note->($when, update('bench_w_none'));
	};

	# what is filled is void when something is created; the first ones miss
	sql("SELECT count(kv_fill(id::text, bench_run(id::text), (kv_get_lease(id::text, keyspace => 'bench_cached')).lease, keyspace => 'bench_cached')) FROM bench_order");
	plpgsql_loop($_->[2], range => $orders, calls => $million / 10) foreach @reads[1 .. 3];
	sql('SELECT hotset_cache_stats_reset()');
	foreach my $round (1 .. $rounds)
	{
		push @{ $read{loop} }, plpgsql_loop('v := keys[i];', range => $orders, calls => $million / 10);
		push @{ $read{ $_->[0] } }, scalar plpgsql_loop($_->[2], range => $orders, calls => $million / ({ query => 400, table => 50 }->{ $_->[0] } // 10)) foreach in_turn($round, @reads);
	}
	my ($hits, $others) = split /\|/, sql('SELECT hits, misses_absent + misses_label + misses_refused + misses_own FROM hotset_cache_stats()');
	die "of the cached results $others missed and $hits hit" unless $others == 0 && $hits > 0;
	foreach my $round (1 .. 2 * $rounds)
	{
		$unwatched->('before');
		sql(map { sprintf($_->[2], "bench_w_$_->[0]") } grep { $_->[2] } @watchers);
		$unwatched->('none');
		$note->($_->[0], update("bench_w_$_->[0]", $_->[3])) foreach in_turn($round, @watchers[1 .. $#watchers]);
		sql(map { sprintf($_->[2] =~ /kv_watch/ ? "SELECT kv_unwatch('%s')" : 'DROP TRIGGER t ON %s', "bench_w_$_->[0]") } grep { $_->[2] } @watchers);
	}
	my %r = map { $_ => median(@{ $read{$_} }) } keys %read;
	my %w = map { $_ => median(@{ $write{$_} }) } keys %write;
	my %c = map { $_ => median(@{ $commit{$_} }) } keys %commit;
	my $longer = sub { my ($figures, $other) = @_; return [ map { 100 * ($_ - 1) } @{ ratios($figures, $other) } ] };
	my ($many_ns, $many_commit_ns) = map { median(@$_) } many();
	my ($misses, $runs, $naive_runs, $seconds) = herd();
	sql('ALTER DATABASE bench RESET synchronous_commit');
	new_session();
	drop();

	say_line("\n## Cached results\n");
	say_line("Nanoseconds of CPU for one of $orders results of about 70 bytes in a loop of PL/pgSQL, loop included. The query joins two tables and sums $lines rows. " .
		'All but the first are what the query would return under the snapshot at hand; that the table of results is, is the work of whoever changes the others.');
	table_head('read', 'ns', 'times `kv_get`', 'times faster than the query');
	say_line("| loop alone | @{[ three_digits($r{loop}) ]} | - | - |");
	say_line("| $_->[1] | @{[ three_digits($r{ $_->[0] }) ]} | @{[ ratio($r{ $_->[0] } / $r{get}) ]} | @{[ ratio($r{query} / $r{ $_->[0] }) ]} |") foreach @reads;
	say_line("\nMicroseconds for an UPDATE of one row and its COMMIT, by what the table has, synchronous_commit off: CPU of the backend, of the process beside it (memcached, Redis), and elapsed.");
	table_head('the table has', 'CPU', 'beside', 'more CPU than nothing', 'elapsed', 'longer than nothing');
	foreach my $w (@watchers)
	{
		my ($name, $what, undef, $beside) = @$w;
		my $all = [ map { $write{$name}[$_] + $other{$name}[$_] } 0 .. $#{ $write{$name} } ];
		say_line(sprintf('| %s | %s | %s | %.0f %% | %s | %.0f %% |', $what, three_digits($w{$name}), $beside ? three_digits(median(@{ $other{$name} })) : '-',
			median(@{ $longer->($all, $write{none}) }), three_digits(median(@{ $elapsed{$name} })), median(@{ $longer->($elapsed{$name}, $elapsed{none}) })));
	}
	say_line(sprintf("\nWhile none of them is watched, an UPDATE of the table that has nothing takes %.2f us of CPU, and a transaction that only takes an id %.2f us; while others are, %.2f and %.2f.",
		$w{before}, $c{before}, $w{none}, $c{none}));
	say_line(sprintf("\nA transaction that invalidates %s keys: %.0f ns for each, and %.2f ms for its COMMIT, with %s slots.",
		three_digits($million), $many_ns, $many_commit_ns / 1e6, three_digits(sql('SELECT slots FROM hotset_cache_stats()'))));
	say_line(sprintf("\n%d sessions missed the same result of a query of 50 ms at once: it ran %d times, and all had it after %.2f s. With `kv_get` and `kv_set` it ran %d times.",
		$misses, $runs, $seconds, $naive_runs));
	goal(30, '`kv_get_cached`, a hit', '<= 1.3x', ratios(@read{qw(cached get)}), baseline('ns', hotset => $r{cached}, '`kv_get`' => $r{get}));
	goal(30, '`kv_fetch`, a hit', '<= 0.1x', ratios(@read{qw(fetch query)}), baseline('ns', hotset => $r{fetch}, 'the query' => $r{query}));
	goal(31, '`kv_watch`, a key: UPDATE of a row, more CPU', '<= 35 %', $longer->(@write{qw(key none)}), baseline('us', hotset => $w{key}, 'not watched' => $w{none}));
	goal(31, 'the same of a table that is not watched', '<= 5 %', $longer->(@write{qw(none before)}), baseline('us', 'others watched' => $w{none}, 'none' => $w{before}));
	goal(31, 'a transaction that changes nothing watched, more CPU', '<= 5 %', $longer->(@commit{qw(none before)}), baseline('us', 'tables watched' => $c{none}, 'none' => $c{before}));
	goal(32, "$misses misses of a query of 50 ms, runs", '<= 2', $runs, "without single flight $naive_runs");
	return;
}

# Nanoseconds for each of a million kv_invalidate() of one transaction, and for its commit: a list of each.
sub many
{
	my (@each, @commits);
	foreach (1 .. 3)
	{
		my ($each, $commit) = split /\|/, sql(<<"SQL", 'CALL pg_temp.many(NULL, NULL)');
CREATE PROCEDURE pg_temp.many(INOUT each float8, INOUT at_commit float8) LANGUAGE plpgsql AS \$body\$
DECLARE
	names text[] := ARRAY(SELECT key_of(i) FROM generate_series(1, $million) AS i);
	c0 float8 := cpu_ns();
	c1 float8;
BEGIN
	PERFORM kv_invalidate(names);
	c1 := cpu_ns();
	COMMIT;
	each := (c1 - c0) / $million;
	at_commit := cpu_ns() - c1;
END \$body\$;
SQL
		push @each, $each;
		push @commits, $commit;
	}
	return (\@each, \@commits);
}

# Sessions, runs of the query with kv_fetch and without, and how long the former took.
sub herd
{
	my $sessions = 200;
	my $fetch = 'SELECT kv_fetch(\'herd\', \'SELECT bench_herd()\', keyspace => \'bench_cached\')';
	my $naive = 'SELECT coalesce(kv_get(\'herd\', \'bench_plain\'), kv_set(\'herd\', bench_herd(), keyspace => \'bench_plain\')::text)';
	my (@runs, $seconds);
	foreach my $call ($naive, $fetch)
	{
		# they wait until all of them are connected, which takes a second
		my $start = time + 3;
		my $wait = sprintf('SELECT pg_sleep(extract(epoch FROM to_timestamp(%.6f) - clock_timestamp()))', $start);
		in_parallel(map { "$wait; $call" } 1 .. $sessions);
		$seconds = time - $start;
		push @runs, sql("SELECT kv_getdel('runs', 'bench_plain')");
	}
	return ($sessions, $runs[1], $runs[0], $seconds);
}

1;
