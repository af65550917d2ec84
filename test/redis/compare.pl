#!/usr/bin/perl
#
# Run the same random commands on Redis and on hotset and compare every answer,
# and now and then all that the keys hold.
#
#   test/redis/compare.pl                    15000 commands
#   test/redis/compare.pl --count 500000 --seed 7
#   test/redis/compare.pl --keep-going       all differences, not the first 20
#
# hotset must be installed in the PostgreSQL of --pg-config (or $PG_CONFIG).
# An error must be one on both sides, and of the same kind.  What differs on
# purpose (docs/redis-differences.md) is known to the functions as_* below.
# The last line is "... N passed, N failed"; a failure shows the command, both
# answers and the seed.

use strict;
use warnings;
use FindBin;
use Getopt::Long;
use POSIX ();
use Time::HiRes qw(sleep);
use lib $FindBin::RealBin;
use Servers;
use Commands qw(random_command set_seed);

my %option = (count => 15000, seed => 1, 'pg-config' => $ENV{PG_CONFIG} // 'pg_config');
GetOptions(\%option, 'count=i', 'seed=i', 'pg-config=s', 'keep-going', 'verbose') or die "see the head of $0\n";

# Error of Redis => SQLSTATEs it may be in hotset
my @errors = (
	[ qr/^WRONGTYPE/, qr/42809/ ],
	[ qr/bit offset is not an integer|Invalid bitfield type/, qr/22023/ ],
	[ qr/not an integer/, qr/22P02|22003/ ],
	[ qr/overflow/, qr/22003/ ],
	[ qr/not a valid float|min or max is not a float|weight value is not a float|not a float/, qr/22P02|22023/ ],
	[ qr/NaN/, qr/22P02|22023|22003/ ],
	[ qr/index out of range/, qr/22012|22003/ ],	# division: see lset in Commands.pm
	[ qr/no such key/, qr/42704|22012/ ],
	[ qr/RANK can't be zero/, qr/22023/ ],
	[ qr/invalid expire|syntax error|not compatible|same time|objects are the same|can't be negative|out of range|must be positive|offset is out of range/,
		qr/22023|22003/ ],
	[ qr/exceeds maximum allowed size/, qr/54000|22003/ ]);

my ($passed, $failed) = (0, 0);
my $servers = Servers->start($option{'pg-config'});
local $SIG{INT} = local $SIG{TERM} = sub { exit 130 };
END { $servers->stop if $servers }

set_seed($option{seed});
for my $i (1 .. $option{count})
{
	my $command = random_command();

	next if $command->{unless} && holds(@{ $command->{unless} });
	print "$i: @{$command->{redis}}\n" if $option{verbose};
	compare($command, $i);
	sleep($command->{sleep}) if $command->{sleep};
	compare_state($i) if $i % 100 == 0 || $i == $option{count};
	last if $failed >= 20 && !$option{'keep-going'};
}
is_sound();
print "commands: $passed passed, $failed failed\n";
exit($failed ? 1 : 0);

# ---- Comparing ---------------------------------------------------------------

# Text functions refuse what is not text; Redis must not do it then either, and
# the value must in fact be no text.
sub compare
{
	my ($command, $i) = @_;
	my $sql = $servers->sql("SELECT $command->{sql}");

	if ($command->{as} =~ /^text/ && $sql =~ /^!22021/)
	{
		my $name = $command->{redis}[0];
		my @read = $name =~ /^(GETRANGE|MGET)$/ ? @{ $command->{redis} } : ('GET', $command->{redis}[1]);
		my $reply = $servers->redis(@read);
		my @bad = grep { defined && !is_text($_) } ref $reply eq 'ARRAY' ? @$reply : $reply;
		return verdict($command, $i, @bad > 0, 'text', $sql);
	}
	my $redis = $servers->redis(@{ $command->{redis} });
	verdict($command, $i, is_same($command, $redis, $sql), $redis, $sql);
}

sub is_same
{
	my ($command, $redis, $sql) = @_;
	my $as = main->can("as_$command->{as}") or die "no function as_$command->{as}";

	if ($sql =~ /^!(\w+)/)
	{
		my $state = $1;
		# arguments are refused whatever the key holds
		return $state eq '22023' && $command->{refused} unless ref $redis eq 'Servers::Error';
		for my $row (@errors)
		{
			return $state =~ $row->[1] if $$redis =~ $row->[0];
		}
		return 0;
	}
	# the only errors of Redis that are answers here
	return $command->{as} eq 'moved' && $$redis =~ /no such key/ && $sql eq '=false'
	  || $command->{as} eq 'bool' && $$redis =~ /objects are the same/
	  if ref $redis eq 'Servers::Error';
	return $as->($redis, $sql eq '~' ? undef : substr($sql, 1), $command);
}

sub verdict
{
	my ($command, $i, $is_same, $redis, $sql) = @_;

	if ($is_same)
	{
		$passed++;
		return;
	}
	$failed++;
	my $words = join(' ', map { shown($_) } @{ $command->{redis} });
	print "not ok: command $i of seed $option{seed}\n",
	  "  redis:  ", abbreviated($words), "\n", "     is   ", abbreviated(reply_text($redis)), "\n",
	  "  hotset: ", abbreviated($command->{sql}), "\n", "     is   ", abbreviated($sql), "\n";
}

sub shown
{
	my ($s) = @_;

	$s =~ s/([^\x21-\x7e])/sprintf('\\x%02x', ord $1)/ge;
	return $s eq '' ? '""' : $s;
}

sub abbreviated
{
	my ($s) = @_;

	return length $s > 400 ? substr($s, 0, 400) . '...' : $s;
}

sub reply_text
{
	my ($reply) = @_;

	return 'nil' unless defined $reply;
	return "error $$reply" if ref $reply eq 'Servers::Error';
	return '(' . join(' ', map { reply_text($_) } @$reply) . ')' if ref $reply;
	return shown($reply);
}

# Valid UTF-8 without zero bytes.
sub is_text
{
	my ($s) = @_;

	return $s !~ /\0/ && utf8::decode($s);
}

# Whether a key, or the field of a hash, holds a string like that.
sub holds
{
	my ($key, $pattern, $field) = @_;
	my $value = defined $field ? $servers->redis('HGET', $key, $field) : $servers->redis('GET', $key);

	return defined $value && !ref $value && $value =~ $pattern;
}

# What every key holds, until when.
sub compare_state
{
	my ($i) = @_;

	for my $key (Commands::all_keys())
	{
		my $type = $servers->redis('TYPE', $key);
		my $k = Servers::quote($key);
		my $c;

		compare(Commands::command('ttl', "extract(epoch FROM kv_ttl($k))", 'PTTL', $key), $i);
		next if $key =~ /^hll/;
		compare(Commands::command('type', "kv_type($k)", 'TYPE', $key), $i);
		$c = Commands::command('ranked', Commands::rows("zrange($k, 0, -1)", 1), 'ZRANGE', $key, 0, -1, 'WITHSCORES')
		  if $type eq 'zset';
		$c = Commands::command('bytes', Commands::hex_of("kv_get_bytea($k)"), 'GET', $key) if $type eq 'string';
		$c = Commands::command('pairs', Commands::pairs("hgetall($k)"), 'HGETALL', $key) if $type eq 'hash';
		$c = Commands::command('bag', Commands::bag('member', "smembers($k)"), 'SMEMBERS', $key) if $type eq 'set';
		$c = Commands::command('values', Commands::values_of("lrange($k, 0, -1)"), 'LRANGE', $key, 0, -1) if $type eq 'list';
		next unless $c;
		my $before = $failed;
		compare($c, $i);
		# one difference is reported once
		if ($failed > $before)
		{
			$servers->redis('DEL', $key);
			$servers->sql("SELECT kv_del($k)");
		}
	}
}

sub is_sound
{
	my $sql = $servers->sql('SELECT hotset_verify()');

	verdict({ redis => ['-'], sql => 'hotset_verify()' }, $option{count}, $sql eq '=true', undef, $sql);
}

# ---- Kinds of answers ----------------------------------------------------------
# Each is given the reply of Redis, and the text of hotset's value or undef.

sub as_int
{
	my ($redis, $sql) = @_;

	return defined $redis ? defined $sql && $redis eq $sql : !defined $sql;
}

# Of a missing key null, not 0.
sub as_length
{
	my ($redis, $sql) = @_;

	return $redis eq ($sql // 0);
}

sub as_bool
{
	my ($redis, $sql) = @_;

	return defined $sql && $redis eq ($sql eq 'true' ? 1 : 0);
}

# OK or nil; or 1 or 0, of MSETNX
sub as_ok
{
	my ($redis, $sql) = @_;

	return defined $sql && $sql eq (defined $redis && $redis ne '0' ? 'true' : 'false');
}

# OK of RENAME, or 1 or 0 of RENAMENX
sub as_moved
{
	my ($redis, $sql) = @_;

	return defined $sql && $sql eq ($redis eq '0' ? 'false' : 'true');
}

sub as_bytes
{
	my ($redis, $sql) = @_;

	return defined $redis ? defined $sql && unpack('H*', $redis) eq $sql : !defined $sql;
}

sub as_text
{
	goto &as_bytes;
}

sub as_bytes_or_empty
{
	my ($redis, $sql, $command) = @_;

	# before Redis 7.4 an end before the first byte was the first byte
	return 1 if $command->{redis}[3] < 0 && length $redis == 1 && ($sql // '') eq '';
	return unpack('H*', $redis) eq ($sql // '');
}

sub as_text_or_empty
{
	goto &as_bytes_or_empty;
}

sub as_text_list
{
	my ($redis, $sql) = @_;

	return $sql eq join(' ', map { defined $_ ? 'x' . unpack('H*', $_) : '~' } @$redis);
}

# In order; nil of LPOP with a count is no rows.
sub as_values
{
	my ($redis, $sql) = @_;

	return ($sql // '') eq join(' ', map { 'x' . unpack('H*', $_) } @{ $redis // [] });
}

sub as_int_list
{
	my ($redis, $sql) = @_;

	return ($sql // '') eq join(' ', map { $_ // '~' } @$redis);
}

sub as_key_set
{
	my ($redis, $sql, $command) = @_;
	my @ours = sort split / /, $sql // '';

	# to Redis stars do not match nothing, but for KEYS *
	@ours = grep { $_ ne 'x' } @ours if $command->{redis}[1] =~ /^\*\*+$/;

	return "@ours" eq join(' ', sort map { 'x' . unpack('H*', $_) } @$redis);
}

# In any order.
sub as_bag
{
	my ($redis, $sql) = @_;

	return join(' ', sort split / /, $sql // '') eq join(' ', sort map { 'x' . unpack('H*', $_) } @$redis);
}

# Fields and values, in any order.
sub as_pairs
{
	my ($redis, $sql) = @_;
	my @theirs = map { unpack('H*', $redis->[ 2 * $_ ]) . ',' . unpack('H*', $redis->[ 2 * $_ + 1 ]) } 0 .. @$redis / 2 - 1;

	return join(' ', sort split / /, $sql // '') eq join(' ', sort @theirs);
}

# hotset knows more types, and missing is null
sub as_type
{
	my ($redis, $sql) = @_;

	return $redis eq ($sql // 'none');
}

# Perl's own reading of numbers is not exact.
sub strtod
{
	my ($number) = POSIX::strtod($_[0]);

	return $number;
}

sub same_number
{
	my ($a, $b) = @_;

	return !defined $a && (!defined $b || $b eq '~') unless defined $a && defined $b && $b ne '~';
	return strtod($a) == strtod($b);
}

sub as_float
{
	my ($redis, $sql) = @_;

	return same_number($redis, $sql);
}

sub as_float_list
{
	my ($redis, $sql) = @_;
	my @ours = split / /, $sql;

	return @ours == @$redis && !grep { !same_number($redis->[$_], $ours[$_]) } 0 .. $#ours;
}

# Members and scores in order; ranks, if hotset tells them, one after the other.
sub as_ranked
{
	my ($redis, $sql) = @_;
	my @ours = split / /, $sql // '';
	my $first;

	return 0 unless @ours * 2 == @$redis;
	for my $i (0 .. $#ours)
	{
		my ($member, $score, $rank) = split /,/, $ours[$i];

		return 0 unless $member eq unpack('H*', $redis->[ 2 * $i ]) && same_number($redis->[ 2 * $i + 1 ], $score);
		$first //= $rank;
		return 0 if defined $rank && $rank != $first + $i;
	}
	return 1;
}

sub as_members
{
	my ($redis, $sql) = @_;

	return join(' ', map { (split /,/)[0] } split / /, $sql // '') eq join(' ', map { unpack 'H*', $_ } @$redis);
}

# Members in any order, with any scores.
sub as_unranked
{
	my ($redis, $sql) = @_;
	my @ours = sort map { (split /,/)[0] } split / /, $sql // '';

	return "@ours" eq join(' ', sort map { unpack 'H*', $redis->[ 2 * $_ ] } 0 .. @$redis / 2 - 1);
}

# key, member, score
sub as_popped
{
	my ($redis, $sql) = @_;

	return !defined $sql unless defined $redis;
	my ($key, $member, $score) = split / /, $sql // return 0;
	return $key eq unpack('H*', $redis->[0]) && $member eq unpack('H*', $redis->[1]) && same_number($redis->[2], $score);
}

sub as_key_value
{
	my ($redis, $sql) = @_;

	return !defined $sql unless defined $redis;
	return ($sql // '') eq join(' ', map { unpack('H*', $_) } @$redis);
}

sub as_number_of
{
	my ($redis, $sql) = @_;

	return @$redis == $sql;
}

# Milliseconds, -1 and -2 for none, and seconds or null; the two commands came
# one after the other, on a busy machine.
sub as_ttl
{
	my ($redis, $sql) = @_;

	return !defined $sql if $redis < 0;
	return defined $sql && abs($redis / 1000 - $sql) < 2;
}

# Redis takes some new values for old ones, hotset none with so few.  What is
# in is not new.
sub as_new
{
	my ($redis, $sql, $command) = @_;

	return defined $sql && ($sql eq 'true' || $redis eq '0') && $servers->sql("SELECT $command->{sql}") eq '=false';
}

# What is merged changes nothing when merged again.
sub as_merged
{
	my ($redis, $sql, $command) = @_;

	return defined $sql && $servers->sql("SELECT $command->{sql}") eq '=false';
}

sub as_estimate
{
	my ($redis, $sql) = @_;

	return abs($redis - $sql) <= 3 + $redis * 0.05;
}
