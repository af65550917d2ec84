#!/bin/sh
#
# Install what is missing, build, run every test suite.
#
#   ./test.sh                    all of it; the last line is "N passed, N failed"
#   ./test.sh regress tap        only these suites
#   ./test.sh --keep ...         leave the temporary directory where it is
#   PG_CONFIG=/path/pg_config ./test.sh      for this PostgreSQL
#
# Builds and installs into a private copy of PostgreSQL in a temporary
# directory: the PostgreSQL of the machine stays as it is.  As root, servers
# and tests run as user postgres.
set -eu

top=$(cd "$(dirname "$0")" && pwd)
. "$top/test/lib.sh"

all_suites='build unit unit-asan unit-tsan stress fuzz regress isolation recipes redis tap docs'
usage="usage: $0 [--keep] [suite ...]
suites: $all_suites"

keep=
suites=
for arg in "$@"
do
	case $arg in
		--keep) keep=yes ;;
		-h | --help) say "$usage"; exit 0 ;;
		-*) die "$usage" ;;
		*)
			case " $all_suites " in
				*" $arg "*) suites="$suites $arg" ;;
				*) die "$usage" ;;
			esac ;;
	esac
done
suites=${suites:-$all_suites}
case $suites in *build*) ;; *) suites="build $suites" ;; esac

work=$(mktemp -d "${TMPDIR:-/tmp}/hotset-test.XXXXXX")
log_dir=$work/log
mkdir "$log_dir"
cleanup()
{
	if [ -n "$keep" ]; then say "left in place: $work"; else rm -rf "$work"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# redis-tools: its program is the server, too, and it starts none by itself
redis=
case $suites in *redis*) redis=redis-tools ;; esac
need_postgres build-essential libxxhash-dev libipc-run-perl clang libclang-rt-dev $redis \
	postgresql-server-dev-PGVERSION postgresql-PGVERSION
private_copy "$work"
say "hotset $(sed -n "s/^default_version = '\(.*\)'/\1/p" "$top/hotset.control") on $("$pg_config" --version), $(uname -m)"

# The command of a suite: all are targets of the makefiles.
run_suite()
{
	cd "$work/tree"
	# each suite is quick; what takes this long hangs
	run="as_user timeout -k 30 1200 make -s -j$(nproc) PG_CONFIG=$pg_config"
	case $1 in
		build) $run COPT=-Werror HOTSET_ASSERT=1 all && $run install ;;
		regress | isolation | recipes) $run "check-$1" ;;
		docs) as_user perl test/docs.pl ;;
		redis) as_user timeout -k 30 1200 perl test/redis/compare.pl --pg-config "$pg_config" ;;
		tap) $run check-tap PROVE_FLAGS="--jobs $(nproc) --verbose --timer" ;;
		*) $run "$1" ;;
	esac
}

# Print "passed failed" for a log: from the line that says so, else counting
# the lines of pg_regress ("test x ... ok" until 15, TAP since 16) and prove.
count_results()
{
	counts=$(sed -n 's/^.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$1" | tail -n 1)
	if [ -z "$counts" ]
	then
		# grep -c that counts none "fails"
		ok=$(grep -cE '^(ok |(test|     ) .* \.\.\. +ok)' "$1") || true
		bad=$(grep -cE '^(not ok |(test|     ) .* \.\.\. +FAILED)' "$1") || true
		# a TAP program that died, with or without passed tests
		died=$(grep -cE '\(Wstat: [1-9].*Failed: 0\)' "$1") || true
		bad=$((bad + died))
		counts="$ok $bad"
	fi
	say "$counts"
}

# What a reader needs to see of a failed suite.
show_failure()
{
	# of a TAP program that ended long before the last one
	if [ "$1" = tap ]
	then
		say "--- $1: what failed"
		grep -E '^not ok|^# +(Failed|got|expected)|Dubious| at [^ ]+\.p[lm] line ' "$log_dir/$1.log" | head -n 40 || true
	fi
	say "--- $1: end of the output"
	tail -n "${HOTSET_TEST_LINES:-60}" "$log_dir/$1.log"
	for diffs in "$work/tree/regression.diffs" "$work/tree/output_iso/regression.diffs" "$work/tree/output_recipes/regression.diffs"
	do
		if [ -s "$diffs" ]
		then
			say "--- ${diffs#"$work/tree/"}"
			head -n 400 "$diffs"
			mv "$diffs" "$diffs.$1"
		fi
	done
	say "---"
}

passed=0
failed=0
for suite in $suites
do
	begin=$(date +%s)
	status=0
	(run_suite "$suite") >"$log_dir/$suite.log" 2>&1 </dev/null || status=$?
	case $suite in
		build) ok=1 bad=0 ;;
		*)
			counts=$(count_results "$log_dir/$suite.log")
			ok=${counts% *} bad=${counts#* } ;;
	esac
	# a suite that ended badly without a failed test, or ran none, has failed
	if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
	if [ $status -ne 0 ] && [ "$suite" = build ]; then ok=0; fi
	if [ "$ok" -eq 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
	[ "$bad" -eq 0 ] || show_failure "$suite"
	printf '%-10s %6d passed, %d failed %6d s\n' "$suite" "$ok" "$bad" $(($(date +%s) - begin))
	passed=$((passed + ok))
	failed=$((failed + bad))
	if [ "$suite" = build ] && [ "$bad" -gt 0 ]; then break; fi
done

[ "$failed" -eq 0 ] || [ -n "${CI:-}" ] || keep=yes
[ -z "$keep" ] || { say "left in place: $work"; trap - EXIT; }
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
