#!/bin/sh
# Run a test program, print what it prints and keep it in a log, which ends
# with "<program>: N passed, N failed" even if the program could not say so.
# usage: run.sh program log      always succeeds: total.sh is the judge
program=$1
log=$2
status=0
"$program" >"$log" 2>&1 || status=$?
counts=$(sed -n 's/^.*: \([0-9]* passed, [0-9]* failed\)$/\1/p' "$log" | tail -n 1)
case $status,$counts in
	*,) echo "${program##*/}: ended with status $status before it could report: 0 passed, 1 failed" >>"$log" ;;
	0,*) ;;
	*" 0 failed") echo "${program##*/}: ended with status $status: ${counts%0 failed}1 failed" >>"$log" ;;
esac
cat "$log"
