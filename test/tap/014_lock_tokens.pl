# Fencing tokens only grow: over restarts, crashes and a clock that was set back; and
# a lock is not given out where that cannot be kept.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Clock;
use Hotset;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $hour = 3600;
my $clock = Clock->new;
$clock->preload if $clock;
my $node = hotset_node('main', 'restart_after_crash = on');
my $file = $node->data_dir . '/hotset_tokens';
my $locks = 0;
my $last = 0;

sub take
{
	my ($to) = @_;
	return ($to // $node)->safe_psql('postgres', "SELECT kv_lock('lock " . ++$locks . "', '1 hour')");
}

# The next token is larger than all before.
sub grows
{
	my ($when) = @_;
	my $token = take();

	cmp_ok($token, '>', $last, "the token is larger $when");
	$last = $token;
}

# Nothing is locked, and the message is this.
sub refused
{
	my ($message, $name) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "SELECT kv_lock('refused', '1 hour')");

	isnt($ret, 0, "$name: refused");
	like($err, $message, "$name: the message");
	is($node->safe_psql('postgres', "SELECT kv_exists('refused')"), 'f', "$name: not locked");
}

sub file_is
{
	my ($content) = @_;
	open my $f, '>:raw', $file or die "$file: $!";
	print $f $content;
	close $f;
}

ok(!-e $file, 'no file before the first lock');
grows('at first');
ok(-e $file, 'then there is one');
grows('after that');

# Shut down: where it was.
$node->restart;
is($node->safe_psql('postgres', "SELECT kv_exists('lock 1')"), 'f', 'locks do not outlive the server');
grows('after a restart');
$node->stop;
$node->start;
my $before = $last;
grows('after a stop and a start');
cmp_ok($last - $before, '<', 30e6, 'and close to the clock');

# No chance to note anything.
$node->stop('immediate');
$node->start;
grows('after a stop at once');
my $backend = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $backend->query_safe('SELECT pg_backend_pid()');
my $logged = -s $node->logfile;
kill 'KILL', $pid;
ok(eventually(sub {
			my ($ret, $out) = $node->psql('postgres', 'SELECT 1');
			return defined $ret && $ret == 0 && $node->log_contains('all server processes terminated', $logged);
		}), 'the server comes back after kill -9');
eval { $backend->quit };
grows('after a crash');

SKIP:
{
	skip 'no C compiler', 6 unless $clock;

	# Set back while it runs, and over restarts of all kinds.
	$clock->set(-5 * $hour);
	grows('with the clock set back');
	grows('and again');
	$node->restart;
	grows('after a restart with the clock set back');
	$node->stop('immediate');
	$clock->set(-9 * $hour);
	$node->start;
	grows('after a crash and the clock set back once more');

	# Set forth, and where it belongs.
	$clock->set(24 * $hour);
	grows('a day on');
	$clock->set(0);
	grows('and back');
}

# Without disk space there are no tokens, once those reserved are used up; a restart
# makes that now.
$node->restart;
symlink '/dev/full', "$file.tmp" or die "symlink: $!";
refused(qr/could not write file "hotset_tokens\.tmp": No space left on device/, 'disk full');
is($node->safe_psql('postgres', "SELECT kv_set('k', 'v'), kv_get('k')"), 't|v', 'all else goes on');
unlink "$file.tmp";
grows('once there is space');

# Damaged files.
$node->stop;
my $good = slurp_file($file);
for my $case ([ 'empty', '' ], [ 'short', substr($good, 0, 10) ], [ 'a bit flipped', substr($good, 0, 8) . (substr($good, 8, 1) ^ "\x01") . substr($good, 9) ],
	[ 'something else', 'x' x 24 ])
{
	my ($name, $content) = @$case;
	file_is($content);
	$node->start;
	refused(qr/file "hotset_tokens" is damaged/, $name);
	$node->stop;
	is(slurp_file($file), $content, "$name: left as it is");
}
unlink $file;
$node->start;
# after crashes the last token can be a minute ahead of the clock
grows('without a file, by the clock') if $last < time() * 1e6;
$node->stop;
file_is($good);
$node->start;
grows('with the old file');

# A copy of the server knows how far the original was.
$node->backup('copy');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'copy');
$copy->start;
cmp_ok(take($copy), '>', $last, 'tokens of a copy are larger than those before it was made');
$copy->stop;
verify_ok($node, 'after all that');

$node->stop;
done_testing();
