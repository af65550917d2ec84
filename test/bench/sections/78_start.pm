# Start of a server with much memory for hotset.
package Bench::Section::start;
use strict;
use warnings;
use Time::HiRes qw(time);
use Bench;

section(start => \&measure, seconds => 12);

my $gb = 16;

# Seconds from the command to a server that takes connections.
sub start_seconds
{
	my ($data, @settings) = @_;
	my $begin = time;
	my $log = "$data.log";
	return if !eval { as_user('pg_ctl', '-D', $data, '-l', $log, '-s', '-w', '-o', join(' ', map { "-c $_" } @settings), 'start'); 1 };
	my $seconds = time - $begin;
	as_user('pg_ctl', '-D', $data, '-s', '-m', 'fast', 'stop');
	return $seconds;
}

sub measure
{
	my $data = "$sockets/start";
	as_user('rm', '-rf', $data);
	as_user('initdb', '-D', $data, '-U', 'postgres', '--auth=trust', '--no-sync');
	my @common = ("listen_addresses=''", "unix_socket_directories=$sockets", 'port=5499', 'shared_buffers=128MB');
	my %seconds;
	foreach my $round (1 .. $rounds)
	{
		push @{ $seconds{plain} }, start_seconds($data, @common);
		my $own = start_seconds($data, @common, 'shared_preload_libraries=hotset', "hotset.memory=${gb}GB");
		if (!defined $own)
		{
			say_line("\n(This machine does not give a server $gb GB of shared memory.)");
			return;
		}
		push @{ $seconds{hotset} }, $own;
	}
	my ($own, $plain) = @seconds{qw(hotset plain)};
	say_line("\n## Start of the server\n");
	say_line('Seconds from pg_ctl start to a server that takes connections; pg_ctl looks ten times a second.');
	table_head('', "hotset.memory = ${gb}GB", 'without hotset');
	say_line(sprintf('| start | %.2f | %.2f |', median(@$own), median(@$plain)));
	goal(20, "start with hotset.memory = ${gb}GB, longer than without", '< 1 s', differences($own, $plain), baseline('s', hotset => median(@$own), without => median(@$plain)));
	return;
}

1;
