# A clock that tests set: servers and programs started after preload() read the time from
# a library that adds what a file says.

package Clock;

use strict;
use warnings;
use PostgreSQL::Test::Utils;

# undef without a C compiler.
sub new
{
	my ($class) = @_;
	my $dir = $PostgreSQL::Test::Utils::tmp_check;
	my $self = bless { library => "$dir/clock.so", offset_file => "$dir/clock_offset" }, $class;
	my $cc = $ENV{CC} // 'cc';

	append_to_file("$dir/clock.c", q{
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;
	long		offset = 0;
	FILE	   *f = fopen(getenv("CLOCK_OFFSET"), "r");

	if (f != NULL)
	{
		if (fscanf(f, "%ld", &offset) != 1)
			offset = 0;
		fclose(f);
	}
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec + offset;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *t)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	if (t != NULL)
		*t = tv.tv_sec;
	return tv.tv_sec;
}
});
	return undef
		if system("$cc -shared -fPIC -o $self->{library} $dir/clock.c >$dir/clock.log 2>&1") != 0;
	$self->set(0);
	return $self;
}

sub preload
{
	my ($self) = @_;
	$ENV{LD_PRELOAD} = $self->{library};
	$ENV{CLOCK_OFFSET} = $self->{offset_file};
}

# Seconds from the real time.  Put in place at once: nobody reads half a number.
sub set
{
	my ($self, $seconds) = @_;
	my $file = $self->{offset_file};
	unlink "$file.new";
	append_to_file("$file.new", "$seconds\n");
	rename "$file.new", $file or die "rename: $!";
}

1;
