#!/bin/sh
#
# A tour of hotset on real data: the package index of this Debian machine.
#
#   ./demo.sh                the tour, then a psql prompt
#   ./demo.sh --no-prompt    the tour only
#   ./demo.sh --keep         the tour, then leaves the server running
#
# Installs what is missing from Debian, builds, and starts a PostgreSQL of its
# own in a temporary directory, which goes when you are done.  The PostgreSQL
# of the machine, if any, is not touched.
set -eu

top=$(cd "$(dirname "$0")" && pwd)
. "$top/test/lib.sh"

prompt=yes
keep=
for arg in "$@"
do
	case $arg in
		--no-prompt) prompt= ;;
		--keep) keep=yes prompt= ;;
		*) die "usage: $0 [--no-prompt | --keep]" ;;
	esac
done
[ -t 0 ] && [ -t 1 ] || prompt=

work=$(mktemp -d "${TMPDIR:-/tmp}/hotset-demo.XXXXXX")
log_dir=$work/log
mkdir "$log_dir"
running=
cleanup()
{
	[ -z "$running" ] || as_user "$bin/pg_ctl" -D "$work/data" -m fast -s stop || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

logged()
{
	"$@" >"$log_dir/step.log" 2>&1 </dev/null || { tail -n 40 "$log_dir/step.log"; die "failed: $*"; }
}

need_postgres build-essential libxxhash-dev postgresql-server-dev-PGVERSION postgresql-PGVERSION
if [ "$(apt-cache pkgnames | wc -l)" -lt 10000 ] && can_be_root
then
	say "Fetching the package index..."
	apt_update
fi

say "Building..."
private_copy "$work"
bin=$("$pg_config" --bindir)
cd "$work/tree"
logged as_user make -s -j2 "PG_CONFIG=$pg_config" with_llvm=no install
cd "$work"

say "Starting a PostgreSQL of our own..."
# Reachable by its socket only, in a directory that is ours alone: no port is
# taken from anybody, and nobody else gets in.
as_user mkdir -m 700 "$work/socket"
logged as_user "$bin/initdb" -D "$work/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync
as_user tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
shared_preload_libraries = 'hotset'
hotset.memory = '128MB'
shared_buffers = '128MB'
listen_addresses = ''
unix_socket_directories = '$work/socket'
CONF
as_user "$bin/pg_ctl" -D "$work/data" -l "$work/server.log" -s -w start || { cat "$work/server.log"; exit 1; }
running=yes

export PGHOST="$work/socket" PGUSER=postgres PGDATABASE=demo PGPORT=5432 PGOPTIONS='-c client_min_messages=warning'
"$bin/createdb" demo
tour()
{
	"$bin/psql" -X -q -v ON_ERROR_STOP=1 -v "loader=$work/tree/test/demo" -P footer=off -P pager=off "$@"
}
tour -f "$work/tree/test/demo/00_load.sql"
tour -c '\timing on' $(for chapter in "$work"/tree/test/demo/[1-9]*.sql; do printf ' -f %s' "$chapter"; done)

if [ -n "$keep" ]
then
	trap - EXIT
	say "
The server keeps running. Connect and stop it with
  $bin/psql -h $PGHOST -p $PGPORT -U postgres demo
  $(is_root && printf 'runuser -u postgres -- ')$bin/pg_ctl -D $work/data stop && rm -rf $work"
elif [ -n "$prompt" ]
then
	say "
Your turn. Try: SELECT * FROM zrange('needed', 0, 20, rev => true);   \\df kv_*   \\q ends the demo."
	"$bin/psql" -X || true
fi
