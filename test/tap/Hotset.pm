# What the tests in this directory share.

package Hotset;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(hotset_node segments verify_ok worker_pid eventually keyspace_calls
	query_fails ask answer waiting_sessions);

# A server with the library preloaded, started, with the extension in
# database postgres.  Further lines for postgresql.conf may follow the name.
sub hotset_node
{
	my ($name, @conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 1);
	$node->append_conf('postgresql.conf', join("\n",
			"shared_preload_libraries = 'hotset'",
			"hotset.memory = '32MB'",
			@conf, ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION hotset');
	return $node;
}

# Segments of the region in some use, as the view hotset_memory names it.
sub segments
{
	my ($node, $use) = @_;
	return $node->safe_psql('postgres',
		"SELECT segments FROM hotset_memory WHERE use = '$use'");
}

sub verify_ok
{
	my ($node, $when) = @_;
	is($node->safe_psql('postgres', 'SELECT hotset_verify()'),
		't', "memory is sound $when");
}

sub worker_pid
{
	my ($node) = @_;
	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'hotset worker'");
}

# ---- Sessions that wait -------------------------------------------------------
# Of $node->background_psql('postgres', on_error_stop => 0).

# Send a query without waiting for its end.
sub ask
{
	my ($session, $sql) = @_;

	$session->{stderr} = '';
	$session->{answer} = $session->query_until(qr/asked\n/, "\\echo asked\n$sql;\n\\warn over\n\\echo over\n");
	$session->{answer} =~ s/^.*asked\n//s;
}

# Its result, and in a list its errors, too.
sub answer
{
	my ($session) = @_;

	$session->{answer} .= $session->query_until(qr/over\n/, '') unless $session->{answer} =~ /over\n/;
	eventually(sub { $session->{run}->pump_nb; $session->{stderr} =~ /over\n/ }, 10);
	my ($result) = $session->{answer} =~ /^(.*?)\n?over\n/s;
	my $errors = $session->{stderr};
	$session->{stderr} = '';
	return wantarray ? ($result, $errors) : $result;
}

# Until so many sessions wait for a key.
sub waiting_sessions
{
	my ($node, $n) = @_;

	eventually(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity
		WHERE wait_event_type = 'Extension' AND backend_type = 'client backend'}) == $n })
	  or die "not $n sessions wait";
}

# A call of every function of the extension that has an argument 'keyspace', as
# [signature, statement], with a sample value for each argument without a
# default.  Fails for functions that have an argument nobody thought of.
sub keyspace_calls
{
	my ($node, $database, $keyspace) = @_;
	my %sample = (
		'text' => "'k'",
		'bytea' => "'k'::bytea",
		'jsonb' => "'1'::jsonb",
		'text[]' => "'{k}'::text[]",
		'bytea[]' => "'{k}'::bytea[]",
		'bigint' => '1::bigint',
		'bigint[]' => "'{1}'::bigint[]",
		'integer' => '1',
		'boolean' => 'true',
		'double precision' => '1::float8',
		'double precision[]' => "'{1}'::float8[]",
		'interval' => "'1 second'::interval",
		'timestamp with time zone' => 'clock_timestamp()',
		'hll' => "(SELECT hll_add_agg(1))",
		'name' => "'k'::name",
		'record' => 'ROW(1)',
		'anyelement' => '1');
	my @calls;

	for my $row (split /\n/, $node->safe_psql($database, q{
		SELECT p.oid::regprocedure, p.oid::regproc,
			(SELECT string_agg(format_type(t, NULL), ',' ORDER BY n)
			 FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a(t, n)
			 WHERE n <= p.pronargs - p.pronargdefaults)
		FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid
			AND d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
		WHERE d.deptype = 'e' AND p.proargnames @> '{keyspace}'
			AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'hotset')
			AND p.proargmodes[array_position(p.proargnames, 'keyspace')] IS DISTINCT FROM 'o'
			AND p.proargmodes[array_position(p.proargnames, 'keyspace')] IS DISTINCT FROM 't'
		ORDER BY 1}))
	{
		my ($signature, $name, $types) = split /\|/, $row;
		my @values;
		for my $type (split /,/, $types)
		{
			ok(0, "$signature: no sample value for type $type") unless $sample{$type};
			push @values, $sample{$type} // "NULL::$type";
		}
		push @values, "keyspace => '$keyspace'";
		push @calls, [ $signature, "SELECT * FROM $name(" . join(', ', @values) . ')' ];
	}
	return @calls;
}

# The query fails in the background session, with a message like that.
sub query_fails
{
	my ($session, $sql, $message, $name) = @_;

	$session->{stderr} = '';
	my ($out) = $session->query($sql);
	like($session->{stderr}, $message, $name);
	$session->{stderr} = '';
}

# Until the code returns true, at most so many seconds; PostgreSQL's tests wait for
# three minutes (PG_TEST_TIMEOUT_DEFAULT), which a busy machine may need.
sub eventually
{
	my ($code, $seconds) = @_;
	my $end = time() + ($seconds // $PostgreSQL::Test::Utils::timeout_default);

	while (time() < $end)
	{
		return 1 if $code->();
		sleep(0.1);
	}
	return 0;
}

1;
