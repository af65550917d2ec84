# Databases of other encodings: keys and values are bytes of the database's
# encoding, and what is none of its characters is not read as text.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = hotset_node('encodings');
my $dump;

for my $encoding ('latin1', 'euc_jp', 'sql_ascii')
{
	$node->safe_psql('postgres', "CREATE DATABASE $encoding TEMPLATE template0 ENCODING $encoding LOCALE 'C'");
	$node->safe_psql($encoding, 'CREATE EXTENSION hotset');
}

# What a statement of a client that speaks UTF-8 returns, or its SQLSTATE.
sub reply
{
	my ($database, $sql, $client) = @_;
	my ($status, $out, $err) = $node->psql($database,
		'SET client_encoding = ' . ($client // 'utf8') . ";\n\\set VERBOSITY sqlstate\n$sql");

	return $err =~ /ERROR:\s+(\w+)/ ? $1 : $out;
}

# U&'' instead of characters in this file: e with acute, a hiragana a
my $e = "U&'\\00e9'";
my $a = "U&'\\3042'";

is(reply('latin1', "SELECT kv_set($e, $e), kv_get($e) = $e, kv_get_bytea($e), kv_strlen($e)"),
	't|t|\xe9|1', 'LATIN1: a character is a byte');
is(reply('latin1', "SELECT zadd('z', 1, $e)"), '1', 'LATIN1: member');
is(reply('latin1', "SELECT member = $e, rank FROM zrangebylex('z', $e, NULL)"), 't|0', 'LATIN1: range of members');
is(reply('latin1', "SELECT key = $e FROM kv_scan('?', 'string')"), 't', 'LATIN1: ? matches a byte');
is(reply('latin1', "SELECT kv_set('j', to_jsonb(CAST($e AS text))), kv_get_jsonb('j') #>> '{}' = $e, kv_get_bytea('j')"),
	't|t|\x22e922', 'LATIN1: jsonb');
is(reply('latin1', "SELECT kv_set('b', '\\x00'::bytea)"), 't', 'LATIN1: zero byte');
is(reply('latin1', "SELECT kv_get('b')"), '22021', 'LATIN1: zero byte is no text');

is(reply('euc_jp', "SELECT kv_set($a, $a), kv_get($a) = $a, kv_get_bytea($a), kv_strlen($a)"),
	't|t|\xa4a2|2', 'EUC_JP: a character of two bytes');
is(reply('euc_jp', "SELECT kv_getrange($a, 0, 0)"), '22021', 'EUC_JP: half a character');
is(reply('euc_jp', "SELECT kv_incr($a)"), '22P02', 'EUC_JP: a key in an error');
is(reply('euc_jp', "SELECT kv_set('b', '\\xa4'::bytea), kv_append('b', '\\xa2'::bytea), kv_get('b') = $a"),
	't|2|t', 'EUC_JP: a character that is completed');

# from one encoding to another only by dumps, which are bytes: a string is any
# bytes until it is read as text, members have to be text
$dump = reply('latin1', "SELECT kv_dump($e)");
is(reply('euc_jp', "SELECT kv_restore('d', '$dump', replace => true)"), 't', 'string of another encoding');
is(reply('euc_jp', "SELECT kv_get('d')"), '22021', 'string of another encoding is no text');
$dump = reply('latin1', "SELECT kv_dump('z')");
is(reply('euc_jp', "SELECT kv_restore('dz', '$dump')"), '22021', 'members of another encoding are not restored');
is(reply('euc_jp', "SELECT kv_exists('dz')"), 'f', 'nor half of them');
for my $type ([ "sadd('s', $e)", 's', 'set' ], [ "hset('h', $e, 'v')", 'h', 'hash' ])
{
	my ($fill, $key, $name) = @$type;

	is(reply('latin1', "SELECT $fill"), '1', "LATIN1: $name");
	$dump = reply('latin1', "SELECT kv_dump('$key')");
	is(reply('euc_jp', "SELECT kv_restore('d$key', '$dump')"), '22021', "$name of another encoding is not restored");
	is(reply('euc_jp', "SELECT kv_exists('d$key')"), 'f', "nor half of a $name");
}
is(reply('latin1', "SELECT hset('v', 'f', $e), hset('v', 'g', 'plain')"), '1|1', 'LATIN1: value of a field');
$dump = reply('latin1', "SELECT kv_dump('v')");
is(reply('euc_jp', "SELECT kv_restore('v', '$dump'), hget('v', 'g'), hget_bytea('v', 'f')"), 't|plain|\xe9',
	'values of another encoding are bytes');
is(reply('euc_jp', "SELECT hget('v', 'f')"), '22021', 'and no text');
$dump = reply('latin1', "SELECT kv_dump('j')");
is(reply('euc_jp', "SELECT kv_restore('d', '$dump', replace => true)"), '22021', 'jsonb of another encoding is not restored')
  or diag(reply('euc_jp', "SELECT kv_get_bytea('d')"));

is(reply('sql_ascii', "SELECT kv_set(E'\\xff', E'\\xfe'), kv_get(E'\\xff') = E'\\xfe', kv_strlen(E'\\xff')", 'sql_ascii'),
	't|t|1', 'SQL_ASCII: any bytes');
is(reply('sql_ascii', "SELECT kv_set('b', '\\x00'::bytea), kv_incr('n')", 'sql_ascii'), 't|1', 'SQL_ASCII: zero byte');
is(reply('sql_ascii', "SELECT kv_get('b')", 'sql_ascii'), '22021', 'SQL_ASCII: zero byte is no text');
is(reply('sql_ascii', "SELECT kv_incr(E'\\xff')", 'sql_ascii'), '22P02', 'SQL_ASCII: a key in an error');
verify_ok($node, 'with databases of several encodings');

done_testing();
