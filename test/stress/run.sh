#!/bin/sh
#
# A mixed load through SQL, in which every value checks itself, then a check of
# the whole shared memory and of the statistics.
#
#   test/stress/run.sh                 12 clients for a minute
#   test/stress/run.sh -t 600 -c 24    seconds, clients
#
# In a temporary PostgreSQL of its own.  Exit status 0: nothing was wrong.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/lib.sh"

seconds=60
clients=12
while getopts t:c: option
do
	case $option in
		t) seconds=$OPTARG ;;
		c) clients=$OPTARG ;;
		*) die "usage: $0 [-t seconds] [-c clients]" ;;
	esac
done

work=$(mktemp -d "${TMPDIR:-/tmp}/hotset-stress.XXXXXX")
log_dir=$work/log
mkdir "$log_dir"
cleanup()
{
	[ ! -e "$work/data/postmaster.pid" ] || as_user "$bin/pg_ctl" -D "$work/data" -m fast -s stop || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

need_postgres build-essential libxxhash-dev postgresql-server-dev-PGVERSION postgresql-PGVERSION
private_copy "$work"
bin=$("$pg_config" --bindir)
(cd "$work/tree" && as_user make -s "PG_CONFIG=$pg_config" with_llvm=no install) >"$log_dir/build" 2>&1 || { cat "$log_dir/build"; exit 1; }

as_user mkdir -m 755 "$work/s"
as_user "$bin/initdb" -D "$work/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$log_dir/initdb" 2>&1
as_user tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
shared_preload_libraries = 'hotset'
hotset.memory = '256MB'
listen_addresses = ''
unix_socket_directories = '$work/s'
fsync = off
jit = off
CONF
as_user "$bin/pg_ctl" -D "$work/data" -l "$work/s/server.log" -s -w start || { cat "$work/s/server.log"; exit 1; }
export PGHOST="$work/s" PGUSER=postgres PGDATABASE=stress
"$bin/createdb" stress
"$bin/psql" -Xq -v ON_ERROR_STOP=1 -o /dev/null -f "$top/test/stress/setup.sql"

# script@weight
loads='keys@30 eviction@20 expiry@15 dues@10 due_many@6 hashes@15 sets@10 lists@15 bits@8 counters@10 transfers@8 board@10 queue@5 pairs@8 sketches@3 large@3 admin@1'
files=
for load in $loads; do files="$files -f $top/test/stress/${load%@*}.sql@${load#*@}"; done
status=0
# shellcheck disable=SC2086
"$bin/pgbench" -n -M prepared -c "$clients" -j 2 -T "$seconds" -P 60 $files >"$log_dir/pgbench" 2>"$log_dir/errors" || status=$?
grep -E '^(number of transactions actually|tps)' "$log_dir/pgbench"
if [ $status -ne 0 ] || grep -q 'aborted\|ERROR' "$log_dir/errors"
then
	head -n 40 "$log_dir/errors"
	tail -n 40 "$work/s/server.log"
	die "the load met errors"
fi
"$bin/psql" -Xq -P footer=off -f "$top/test/stress/check.sql" || die "the check afterwards failed"
! grep -E 'PANIC|terminated by signal' "$work/s/server.log" || die "the server crashed"
say "no error, no wrong value"
