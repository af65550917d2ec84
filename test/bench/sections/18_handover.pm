# Hand-over of a job from one session to another that waits for it.
package Bench::Section::handover;
use strict;
use warnings;
use DBI;
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);
use Bench;

section(handover => \&measure, seconds => 18);

sub database
{
	return DBI->connect("dbi:Pg:dbname=$ENV{PGDATABASE}", '', '', { RaiseError => 1, AutoCommit => 1, pg_server_prepare => 1, pg_switch_prepared => 1 });
}

sub redis_socket { return IO::Socket::UNIX->new("$sockets/redis") || die "redis: $!" }

sub redis_send { my ($socket, @words) = @_; $socket->print(join(' ', @words) . "\r\n"); $socket->flush; return }

# A client for each role in each system: makes the connection and returns what
# pushes a text, and what waits for the next one and returns it.
my %producer = (
	hotset => sub {
		my $push = database()->prepare("SELECT rpush('handover', ?::text)");
		return sub { $push->execute($_[0]); $push->fetchall_arrayref };
	},
	table => sub {
		my $push = database()->prepare("WITH job AS (INSERT INTO job (payload) VALUES (?) RETURNING id) SELECT pg_notify('job', '') FROM job");
		return sub { $push->execute($_[0]); $push->fetchall_arrayref };
	},
	redis => sub {
		my $socket = redis_socket();
		return sub { redis_send($socket, 'RPUSH', 'handover', $_[0]); readline($socket) };
	});
my %consumer = (
	hotset => sub {
		my $pop = database()->prepare("SELECT value FROM blpop('{handover}', '10 s')");
		return sub { $pop->execute; return $pop->fetchall_arrayref->[0][0] };
	},
	table => sub {
		my $db = database();
		$db->do('LISTEN job');
		my $socket = IO::Select->new($db->{pg_socket});
		my $take = $db->prepare('DELETE FROM job WHERE id = (SELECT id FROM job ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING payload');
		return sub {
			until ($db->pg_notifies) { $socket->can_read(10) or die 'no job' }
			$take->execute;
			return $take->fetchall_arrayref->[0][0];
		};
	},
	redis => sub {
		my $socket = redis_socket();
		return sub { redis_send($socket, 'BLPOP', 'handover', 10); my @line = map { scalar readline($socket) } 1 .. 5; return $line[4] =~ s/\r\n//r };
	});

# Microseconds from before the push to after the pop, of each job.  A job is the time it was pushed at.
sub latencies
{
	my ($system, $jobs) = @_;
	pipe(my $reader, my $writer) or die $!;
	my $child = fork() // die $!;
	if ($child == 0)
	{
		# no clean-up of the parent's files at the end
		eval {
			my $pop = $consumer{$system}->();
			print $writer "ready\n";
			$writer->flush;
			foreach (1 .. $jobs)
			{
				my $pushed = $pop->();
				printf $writer "%.1f\n", (clock_gettime(CLOCK_MONOTONIC) - $pushed) * 1e6;
			}
			close($writer);
		};
		warn $@ if $@;
		require POSIX;
		POSIX::_exit($@ ? 1 : 0);
	}
	close($writer);
	my $push = $producer{$system}->();
	readline($reader);
	foreach (1 .. $jobs)
	{
		# time for the other side to wait again
		sleep(0.002);
		$push->(sprintf('%.9f', clock_gettime(CLOCK_MONOTONIC)));
	}
	my @us = <$reader>;
	waitpid($child, 0);
	die "hand-over in $system failed" if $? || @us != $jobs;
	chomp @us;
	return sort { $a <=> $b } @us;
}

sub measure
{
	my $jobs = $quick ? 100 : 300;
	sql('CREATE UNLOGGED TABLE job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL)');
	my (%median, %tail);
	foreach my $round (1 .. $rounds)
	{
		foreach my $system (in_turn($round, qw(hotset table redis)))
		{
			my @us = latencies($system, $jobs);
			push @{ $median{$system} }, $us[ $jobs / 2 ];
			push @{ $tail{$system} }, $us[ $jobs * 0.99 ];
		}
		sql('VACUUM job');
	}
	sql('DROP TABLE job');
	my @systems = qw(hotset table redis);
	my @titles = ('hotset blpop', 'LISTEN, NOTIFY, SKIP LOCKED', 'Redis BLPOP');
	say_line("\n## Hand-over of a job\n");
	say_line('Microseconds from before a session pushes to after another one, which waits, has popped; both are clients (Perl) on unix sockets. ' .
		'The table: INSERT and pg_notify() in one statement, DELETE ... RETURNING of the first row that is not locked.');
	table_head('', @titles);
	table_row('median', 'less', \@titles, @median{@systems});
	table_row('99 % within', 'less', \@titles, @tail{@systems});
	goal(25, 'queue hand-over to a waiting `blpop`, median', '<= 0.5x', ratios(@median{qw(hotset table)}),
		baseline('us', hotset => median(@{ $median{hotset} }), 'NOTIFY and SKIP LOCKED' => median(@{ $median{table} }), 'Redis BLPOP' => median(@{ $median{redis} })));
	return;
}

1;
