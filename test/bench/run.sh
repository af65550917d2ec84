#!/bin/sh
#
# Measure hotset beside Redis, an UNLOGGED table, memcached through pgmemcache
# and postgresql-hll, on this machine, and write the result to
# docs/benchmarks.md and docs/plots.
#
#   test/bench/run.sh              about 13 minutes on two quiet cores
#   test/bench/run.sh --quick      about 3 minutes, smaller, to the terminal only
#   test/bench/run.sh --only procedure,trips    some of test/bench/sections, to the terminal
#
# Starts servers of its own in a temporary directory, on sockets, and stops
# only those.
set -eu

started=$(date +%s)
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/hotset-bench.XXXXXX")
log_dir=$work/log
mkdir "$log_dir"
pids=
cleanup()
{
	for pid in $pids; do kill "$pid" 2>/dev/null || true; done
	[ ! -e "$work/data/postmaster.pid" ] || as_user "$bin/pg_ctl" -D "$work/data" -m fast -s stop || true
	for pid in $pids; do wait "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

need_postgres build-essential libxxhash-dev postgresql-server-dev-PGVERSION postgresql-PGVERSION \
	postgresql-PGVERSION-hll postgresql-PGVERSION-pgmemcache redis-server redis-tools memcached gnuplot-nox libdbd-pg-perl
# For two sections only, which do without if need be.
case "$*" in
	*cached* | *stale*) wants_redis_client=yes ;;
	*--only*) wants_redis_client= ;;
	*) wants_redis_client=yes ;;
esac
[ -z "$wants_redis_client" ] || try_packages "postgresql-plperl-$version" libredis-fast-perl ||
	say "PL/Perl and a client of Redis cannot be installed: their rows are skipped." >&2
private_copy "$work"
bin=$("$pg_config" --bindir)
say "building..." >&2
(cd "$work/tree" && as_user make -s -j2 with_llvm=no "PG_CONFIG=$pg_config" install) >"$log_dir/build" 2>&1 || { cat "$log_dir/build"; exit 1; }
(cd "$work/tree/test/bench/noop" && as_user make -s with_llvm=no "PG_CONFIG=$pg_config" install) >"$log_dir/noop" 2>&1 || { cat "$log_dir/noop"; exit 1; }
(cd "$work/tree" && as_user make -s -f test/bench/hotset_bench.mk with_llvm=no "PG_CONFIG=$pg_config" install) >"$log_dir/module" 2>&1 || { cat "$log_dir/module"; exit 1; }
# The same objects as the extension's.
# shellcheck disable=SC2046
(cd "$work/tree" && cc $("$pg_config" --cflags) -DNDEBUG -iquote src/engine -iquote test/bench -o "$work/engine_growth" \
	test/bench/engine_growth.c test/bench/engine_bench.c src/engine/*.o -lm)

as_user mkdir -m 755 "$work/s"
# Not through as_user: the process id must be that of the server itself.
start()
{
	if is_root; then setpriv --reuid postgres --regid postgres --clear-groups "$@" & else "$@" & fi
	pids="$pids $!"
}
for name in redis lru1 lru2 lru3 lru4 lru5 lru6 lfu1 lfu2 lfu3 lfu4 lfu5
do
	policy=noeviction
	[ $name = redis ] || policy=allkeys-${name%?}
	start redis-server --port 0 --unixsocket "$work/s/$name" --unixsocketperm 777 --save '' --appendonly no \
		--dir "$work/s" --logfile "$work/s/$name.log" --maxmemory-policy "$policy"
done
start memcached -s "$work/s/memcached" -a 777 -m 256

as_user "$bin/initdb" -D "$work/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 >"$log_dir/initdb" 2>&1
as_user tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
shared_preload_libraries = 'hotset, pgmemcache'
hotset.memory = '1GB'
hotset.max_value = '64MB'
pgmemcache.default_servers = '$work/s/memcached'
shared_buffers = '1GB'
max_wal_size = '4GB'
max_connections = 250
work_mem = '64MB'
jit = off
autovacuum_naptime = '10s'
listen_addresses = ''
unix_socket_directories = '$work/s'
CONF
as_user "$bin/pg_ctl" -D "$work/data" -l "$work/s/server.log" -s -w start || { cat "$work/s/server.log"; exit 1; }

export PGHOST="$work/s" PGUSER=postgres PGDATABASE=bench PATH="$work:$bin:$PATH"
createdb bench
perl "$top/test/bench/bench.pl" --sockets "$work/s" --out "$top/docs" --started "$started" "$@"
