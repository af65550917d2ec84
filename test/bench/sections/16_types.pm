# Hashes, lists and sets in a loop of PL/pgSQL beside Redis in Lua.
package Bench::Section::types;
use strict;
use warnings;
use Bench;

section(types => \&measure, seconds => 45);

# Statements as in 10_procedure.pm; 'calls' is a share of a million; what 'adds' adds goes after each round.
my @cases = (
	{   what => 'hset, hash of 100 fields', goal => [ 21, '<= 0.5x' ], range => 100, calls => 0.1,
		hotset => "n := hset('h100', members[i], keys[i]);", redis => "cmd('HSET', 'h100', members[i], keys[i])" },
	{   what => 'hget, hash of 100 fields', goal => [ 21, '<= 0.5x' ], range => 100, calls => 0.1,
		hotset => "v := hget('h100', members[i]);", redis => "local v = cmd('HGET', 'h100', members[i])" },
	{   what => 'hset, hash of 1,000,000 fields', goal => [ 21, '<= 0.5x' ], calls => 0.1,
		hotset => "n := hset('hash', members[i], keys[i]);", redis => "cmd('HSET', 'hash', members[i], keys[i])" },
	{   what => 'hget, hash of 1,000,000 fields', goal => [ 21, '<= 0.5x' ], calls => 0.1,
		hotset => "v := hget('hash', members[i]);", redis => "local v = cmd('HGET', 'hash', members[i])" },
	{   what => 'lpush and rpop', goal => [ 22, '<= 0.6x' ], range => 1000, calls => 0.1,
		hotset => "n := lpush('queue', keys[i]); v := rpop('queue');", redis => "cmd('LPUSH', 'queue', keys[i]) local v = cmd('RPOP', 'queue')" },
	{   what => 'lrange of 100 items of 10,000, as rows', goal => [ 22, '<= 0.3x' ], range => 9900, calls => 0.004,
		hotset => "place := numbers[i]; FOR v IN SELECT value FROM lrange('list', place, place + 99) LOOP n := i; END LOOP;",
		redis => "t = cmd('LRANGE', 'list', numbers[i], numbers[i] + 99) for j = 1, #t do n = t[j] end" },
	{   what => 'lrange of 100 items of 10,000, as an array', goal => [ 22, '<= 0.3x' ], range => 9900, calls => 0.004,
		hotset => "FOREACH v IN ARRAY lrange_array('list', numbers[i], numbers[i] + 99) LOOP n := i; END LOOP;",
		redis => "t = cmd('LRANGE', 'list', numbers[i], numbers[i] + 99) for j = 1, #t do n = t[j] end" },
	{   what => 'sadd of a new member', goal => [ 23, '<= 0.4x' ], calls => 0.1, adds => 1,
		hotset => "n := sadd('set', fresh[i]);", redis => "cmd('SADD', 'set', fresh[i])" },
	{   what => 'sismember, set of 1,000,000', goal => [ 23, '<= 0.3x' ], calls => 0.1,
		hotset => "b := sismember('set', members[i]);", redis => "local b = cmd('SISMEMBER', 'set', members[i])" },
	{   what => 'sinter of two sets of 100,000, half in common, as rows', goal => [ 23, '<= 0.4x' ], calls => 3e-6,
		hotset => "FOR v IN SELECT member FROM sinter('{s1,s2}') LOOP n := i; END LOOP;",
		redis => "t = cmd('SINTER', 's1', 's2') for j = 1, #t do n = t[j] end" },
	{   what => 'sinter of two sets of 100,000, half in common, as an array', goal => [ 23, '<= 0.4x' ], calls => 3e-6,
		hotset => "FOREACH v IN ARRAY sinter_array('{s1,s2}') LOOP n := i; END LOOP;",
		redis => "t = cmd('SINTER', 's1', 's2') for j = 1, #t do n = t[j] end" },
);

sub measure
{
	my $tenth = $million / 10;
	sql("SELECT count(hset('h100', member_of(i), key_of(i))) FROM generate_series(0, 99) AS i",
		"SELECT count(hset('hash', member_of(i), key_of(i))), count(sadd('set', member_of(i))) FROM generate_series(0, $million - 1) AS i",
		"SELECT count(lpush('queue', key_of(i))) FROM generate_series(1, 1000) AS i",
		"SELECT count(lpush('list', key_of(i))) FROM generate_series(1, 10000) AS i",
		"SELECT count(sadd('s1', member_of(i))), count(sadd('s2', member_of(i + $tenth / 2))) FROM generate_series(0, $tenth - 1) AS i");
	redis('redis', 'EVAL', "local function key(i) return string.format('%.0f', 1000000000 + i) end
		local function member(i) return string.format('member:%06d', i) end
		for i = 0, 99 do redis.call('HSET', 'h100', member(i), key(i)) end
		for i = 0, $million - 1 do redis.call('HSET', 'hash', member(i), key(i)) redis.call('SADD', 'set', member(i)) end
		for i = 1, 1000 do redis.call('LPUSH', 'queue', key(i)) end
		for i = 1, 10000 do redis.call('LPUSH', 'list', key(i)) end
		for i = 0, $tenth - 1 do redis.call('SADD', 's1', member(i)) redis.call('SADD', 's2', member(i + $tenth / 2)) end", 0);
	my %ns;
	foreach my $round (1 .. $rounds)
	{
		foreach my $case (@cases)
		{
			my %o = (seed => $case->{range} ? 1 : $round, range => $case->{range}, calls => int($million * $case->{calls}) || 1);
			my %measure = (hotset => sub { return scalar plpgsql_loop($case->{hotset}, %o) }, redis => sub { return lua_loop($case->{redis}, %o) });
			push @{ $ns{ $case->{what} }{$_} }, $measure{$_}->() foreach in_turn($round, qw(hotset redis));
			next unless $case->{adds};
			sql("SELECT count(srem('set', fresh_of(i))) FROM generate_series(0, $o{calls} - 1) AS i");
			redis('redis', 'EVAL', "for i = 0, $o{calls} - 1 do redis.call('SREM', 'set', string.format('novice:%06d', i)) end", 0);
		}
	}
	sql("SELECT kv_del('{h100,hash,queue,list,set,s1,s2}'::text[])");
	redis('redis', 'DEL', qw(h100 hash queue list set s1 s2));
	my @titles = ('hotset', 'Redis, Lua');
	say_line("\n## Hashes, lists and sets in a procedure\n");
	say_line('Nanoseconds of CPU time per operation as above; fields and members have 13 bytes, values and items 10; new members are added to a set of ' . three_digits($million) . ' and removed after each round.');
	table_head('operation', @titles);
	foreach my $case (@cases)
	{
		my ($own, $redis) = @{ $ns{ $case->{what} } }{qw(hotset redis)};
		table_row($case->{what}, 'less', \@titles, $own, $redis);
		goal($case->{goal}[0], $case->{what}, $case->{goal}[1], ratios($own, $redis), baseline('ns', hotset => median(@$own), 'Redis in Lua' => median(@$redis)));
	}
	return;
}

1;
