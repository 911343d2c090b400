#!/usr/bin/env bash
# Checks the models: all runs of the file runs, two at a time, or those of the models named; with -short not the long ones. Ends
# non-zero if one does not end as the file says. A run that should find nothing is exhaustive, or it fails.
set -euo pipefail
models=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# run checks one line of the file runs.
run() {
	local model=$1 want=$2 begun=$SECONDS got options=
	shift 3
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cd "$dir"
	[[ $model == lock ]] || options=-E # the others look by themselves when nothing moves any more
	spin -a "$@" "$models/$model.pml" >out 2>&1 &&
		gcc -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=1500 -o pan pan.c >>out 2>&1 || { cat out; exit 1; }
	nice timeout 300 ./pan -m3000 $options >out 2>&1 || true
	got=?
	if grep -q 'errors: 0$' out && ! grep -q -e 'not completed' -e 'max search depth' out; then
		got=ok
	elif grep -q -e 'assertion violated' -e 'invalid end state' out; then
		got=err
	fi
	printf '%-5s  %-3s %9s states %3d s  %s\n' "$model" "$got" "$(awk '/states, stored/ { print $1; exit }' out)" $((SECONDS - begun)) "$*"
	[[ $got == "$want" ]] || { printf 'FAILED: it should be %s: %s %s\n' "$want" "$model" "$*"; grep -e ^pan: -e ^error -e 'not completed' -e 'too small' out; exit 1; }
}

if [[ ${1-} == run ]]; then
	shift
	run "$@"
	exit
fi
for tool in spin gcc; do
	command -v "$tool" >/dev/null || { apt-get update -qq && apt-get install -y -qq "$tool"; } </dev/null
done
kept=.
[[ ${1-} != -short ]] || { kept=' - '; shift; }
IFS='|'
grep -E "^(${*:-[a-z]+}) " "$models/runs" | grep -e "$kept" | xargs -P 2 -L 1 bash "${BASH_SOURCE[0]}" run
