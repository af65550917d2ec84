# A private redis-server and a private PostgreSQL with hotset, in one temporary
# directory, and one connection to each.

package Servers;

use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Handle;
use IO::Socket::UNIX;
use IPC::Open3;
use Time::HiRes qw(sleep);

# No error leaves the function, so that one line of psql's output answers one
# statement.
my $setup = <<'SQL';
CREATE EXTENSION hotset;
CREATE FUNCTION attempt(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	EXECUTE query INTO result;
	RETURN coalesce('=' || result, '~');
EXCEPTION WHEN OTHERS THEN
	RETURN '!' || SQLSTATE || ' ' || replace(SQLERRM, E'\n', ' ');
END $$;
-- one text for the rows of a function: member in hex, score[, rank]
CREATE FUNCTION hex(t text) RETURNS text IMMUTABLE LANGUAGE sql
	AS $$ SELECT encode(convert_to(t, 'UTF8'), 'hex') $$;
SQL

# pg_config: of a PostgreSQL in which hotset is installed.
sub start
{
	my ($class, $pg_config) = @_;
	chomp(my $bin = `$pg_config --bindir`);
	my $dir = tempdir('hotset-redis.XXXXXX', TMPDIR => 1);
	my $self = bless { dir => $dir, bin => $bin }, $class;

	start_redis($self);
	start_postgres($self);
	return $self;
}

sub start_redis
{
	my ($self) = @_;
	my $socket = "$self->{dir}/redis.sock";

	# where only Debian's redis-tools is installed, which starts no server by
	# itself: the same program, which goes by its name
	my ($program) = grep { -x } map { ("$_/redis-server", "$_/redis-check-rdb") } split /:/, $ENV{PATH};
	$program or die "redis-server is not installed\n";
	$self->{redis_pid} = spawn($self, $program, 'redis-server', '--port', '0', '--unixsocket', $socket,
		'--save', '', '--appendonly', 'no', '--dir', $self->{dir});
	for (1 .. 100)
	{
		$self->{redis} = IO::Socket::UNIX->new(Peer => $socket) and return;
		sleep(0.1);
	}
	die "redis-server does not answer at $socket\n";
}

sub start_postgres
{
	my ($self) = @_;
	my ($dir, $bin) = @$self{qw(dir bin)};

	run($self, "$bin/initdb", '-D', "$dir/data", '-U', 'postgres', '-A', 'trust', '-N',
		'--encoding=UTF8', '--locale=C');
	open my $conf, '>>', "$dir/data/postgresql.conf" or die $!;
	print $conf "shared_preload_libraries = 'hotset'\nhotset.memory = '64MB'\nfsync = off\n",
	  "listen_addresses = ''\nunix_socket_directories = '$dir'\ntimezone = 'UTC'\n";
	close $conf;
	run($self, "$bin/pg_ctl", '-D', "$dir/data", '-l', "$dir/server.log", '-s', '-w', 'start');

	my $pid = open3(my $in, my $out, undef, "$bin/psql", '-XqAt', '-h', $dir, '-U', 'postgres',
		'postgres');
	@$self{qw(psql_pid in out)} = ($pid, $in, $out);
	$in->autoflush(1);
	print $in "\\set ON_ERROR_STOP on\n$setup\\set ON_ERROR_STOP off\n\\echo ready\n";
	my $line = <$out> // '';
	$line eq "ready\n" or die "psql says: $line";
}

# A child: program, then its name for itself and its arguments.
sub spawn
{
	my ($self, $program, @command) = @_;
	my $pid = fork() // die "fork: $!\n";

	return $pid if $pid;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', "$self->{dir}/log";
	open STDERR, '>&', \*STDOUT;
	exec { $program } @command or die "$program: $!\n";
}

sub run
{
	my ($self, @command) = @_;

	waitpid(spawn($self, $command[0], @command), 0);
	return if $? == 0;
	system('cat', "$self->{dir}/log");
	die "$command[0] failed\n";
}

sub stop
{
	my ($self) = @_;
	my $dir = $self->{dir} or return;
	my $status = $?;

	if ($self->{in})
	{
		close $self->{in};
		waitpid($self->{psql_pid}, 0);
	}
	run($self, "$self->{bin}/pg_ctl", '-D', "$dir/data", '-m', 'fast', '-s', 'stop')
	  if -e "$dir/data/postmaster.pid";
	if ($self->{redis_pid})
	{
		kill 'TERM', $self->{redis_pid};
		waitpid($self->{redis_pid}, 0);
	}
	remove_tree($dir);
	delete $self->{dir};
	$? = $status;
}

# ---- PostgreSQL ------------------------------------------------------------

sub quote
{
	my ($s) = @_;

	return 'NULL' unless defined $s;
	$s =~ s/\\/\\\\/g;
	$s =~ s/'/''/g;
	$s =~ s/\n/\\n/g;
	return $s =~ /\\/ ? "E'$s'" : "'$s'";
}

# Answer of a query of one value: "=value", "~" for null, "!sqlstate message".
sub sql
{
	my ($self, $query) = @_;
	my ($in, $out) = @$self{qw(in out)};

	print $in 'SELECT attempt(', quote($query), ");\n" or die "psql: $!\n";
	my $line = <$out>;
	defined $line or die "psql has ended after: $query\n";
	chomp $line;
	$line =~ /^[=~!]/ or die "unexpected: $line\nafter: $query\n";
	return $line;
}

# ---- Redis -----------------------------------------------------------------

# Reply: a string, undef, a list, or an object of class Servers::Error.
sub redis
{
	my ($self, @command) = @_;
	my $message = '*' . @command . "\r\n";

	$message .= '$' . length($_) . "\r\n$_\r\n" for @command;
	my $socket = $self->{redis};
	print $socket $message or die "redis: $!\n";
	$socket->flush;
	return reply($socket);
}

sub reply
{
	my ($socket) = @_;
	my $line = <$socket> // die "redis has gone\n";
	my ($type, $rest) = $line =~ /^(.)(.*)\r\n$/s or die "redis: $line";

	return $rest if $type eq '+' || $type eq ':';
	return bless \$rest, 'Servers::Error' if $type eq '-';
	return undef if $rest < 0;
	if ($type eq '$')
	{
		my $data = '';
		my $want = $rest + 2;

		while ($want > 0)
		{
			my $got = read($socket, $data, $want, length $data) or die "redis has gone\n";
			$want -= $got;
		}
		return substr($data, 0, $rest);
	}
	return [ map { reply($socket) } 1 .. $rest ];
}

1;
