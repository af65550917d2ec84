#!/bin/sh
# Run test programs one after another and add up what they report.
# usage: run.sh program ...      last line: "unit: N passed, N failed"
passed=0
failed=0
for program in "$@"; do
	output=$("$program") || status=$?
	status=${status:-0}
	[ -z "$output" ] || printf '%s\n' "$output"
	counts=$(printf '%s\n' "$output" | sed -n 's/^.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' | tail -n 1)
	if [ -n "$counts" ]; then
		passed=$((passed + ${counts% *}))
		failed=$((failed + ${counts#* }))
		[ "$status" -eq 0 ] || [ "${counts#* }" -ne 0 ] || failed=$((failed + 1))
	else
		echo "$program: ended with status $status before it could report"
		failed=$((failed + 1))
	fi
	unset status
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
