# A leaderboard page in one statement, beside the best one on a table alone.
package Bench::Section::page;
use strict;
use warnings;
use Bench;

section(page => \&measure, seconds => 25);

my $id = "'member:' || lpad(:n, 6, '0')";
my %page = (hotset => <<"SQL", table => <<"SQL");
SELECT z.rank + 1 AS place, p.name, z.score
  FROM zrange('ladder', 0, 9, rev => true) AS z JOIN players AS p ON p.id = z.member
UNION ALL
SELECT z.rank + 1, p.name, z.score
  FROM zrevrank('ladder', $id) AS mine,
       zrange('ladder', greatest(mine - 2, 0), mine + 2, rev => true) AS z JOIN players AS p ON p.id = z.member;
SQL
WITH me AS MATERIALIZED (SELECT id, name, score FROM players WHERE id = $id),
     mine AS MATERIALIZED (
         SELECT (SELECT count(*) FROM players WHERE score > (SELECT score FROM me))
              + (SELECT count(*) FROM players WHERE score = (SELECT score FROM me) AND id > (SELECT id FROM me)) + 1 AS place),
     above AS (SELECT name, score FROM players WHERE (score, id) > (SELECT score, id FROM me) ORDER BY score, id LIMIT 2),
     below AS (SELECT name, score FROM players WHERE (score, id) < (SELECT score, id FROM me) ORDER BY score DESC, id DESC LIMIT 2)
(SELECT row_number() OVER (ORDER BY score DESC, id DESC) AS place, name, score FROM players ORDER BY score DESC, id DESC LIMIT 10)
UNION ALL
(SELECT place - row_number() OVER (), name, score FROM above, mine ORDER BY 1)
UNION ALL
SELECT place, name, score FROM me, mine
UNION ALL
SELECT place + row_number() OVER (), name, score FROM below, mine;
SQL

sub measure
{
	sql('CREATE TABLE players (id text PRIMARY KEY, name text NOT NULL, score float8 NOT NULL)',
		"INSERT INTO players SELECT member_of(i), 'Player ' || i, (i * 7919::bigint) % 1000003 % 1000000 FROM generate_series(0, $million - 1) AS i",
		'CREATE INDEX ON players (score, id)', 'VACUUM ANALYZE players', "SELECT count(zadd('ladder', score, id)) FROM players");
	foreach my $n (0, int($million / 2), $million - 1)
	{
		my ($own, $table) = map { sql($page{$_} =~ s/:n/'$n'/r) } qw(hotset table);
		die "different pages:\n$own\n\n$table\n" if $own ne $table;
	}
	my %tps;
	foreach my $round (1 .. $rounds)
	{
		push @{ $tps{$_} }, pgbench(1, $quick ? 0.5 : $_ eq 'hotset' ? 0.5 : 1, "\\set n random(0, :million - 1)\n" . $page{$_} =~ s/\n(?=.)/ /gr) foreach in_turn($round, qw(hotset table));
	}
	sql('DROP TABLE players', "SELECT kv_del('ladder')");
	my ($own, $table) = @tps{qw(hotset table)};
	say_line("\n## A leaderboard page\n");
	say_line('The top 10 and my place with two neighbours on each side, with names from a table of ' . three_digits($million) .
		' players, for a player drawn at random: pages per second of one connection (pgbench -M prepared). The table has an index on ' .
		'(score, id), the place is an index-only scan, by parallel workers if the planner likes. Both give the same rows.');
	my @titles = ('hotset', 'table alone');
	table_head('', @titles);
	table_row('page, 1 client', 'more', \@titles, $own, $table);
	say_line("\nThe two statements, `:n` is drawn for each call:\n\n```sql\n$page{hotset}```\n\n```sql\n$page{table}```");
	goal(9, 'leaderboard page in one statement', '>= 100x', ratios($own, $table), baseline('/s', hotset => median(@$own), 'table with an index' => median(@$table)));
	return;
}

1;
