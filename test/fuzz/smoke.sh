#!/bin/sh
# Every fuzzer over its corpus, then for an equal part of 'seconds' on new
# inputs.  usage: smoke.sh directory seconds fuzzer ...
# What libFuzzer finds interesting collects in directory/corpus/<fuzzer>; an
# input that fails is left in directory/failed-<fuzzer>-* for replay_*.
dir=$1
seconds=$2
shift 2
passed=0
failed=0
each=$(($# > 0 ? (seconds + $# - 1) / $# : 0))
for name in "$@"; do
	saved=test/fuzz/corpus/${name#fuzz_}
	found=$dir/corpus/$name
	mkdir -p "$found"
	if ! "$dir/replay_${name#fuzz_}" "$saved" >"$dir/$name.log" 2>&1; then
		ok=false
	elif cmp -s "$dir/$name" "$dir/replay_${name#fuzz_}"; then
		"$dir/$name" "-seconds=$each" "$saved" >"$dir/$name.log" 2>&1 && ok=true || ok=false
	else
		[ -d "$saved" ] || saved=
		"$dir/$name" "-max_total_time=$each" -timeout=20 -rss_limit_mb=1024 -max_len=4096 \
			"-artifact_prefix=$dir/failed-$name-" "$found" $saved >"$dir/$name.log" 2>&1 && ok=true || ok=false
	fi
	if $ok; then
		passed=$((passed + 1))
		echo "$name: $(tail -n 1 "$dir/$name.log")"
	else
		failed=$((failed + 1))
		echo "$name: FAILED"
		tail -n 40 "$dir/$name.log"
	fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
