#!/bin/sh
#
# Cached results against an oracle: each read compares the cached value with the
# row under the same snapshot, while all kinds of writers and readers go on.
#
#   test/stress/coherence.sh                  a minute
#   test/stress/coherence.sh -t 600 -c 24     seconds, clients of each of the two mixes
#   test/stress/coherence.sh -b -t 20         also break one rule after the other: each
#                                             must be noticed within so many seconds (tries 3 times)
#
# In a temporary PostgreSQL of its own, with few slots so that keys share them; a part of the
# clients comes through pgbouncer in transaction mode.  Exit status 0: not one stale or newer
# value; the naive way beside it must show some, or the test would be blind.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/lib.sh"

seconds=60
clients=12
break_rules=
while getopts t:c:b option
do
	case $option in
		t) seconds=$OPTARG ;;
		c) clients=$OPTARG ;;
		b) break_rules=yes ;;
		*) die "usage: $0 [-t seconds] [-c clients] [-b]" ;;
	esac
done

work=$(mktemp -d "${TMPDIR:-/tmp}/hotset-coherence.XXXXXX")
log_dir=$work/log
mkdir "$log_dir"
pooler=
importer=
cleanup()
{
	[ -z "$importer" ] || kill "$importer" 2>/dev/null || true
	[ ! -e "$work/s/pgbouncer.pid" ] || kill "$(cat "$work/s/pgbouncer.pid")" 2>/dev/null || true
	[ -z "$pooler" ] || wait "$pooler" 2>/dev/null || true
	[ ! -e "$work/data/postmaster.pid" ] || as_user "$bin/pg_ctl" -D "$work/data" -m immediate -s stop || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

need_postgres build-essential libxxhash-dev postgresql-server-dev-PGVERSION postgresql-PGVERSION pgbouncer
private_copy "$work"
bin=$("$pg_config" --bindir)
[ -z "$break_rules" ] || export HOTSET_BREAKABLE=1
(cd "$work/tree" && as_user make -s "PG_CONFIG=$pg_config" with_llvm=no install) >"$log_dir/build" 2>&1 || { cat "$log_dir/build"; exit 1; }

as_user mkdir -m 755 "$work/s"
as_user "$bin/initdb" -D "$work/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$log_dir/initdb" 2>&1
as_user tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
shared_preload_libraries = 'hotset'
hotset.memory = '64MB'
hotset.invalidation_slots = 64
max_prepared_transactions = 100
max_connections = 200
listen_addresses = ''
unix_socket_directories = '$work/s'
fsync = off
jit = off
CONF
export PGHOST="$work/s" PGUSER=postgres PGDATABASE=stress

server()
{
	as_user "$bin/pg_ctl" -D "$work/data" -l "$work/s/server.log" -s -w "$@" || { cat "$work/s/server.log"; exit 1; }
}

pooler_start()
{
	as_user tee "$work/s/pgbouncer.ini" >/dev/null <<INI
[databases]
stress = host=$work/s dbname=stress user=postgres pool_size=4
[pgbouncer]
listen_addr =
unix_socket_dir = $work/s
listen_port = 6432
auth_type = any
pool_mode = transaction
logfile = $work/s/pgbouncer.log
pidfile = $work/s/pgbouncer.pid
ignore_startup_parameters = extra_float_digits
INI
	pgbouncer=$(command -v pgbouncer || echo /usr/sbin/pgbouncer)
	as_user "$pgbouncer" "$work/s/pgbouncer.ini" >"$log_dir/pgbouncer" 2>&1 &
	pooler=$!
}

# Sessions that take a snapshot over from another one, as long as that has it.
import_snapshots()
{
	while :
	do
		id=$("$bin/psql" -XAtqc "SELECT coalesce(kv_get('snapshot'), '')" 2>/dev/null) || return 0
		"$bin/psql" -Xq >/dev/null 2>&1 <<SQL || true
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET TRANSACTION SNAPSHOT '$id';
SELECT (t).* FROM reads('import', 5, 0.005) AS t \gset
END;
INSERT INTO tally VALUES (:'reader', :checks, :hits, :stale, :newer);
SQL
		sleep 0.05
	done
}

# script@weight
writers='w_plain@20 w_long@6 w_savepoint@5 w_rollback@4 w_early@3 w_overflow@2 w_prepared@4 w_idle@2 w_all@3 w_own@4 w_watch@20 w_truncate@1 w_ddl@1'
readers='r_rc@10 r_fetch@10 r_tag@6 r_rr@6 r_rr_fetch@6 r_rr_tag@4 r_slow@15 r_stable@10 r_cursor@6 r_parallel@2 r_naive@3 r_export@1 r_watch@10 r_rr_watch@6'

files()
{
	for load in "$@"; do printf '%s ' "-f $top/test/stress/coherence/${load%@*}.sql@${load#*@}"; done
}

# load seconds: both mixes at once, and the same in small through the pooler
load()
{
	"$bin/psql" -Xqc 'TRUNCATE tally'
	import_snapshots &
	importer=$!
	# shellcheck disable=SC2046,SC2086
	{
		"$bin/pgbench" -n -c $((clients / 2)) -j 1 -R 400 -T "$1" $(files $writers) >"$log_dir/writers" 2>&1 &
		w=$!
		"$bin/pgbench" -n -h "$work/s" -p 6432 -c $((clients / 2)) -j 1 -T "$1" $(files w_plain@5 w_long@2 r_slow@10 r_fetch@1) >"$log_dir/pooled" 2>&1 &
		p=$!
		"$bin/pgbench" -n -c "$clients" -j 1 -T "$1" $(files $readers) >"$log_dir/readers" 2>&1 || true
	}
	wait $w || true
	wait $p || true
	kill $importer 2>/dev/null || true
	wait $importer 2>/dev/null || true
	importer=
	# prepared transactions that the end of the run left behind
	"$bin/psql" -XAtqc "SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts" | "$bin/psql" -Xq
}

errors()
{
	if grep -h 'ERROR\|aborted' "$log_dir/writers" "$log_dir/pooled" "$log_dir/readers" | head -n 20 | grep .
	then
		die "the load met errors"
	fi
	! grep -E 'PANIC|terminated by signal' "$work/s/server.log" || die "the server crashed"
}

value()
{
	"$bin/psql" -XAtqc "$1"
}

wrong()
{
	value "SELECT coalesce(sum(stale + newer), 0) FROM tally WHERE reader <> 'naive'"
}

report()
{
	"$bin/psql" -Xq -P footer=off -c "SELECT reader, sum(checks) AS checks, sum(hits) AS hits, sum(stale) AS stale, sum(newer) AS newer FROM tally GROUP BY ROLLUP (reader) ORDER BY reader"
}

server start
"$bin/createdb" stress
"$bin/psql" -Xq -v ON_ERROR_STOP=1 -o /dev/null -f "$top/test/stress/coherence/setup.sql"
pooler_start

say "all rules kept, $seconds s:"
load "$seconds"
report
say "$(value "SELECT sum(hits) FROM tally WHERE reader <> 'naive'") values compared, the naive way aside"
errors
"$bin/psql" -Xq -P footer=off -xc 'SELECT * FROM hotset_cache_stats()'
[ "$(wrong)" = 0 ] || die "cached values were wrong"
[ "$(value "SELECT sum(stale) > 0 FROM tally WHERE reader = 'naive'")" = t ] || die "the naive way was never stale: this run says nothing"
[ "$(value "SELECT hits > misses_label FROM hotset_cache_stats()")" = t ] || die "hardly anything was hit: this run says nothing"
[ "$(value "SELECT hotset_verify()")" = t ] || die "the shared memory is damaged"

if [ -n "$break_rules" ]
then
	for rule in 1 2 3 4 5 6 7 8 9
	do
		# what hides behind a restart shows in a test of its own
		[ $rule -ne 3 ] || continue
		tries=0
		while :
		do
			as_user "$bin/psql" -Xqc "ALTER SYSTEM SET hotset.break = $rule"
			server restart -m fast
			load "$seconds"
			found=$(wrong)
			tries=$((tries + 1))
			say "rule $rule broken: $found wrong values"
			[ "$found" = 0 ] || break
			[ $tries -lt 3 ] || die "nobody noticed"
		done
	done
fi
say "no wrong value"
