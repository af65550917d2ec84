# The table of instructions.expected; instructions.sh counts them.
package Bench::Section::instructions;
use strict;
use warnings;
use Bench;

section(instructions => \&measure, seconds => 1);

sub measure
{
	my (@built, %rows);
	open(my $in, '<', "$dir/instructions.expected") or die "instructions.expected: $!";
	while (my $line = <$in>)
	{
		push @built, $1 if $line =~ /^# (.*PostgreSQL.*)/;
		push @{ $rows{$1} }, [ $2, $3 ] if $line =~ /^(engine|sql)\s+(.*?)\s+(\d+)$/;
	}
	close($in);
	say_line("\n## Instructions\n");
	say_line('What one call takes, counted by callgrind, not in this run but by `test/bench/instructions.sh`, which compares today\'s code with these figures ' .
		"([testing](testing.md)). Engine: without a server, making the key included. SQL: called from PL/pgSQL, the loop alone subtracted. @built.");
	table_head('engine', 'instructions', 'SQL', 'instructions');
	while (@{ $rows{engine} } || @{ $rows{sql} })
	{
		my @cells = map { my $row = shift @{ $rows{$_} }; $row ? ($row->[0], three_digits($row->[1])) : ('', '') } qw(engine sql);
		say_line('| ' . join(' | ', @cells) . ' |');
	}
	return;
}

1;
