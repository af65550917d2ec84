#!/usr/bin/perl
#
# Turn "apt-cache dumpavail" on standard input into rows for COPY:
#
#   packages.pl package       name, version, section, installed_size (kB), maintainer, description
#   packages.pl dependency    package, needs
#
# A package of several versions or architectures counts once, as first seen.  Of
# alternatives ("a | b") every one is a dependency.
use strict;
use warnings;

my $table = shift // '';
die "usage: packages.pl package|dependency\n" unless $table =~ /^(package|dependency)$/;

sub copy_row
{
	my @fields = map { my $f = $_ // '\N'; $f =~ s/\\(?!N$)/\\\\/g; $f =~ s/\t/ /g; $f } @_;
	print join("\t", @fields), "\n";
}

sub needs
{
	my %seen;
	return grep { length && !$seen{$_}++ }
	  map { /^\s*([a-z0-9][a-z0-9.+-]+)/ ? $1 : '' } split /[,|]/, join(',', grep { defined } @_);
}

my %done;
local $/ = '';
while (my $paragraph = <STDIN>)
{
	my %field = $paragraph =~ /^([A-Za-z-]+): ?(.*)$/mg;
	my $name = $field{Package} // next;
	next if $done{$name}++;
	if ($table eq 'package')
	{
		copy_row($name, $field{Version}, $field{Section}, $field{'Installed-Size'},
			$field{Maintainer}, $field{Description} // $field{'Description-en'});
	}
	else
	{
		copy_row($name, $_) foreach needs(@field{qw(Depends Pre-Depends)});
	}
}
