# How often a cache tells what no longer is, by the way it is invalidated.
package Bench::Section::stale;
use strict;
use warnings;
use POSIX ();
use Bench;

section(stale => \&measure, seconds => 25);

my $rows = 200;
my ($writers, $readers) = (4, 4);

# How the value of row 'k' is looked up, and what a reader does that finds none: it reads the
# row as x and keeps it.  'trigger' names what invalidates, or 'watch' is called once.
my $plain_fill = 'SELECT v INTO x FROM stale_item WHERE id = k; PERFORM %s;';
my @systems = (
	{   name => 'watch', what => '`kv_watch`',
		watch => "SELECT kv_watch('stale_item', 'stale:{id}')",
		get => "kv_get_cached('stale:' || k)::bigint",
		fill => "r := kv_get_lease('stale:' || k); SELECT v INTO x FROM stale_item WHERE id = k;
			IF r.lease IS NOT NULL THEN PERFORM kv_fill('stale:' || k, x::text, r.lease); END IF;" },
	{   name => 'kv_del', what => '`kv_del` in an AFTER trigger',
		trigger => 'stale_kv_del',
		get => "kv_get('stale:' || k)::bigint", fill => sprintf($plain_fill, "kv_set('stale:' || k, x::text)") },
	{   name => 'redis', what => 'Redis, DEL in an AFTER trigger', perl => 1,
		trigger => 'stale_redis_del',
		get => 'stale_redis_get(k)', fill => sprintf($plain_fill, 'stale_redis_set(k, x)') },
	{   name => 'deferred', what => 'Redis, DEL in a deferred trigger', perl => 1,
		trigger => 'stale_redis_del', deferred => 1,
		get => 'stale_redis_get(k)', fill => sprintf($plain_fill, 'stale_redis_set(k, x)') },
);

sub create
{
	my ($with_redis) = @_;
	sql('CREATE TABLE stale_item (id int PRIMARY KEY, v bigint NOT NULL) WITH (fillfactor = 50)',
		"INSERT INTO stale_item SELECT i, 1 FROM generate_series(1, $rows) AS i",
		'CREATE TABLE stale_log (item int, at timestamptz DEFAULT now())',
		'CREATE TABLE stale_tally (checks bigint, hits bigint, stale bigint, newer bigint)',
		"CREATE FUNCTION stale_kv_del() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM kv_del('stale:' || new.id); RETURN NULL; END \$f\$");
	return unless $with_redis;
	my $redis = "require Redis::Fast; my \$redis = \$_SHARED{redis} //= Redis::Fast->new(sock => '$sockets/redis');";
	sql("CREATE FUNCTION stale_redis_get(k int) RETURNS bigint LANGUAGE plperlu AS \$f\$ $redis return \$redis->get(\"stale:\$_[0]\"); \$f\$",
		"CREATE FUNCTION stale_redis_set(k int, v bigint) RETURNS void LANGUAGE plperlu AS \$f\$ $redis \$redis->set(\"stale:\$_[0]\", \$_[1]); return; \$f\$",
		"CREATE FUNCTION stale_redis_del() RETURNS trigger LANGUAGE plperlu AS \$f\$ $redis \$redis->del(\"stale:\$_TD->{new}{id}\"); return; \$f\$");
	return;
}

# A reader: n times a row drawn at random and what the cache has of it, under one snapshot.
sub reader
{
	my ($system) = @_;
	return <<"SQL";
CREATE OR REPLACE FUNCTION stale_reads(n int) RETURNS void LANGUAGE plpgsql AS \$body\$
DECLARE
	hits bigint := 0; stale bigint := 0; newer bigint := 0;
	k int; now bigint; cached bigint; x bigint; r record;
BEGIN
	FOR i IN 1 .. n LOOP
		k := 1 + floor(random() * $rows);
		SELECT v, $system->{get} INTO now, cached FROM stale_item WHERE id = k;
		IF cached IS NULL THEN
			$system->{fill}
		ELSE
			hits := hits + 1;
			stale := stale + (cached < now)::int;
			newer := newer + (cached > now)::int;
		END IF;
	END LOOP;
	INSERT INTO stale_tally VALUES (n, hits, stale, newer);
END \$body\$
SQL
}

# Checked reads, hits, stale, newer, and rows of which the cache is wrong when all is over.
sub run
{
	my ($system, $seconds) = @_;
	my $kind = $system->{deferred} ? 'CONSTRAINT TRIGGER stale AFTER UPDATE ON stale_item DEFERRABLE INITIALLY DEFERRED' : 'TRIGGER stale AFTER UPDATE ON stale_item';
	sql($system->{watch} // "CREATE $kind FOR EACH ROW EXECUTE FUNCTION $system->{trigger}()", reader($system), 'TRUNCATE stale_tally');
	# the rest of a transaction: another statement
	my $write = "\\set k random(1, $rows)\nBEGIN;\nUPDATE stale_item SET v = v + 1 WHERE id = :k;\nINSERT INTO stale_log VALUES (:k);\nCOMMIT;";
	my $child = fork() // die "cannot fork: $!";
	if ($child == 0)
	{
		# no clean-up of the parent's files at the end
		POSIX::_exit(eval { pgbench($writers, $seconds, $write, rate => 1000); 1 } ? 0 : 1);
	}
	pgbench($readers, $seconds, 'SELECT stale_reads(100);');
	waitpid($child, 0);
	die 'writers failed' if $?;
	my @sums = split /\|/, sql('SELECT sum(checks), sum(hits), sum(stale), sum(newer) FROM stale_tally');
	push @sums, sql("SELECT count(*) FROM (SELECT v, $system->{get} AS cached FROM (SELECT id AS k, v FROM stale_item OFFSET 0) AS i) AS c WHERE v <> cached");
	sql($system->{watch} ? "SELECT kv_unwatch('stale_item')" : 'DROP TRIGGER stale ON stale_item', 'TRUNCATE stale_log',
		"SELECT kv_del(array_agg('stale:' || id)) FROM stale_item");
	redis('redis', 'EVAL', "for i = 1, $rows do redis.call('DEL', 'stale:' .. i) end", 0);
	return @sums;
}

sub measure
{
	say_line("\n## Stale reads\n");
	say_line("$readers readers look a row of $rows up and compare it with what a cache has of it, in one statement and thus under one snapshot; " .
		"who finds nothing there reads the row and keeps it. $writers writers meanwhile make 1,000 transactions a second: an UPDATE of a row, another statement, COMMIT. " .
		'Stale: the cache has an older value than the snapshot; newer: than it could see. A trigger runs before its commit, so a reader that comes in between keeps the old row. In the end all writers have stopped, and what is wrong then stays wrong until the next UPDATE.');
	my $with_redis = has_perl_redis();
	create($with_redis);
	my %sums;
	foreach my $system (grep { $with_redis || !$_->{perl} } @systems)
	{
		$sums{ $system->{name} } = [ run($system, $quick ? 1 : 4) ];
	}
	table_head('invalidated by', 'checked reads', 'hits, %', 'stale', 'stale, %', 'newer', "wrong in the end, of $rows");
	foreach my $system (grep { $sums{ $_->{name} } } @systems)
	{
		my ($checks, $hits, $stale, @wrong) = @{ $sums{ $system->{name} } };
		my $count = sub { return $_[0] < 100 ? $_[0] : three_digits($_[0]) };
		say_line(join(' | ', "| $system->{what}", three_digits($checks), three_digits(100 * $hits / $checks), $count->($stale), $stale ? three_digits(100 * $stale / $checks) : 0,
			map { $count->($_) } @wrong) . ' |');
	}
	sql('DROP TABLE stale_item, stale_log, stale_tally', 'DROP FUNCTION stale_reads, stale_kv_del');
	sql('DROP FUNCTION stale_redis_get, stale_redis_set, stale_redis_del') if $with_redis;
	my ($checks, undef, $stale, $newer) = @{ $sums{watch} };
	goal(33, 'stale or newer reads with `kv_watch` while rows change', '<= 0', $stale + $newer,
		'of ' . three_digits($checks) . join('', map { my $s = $sums{ $_->{name} }; "; $_->{what} " . three_digits($s->[2]) . ' stale of ' . three_digits($s->[0]) } grep { $sums{ $_->{name} } } @systems[ 1 .. 2 ]));
	return;
}

1;
