# Random commands, each as Redis and as hotset spells it, with how to compare
# the answers.
#
# A command is { redis => [words], sql => expression, as => kind }; kinds are
# the functions as_* of compare.pl.  Arguments come from small sets, so that
# commands meet on the same keys, and are chosen to be at the edges.

package Commands;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(random_command set_seed pick chance);

# Ours, for the same run everywhere: rand() differs between builds of Perl.
my $state = 1;

sub set_seed
{
	$state = ($_[0] * 2654435769 & 0xffffffff) || 1;
}

# 0 to n - 1
sub below
{
	my ($n) = @_;

	$state ^= ($state << 13) & 0xffffffff;	# xorshift, 32 bits
	$state ^= $state >> 17;
	$state ^= ($state << 5) & 0xffffffff;
	return ($state >> 3) % $n;
}

sub pick
{
	return $_[ below(scalar @_) ];
}

sub chance
{
	return below(100) < $_[0];
}

# ---- Arguments ---------------------------------------------------------------

my @keys = ('a', 'b', 'c', 'd', '', "k'\\\n \xc3\xa4", 'z1', 'z2', 'z3');
my @zkeys = ('z1', 'z2', 'z3', 'big', 'a');
my @lex_keys = ('lex1', 'lex2');
my @hll_keys = ('hll1', 'hll2', 'hll3');
my @hash_keys = ('hash1', 'hash2', 'hash3', 'hash4');
my @set_keys = ('set1', 'set2', 'set3', 'set4');
my @list_keys = ('list1', 'list2', 'list3');
my @bit_keys = ('bits1', 'bits2', 'bits3');
my @members = ('', 'a', 'b', 'ab', 'abc', 'B', 'm1', 'm2', 'm10', "\xc3\xa9", "\xf0\x9f\x98\x80",
	'x' x 70, 'x' x 300, "it's\\");
my @texts = ('', 'x', 'hello world', "\xc3\xa4\xc3\xb6\xc3\xbc", 'y' x 50, 'w' x 5000, "\n", "'\\");
my @numbers = (qw(0 1 -1 10 007 +5 -0 9223372036854775807 -9223372036854775808 9223372036854775808
	-9223372036854775809 1.5 -2.25 3.0 1e3 1e2x .5 5. abc 12abc), ' 12', '12 ', '1 2', '--1', 'inf',
	'-inf', 'nan', '1e15', '99999999999999999999', '0.0', '1E2', '-', '+', '.', '00', '-07');
my @increments = (0, 1, 1, 1, -1, 5, -7, 1000000, 9223372036854775807, -9223372036854775807,
	4611686018427387904);
my @floats = (0, 1, -1, 0.5, -0.25, 1.5, 3, 1024, -1000.125, 1e9);
my @offsets = (0, 0, 1, 2, 3, 5, 10, 49, 50, 100, 5000, -1, -2, -5, -100, 9223372036854775807,
	'-9223372036854775808', '-9223372036854775807', 2147483647, 2147483648, -4294967296);
my @ranks = (0, 0, 0, 1, 2, 3, 10, 100, 130, 255, -1, -1, -2, -3, -100, -200, 9223372036854775807,
	'-9223372036854775808');
my @scores = (0, 0, 1, 1, 2, 3, -1, 1.5, 0.1, -2.75, 10, 100, 'inf', '-inf', '-0', '1e300', '-1e300',
	'5e-324', '3.0000000000000004', '1.7976931348623157e308', '123456789012345678', '0.30000000000000004', '1e-7');
my @patterns = ('*', '?', 'a*', '*a', 'z?', 'z[12]', 'z[^1]', 'z[1-2]', '[a-c]', '\\a', 'h*', 'hll?',
	'l*1', '*[12]', '[', '[a', 'z[2-1]', '', '**', '*?*', 'z[', 'z[]1]', '[^a]', '?*?', 'z\\1',
	'z[\\1]', 'z[-1]', '*\\', "k'*", '[^', '[!a]', 'z[^', 'z[1');
my @long_ttls = (100, 101, 1000, 5000, 100000);
my @ttls = (@long_ttls, 0, -1, -1000);

sub key { return pick(@keys) }
sub zkey { return chance(90) ? pick(@zkeys) : key() }
sub value { return chance(60) ? pick(@numbers) : pick(@texts) }

sub member
{
	return chance(50) ? pick(@members) : 'n' . below(20);
}

sub some
{
	my ($source, $max) = @_;

	return map { $source->() } 1 .. 1 + below($max);
}

# A subset of the flags, mostly few.
sub flags
{
	return grep { chance(20) } @_;
}

# ---- SQL ---------------------------------------------------------------------

sub quote
{
	return Servers::quote($_[0]);
}

sub text_array
{
	return 'ARRAY[' . join(',', map { quote($_) } @_) . ']::text[]';
}

sub number
{
	my ($n) = @_;

	return 'NULL' unless defined $n;
	return "'$n'::float8";
}

sub int8
{
	return "'$_[0]'::bigint";
}

sub float_array
{
	return 'ARRAY[' . join(',', map { number($_) } @_) . ']::float8[]';
}

# Bytes of a value, for comparison: in hex.
sub hex_of
{
	return "encode($_[0], 'hex')";
}

sub bytes_literal
{
	return "'\\x" . unpack('H*', $_[0]) . "'::bytea";
}

sub seconds
{
	return "'$_[0] seconds'::interval";
}

# Named booleans of a function.
sub named
{
	return join('', map { ", $_ => true" } @_);
}

# Rows (member, score[, rank]) in the order they come.
sub rows
{
	my ($call, $with_rank) = @_;
	my $row = "hex(member) || ',' || score" . ($with_rank ? " || ',' || rank" : '');

	return "(SELECT string_agg($row, ' ' ORDER BY ordinality) FROM $call WITH ORDINALITY)";
}

sub command
{
	my ($as, $sql, @redis) = @_;

	return { as => $as, sql => $sql, redis => \@redis };
}

# ---- Strings -------------------------------------------------------------------

# As text or as bytea: what is read as bytes can hold anything.
sub value_literal
{
	my ($v) = @_;

	return chance(50) ? quote($v) . '::text' : bytes_literal($v);
}

sub set
{
	my ($k, $v) = (key(), value());
	my @only = flags('nx', 'xx');
	my $keep = chance(15);
	my $ttl = chance(30) ? pick(@ttls) : undef;

	return command('ok', 'kv_set(' . quote($k) . ', ' . value_literal($v) . named(@only)
		  . ($keep ? ', keep_ttl => true' : '') . ($ttl ? ', ttl => ' . seconds($ttl) : '') . ')',
		'SET', $k, $v, map({ uc } @only), $keep ? 'KEEPTTL' : (), $ttl ? ('EX', $ttl) : ());
}

sub get
{
	my $k = key();

	return command('bytes', hex_of('kv_get_bytea(' . quote($k) . ')'), 'GET', $k) if chance(50);
	return command('text', 'hex(kv_get(' . quote($k) . '))', 'GET', $k);
}

sub getset
{
	my ($k, $v) = (key(), value());

	return command('bytes', hex_of('kv_getset(' . quote($k) . ', ' . bytes_literal($v) . ')'), 'GETSET', $k, $v)
	  if chance(50);
	return command('text', 'hex(kv_getset(' . quote($k) . ', ' . quote($v) . '::text))', 'GETSET', $k, $v);
}

sub getdel
{
	my $k = key();

	return command('bytes', hex_of('kv_getdel_bytea(' . quote($k) . ')'), 'GETDEL', $k) if chance(50);
	return command('text', 'hex(kv_getdel(' . quote($k) . '))', 'GETDEL', $k);
}

sub getex
{
	my $k = key();
	my $f = chance(50) ? 'kv_getex_bytea' : 'kv_getex';
	my $as = $f eq 'kv_getex' ? 'text' : 'bytes';
	my $persist = chance(30);
	my $ttl = chance($persist ? 80 : 20) ? undef : pick(@ttls);
	my $call = "$f(" . quote($k) . (defined $ttl ? ', ttl => ' . seconds($ttl) : '')
	  . ($persist ? ', persist => true' : '') . ')';

	my $c = command($as, $as eq 'text' ? "hex($call)" : hex_of($call),
		'GETEX', $k, defined $ttl ? ('EX', $ttl) : (), $persist ? 'PERSIST' : ());

	$c->{refused} = defined $ttl && $ttl <= 0;
	return $c;
}

sub mget
{
	my @k = some(\&key, 6);

	return command('text_list', "(SELECT string_agg(coalesce('x' || hex(v), '~'), ' ' ORDER BY n)"
		  . ' FROM unnest(kv_mget(' . text_array(@k) . ')) WITH ORDINALITY t(v, n))', 'MGET', @k);
}

sub mset
{
	my @k = some(\&key, 4);
	my @v = map { value() } @k;
	my @pairs = map { $k[$_], $v[$_] } 0 .. $#k;
	my $nx = chance(40);

	return command('ok', 'kv_mset(' . text_array(@k) . ', ' . text_array(@v) . ($nx ? ', nx => true' : '') . ') > 0',
		$nx ? 'MSETNX' : 'MSET', @pairs);
}

sub append
{
	my ($k, $v) = (key(), value());

	return command('int', 'kv_append(' . quote($k) . ', ' . value_literal($v) . ')', 'APPEND', $k, $v);
}

sub strlen
{
	my $k = key();

	return command('length', 'kv_strlen(' . quote($k) . ')', 'STRLEN', $k);
}

sub getrange
{
	my ($k, $start, $stop) = (key(), pick(@offsets), pick(@offsets));
	my $arguments = '(' . join(', ', quote($k), int8($start), int8($stop)) . ')';

	return command('bytes_or_empty', hex_of("kv_getrange_bytea$arguments"), 'GETRANGE', $k, $start, $stop)
	  if chance(50);
	return command('text_or_empty', "hex(kv_getrange$arguments)", 'GETRANGE', $k, $start, $stop);
}

sub setrange
{
	my ($k, $offset, $v) = (key(), pick(@offsets), value());

	# what is above both limits differs only in the limit
	$offset = 60 if $offset >= 2147483647 && $offset < 9223372036854775807;
	return command('length', 'kv_setrange(' . quote($k) . ", " . int8($offset) . ', ' . value_literal($v) . ')',
		'SETRANGE', $k, $offset, $v);
}

sub incr
{
	my ($k, $by) = (key(), pick(@increments));

	return command('int', 'kv_incr(' . quote($k) . ')', 'INCR', $k) if chance(30);
	return command('int', 'kv_decr(' . quote($k) . ')', 'DECR', $k) if chance(20);
	return command('int', 'kv_incr(' . quote($k) . ', ' . int8($by) . ')', 'INCRBY', $k, $by) if chance(60);
	$by = '-9223372036854775808' if chance(5);
	return command('int', 'kv_decr(' . quote($k) . ', ' . int8($by) . ')', 'DECRBY', $k, $by);
}

# Redis counts with more digits than a double has, and reads hexadecimal:
# only eighths are the same everywhere.
my $uneven = qr/\d{12}|e\d|x|\.(?!(?:[05]|25|75|125|375|625|875)?0*$)/i;

sub incrbyfloat
{
	my ($k, $by) = (key(), pick(@floats));
	my $c = command('float', 'kv_incrbyfloat(' . quote($k) . ', ' . number($by) . ')', 'INCRBYFLOAT', $k, $by);

	$c->{unless} = [ $k, $uneven ];
	return $c;
}

# ---- Keys ------------------------------------------------------------------------

sub any_key
{
	return pick(@keys, @bit_keys, @hash_keys, @set_keys, @zkeys, @lex_keys, @hll_keys);
}

sub del
{
	my @k = some(\&any_key, 3);

	return command('int', 'kv_del(' . text_array(@k) . ')', 'DEL', @k) if @k > 1;
	return command('bool', 'kv_del(' . quote($k[0]) . ')', 'DEL', @k);
}

sub exists_
{
	my @k = some(\&any_key, 5);
	my ($f, $name) = chance(70) ? ('kv_exists', 'EXISTS') : ('kv_touch', 'TOUCH');

	return command('int', "$f(" . text_array(@k) . ')', $name, @k) if @k > 1;
	return command('bool', "$f(" . quote($k[0]) . ')', $name, @k);
}

# Keys of one kind: what is in a sketch must not come under the name of a string.
sub two_keys
{
	my $from = pick(\@keys, \@keys, \@hash_keys, \@set_keys, \@lex_keys, \@hll_keys);

	return (pick(@$from), pick(@$from));
}

sub rename_
{
	my ($from, $to) = two_keys();
	my $nx = chance(40);

	return command('moved', 'kv_rename(' . quote($from) . ', ' . quote($to) . ($nx ? ', true' : '') . ')',
		$nx ? 'RENAMENX' : 'RENAME', $from, $to);
}

sub copy
{
	my ($from, $to) = two_keys();
	my $replace = chance(60);

	return command('bool', 'kv_copy(' . quote($from) . ', ' . quote($to) . ($replace ? ', true' : '') . ')',
		'COPY', $from, $to, $replace ? 'REPLACE' : ());
}

sub expire
{
	my ($k, $ttl) = (any_key(), pick(@ttls));
	my @only = flags('nx', 'xx', 'gt', 'lt');

	return command('bool', 'kv_expire(' . quote($k) . ', ' . seconds($ttl) . named(@only) . ')',
		'EXPIRE', $k, $ttl, map { uc } @only)
	  if chance(70);
	my $at = chance(20) ? 1000 : time() + pick(@long_ttls);
	return command('bool', 'kv_expire_at(' . quote($k) . ", to_timestamp($at)" . named(@only) . ')',
		'EXPIREAT', $k, $at, map { uc } @only);
}

# Gone in some milliseconds.
sub expire_soon
{
	my $k = any_key();
	my $c = command('bool', 'kv_expire(' . quote($k) . ", '3 ms')", 'PEXPIRE', $k, 3);

	$c->{sleep} = 0.006;
	return $c;
}

sub persist
{
	my $k = any_key();

	return command('bool', 'kv_persist(' . quote($k) . ')', 'PERSIST', $k);
}

sub ttl
{
	my $k = any_key();

	return command('ttl', 'extract(epoch FROM kv_ttl(' . quote($k) . '))', 'PTTL', $k) if chance(50);
	return command('ttl', 'extract(epoch FROM kv_expires_at(' . quote($k) . '))', 'PEXPIRETIME', $k);
}

sub type
{
	my $k = pick(@keys, @hash_keys, @set_keys, @zkeys, @lex_keys);

	return command('type', 'kv_type(' . quote($k) . ')', 'TYPE', $k);
}

sub scan
{
	my $pattern = pick(@patterns);

	return command('key_set', "(SELECT string_agg('x' || hex(key), ' ') FROM kv_scan(" . quote($pattern) . '))',
		'KEYS', $pattern);
}

sub count
{
	# DBSIZE counts the expired, too
	return command('number_of', 'kv_count()', 'KEYS', '*');
}

# ---- Hashes --------------------------------------------------------------------------

sub hkey
{
	return chance(93) ? pick(@hash_keys) : key();
}

sub hset
{
	my ($k, $f, $v) = (hkey(), member(), value());

	return command('bool', 'hsetnx(' . join(', ', quote($k), quote($f), value_literal($v)) . ')', 'HSETNX', $k, $f, $v)
	  if chance(20);
	return command('int', 'hset(' . join(', ', quote($k), quote($f), value_literal($v)) . ')', 'HSET', $k, $f, $v)
	  if chance(60);
	my @f = chance(90) ? some(\&member, 5) : map { 'n' . $_ } 1 .. 60 + below(150);
	my @v = map { value() } @f;
	return command('int', 'hset(' . join(', ', quote($k), text_array(@f), text_array(@v)) . ')',
		'HSET', $k, map { $f[$_], $v[$_] } 0 .. $#f);
}

sub hdel
{
	my $k = hkey();
	my @f = chance(95) ? some(\&member, 4) : map { 'n' . $_ } 1 .. 200;

	return command('int', 'hdel(' . quote($k) . ', ' . (@f > 1 ? text_array(@f) : quote($f[0])) . ')', 'HDEL', $k, @f);
}

sub hget
{
	my ($k, $f) = (hkey(), member());
	my $arguments = '(' . quote($k) . ', ' . quote($f) . ')';

	return command('text', "hex(hget$arguments)", 'HGET', $k, $f) if chance(30);
	return command('bytes', hex_of("hget_bytea$arguments"), 'HGET', $k, $f) if chance(30);
	return command('bool', "hexists$arguments", 'HEXISTS', $k, $f) if chance(30);
	return command('length', "hstrlen$arguments", 'HSTRLEN', $k, $f) if chance(30);
	return command('int', 'hlen(' . quote($k) . ')', 'HLEN', $k) if chance(30);
	my @f = some(\&member, 6);
	return command('text_list', "(SELECT string_agg(coalesce('x' || hex(v), '~'), ' ' ORDER BY n) FROM unnest(hmget("
		  . quote($k) . ', ' . text_array(@f) . ')) WITH ORDINALITY t(v, n))', 'HMGET', $k, @f);
}

# Field and value of each, in no order.
sub pairs
{
	my ($call) = @_;

	return "(SELECT string_agg(hex(field) || ',' || hex(value), ' ') FROM $call)";
}

# One column, in no order.
sub bag
{
	my ($column, $call) = @_;

	return "(SELECT string_agg('x' || hex($column), ' ') FROM $call)";
}

sub hgetall
{
	my $k = hkey();
	my $key = '(' . quote($k) . ')';
	my $count = pick(0, 1, 2, 5, 300, -1, -5, -300);

	return command('pairs', pairs("hgetall$key"), 'HGETALL', $k) if chance(40);
	return command('bag', bag('field', "hkeys$key"), 'HKEYS', $k) if chance(40);
	return command('bag', bag('value', "hvals$key"), 'HVALS', $k) if chance(40);
	return command('number_of', '(SELECT count(*) FROM hrandfield(' . quote($k) . ", $count))", 'HRANDFIELD', $k, $count);
}

sub hincrby
{
	my ($k, $f) = (hkey(), member());
	my $by = pick(@increments);

	return command('int', 'hincrby(' . join(', ', quote($k), quote($f), int8($by)) . ')', 'HINCRBY', $k, $f, $by)
	  if chance(60);
	$by = pick(@floats);
	my $c = command('float', 'hincrbyfloat(' . join(', ', quote($k), quote($f), number($by)) . ')',
		'HINCRBYFLOAT', $k, $f, $by);
	$c->{unless} = [ $k, $uneven, $f ];
	return $c;
}

# ---- Sets ----------------------------------------------------------------------------

# Not where unions of sorted sets look: Redis takes sets there, too.
sub skey
{
	return chance(93) ? pick(@set_keys) : pick(@hash_keys, @lex_keys, @bit_keys);
}

sub set_member
{
	return chance(50) ? member() : pick(@numbers);
}

sub sadd
{
	my $k = skey();
	my @m = chance(92) ? some(\&set_member, 5) : map { chance(50) ? $_ : 'n' . $_ } 1 .. 60 + below(150);

	return command('int', 'sadd(' . quote($k) . ', ' . (@m > 1 ? text_array(@m) : quote($m[0])) . ')', 'SADD', $k, @m);
}

sub srem
{
	my $k = skey();
	my @m = chance(95) ? some(\&set_member, 4) : map { ($_, 'n' . $_) } 1 .. 200;

	return command('int', 'srem(' . quote($k) . ', ' . (@m > 1 ? text_array(@m) : quote($m[0])) . ')', 'SREM', $k, @m);
}

sub smove
{
	my ($from, $to, $m) = (skey(), skey(), set_member());

	return command('bool', 'smove(' . join(', ', map { quote($_) } $from, $to, $m) . ')', 'SMOVE', $from, $to, $m);
}

sub sget
{
	my $k = skey();
	my @m = some(\&set_member, 5);
	my $count = pick(0, 1, 2, 5, 300, -1, -5, -300);

	return command('bag', bag('member', 'smembers(' . quote($k) . ')'), 'SMEMBERS', $k) if chance(30);
	return command('bool', 'sismember(' . quote($k) . ', ' . quote($m[0]) . ')', 'SISMEMBER', $k, $m[0]) if chance(30);
	return command('int', 'scard(' . quote($k) . ')', 'SCARD', $k) if chance(30);
	return command('number_of', '(SELECT count(*) FROM srandmember(' . quote($k) . ", $count))", 'SRANDMEMBER', $k, $count)
	  if chance(30);
	return command('int_list', "(SELECT string_agg(v::int::text, ' ' ORDER BY n) FROM unnest(smismember("
		  . quote($k) . ', ' . text_array(@m) . ')) WITH ORDINALITY t(v, n))', 'SMISMEMBER', $k, @m);
}

# All or nothing: which ones are taken else is chance.
sub spop
{
	my ($k, $count) = (skey(), pick(0, 500, 500, -1));

	return command('bag', bag('member', 'spop(' . quote($k) . ", $count)"), 'SPOP', $k, $count);
}

sub set_algebra
{
	my $op = pick('union', 'inter', 'diff');
	my @k = some(\&skey, 4);

	if (chance(20))
	{
		my $limit = chance(50) ? pick(0, 1, 2, 3, 100, -1) : undef;
		return command('int', 'sintercard(' . text_array(@k) . (defined $limit ? ", $limit" : '') . ')',
			'SINTERCARD', scalar @k, @k, defined $limit ? ('LIMIT', $limit) : ());
	}
	if (chance(40))
	{
		my $dest = pick(@set_keys);
		return command('int', "s${op}store(" . quote($dest) . ', ' . text_array(@k) . ')', uc "S${op}STORE", $dest, @k);
	}
	return command('bag', bag('member', "s$op(" . text_array(@k) . ')'), uc "S$op", @k);
}

# ---- Lists -------------------------------------------------------------------------

sub lkey
{
	return chance(93) ? pick(@list_keys) : pick(@hash_keys, @set_keys, @bit_keys);
}

# Values in the order they come.
sub values_of
{
	my ($call) = @_;

	return "(SELECT string_agg('x' || hex(value), ' ' ORDER BY ordinality) FROM $call WITH ORDINALITY)";
}

sub push_
{
	my $k = lkey();
	my $name = pick('lpush', 'rpush', 'lpush', 'rpush', 'lpushx', 'rpushx');
	my @v = chance(95) ? some(\&value, chance(70) ? 1 : 6) : map { chance(50) ? below(1000) : "item:$_" } 1 .. 50 + below(400);

	return command('int', "$name(" . quote($k) . ', ' . (@v > 1 ? text_array(@v) : quote($v[0])) . ')', uc $name, $k, @v);
}

sub pop_
{
	my $k = lkey();
	my $name = pick('lpop', 'rpop');
	my $count = pick(0, 1, 2, 5, 100, 5000, -1);

	return command('text', "hex($name(" . quote($k) . '))', uc $name, $k) if chance(70);
	return command('values', values_of("$name(" . quote($k) . ", $count)"), uc $name, $k, $count);
}

sub lget
{
	my $k = lkey();
	my ($start, $stop) = (pick(@ranks), pick(@ranks));

	return command('int', 'llen(' . quote($k) . ')', 'LLEN', $k) if chance(20);
	return command('text', 'hex(lindex(' . quote($k) . ', ' . int8($start) . '))', 'LINDEX', $k, $start) if chance(50);
	return command('values', values_of('lrange(' . join(', ', quote($k), int8($start), int8($stop)) . ')'),
		'LRANGE', $k, $start, $stop);
}

sub lpos
{
	my ($k, $v) = (lkey(), value());
	my ($rank, $count, $limit) = (pick(1, 1, 2, 3, -1, -2, 0), pick(0, 1, 2, 100, -1), pick(0, 0, 1, 5, 100, -1));

	return command('int', 'lpos(' . join(', ', quote($k), quote($v), $rank) . ')', 'LPOS', $k, $v, 'RANK', $rank) if chance(50);
	return command('int_list', 'array_to_string(lpos(' . join(', ', quote($k), quote($v), $rank, $count, $limit) . "), ' ')",
		'LPOS', $k, $v, 'RANK', $rank, 'COUNT', $count, 'MAXLEN', $limit);
}

# What is an error in Redis is false here.
sub lset
{
	my ($k, $i, $v) = (lkey(), pick(@ranks), value());

	return command('ok', '(1 / lset(' . join(', ', quote($k), int8($i), quote($v)) . ')::int)::boolean',
		'LSET', $k, $i, $v);
}

sub linsert
{
	my ($k, $pivot, $v, $before) = (lkey(), value(), value(), chance(50));

	return command('int', 'linsert(' . join(', ', quote($k), $before ? 'true' : 'false', quote($pivot), quote($v)) . ')',
		'LINSERT', $k, $before ? 'BEFORE' : 'AFTER', $pivot, $v);
}

sub lrem
{
	my ($k, $count, $v) = (lkey(), pick(0, 1, 2, -1, -2, 1000), value());

	return command('int', 'lrem(' . join(', ', quote($k), $count, quote($v)) . ')', 'LREM', $k, $count, $v);
}

sub ltrim
{
	my ($k, $start, $stop) = (lkey(), pick(@ranks), pick(@ranks));

	($start, $stop) = (pick(0, 1, 3), pick(-1, -1, -2, -5)) if chance(70);	# mostly a little
	return command('ok', 'ltrim(' . join(', ', quote($k), int8($start), int8($stop)) . ') >= 0', 'LTRIM', $k, $start, $stop);
}

sub lmove
{
	my ($from, $to) = (lkey(), lkey());
	my @left = (chance(50), chance(50));
	my $sql = 'move(' . join(', ', quote($from), quote($to), map { $_ ? 'true' : 'false' } @left);
	my @redis = ($from, $to, map { $_ ? 'LEFT' : 'RIGHT' } @left);

	return command('text', "hex(bl$sql, '10 ms'))", 'BLMOVE', @redis, '0.01') if chance(10);
	return command('text', "hex(l$sql))", 'LMOVE', @redis);
}

sub blpop
{
	my @k = some(\&lkey, 3);
	my $name = pick('blpop', 'brpop');

	return command('key_value', "(SELECT hex(key) || ' ' || hex(value) FROM $name(" . text_array(@k) . ", '10 ms'))",
		uc $name, @k, '0.01');
}

# ---- Sorted sets -------------------------------------------------------------------

sub score
{
	return chance(3) ? 'nan' : pick(@scores);
}

sub zadd
{
	my @m = some(\&member, chance(80) ? 1 : 5);
	my @s = map { score() } @m;
	my @only = flags('nx', 'xx', 'gt', 'lt', 'ch');
	my $k = zkey();
	my @pairs = map { $s[$_], $m[$_] } 0 .. $#m;
	my $what = @m > 1 || chance(10) ? float_array(@s) . ', ' . text_array(@m) : number($s[0]) . ', ' . quote($m[0]);

	return command('int', 'zadd(' . quote($k) . ", $what" . named(@only) . ')', 'ZADD', $k, map({ uc } @only), @pairs);
}

# Enough for a set to leave its small form.
sub zadd_many
{
	my $n = 100 + below(200);
	my $first = below(300);
	my @m = map { 'n' . ($first + $_) } 1 .. $n;
	my @s = map { chance(50) ? below(50) : pick(@scores) } @m;

	return command('int', "zadd('big', " . float_array(@s) . ', ' . text_array(@m) . ', ch => true)',
		'ZADD', 'big', 'CH', map { $s[$_], $m[$_] } 0 .. $#m);
}

sub zincrby
{
	my ($k, $by, $m) = (zkey(), score(), member());

	return command('float', 'zincrby(' . quote($k) . ', ' . number($by) . ', ' . quote($m) . ')',
		'ZINCRBY', $k, $by, $m);
}

sub zrem
{
	my $k = zkey();
	my @m = some(\&member, 4);

	return command('int', 'zrem(' . quote($k) . ', ' . (@m > 1 ? text_array(@m) : quote($m[0])) . ')', 'ZREM', $k, @m);
}

sub zget
{
	my ($k, $m) = (zkey(), member());

	return command('float', 'zscore(' . quote($k) . ', ' . quote($m) . ')', 'ZSCORE', $k, $m) if chance(25);
	return command('int', 'zrank(' . quote($k) . ', ' . quote($m) . ')', 'ZRANK', $k, $m) if chance(30);
	return command('int', 'zrevrank(' . quote($k) . ', ' . quote($m) . ')', 'ZREVRANK', $k, $m) if chance(40);
	return command('int', 'zcard(' . quote($k) . ')', 'ZCARD', $k) if chance(40);
	my @m = some(\&member, 5);
	return command('float_list', "(SELECT string_agg(coalesce(v::text, '~'), ' ' ORDER BY n) FROM unnest(zmscore("
		  . quote($k) . ', ' . text_array(@m) . ')) WITH ORDINALITY t(v, n))', 'ZMSCORE', $k, @m);
}

# Bounds: as hotset writes them, as Redis writes each.
sub bounds
{
	my $text = pick('[]', '[)', '(]', '()');

	return ($text, $text =~ /^\(/ ? '(' : '', $text =~ /\)$/ ? '(' : '');
}

# (SQL arguments, min of Redis, max of Redis)
sub score_range
{
	my ($min, $max) = (score(), score());
	my ($bounds, $open_min, $open_max) = bounds();

	($min, $max) = ($max, $min) if $min ne 'nan' && $max ne 'nan' && $min > $max && chance(70);
	return (join(', ', number($min), number($max), "'$bounds'"), "$open_min$min", "$open_max$max");
}

sub lex_member
{
	return chance(50) ? pick(@members) : 'n' . below(30);
}

sub lex_range
{
	my ($min, $max) = sort(lex_member(), lex_member());
	my ($bounds, $open_min, $open_max) = bounds();
	my ($no_min, $no_max) = (chance(20), chance(20));

	($min, $max) = ($max, $min) if chance(10);
	return (join(', ', $no_min ? 'NULL' : quote($min), $no_max ? 'NULL' : quote($max), "'$bounds'"),
		$no_min ? '-' : ($open_min || '[') . $min, $no_max ? '+' : ($open_max || '[') . $max);
}

sub zcount
{
	my ($sql, $min, $max) = score_range();
	my $k = zkey();

	return command('int', 'zcount(' . quote($k) . ", $sql)", 'ZCOUNT', $k, $min, $max);
}

sub zlexcount
{
	my ($sql, $min, $max) = lex_range();
	my $k = pick(@lex_keys);

	return command('int', 'zlexcount(' . quote($k) . ", $sql)", 'ZLEXCOUNT', $k, $min, $max);
}

# The part of a range: (SQL arguments, words of Redis)
sub window
{
	return ('') if chance(50);
	my ($offset, $limit) = (pick(0, 0, 1, 2, 5, 100, 130), pick(0, 1, 1, 2, 5, 100, 200, -1));
	my $sql = qq(, "offset" => $offset) . ($limit < 0 ? '' : qq(, "limit" => $limit));

	return ($sql, 'LIMIT', $offset, $limit);
}

# A range by rank, score or bytes: (key, name of the function, SQL arguments
# after the keys, words of Redis after them)
sub any_range
{
	my $rev = chance(40);
	my $rev_sql = $rev ? ', rev => true' : '';
	my $kind = below(3);

	if ($kind == 0)
	{
		my ($start, $stop) = (pick(@ranks), pick(@ranks));
		return (zkey(), '', int8($start) . ', ' . int8($stop) . $rev_sql, $start, $stop, $rev ? 'REV' : ());
	}
	my ($sql, $min, $max) = $kind == 1 ? score_range() : lex_range();
	my ($window, @limit) = window();
	return ($kind == 1 ? zkey() : pick(@lex_keys), $kind == 1 ? 'byscore' : 'bylex', "$sql$rev_sql$window",
		$rev ? ($max, $min) : ($min, $max), $kind == 1 ? 'BYSCORE' : 'BYLEX', $rev ? 'REV' : (), @limit);
}

sub zrange
{
	my ($k, $name, $sql, @redis) = any_range();

	return command('members', rows("zrange$name(" . quote($k) . ", $sql)", 1), 'ZRANGE', $k, @redis) if $name eq 'bylex';
	return command('ranked', rows("zrange$name(" . quote($k) . ", $sql)", 1), 'ZRANGE', $k, @redis, 'WITHSCORES')
	  if chance(85) || $name ne '';
	my ($start, $stop) = @redis;
	return command('ranked', rows('zrevrange(' . quote($k) . ", '$start', '$stop')", 1),
		'ZREVRANGE', $k, $start, $stop, 'WITHSCORES');
}

sub zrangestore
{
	my ($k, $name, $sql, @redis) = any_range();
	# members of different scores have no place among keys of the order of bytes
	my $dest = $name eq 'bylex' ? pick(@lex_keys) : pick(@zkeys);

	return command('int', "zrangestore$name(" . quote($dest) . ', ' . quote($k) . ", $sql)",
		'ZRANGESTORE', $dest, $k, @redis);
}

sub zremrange
{
	my $kind = below(3);
	my $k = $kind == 2 ? pick(@lex_keys) : zkey();

	if ($kind == 0)
	{
		my ($start, $stop) = (pick(@ranks), pick(@ranks));
		return command('int', 'zremrangebyrank(' . quote($k) . ", '$start', '$stop')",
			'ZREMRANGEBYRANK', $k, $start, $stop);
	}
	my ($sql, $min, $max) = $kind == 1 ? score_range() : lex_range();
	my $by = $kind == 1 ? 'score' : 'lex';
	return command('int', "zremrangeby$by(" . quote($k) . ", $sql)", uc "ZREMRANGEBY$by", $k, $min, $max);
}

sub zpop
{
	my ($k, $end, $count) = (pick(@zkeys, @lex_keys), pick('min', 'max'), pick(1, 1, 2, 3, 0, 20, 500, -1));

	if (chance(30))
	{
		my @k = some(\&zkey, 3);
		return command('popped', '(SELECT ' . "hex(key) || ' ' || hex(member) || ' ' || score FROM bzpop$end("
			  . text_array(@k) . ", '2 ms'))", uc "BZPOP$end", @k, 0.002);
	}
	return command('ranked', rows("zpop$end(" . quote($k) . ", $count)"), uc "ZPOP$end", $k, $count);
}

sub zrandmember
{
	my ($k, $count) = (zkey(), pick(0, 1, 2, 5, 200, -1, -5, -200));

	return command('number_of', '(SELECT count(*) FROM zrandmember(' . quote($k) . ", $count))", 'ZRANDMEMBER', $k, $count);
}

# For so many keys: (SQL arguments after them, words of Redis after them)
sub aggregation
{
	my ($n, $op) = @_;
	# 0 times infinity is 0 to a union of Redis, but no number to its intersection
	my @choice = (1, 2, -1, 0.5, 1e10, $op eq 'union' ? (0, 'inf', '-inf') : ());
	my @weights = chance(40) ? map { pick(@choice) } 1 .. $n : ();
	my $aggregate = chance(50) ? pick('sum', 'min', 'max') : undef;

	return ((@weights ? ', weights => ' . float_array(@weights) : '') . ($aggregate ? ", aggregate => '$aggregate'" : ''),
		@weights ? ('WEIGHTS', @weights) : (), $aggregate ? ('AGGREGATE', uc $aggregate) : ());
}

sub algebra
{
	my $op = pick('union', 'inter', 'diff');
	my @k = some(\&zkey, 4);
	my ($sql, @redis) = $op eq 'diff' ? ('') : aggregation(scalar @k, $op);
	# more than two scores are added in the order of the keys, by Redis in that
	# of the sizes of the sets: they round differently, or cancel infinities
	my $is_long_sum = $op ne 'diff' && @k > 2 && "@redis" !~ /MIN|MAX/;

	if (chance(20))
	{
		my $limit = chance(50) ? pick(0, 1, 2, 3, 100, -1) : undef;
		return command('int', 'zintercard(' . text_array(@k) . (defined $limit ? ", $limit" : '') . ')',
			'ZINTERCARD', scalar @k, @k, defined $limit ? ('LIMIT', $limit) : ());
	}
	if (chance(40) && !$is_long_sum)
	{
		my $dest = pick(@zkeys);
		return command('int', "z${op}store(" . quote($dest) . ', ' . text_array(@k) . "$sql)",
			uc "Z${op}STORE", $dest, scalar @k, @k, @redis);
	}
	return command($is_long_sum ? 'unranked' : 'ranked', rows("z$op(" . text_array(@k) . "$sql)"), uc "Z$op", scalar @k, @k, @redis, 'WITHSCORES');
}

# Sets of equal scores, for ranges by bytes.
sub zadd_lex
{
	my @m = some(\&lex_member, 3);
	my $k = pick(@lex_keys);

	@m = map { 'n' . $_ } 1 .. 150 if chance(5);
	return command('int', 'zadd(' . quote($k) . ', ' . float_array(map { 0 } @m) . ', ' . text_array(@m) . ')',
		'ZADD', $k, map { (0, $_) } @m);
}

# ---- Bits ----------------------------------------------------------------------------

# Around the ends of short values; now and then where pages begin, and out of range.
sub bit_offset
{
	return chance(95) ? below(200) : pick(below(200_000), below(3_000_000), -1, 4294967296);
}

sub setbit
{
	my ($k, $bit, $on) = (bit_key(), bit_offset(), below(2));

	return command('int', 'kv_setbit(' . quote($k) . ', ' . int8($bit) . ($on ? ', true)' : ', false)'), 'SETBIT', $k, $bit, $on);
}

sub getbit
{
	my ($k, $bit) = (bit_key(), bit_offset());

	return command('int', 'kv_getbit(' . quote($k) . ', ' . int8($bit) . ')', 'GETBIT', $k, $bit);
}

# Mostly keys that hold nothing else; a sketch is no string here.
sub bit_key
{
	return chance(75) ? pick(@bit_keys) : pick(@keys, @zkeys);
}

sub bit_range
{
	return map { chance(80) ? below(80) - 40 : below(6_000_000) - 3_000_000 } 1 .. 2;
}

sub bitcount
{
	my ($k, $by_bit, @range) = (bit_key(), below(2), bit_range());

	return command('int', 'kv_bitcount(' . quote($k) . ')', 'BITCOUNT', $k) if chance(30);
	return command('int', 'kv_bitcount(' . join(', ', quote($k), map { int8($_) } @range) . ($by_bit ? ', true)' : ')'),
		'BITCOUNT', $k, @range, $by_bit ? 'BIT' : 'BYTE');
}

sub bitpos
{
	my ($k, $by_bit, @range) = (bit_key(), below(2), bit_range());
	my $on = below(2);
	my $arguments = quote($k) . ($on ? ', true' : ', false');

	@range = $range[0] if chance(40);
	@range = () if chance(30);
	$by_bit = 0 if @range < 2;
	return command('int', 'coalesce(kv_bitpos(' . join(', ', $arguments, map { int8($_) } @range) . ($by_bit ? ', true' : '') . '), -1)',
		'BITPOS', $k, $on, @range, $by_bit ? 'BIT' : ());
}

sub bitop
{
	my ($dest, $op) = (pick(@bit_keys), pick(qw(and or xor not)));
	my @k = $op eq 'not' ? bit_key() : some(\&bit_key, 4);

	return command('int', 'kv_bitop(' . join(', ', quote($op), quote($dest), text_array(@k)) . ')', 'BITOP', $op, $dest, @k);
}

sub bitfield
{
	my $k = bit_key();
	my @ops;

	for (1 .. 1 + below(5))
	{
		my $type = pick('i', 'u') . (1 + below(chance(95) ? 63 : 66));
		my $offset = chance(50) ? '#' . below(30) : below(1000);
		my $value = pick(0, 1, -1, below(300) - 150, '9223372036854775807', '-2305843009213693952', below(1 << 40));

		push @ops, 'OVERFLOW', pick(qw(WRAP SAT FAIL)) if chance(30);
		push @ops, chance(30) ? ('GET', $type, $offset) : (pick(qw(SET INCRBY)), $type, $offset, $value);
	}
	return command('int_list', 'array_to_string(kv_bitfield(' . quote($k) . ', ' . text_array(@ops) . "), ' ', '~')", 'BITFIELD', $k, @ops);
}

# ---- HyperLogLog ---------------------------------------------------------------------

sub hll_value
{
	return 'v' . below(400);
}

sub pfadd
{
	my $k = pick(@hll_keys);
	my @v = some(\&hll_value, chance(80) ? 2 : 30);

	return command('new', 'pfadd(' . quote($k) . ', ' . (@v > 1 ? text_array(@v) : quote($v[0])) . ')', 'PFADD', $k, @v);
}

sub pfcount
{
	my @k = some(sub { chance(95) ? pick(@hll_keys) : any_key() }, 3);

	return command('estimate', 'pfcount(' . (@k > 1 ? text_array(@k) : quote($k[0])) . ')', 'PFCOUNT', @k);
}

sub pfmerge
{
	my ($dest, @k) = map { pick(@hll_keys) } 1 .. 2 + below(2);

	return command('merged', 'pfmerge(' . quote($dest) . ', ' . text_array(@k) . ')', 'PFMERGE', $dest, @k);
}

# ---- All -----------------------------------------------------------------------------

# How often each is drawn.
my @table = (
	[ 10, \&set ], [ 8, \&get ], [ 3, \&getset ], [ 3, \&getdel ], [ 4, \&getex ], [ 3, \&mget ], [ 3, \&mset ],
	[ 4, \&append ], [ 2, \&strlen ], [ 5, \&getrange ], [ 5, \&setrange ], [ 8, \&incr ], [ 4, \&incrbyfloat ],
	[ 2, \&del ], [ 3, \&exists_ ], [ 4, \&rename_ ], [ 4, \&copy ], [ 7, \&expire ], [ 1, \&expire_soon ],
	[ 2, \&persist ], [ 3, \&ttl ], [ 2, \&type ], [ 2, \&scan ], [ 1, \&count ],
	[ 8, \&hset ], [ 3, \&hdel ], [ 9, \&hget ], [ 4, \&hgetall ], [ 6, \&hincrby ],
	[ 8, \&sadd ], [ 4, \&srem ], [ 3, \&smove ], [ 7, \&sget ], [ 1, \&spop ], [ 7, \&set_algebra ],
	[ 12, \&push_ ], [ 8, \&pop_ ], [ 8, \&lget ], [ 4, \&lpos ], [ 5, \&lset ], [ 4, \&linsert ], [ 3, \&lrem ],
	[ 2, \&ltrim ], [ 4, \&lmove ], [ 2, \&blpop ],
	[ 18, \&zadd ], [ 2, \&zadd_many ], [ 6, \&zincrby ], [ 4, \&zrem ], [ 8, \&zget ], [ 5, \&zcount ],
	[ 3, \&zlexcount ], [ 14, \&zrange ], [ 4, \&zrangestore ], [ 2, \&zremrange ], [ 3, \&zpop ],
	[ 6, \&setbit ], [ 3, \&getbit ], [ 3, \&bitcount ], [ 4, \&bitpos ], [ 4, \&bitop ], [ 6, \&bitfield ],
	[ 2, \&zrandmember ], [ 10, \&algebra ], [ 6, \&zadd_lex ], [ 4, \&pfadd ], [ 3, \&pfcount ], [ 1, \&pfmerge ]);
my @drawn = map { ($_->[1]) x $_->[0] } @table;

sub random_command
{
	return pick(@drawn)->();
}

# Keys whose whole state is compared now and then.
sub all_keys
{
	my %seen;

	return grep { !$seen{$_}++ } @keys, @bit_keys, @hash_keys, @set_keys, @list_keys, @zkeys, @lex_keys, @hll_keys;
}

1;
