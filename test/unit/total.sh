#!/bin/sh
# Add up the last lines of logs of test programs.
# usage: total.sh log ...        last line: "unit: N passed, N failed"
passed=0
failed=0
for log in "$@"; do
	counts=$(sed -n 's/^.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
	counts=${counts:-0 1}
	passed=$((passed + ${counts% *}))
	failed=$((failed + ${counts#* }))
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
