# Without USAGE on its keyspace no function does anything: a table of all
# functions of the extension, so that a new one is tested or fails here.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Hotset;
use Test::More;

my $node = hotset_node('main');
$node->safe_psql('postgres', q{
	CREATE ROLE outsider;
	CREATE ROLE insider;
	CREATE ROLE app;
	GRANT app TO insider;
	GRANT USAGE ON FOREIGN SERVER kv TO app;
	SELECT kv_set('k', '1')});

# Functions without a keyspace: they must not get at one in another way.
my %no_keyspace = map { $_ => 1 } (
	'hotset_fdw_validator(text[],oid)',
	'hotset_stats()',
	'hotset_memory()',
	'hotset_verify()',
	'hotset_cache_stats()',
	'hotset_cache_stats_reset()',
	'hotset_definition_changed()',
	'kv_watch_trigger()',
	'kv_watch(regclass,text,text)',
	'kv_watch(regclass,text[],text[])',
	'kv_unwatch(regclass)',
	'kv_watch_check(regclass)',
	'kv_undefine(text)',
	'kv_define_grant(text,regrole)',
	'kv_define_revoke(text,regrole)',
	'kv_fetch_def(text,text[])',
	'kv_fetch_def_bytea(text,text[])',
	'kv_fetch_def_jsonb(text,text[])',
	'kv_slot(text)');
my @calls = keyspace_calls($node, 'postgres', 'kv');
my %has_keyspace = map { $_->[0] => 1 } @calls;

for my $signature (split /\n/, $node->safe_psql('postgres', q{
	SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid
		AND d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
	WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'hotset')
		AND p.prorettype <> 'internal'::regtype AND NOT 'internal'::regtype = ANY (p.proargtypes)
		AND p.oid::regprocedure::text !~ '^(hll|approx_count_distinct)'
	ORDER BY 1}))
{
	ok($has_keyspace{$signature} || $no_keyspace{$signature},
		"$signature has a keyspace or is known not to need one");
}

for my $call (@calls)
{
	my ($signature, $sql) = @$call;
	my ($ret, $out, $err) = $node->psql('postgres',
		"SET ROLE outsider;\n\\set VERBOSITY verbose\n$sql");
	like($err, qr/ERROR:  42501: /, "$signature needs USAGE");
	($ret, $out, $err) = $node->psql('postgres',
		"SET ROLE outsider;\nSET hotset.keyspace = 'kv';\n\\set VERBOSITY verbose\n"
		. ($sql =~ s/keyspace => 'kv'/keyspace => NULL/r));
	like($err, qr/ERROR:  42501: /, "$signature needs USAGE for the keyspace of the setting");
}
is($node->safe_psql('postgres', q{SELECT kv_get('k'), kv_count()}), '1|1', 'nothing has changed');

# Views show keyspaces the role may use, or all to those who monitor.
my $names = q{SELECT string_agg(keyspace, ',') FROM hotset_stats};
is($node->safe_psql('postgres', "SET ROLE outsider; $names"), '', 'no statistics without USAGE');
is($node->safe_psql('postgres', "SET ROLE insider; $names"), 'kv', 'statistics with USAGE');
$node->safe_psql('postgres', 'GRANT pg_monitor TO outsider');
is($node->safe_psql('postgres', "SET ROLE outsider; $names"), 'kv', 'and for pg_monitor');
is($node->safe_psql('postgres', q{SET ROLE outsider; SELECT count(*) > 0 FROM hotset_memory}), 't',
	'who may look at the memory too');
my ($ret, $out, $err) = $node->psql('postgres', q{SET ROLE outsider; SELECT * FROM hotset_big_keys()});
like($err, qr/permission denied for keyspace "kv"/, 'but not at keys');
($ret, $out, $err) = $node->psql('postgres', q{SET ROLE insider; SELECT hotset_reset_stats()});
like($err, qr/must be owner of keyspace "kv"/, 'counters are reset by the owner');
($ret, $out, $err) = $node->psql('postgres', q{SET ROLE insider; SELECT hotset_verify()});
like($err, qr/permission denied/, 'the checker is for superusers');

# A session that has used the keyspace loses it when the right goes.
my %way = (
	'REVOKE from the role that was granted it' => [
		'REVOKE USAGE ON FOREIGN SERVER kv FROM app',
		'GRANT USAGE ON FOREIGN SERVER kv TO app' ],
	'loss of the membership' => [ 'REVOKE app FROM insider', 'GRANT app TO insider' ],
	'a new owner and REVOKE' => [
		'ALTER SERVER kv OWNER TO CURRENT_USER; REVOKE USAGE ON FOREIGN SERVER kv FROM app',
		'GRANT USAGE ON FOREIGN SERVER kv TO app' ]);
for my $what (sort keys %way)
{
	my ($take, $give) = @{ $way{$what} };
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_safe('SET ROLE insider');
	is($session->query_safe(q{SELECT kv_get('k')}), '1', "insider reads before $what");
	$node->safe_psql('postgres', $take);
	query_fails($session, q{SELECT kv_get('k')}, qr/permission denied for keyspace "kv"/,
		"and no more after $what");
	$node->safe_psql('postgres', $give);
	is($session->query_safe(q{SELECT kv_get('k')}), '1', 'given back, it reads again');
	$session->quit;
}

# The role that counts is the one that runs the function, also when it changes
# within a statement.
$node->safe_psql('postgres', q{
	REVOKE pg_monitor FROM outsider;
	CREATE FUNCTION read_for_all() RETURNS text LANGUAGE sql SECURITY DEFINER
		AS $$ SELECT kv_get('k') $$});
is($node->safe_psql('postgres', q{SET ROLE outsider; SELECT read_for_all()}), '1',
	'SECURITY DEFINER lends the right');
($ret, $out, $err) = $node->psql('postgres', q{SET ROLE outsider; SELECT read_for_all(), kv_get('k')});
like($err, qr/permission denied for keyspace "kv"/, 'for its own body only');

verify_ok($node, 'after all that');
$node->stop;
done_testing();
