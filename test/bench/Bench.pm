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
#	section(name => \&measure);
#	sub measure { ... say_line("\n## Title\n"); table_head(...); table_row(...); goal(...) }
#	1;
#
# It creates what it needs, in tables and keyspaces of its own names, and drops
# it; Redis is flushed before each section.  need_keys() and need_board() give
# data that several sections share.
#
# A row of a table is one call of table_row().  A row of the goals table is
#
#	goal(4, 'kv_incr of a hot key', '<= 0.8x', $own / $redis, baseline('ns', hotset => $own, 'Redis, Lua' => $redis));
#
# that is the number it is sorted by, the work, the goal (a comparison, a
# number and a unit: "<= 0.8x", ">= 100x", "< 1 ms"), the figure measured in
# that unit, and the baseline with the figures of both in words.  A goal that is
# missed is printed as such and fails nothing.
#
# A row whose SQL function may not exist yet stands behind('hset').
#
# Every figure is the median of several rounds.  Rounds are interleaved: one
# measurement of each system, then the next round, so that a disturbance of the
# machine meets all of them alike.
package Bench;
use strict;
use warnings;
use Exporter 'import';
use File::Temp qw(tempdir);
use List::Util qw(max);
use Time::HiRes qw(time);

our @EXPORT = qw($sockets $dir $quick $rounds $million
  section run_command as_user sql redis redis_info redis_cpu_ns process_cpu_ns
  median three_digits ratio say_line table_head table_row goal baseline plot
  need_draws plpgsql_loop lua_loop need_keys need_board pgbench redis_benchmark hotset_bytes $cpu_clock $wall_clock);

# Set by configure(): the directory of the sockets, that of this file; a short
# run; rounds of each measurement; a million (a short run has less).
our ($sockets, $dir, $quick, $rounds, $million);
our (%sections, $page, @losses, @goals, @plots);

sub configure
{
	($sockets, $dir, $quick) = @_;
	$rounds = $quick ? 3 : 5;
	$million = $quick ? 100_000 : 1_000_000;
	$page = '';
	return;
}

# Announce the section of this file.
sub section { my ($name, $measure) = @_; $sections{$name} = $measure; return }

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

# Reply of one of the Redis servers: redis (keeps all), lru1 .. lru5, lfu1 .. lfu5.
sub redis
{
	my ($server, @command) = @_;
	my $reply = run_command('redis-cli', '-s', "$sockets/$server", @command);
	die "redis: $reply\n" if $reply =~ /^(ERR|WRONGTYPE|OOM|NOSCRIPT|\(error\))/;
	return $reply;
}

sub redis_info { my ($server, $field) = @_; return redis($server, 'INFO') =~ /^$field:(\S+?)\r?$/m ? $1 : die "no $field" }

# Nanoseconds of CPU a process has used.
sub process_cpu_ns
{
	my ($pid) = @_;
	open(my $file, '<', "/proc/$pid/schedstat") or die "/proc/$pid/schedstat: $!";
	return (split ' ', <$file>)[0];
}

my %redis_pid;
sub redis_cpu_ns { my ($server) = @_; return process_cpu_ns($redis_pid{$server} //= redis_info($server, 'process_id')) }

# Bytes charged to a keyspace, and without what compaction gives back as soon as it is needed.
sub hotset_bytes
{
	# what the worker takes away in the seconds after a load does not count
	my ($last, $same) = (-1, 0);
	for (my $polls = 0; $polls < 30 && $same < 5; $polls++)
	{
		my $bytes = sql("SELECT bytes FROM hotset_stats WHERE keyspace = '$_[0]'");
		$same = $bytes == $last ? $same + 1 : 0;
		$last = $bytes;
		select undef, undef, undef, 0.5;
	}
	return split /\|/, sql("SELECT bytes, bytes - record_bytes + live_record_bytes FROM hotset_stats WHERE keyspace = '$_[0]'");
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
# 'better' tells whether more or less is better ('baseline': neither); losses are
# collected.  A reference to a value is printed without a ratio.
sub table_row
{
	my ($what, $better, $titles, @values) = @_;
	my ($own, @others) = @values;
	my @cells = (three_digits($own));
	foreach my $i (0 .. $#others)
	{
		my $other = $others[$i];
		if (!defined $other) { push @cells, '-'; next }
		if (ref $other) { push @cells, three_digits($$other); next }
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

# ---- Goals ------------------------------------------------------------------

# 'name figure unit, name figure unit', for the last column of a goal.
sub baseline
{
	my ($unit, @pairs) = @_;
	my @parts;
	while (my ($name, $figure) = splice(@pairs, 0, 2)) { push @parts, "$name " . three_digits($figure) . " $unit" }
	return join(', ', @parts);
}

sub goal
{
	my ($number, $work, $limit, $measured, $baseline) = @_;
	my ($comparison, $bound, $unit) = $limit =~ /^(<=|>=|<|>)\s*([\d.]+)(.*)$/ or die "goal $number: what is '$limit'?";
	my %holds = ('<=' => $measured <= $bound, '>=' => $measured >= $bound, '<' => $measured < $bound, '>' => $measured > $bound);
	push @goals, { number => $number, holds => $holds{$comparison},
		cells => [ $number, $work, $limit, ($measured < 0.095 ? sprintf('%.3f', $measured) : three_digits($measured)) . $unit, $baseline, $holds{$comparison} ? 'pass' : 'falls short' ] };
	return;
}

# The table of all goals measured, as lines.
sub goals_table
{
	return '' unless @goals;
	my $passed = grep { $_->{holds} } @goals;
	my $table = "\n## Goals\n\nRatios are hotset's figure divided by that of the baseline. $passed of " . scalar(@goals) . " pass." . ($quick ? ' A quick run is smaller than the goals ask for.' : '') . "\n\n" .
	  "| # | work | goal | measured | baseline | |\n|--:|---|--:|--:|---|---|\n";
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
		  "set key bmargin center horizontal samplen 2\n", "set grid lt 1 lc rgb '#dddddd'\n", "set border 3\n", "set tics nomirror\n",
		  (map { "set $_\n" } @{ $plot->{set} // [] }), $data, 'plot ', join(", \\\n", @lines), "\n";
		close($gnuplot) or die "gnuplot fails to draw $plot->{name}";
	}
	return;
}

# ---- In-procedure loops -----------------------------------------------------

# Clocks for plpgsql_loop(), in nanoseconds: CPU of the backend, and elapsed time.
our $cpu_clock = 'cpu_ns()';
our $wall_clock = 'extract(epoch FROM clock_timestamp()) * 1e9';

# Make the draws 'seed' of $million numbers below 'range', once.
sub need_draws
{
	my ($seed, $range) = @_;
	sql("SELECT draw($seed, $range, $million)") if sql("SELECT EXISTS (SELECT FROM draws WHERE seed = $seed AND range = $range)") eq 'f';
	return;
}

# Nanoseconds for each of 'calls' runs of a statement of PL/pgSQL, loop
# included.  It may use i (1 .. calls), the draws keys[i], members[i],
# numbers[i] and scores[i], the members fresh[i] in an order without
# repetitions, the constants hour and bytes40, and assign to b, n, f, v, a, r.
# Options: seed, range (both of the draws), calls, clock; commit (after so many
# runs; without, all is one transaction).
sub plpgsql_loop
{
	my ($statement, %o) = @_;
	my ($seed, $range, $calls, $clock) = ($o{seed} // 1, $o{range} // $million, $o{calls}, $o{clock} // $cpu_clock);
	need_draws($seed, $range);
	my $commit = $o{commit} ? "IF i % $o{commit} = 0 THEN COMMIT; END IF;" : '';
	my $wanted = sub { my ($array) = @_; return "$statement $commit" =~ /\b$array\b/ ? "d.$array" : 'NULL' };
	my $arrays = join(', ', map { $wanted->($_) } qw(keys members numbers scores));
	my $fresh = $statement =~ /\bfresh\b/ ? "fresh := ARRAY(SELECT member_of((i * 7919::bigint % $million)::int) FROM generate_series(1, $calls) AS i);" : '';
	# no procedure: to create one voids all cached results
	return sql(<<"SQL", 'SHOW bench.ns');
DO \$body\$
DECLARE
	keys text[]; members text[]; numbers int[]; scores float8[]; fresh text[];
	hour interval := '1 hour'; bytes40 text := repeat('v', 40);
	b bool; n bigint := 0; f float8; v text; a text[]; r record;
	-- the query of a FOR loop copies its variables: no array of a million among them
	place int; low float8;
	c0 float8;
BEGIN
	SELECT $arrays INTO keys, members, numbers, scores FROM draws AS d WHERE seed = $seed AND range = $range;
	$fresh
	-- the first use takes an array apart
	v := concat(keys[1], members[1], numbers[1], scores[1], fresh[1]);
	c0 := $clock;
	FOR i IN 1 .. $calls LOOP
		$statement
		$commit
	END LOOP;
	PERFORM set_config('bench.ns', (($clock - c0) / $calls)::text, false);
END \$body\$;
SQL
}

# The same with a statement of Lua in Redis; it may use cmd(...), which is redis.call.
sub lua_loop
{
	my ($statement, %o) = @_;
	my ($seed, $range, $calls) = ($o{seed} // 1, $o{range} // $million, $o{calls});
	my $wanted = sub { my ($array, $code) = @_; return $statement =~ /\b$array\b/ ? "$array\[i] = $code " : '' };
	my $draw = $wanted->('numbers', "x % $range") . $wanted->('keys', "string.format('%.0f', 1000000000 + x % $range)") .
	  $wanted->('members', "string.format('member:%06d', x % $range)") .
	  $wanted->('fresh', "string.format('member:%06d', i * 7919 % $million)");
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

# A million keys of 10 bytes with values of 40 in hotset and Redis, and in the table plain (key, value).
my $have_keys;
sub need_keys
{
	sql("SELECT count(kv_set(key_of(i), repeat('v', 40))) FROM generate_series(0, $million - 1) AS i",
		"CREATE UNLOGGED TABLE plain (key text PRIMARY KEY, value text NOT NULL)",
		"INSERT INTO plain SELECT key_of(i), repeat('v', 40) FROM generate_series(0, $million - 1) AS i",
		'VACUUM ANALYZE plain') unless $have_keys++;
	redis('redis', 'EVAL', "for i = 1000000000, 999999999 + $million do redis.call('SET', string.format('%.0f', i), string.rep('v', 40)) end", 0);
	return;
}

# A board of a million members of 13 bytes with random scores in hotset and Redis, and in the table board (member, score).
my $have_board;
sub need_board
{
	sql("SELECT count(zadd('board', (i * 7919::bigint) % 1000003 % 1000000, member_of(i))) FROM generate_series(0, $million - 1) AS i",
		'CREATE UNLOGGED TABLE board (member text PRIMARY KEY, score float8 NOT NULL)',
		"INSERT INTO board SELECT member_of(i), (i * 7919::bigint) % 1000003 % 1000000 FROM generate_series(0, $million - 1) AS i",
		'CREATE INDEX ON board (score, member)', 'VACUUM ANALYZE board') unless $have_board++;
	redis('redis', 'EVAL', "for i = 0, $million - 1 do redis.call('ZADD', 'board', i * 7919 % 1000003 % 1000000, string.format('member:%06d', i)) end", 0);
	return;
}

# ---- Connections ------------------------------------------------------------

# Calls per second of a script of pgbench, or of a list of which it takes one at
# random for each call.  'define': name=value for more variables than million.
sub pgbench
{
	my ($clients, $seconds, $script, @define) = @_;
	my $scripts = tempdir(CLEANUP => 1);
	my @files;
	foreach my $text (ref $script ? @$script : $script)
	{
		push @files, "$scripts/" . @files;
		open(my $file, '>', $files[-1]) or die "$files[-1]: $!";
		print $file "$text\n";
		close($file);
	}
	my $report = run_command('pgbench', '-n', '-M', 'prepared', '-c', $clients, '-j', $clients > 1 ? 2 : 1, '-T', $seconds,
		(map { ('-D', $_) } "million=$million", @define), map { ('-f', $_) } @files);
	return $report =~ /^tps = ([\d.]+)/m ? $1 : die "pgbench: $report";
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
