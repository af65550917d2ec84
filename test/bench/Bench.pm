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
# it; Redis is flushed before each section.  need_names() gives the small data
# set that several sections share.
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
# A row whose SQL function may not exist yet stands behind has_function('hset').
#
# Every figure is the median of several rounds.  Rounds are interleaved: one
# measurement of each system, then the next round, so that a disturbance of the
# machine meets all of them alike.
package Bench;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max);
use Time::HiRes qw(time);

our @EXPORT = qw($sockets $dir $quick $rounds $nkeys $million $seconds
  section need_names run_command sql has_function redis redis_info redis_cpu_ns process_cpu_ns
  median three_digits ratio say_line table_head table_row goal baseline
  plpgsql_loop lua_loop pgbench redis_benchmark hotset_bytes $cpu_clock $wall_clock);

# Set by configure(): the directory of the sockets, that of this file; a short
# run; rounds of each measurement, keys of the small data set, a million,
# seconds of one run of pgbench.
our ($sockets, $dir, $quick, $rounds, $nkeys, $million, $seconds);
our (%sections, $page, @losses, @goals);

sub configure
{
	($sockets, $dir, $quick) = @_;
	$rounds = $quick ? 3 : 5;
	$nkeys = $quick ? 20_000 : 100_000;
	$million = $quick ? 100_000 : 1_000_000;
	$seconds = $quick ? 1 : 2;
	$page = '';
	return;
}

# Announce the section of this file.
sub section { my ($name, $measure) = @_; $sections{$name} = $measure; return }

# The tables names, cache, counter and board, and the same in hotset (kv), Redis and memcached.
my $have_names;
sub need_names
{
	if (!$have_names++)
	{
		run_command('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-v', "nkeys=$nkeys", '-o', '/dev/null', '-f', "$dir/names.sql");
		sql("SELECT count(memcache_set(k, repeat('v', 40))), count(memcache_set('n' || k, '1')) FROM names, unnest(keys) AS k");
	}
	# Redis is empty at the start of each section
	redis('redis', 'EVAL', "for i = 1, $nkeys do redis.call('SET', 'key:' .. i, string.rep('v', 40)) redis.call('SET', 'nkey:' .. i, 1)
		redis.call('ZADD', 'board', i * 7919 % 1000000, 'member:' .. i) end", 0);
	return;
}

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

# Result of SQL, unaligned: columns apart by |, rows by line ends.  Each call is a session of its own.
sub sql { return run_command('env', 'PGOPTIONS=-c client_min_messages=warning', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', $_[0]) }

# Is there a function of this name?
sub has_function { return sql("SELECT EXISTS (SELECT FROM pg_proc WHERE proname = '$_[0]')") eq 't' }

# Reply of one of the Redis servers: redis (keeps all), lru, lfu.
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
		cells => [ $number, $work, $limit, three_digits($measured) . $unit, $baseline, $holds{$comparison} ? 'pass' : 'falls short' ] };
	return;
}

# The table of all goals measured, as lines.
sub goals_table
{
	return '' unless @goals;
	my $passed = grep { $_->{holds} } @goals;
	my $table = "\n## Goals\n\nRatios are hotset's figure divided by that of the baseline. $passed of " . scalar(@goals) . " pass.\n\n" .
	  "| # | work | goal | measured | baseline | |\n|--:|---|--:|--:|---|---|\n";
	# sort is stable: rows of one number stay as they came
	$table .= '| ' . join(' | ', @{ $_->{cells} }) . " |\n" foreach sort { $a->{number} <=> $b->{number} } @goals;
	return $table;
}

# ---- In-procedure loops -----------------------------------------------------

# Clocks for plpgsql_loop(), in nanoseconds: CPU of the backend, and elapsed time.
our $cpu_clock = 'cpu_ns()';
our $wall_clock = 'extract(epoch FROM clock_timestamp()) * 1e9';

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
# ---- Connections ------------------------------------------------------------

sub pgbench
{
	my ($script, $clients) = @_;
	my $report = run_command('pgbench', '-n', '-M', 'prepared', '-c', $clients, '-j', $clients > 1 ? 2 : 1, '-T', $seconds,
		'-D', "nkeys=$nkeys", '-f', "$dir/pgbench/$script.sql");
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

1;
