#
# What the sections of the benchmark share: the servers, numbers and tables,
# the goals, and loops of PL/pgSQL and Lua.
#
# A section is a file sections/NN_name.pm; bench.pl runs them in the order of
# their file names, and "run.sh --only name" runs one alone:
#
#	package Bench::Section::name;
#	use strict;
#	use warnings;
#	use Bench;
#	section(name => \&measure, seconds => 20);
#	sub measure { ... say_line("\n## Title\n"); table_head(...); table_row(...); goal(...) }
#	1;
#
# 'seconds' is what it may take on two quiet cores: all of them together and the
# build have 15 minutes.  A section that measures no times has the option
# 'beside' => 1: neighbours of that kind run at the same time.
#
# It creates what it needs, in tables and keyspaces of its own names, and drops
# it.  need_keys() and need_board() give data that several sections share; who
# needs Redis empty calls flush_redis().
#
# A row of a table is one call of table_row().  A row of the goals table is
#
#	goal(4, 'kv_incr of a hot key', '<= 0.8x', ratios($own, $redis), baseline('ns', hotset => median(@$own), 'Redis, Lua' => median(@$redis)));
#
# that is the number it is sorted by, the work, the goal (a comparison, a
# number and a unit: "<= 0.8x", ">= 100x", "< 1 ms"), the figure measured in
# that unit, or an array of it for each round, and the baseline with the figures
# of both in words.  A goal that is missed is printed as such and fails nothing.
#
# Every figure is the median of several rounds.  Rounds are interleaved: one
# measurement of each system, then the next round in the opposite order, so that a disturbance of the
# machine meets all of them alike.  A ratio is the median of the ratios of each
# round, not the ratio of the medians: then a slow minute cancels out.
package Bench;
use strict;
use warnings;
use DBI;
use Exporter 'import';
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use List::Util qw(min max);
use POSIX qw(ceil);
use Time::HiRes qw(time);

our @EXPORT = qw($sockets $dir $quick $rounds $million
  section run_command as_user sql redis redis_info redis_cpu_ns memcached_cpu_ns process_cpu_ns has_perl_redis
  flush_redis in_turn median three_digits ratio ratios differences say_line table_head table_row goal baseline plot
  need_draws new_session plpgsql_loop lua_loop need_keys need_board pgbench redis_benchmark hotset_bytes);

# Set by configure(): the directory of the sockets, that of this file; a short
# run; rounds of each measurement; a million (a short run has less).
our ($sockets, $dir, $quick, $rounds, $million);
our (%sections, $page, @losses, @goals, @plots);
my $draws;

sub configure
{
	($sockets, $dir, $quick) = @_;
	$rounds = $quick ? 3 : 5;
	$million = $quick ? 100_000 : 1_000_000;
	$draws = $million * 0.2;
	$page = '';
	return;
}

# Announce the section of this file.
sub section { my ($name, $measure, %o) = @_; $sections{$name} = { measure => $measure, %o }; return }

# ---- Talking to the servers -------------------------------------------------

# Output of a command, without the last line's end.
sub run_command
{
	open(my $pipe, '-|', @_) or die "cannot run $_[0]: $!";
	my $output = join('', <$pipe>);
	close($pipe) or die "failed: @_\n$output";
	chomp $output;
	return $output;
}

# The same as a user who may run servers: root runs it as postgres.  For commands
# that start a server: output is not waited for.
sub as_user
{
	my @command = $> == 0 ? ('runuser', '-u', 'postgres', '--', @_) : @_;
	my $status = system(join(' ', map { quotemeta } @command) . ' >/dev/null 2>&1');
	die "failed: @command" if $status != 0;
	return;
}

# Result of the last of some SQL commands, unaligned: columns apart by |, rows by line ends.
# One session; each command a transaction of its own.
sub sql
{
	my @commands = map { ('-c', $_) } @_;
	my $output = run_command('env', 'PGOPTIONS=-c client_min_messages=warning', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', @commands);
	return @_ > 1 ? (split /\n/, $output)[-1] : $output;
}

# Reply of one of the Redis servers: redis (keeps all), lru1 .. lru6, lfu1 .. lfu5.
sub redis
{
	my ($server, @command) = @_;
	my $reply = run_command('redis-cli', '-s', "$sockets/$server", @command);
	die "redis: $reply\n" if $reply =~ /^(ERR|WRONGTYPE|OOM|NOSCRIPT|\(error\))/;
	return $reply;
}

sub redis_info { my ($server, $field) = @_; return redis($server, 'INFO') =~ /^$field:(\S+?)\r?$/m ? $1 : die "no $field" }

# Nanoseconds of CPU a process has used in all its threads.
sub process_cpu_ns
{
	my ($pid) = @_;
	my $sum = 0;
	foreach my $path (glob "/proc/$pid/task/*/schedstat")
	{
		open(my $file, '<', $path) or next;
		$sum += (split ' ', <$file>)[0];
	}
	return $sum || die "no process $pid";
}

my %redis_pid;
sub redis_cpu_ns { my ($server) = @_; return process_cpu_ns($redis_pid{$server} //= redis_info($server, 'process_id')) }

my $memcached_pid;
sub memcached_cpu_ns
{
	if (!$memcached_pid)
	{
		my $socket = IO::Socket::UNIX->new("$sockets/memcached") or die "memcached: $!";
		print $socket "stats\r\n";
		$socket->flush;
		while (!$memcached_pid) { ($memcached_pid) = (readline($socket) // die 'memcached hangs up') =~ /^STAT pid (\d+)/ }
	}
	return process_cpu_ns($memcached_pid);
}

# True if functions in PL/Perl can talk to Redis; else says why some rows are missing.
sub has_perl_redis
{
	my $works = sql("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'plperlu')") eq 't' &&
	  eval { sql('CREATE EXTENSION IF NOT EXISTS plperlu', 'DO LANGUAGE plperlu $f$ require Redis::Fast $f$'); 1 };
	say_line("\n(Redis from a trigger is not measured: PL/Perl with Redis::Fast, of Debian's packages postgresql-plperl and libredis-fast-perl, is not installed.)") unless $works;
	return $works;
}

# Bytes charged to a keyspace, and without what compaction gives back as soon as it is needed.
# What the worker still takes away after a load does not count: waits until nothing changes.
sub hotset_bytes
{
	return split /\|/, sql(<<"SQL", 'SELECT * FROM pg_temp.settled()');
CREATE FUNCTION pg_temp.settled(OUT b bigint, OUT live bigint) LANGUAGE plpgsql AS \$body\$
DECLARE
	last bigint; polls int := 0; same int := 0;
BEGIN
	WHILE same < 15 AND polls < 500 LOOP
		SELECT bytes, bytes - record_bytes + live_record_bytes INTO b, live FROM hotset_stats() WHERE keyspace = '$_[0]';
		same := CASE WHEN b = last THEN same + 1 ELSE 0 END;
		last := b;
		polls := polls + 1;
		PERFORM pg_sleep(0.03);
	END LOOP;
END \$body\$
SQL
}

# ---- Numbers and tables -----------------------------------------------------

# Of an even number the mean of the two in the middle.
sub median { my @sorted = sort { $a <=> $b } @_; return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2 }

# Of two lists with a figure for each round: their ratios, their differences.
sub ratios { my ($own, $other) = @_; return [ map { $own->[$_] / max($other->[$_], 1e-3) } 0 .. min($#$own, $#$other) ] }
sub differences { my ($own, $other) = @_; return [ map { $own->[$_] - $other->[$_] } 0 .. min($#$own, $#$other) ] }

# A list in its order, and in the opposite one in every other round.
sub in_turn { my ($round, @list) = @_; return $round % 2 ? @list : reverse @list }

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

# A row of values, hotset first: each other one with its ratio to hotset's.  A
# value is a figure or an array of one for each round.
# 'better' tells whether more or less is better ('baseline': neither); losses are
# collected.  A reference to a value is printed without a ratio.
sub table_row
{
	my ($what, $better, $titles, @values) = @_;
	my $figure = sub { my ($value) = @_; return ref $value eq 'ARRAY' ? median(@$value) : $value };
	my ($own, @others) = @values;
	my @cells = (three_digits($figure->($own)));
	foreach my $i (0 .. $#others)
	{
		my $other = $others[$i];
		if (!defined $other) { push @cells, '-'; next }
		if (ref $other eq 'SCALAR' || ref $other eq 'REF') { push @cells, three_digits($figure->($$other)); next }
		my $shown = three_digits($figure->($other));
		if ($better eq 'baseline') { push @cells, $shown; next }
		my ($worse, $base) = $better eq 'less' ? ($other, $own) : ($own, $other);
		my $factor = ref $worse && ref $base ? median(@{ ratios($worse, $base) }) : max($figure->($worse), 1e-3) / max($figure->($base), 1e-3);
		push @cells, sprintf('%s (%s x)', $shown, ratio($factor));
		push @losses, sprintf('%s: %s is %s times better (%s, hotset %s)', $what, $titles->[ $i + 1 ],
			ratio(1 / $factor), $shown, $cells[0])
		  if $factor < 0.95;
	}
	say_line("| $what | " . join(' | ', @cells) . ' |');
	return;
}

# ---- Goals ------------------------------------------------------------------

# 'name figure unit, name figure unit', for the last column of a goal.
sub baseline
{
	my ($unit, @pairs) = @_;
	my @parts;
	while (my ($name, $figure) = splice(@pairs, 0, 2)) { push @parts, "$name " . three_digits($figure) . " $unit" }
	return join(', ', @parts);
}

sub goal_figure
{
	my ($x, $unit) = @_;
	return (abs($x) < 0.095 && $x != 0 ? sprintf('%.3f', $x) : three_digits($x)) . $unit;
}

sub goal
{
	my ($number, $work, $limit, $measured, $baseline) = @_;
	my ($comparison, $bound, $unit) = $limit =~ /^(<=|>=|<|>)\s*([\d.]+)(.*)$/ or die "goal $number: what is '$limit'?";
	my @rounds = ref $measured ? @$measured : $measured;
	my $figure = median(@rounds);
	my %holds = ('<=' => $figure <= $bound, '>=' => $figure >= $bound, '<' => $figure < $bound, '>' => $figure > $bound);
	my $spread = @rounds > 1 ? goal_figure(min(@rounds), '') . ' - ' . goal_figure(max(@rounds), '') : '';
	push @goals, { number => $number, holds => $holds{$comparison},
		cells => [ $number, $work, $limit, goal_figure($figure, $unit), $spread, $baseline, $holds{$comparison} ? 'pass' : 'falls short' ] };
	return;
}

# The table of all goals measured, as lines.
sub goals_table
{
	return '' unless @goals;
	my $passed = grep { $_->{holds} } @goals;
	my $table = "\n## Goals\n\nA ratio is hotset's figure divided by that of the baseline, the median of the ratios of all rounds; beside it the smallest and the largest of them. " .
	  "Where there is none, one run tells: bytes, misses and counts hardly vary, and growth repeats itself what took long. $passed of " . scalar(@goals) . ' pass.' . ($quick ? ' A quick run is smaller than the goals ask for.' : '') . "\n\n" .
	  "| # | work | goal | measured | rounds | baseline | |\n|--:|---|--:|--:|--:|---|---|\n";
	# sort is stable: rows of one number stay as they came
	$table .= '| ' . join(' | ', @{ $_->{cells} }) . " |\n" foreach sort { $a->{number} <=> $b->{number} } @goals;
	return $table;
}

# ---- Plots ------------------------------------------------------------------

my %colour = (hotset => '#c0392b', 'hotset s3fifo' => '#c0392b', 'no-op' => '#7f8c8d', Redis => '#2471a3', 'UNLOGGED table' => '#229954');
my @more_colours = ('#d68910', '#7d3c98', '#117a65', '#5d6d7e', '#a04000', '#1f618d');

# Put a drawing into the page.  'name': of its file; 'set': more settings of
# gnuplot; 'series': a name and points [x, y] for each line.
sub plot
{
	my ($name, %plot) = @_;
	push @plots, { name => $name, %plot };
	say_line("\n![$plot{title}](plots/$name.svg)");
	return;
}

# Draw all plots into a directory.
sub draw_plots
{
	my ($to) = @_;
	foreach my $plot (@plots)
	{
		my @more = @more_colours;
		my ($data, @lines) = ('');
		foreach my $series (@{ $plot->{series} })
		{
			my ($title, @points) = @$series;
			my $block = '$d' . @lines;
			$data .= "$block << EOD\n" . join('', map { sprintf("%g %g\n", @$_) } @points) . "EOD\n";
			push @lines, sprintf("%s using 1:2 with linespoints title '%s' lc rgb '%s' lw 2 pt 7 ps 0.5", $block, $title, $colour{$title} // shift @more);
		}
		open(my $gnuplot, '|-', 'gnuplot') or die "gnuplot: $!";
		print $gnuplot "set terminal svg size 760,420 dynamic font 'sans-serif,13' background 'white'\n",
		  "set output '$to/$plot->{name}.svg'\n", "set title '$plot->{title}'\n", "set xlabel '$plot->{xlabel}'\n", "set ylabel '$plot->{ylabel}'\n",
		  "set key tmargin center horizontal samplen 2\n", "set grid lt 1 lc rgb '#dddddd'\n", "set border 3\n", "set tics nomirror\n",
		  (map { "set $_\n" } @{ $plot->{set} // [] }), $data, 'plot ', join(", \\\n", @lines), "\n";
		close($gnuplot) or die "gnuplot fails to draw $plot->{name}";
	}
	return;
}

# ---- In-procedure loops -----------------------------------------------------

# Make the draws 'seed' of numbers below 'range', once.
my %have_draws;
sub need_draws
{
	my ($seed, $range) = @_;
	sql("SELECT draw($seed, $range, $draws)") unless $have_draws{"$seed $range"}++;
	return;
}

# All loops of PL/pgSQL run in one session, as Redis is one process: one that is new pays for each page of
# shared memory that it sees for the first time, which is a fifth of 100,000 calls at random.
# A new one is needed for settings of the database to take effect, and before fork().
my $session;
sub new_session { $session->disconnect if $session; undef $session; return }

sub session
{
	return $session //= DBI->connect("dbi:Pg:dbname=$ENV{PGDATABASE}", '', '', { RaiseError => 1, AutoCommit => 1, AutoInactiveDestroy => 1 });
}

# Nanoseconds for each of 'calls' runs of a statement of PL/pgSQL, loop
# included: CPU of the backend, which unlike the clock is not disturbed by whatever else runs on
# the machine; in list context also elapsed.  The statement may use i (1 .. calls), the draws keys[i], members[i],
# numbers[i] and scores[i], the members fresh[i] that no board has, in an order without
# repetitions, the constants hour and bytes40, and assign to b, n, f, v, a, r.
# Options: seed, range (both of the draws), calls; commit (after so many
# runs; without, all is one transaction); warm (once before, what is made for a session).
sub plpgsql_loop
{
	my ($statement, %o) = @_;
	my ($seed, $range, $calls) = ($o{seed} // 1, $o{range} // $million, $o{calls});
	die "there are only $draws draws for '$statement'" if $calls > $draws && $statement =~ /\[i\]/;
	need_draws($seed, $range);
	my $commit = $o{commit} ? "IF i % $o{commit} = 0 THEN COMMIT; END IF;" : '';
	my $warm = $o{warm} ? "FOR i IN 1 .. 1 LOOP $statement END LOOP;" : '';
	my $wanted = sub { my ($array) = @_; return "$statement $commit" =~ /\b$array\b/ ? "d.$array" : 'NULL' };
	my $arrays = join(', ', map { $wanted->($_) } qw(keys members numbers scores));
	my $fresh = $statement =~ /\bfresh\b/ ? "fresh := ARRAY(SELECT fresh_of((i * 7919::bigint % $calls)::int) FROM generate_series(1, $calls) AS i);" : '';
	# no procedure: to create one voids all cached results
	session()->do(<<"SQL");
DO \$body\$
DECLARE
	keys text[]; members text[]; numbers int[]; scores float8[]; fresh text[];
	hour interval := '1 hour'; bytes40 text := repeat('v', 40);
	b bool; n bigint := 0; f float8; v text; a text[]; r record;
	-- the query of a FOR loop copies its variables: no long array may be among them
	place int; low float8;
	c0 float8; c1 float8; t0 timestamptz;
BEGIN
	SELECT $arrays INTO keys, members, numbers, scores FROM draws AS d WHERE seed = $seed AND range = $range;
	$fresh
	-- the first use takes an array apart
	v := concat(keys[1], members[1], numbers[1], scores[1], fresh[1]);
	$warm
	t0 := clock_timestamp();
	c0 := cpu_ns();
	FOR i IN 1 .. $calls LOOP
		$statement
		$commit
	END LOOP;
	c1 := cpu_ns();
	PERFORM set_config('bench.ns', concat_ws(' ', (c1 - c0) / $calls, extract(epoch FROM clock_timestamp() - t0) * 1e9 / $calls), false);
END \$body\$;
SQL
	my ($cpu, $elapsed) = split / /, session()->selectrow_array('SHOW bench.ns');
	return wantarray ? ($cpu, $elapsed) : $cpu;
}

# The same with a statement of Lua in Redis; it may use cmd(...), which is redis.call.
sub lua_loop
{
	my ($statement, %o) = @_;
	my ($seed, $range, $calls) = ($o{seed} // 1, $o{range} // $million, $o{calls});
	my $wanted = sub { my ($array, $code) = @_; return $statement =~ /\b$array\b/ ? "$array\[i] = $code " : '' };
	my $draw = $wanted->('numbers', "x % $range") . $wanted->('keys', "string.format('%.0f', 1000000000 + x % $range)") .
	  $wanted->('members', "string.format('member:%06d', x % $range)") .
	  $wanted->('fresh', "string.format('novice:%06d', i * 7919 % $calls)");
	my $scores = $wanted->('scores', 'x % 1000000');
	return redis('redis', 'EVAL', <<"LUA", 0);
local cmd, hour, bytes40 = redis.call, '3600', string.rep('v', 40)
local keys, members, numbers, scores, fresh = {}, {}, {}, {}, {}
local function cpu()
	local info = cmd('INFO', 'cpu')
	return info:match('used_cpu_sys_main_thread:([%d.]+)') + info:match('used_cpu_user_main_thread:([%d.]+)')
end
local x = $seed
for i = 1, $calls do
	x = x * 16807 % 2147483647
	$draw
	x = x * 16807 % 2147483647
	$scores
end
local n, f, t = 0, 0, nil
local c0 = cpu()
for i = 1, $calls do
	$statement
end
return string.format('%.3f', (cpu() - c0) * 1e9 / $calls)
LUA
}

# Redis is to be empty.
my %have;
sub flush_redis { delete @have{qw(redis_keys redis_board)}; redis('redis', 'FLUSHALL', 'SYNC'); return }

# A million keys of 10 bytes with values of 40 in hotset and Redis, and in the table plain (key, value).
sub need_keys
{
	sql("SELECT count(kv_set(key_of(i), repeat('v', 40))) FROM generate_series(0, $million - 1) AS i",
		"CREATE UNLOGGED TABLE plain (key text PRIMARY KEY, value text NOT NULL)",
		"INSERT INTO plain SELECT key_of(i), repeat('v', 40) FROM generate_series(0, $million - 1) AS i",
		'VACUUM ANALYZE plain') unless $have{keys}++;
	redis('redis', 'EVAL', "for i = 1000000000, 999999999 + $million do redis.call('SET', string.format('%.0f', i), string.rep('v', 40)) end", 0)
	  unless $have{redis_keys}++;
	return;
}

# A board of a million members of 13 bytes with random scores in hotset and Redis, and in the table board (member, score).
sub need_board
{
	sql("SELECT count(zadd('board', (i * 7919::bigint) % 1000003 % 1000000, member_of(i))) FROM generate_series(0, $million - 1) AS i",
		'CREATE UNLOGGED TABLE board (member text PRIMARY KEY, score float8 NOT NULL)',
		"INSERT INTO board SELECT member_of(i), (i * 7919::bigint) % 1000003 % 1000000 FROM generate_series(0, $million - 1) AS i",
		'CREATE INDEX ON board (score, member)', 'VACUUM ANALYZE board') unless $have{board}++;
	redis('redis', 'EVAL', "for i = 0, $million - 1 do redis.call('ZADD', 'board', i * 7919 % 1000003 % 1000000, string.format('member:%06d', i)) end", 0)
	  unless $have{redis_board}++;
	return;
}

# ---- Connections ------------------------------------------------------------

# Calls per second of a script of pgbench, or of a list of which it takes one at
# random for each call.  'seconds' may be a part of one: it then makes as many
# calls as it is likely to in that time.  Options: define, an array of name=value
# for more variables than million; rate, no more calls a second than that.
my %calls_per_second;
sub pgbench
{
	my ($clients, $seconds, $script, %o) = @_;
	my $scripts = tempdir(DIR => $sockets);
	my @files;
	foreach my $text (ref $script ? @$script : $script)
	{
		push @files, "$scripts/" . @files;
		open(my $file, '>', $files[-1]) or die "$files[-1]: $!";
		print $file "$text\n";
		close($file);
	}
	my $run = sub {
		my $report = run_command('pgbench', '-n', '-M', 'prepared', '-c', $clients, '-j', $clients > 1 ? 2 : 1, @_, $o{rate} ? ('-R', $o{rate}) : (),
			(map { ('-D', $_) } "million=$million", @{ $o{define} // [] }), map { ('-f', $_) } @files);
		return $report =~ /^tps = ([\d.]+)/m ? $1 : die "pgbench: $report";
	};
	return $run->('-T', $seconds) if $seconds == int($seconds);
	my $usual = \$calls_per_second{"$clients $script"};
	$$usual //= $run->('-t', 20);
	return $$usual = $run->('-t', int($$usual * $seconds / $clients) + 1);
}

# Calls per second of a command of Redis; __rand_int__ in it is below 'range'.
sub redis_benchmark
{
	my ($command, $clients, $calls, $range) = @_;
	my $report = run_command('redis-benchmark', '-s', "$sockets/redis", '-c', $clients, '-n', $calls, '-r', $range, '--csv', split ' ', $command);
	my @line = split /\n/, $report;
	return $line[-1] =~ /^"[^"]*","([\d.]+)"/ ? $1 : die "redis-benchmark: $report";
}

1;
