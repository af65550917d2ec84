#!/usr/bin/perl
#
# The documents and the code say the same: every function is documented and
# commented, every documented function, setting and file exists, links lead somewhere.
# Run from the top of the tree; prints TAP.
use strict;
use warnings;
use Test::More;

sub slurp
{
	my ($path) = @_;
	open(my $file, '<', $path) or die "$path: $!";
	local $/;
	return <$file>;
}

my ($version) = slurp('hotset.control') =~ /^default_version = '(.*)'/m;
my $sql = slurp("sql/hotset--$version.sql") =~ s/^\s*--.*$//mgr;
my $commands = slurp('docs/commands.md');
my $readme = slurp('README.md');
my $configuration = slurp('docs/configuration.md');

# What users do not call: input and output of types, parts of aggregates,
# planner support, the validator of options.
my (%public, %exists);
while ($sql =~ /^CREATE (?:OR REPLACE )?(FUNCTION|AGGREGATE|VIEW|PROCEDURE) (\w+)(.*?);\s*$/msg)
{
	my ($kind, $name, $rest) = ($1, $2, $3);
	$exists{$name} = 1;
	my ($signature) = $rest =~ /^(.*?)(?:^AS|\bAS\b|LANGUAGE|SFUNC)/ms;
	$public{$name} = 1 unless ($signature // $rest) =~ /\b(internal|cstring|void\s+AS|RETURNS trigger)\b/ || $name =~ /_(send|validator)$/;
}
cmp_ok(scalar keys %public, '>', 0, 'there are functions');

# One test for a property; a failure lists those without it.
sub none
{
	my ($what, @names) = @_;
	is(join("\n", sort @names), '', $what);
	return;
}

none('every function is in docs/commands.md', grep { $commands !~ /\b\Q$_\E\b/ } keys %public);
none('every function is in README.md', grep { $readme !~ /`\Q$_\E`/ } keys %public);
none('every function has a comment',
	grep { $sql !~ /^COMMENT ON (?:FUNCTION|AGGREGATE|VIEW|PROCEDURE) \Q$_\E\b/m } keys %exists);

# Names in code spans that look like ours.
my %mentioned;
foreach my $span ("$commands\n$readme" =~ /`([^`\n]+)`/g)
{
	$mentioned{$_} = 1 foreach $span =~ /\b((?:kv|hll|hotset|rate_limit|pf|bz|z)_?\w+|h(?:set|m?get|del|keys|vals|incr|rand)\w*|s(?:add|rem|move|pop|card|m?ismember|members|union|inter|diff|rand)\w*)\b/g;
}
delete @mentioned{qw(hotset zset)};
none('every function in the documents exists', grep { !$exists{$_} } keys %mentioned);

my %setting = map { /"hotset\.([a-z_]+)"/ ? ($1 => 1) : () } `grep -ohE '"hotset\\.[a-z_]+",' src/pg/*.c`;
delete $setting{break};			# not in a normal build
none('every setting is in docs/configuration.md', grep { $configuration !~ /`hotset\.\Q$_\E`/ } keys %setting);
none('every setting in the documents exists',
	grep { !$setting{$_} } map { /`hotset\.(\w+)`/g } $configuration, $readme, $commands);

my @broken;
foreach my $path (glob('*.md docs/*.md'))
{
	my $directory = $path =~ m{^(.*/)} ? $1 : '';
	push @broken, map { "$path: $_" } grep { !-e "$directory$_" } slurp($path) =~ /\]\(([^)#:]+)(?:#[^)]*)?\)/g;
}
none('every link in the documents leads to a file', @broken);

my %source = map { m{([^/]+)$} => 1 } glob('src/*/*.[ch]');
my ($map) = slurp('docs/architecture.md') =~ /^## Where is what\n(.*?)^## /ms;
none('every source file is in the map of docs/architecture.md, a header by its .c file',
	grep { $map !~ /`\Q$_\E`/ && !(/^(.*)\.h$/ && $source{"$1.c"}) } keys %source);
my %c_file = (%source, map { m{([^/]+)$} => 1 } glob('test/*/*.[ch] test/*/*/*.[ch]'));
my @gone;
foreach my $path (glob('*.md docs/*.md'))
{
	push @gone, map { "$path: $_" } grep { !$c_file{$_} } slurp($path) =~ m{`(?:[\w/]+/)?(\w+\.[ch])`}g;
}
none('every C file in the documents exists', @gone);

done_testing();
