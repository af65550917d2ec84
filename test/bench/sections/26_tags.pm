# Keys with tags, and deleting all keys of one, beside sets of keys in Redis.
package Bench::Section::tags;
use strict;
use warnings;
use Bench;

section(tags => \&measure, seconds => 25);

my $group = 100_000;

# Statements as in 10_procedure.pm; 'group': the group is made before.  Its deletion is one call, so a
# first one, of a tag that nobody has, takes the cost of the first call in a session.
my $delete = "f := coalesce(f, 0) + 1; n := kv_del_tag('group:' || f);";
my @cases = (
	{   what => 'a key without a tag', calls => 0.1,
		hotset => "b := kv_set(keys[i], bytes40);", redis => "cmd('SET', keys[i], bytes40)" },
	{   what => 'a key with one of 100 tags', calls => 0.1,
		hotset => "b := kv_set(keys[i], bytes40, tags => ARRAY['tag:' || numbers[i] % 100]);",
		redis => "cmd('SET', keys[i], bytes40) cmd('SADD', 'tag:' .. numbers[i] % 100, keys[i])" },
	{   what => 'reading one that has', calls => 0.1,
		hotset => "v := kv_get(keys[i]);", redis => "local v = cmd('GET', keys[i])" },
	{   what => 'deleting a tag of 100,000 keys', group => 1,
		hotset => $delete,
		redis => "t = cmd('SMEMBERS', 'group') for j = 1, #t, 5000 do cmd('UNLINK', unpack(t, j, math.min(j + 4999, #t))) end cmd('UNLINK', 'group')" },
	{   what => 'the same until the memory is free', group => 1,
		hotset => "$delete n := kv_count();",
		redis => "t = cmd('SMEMBERS', 'group') for j = 1, #t, 5000 do cmd('UNLINK', unpack(t, j, math.min(j + 4999, #t))) end cmd('UNLINK', 'group')" },
);

sub make_group
{
	sql("SELECT count(kv_set('group:' || i, repeat('v', 40), tags => '{group:2}')) FROM generate_series(1, $group) AS i");
	redis('redis', 'EVAL', "for i = 1, $group do redis.call('SET', 'group:' .. i, string.rep('v', 40)) redis.call('SADD', 'group', 'group:' .. i) end", 0);
	return;
}

sub measure
{
	my %ns;
	foreach my $round (1 .. $rounds)
	{
		foreach my $case (@cases)
		{
			my %o = $case->{group} ? (calls => 1, warm => 1) : (seed => $round, calls => int($million * $case->{calls}));
			my %measure = (hotset => sub { return scalar plpgsql_loop($case->{hotset}, %o) }, redis => sub { return lua_loop($case->{redis}, %o) });
			make_group() if $case->{group};
			push @{ $ns{ $case->{what} }{$_} }, $measure{$_}->() foreach in_turn($round, qw(hotset redis));
		}
	}
	sql("SELECT kv_del_tag(ARRAY(SELECT 'tag:' || i FROM generate_series(0, 99) AS i))");
	flush_redis();
	my @titles = ('hotset', 'Redis, Lua');
	say_line("\n## Groups of keys\n");
	say_line('Nanoseconds of CPU time per operation in a procedure; values of 40 bytes. Redis keeps the keys of a tag in a set; a group is deleted by `SMEMBERS` and `UNLINK` of 5000 keys each.');
	table_head('operation', @titles);
	table_row($_->{what}, 'less', \@titles, @{ $ns{ $_->{what} } }{qw(hotset redis)}) foreach @cases;
	return;
}

1;
