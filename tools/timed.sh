#!/bin/sh
# timed.sh NAME COMMAND …: run it, say how long it took, and end as it ended.
name=$1
shift
start=$(date +%s)
code=0
"$@" || code=$?
took=$(($(date +%s) - start))
printf '%s took %d:%02d\n' "$name" $((took / 60)) $((took % 60))
exit $code
