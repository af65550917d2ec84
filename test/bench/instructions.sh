#!/bin/sh
#
# Count the instructions that commands take, with callgrind, and compare them with those in
# instructions.expected: unlike times they are the same on a busy machine, so a few per cent
# of regression show.  About two minutes.
#
#   test/bench/instructions.sh                   status 1 if a command takes 3 % more than expected
#   test/bench/instructions.sh --tolerance 1     or 1 %
#   test/bench/instructions.sh --update          write instructions.expected
#   test/bench/instructions.sh --profile kv_get  where in the code those of a command are spent
#
# "engine" are commands of the engine in a program without a server (instructions.c),
# "sql" is what a call costs in a loop of PL/pgSQL in a backend (instructions.sql): keyspace, privilege and
# result included, the loop alone subtracted.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/test/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/hotset-instructions.XXXXXX")
log_dir=$work/log
mkdir "$log_dir"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

need_postgres build-essential libxxhash-dev postgresql-server-dev-PGVERSION postgresql-PGVERSION valgrind
private_copy "$work"
bin=$("$pg_config" --bindir)
# $1: log; the rest is the command
quietly()
{
	log=$log_dir/$1
	shift
	"$@" >"$log" 2>&1 || { tail -n 30 "$log"; exit 1; }
}

say "building..." >&2
cd "$work/tree"
for makefile in Makefile test/bench/hotset_bench.mk
do
	quietly build as_user make -s -f $makefile "PG_CONFIG=$pg_config" install
done
# shellcheck disable=SC2046
quietly build cc $("$pg_config" --cflags) -DNDEBUG -iquote src/engine -iquote test/bench -o "$work/engine" \
	test/bench/instructions.c test/bench/engine_bench.c src/engine/*.c -lm

as_user mkdir "$work/out"
# a program that stops to count is fast until then
count()
{
	name=$1
	shift
	as_user valgrind --tool=callgrind --instr-atstart=no "--callgrind-out-file=$work/out/$name" "$@"
}
say "counting in the engine..." >&2
quietly engine count engine "$work/engine"
say "counting in a backend..." >&2
quietly initdb as_user "$bin/initdb" -D "$work/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8
as_user tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
shared_preload_libraries = 'hotset'
hotset.memory = '64MB'
shared_buffers = '16MB'
jit = off
CONF
{ sed 's/;$/;\n/' test/bench/hotset_bench.sql; cat test/bench/instructions.sql; } | sed '/^--/d' >"$work/script.sql"
chmod 644 "$work/script.sql"
quietly backend count sql "$bin/postgres" --single -j -D "$work/data" postgres <"$work/script.sql"
! grep -A 3 'ERROR\|FATAL' "$log_dir/backend" || exit 1

perl "$top/test/bench/instructions.pl" --dumps "$work/out" --expected "$top/test/bench/instructions.expected" \
	--built "$("$pg_config" --version), $(cc --version | head -n 1)" "$@"
