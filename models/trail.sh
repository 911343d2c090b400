#!/usr/bin/env bash
# Prints the way to what spin finds wrong, the shortest if memory allows: trail.sh model switches...
set -euo pipefail
models=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
model=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
spin -a "$@" "$models/$model.pml" >/dev/null
gcc -O2 -w -DSAFETY -DCOLLAPSE -DBFS -DMEMLIM=1500 -o pan pan.c
options=
[[ $model == lock ]] || options=-E
nice ./pan $options >out || true
if [[ ! -e $model.pml.trail ]]; then # too many states for the shortest
	gcc -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=1500 -o pan pan.c
	nice ./pan $options -m3000 >out || true
fi
printf '%s\n' "models/$model.pml $*" "$(grep ^pan:1 out)" ''
spin -k "$model.pml.trail" -p "$@" "$models/$model.pml" |
	sed -n -E 's/^ *([0-9]+):\tproc +([0-9]+) \((\w+):[0-9]+\) [^ ]*\.pml:([0-9]+) \(state [0-9]+\)\t\[(.*)\]$/\1 \3[\2] line \4: \5/p' |
	grep -v -e '(goto)$' -e ': else$' -e ' DO$' -e ' IF$' -e ': goto :' -e ': (run ' -e ':init:' -e 'p = (p+1)' -e ' Final\[' -e 'assert(' |
	sed -E -e 's/\( \(\(\(w==1\)\|\|\(w==3\)\)\) (\?|->) \(0\) : \(1\) \)/OBJECT/g' \
		-e 's/\( \(\(w==1\)\) \? \(2\) : \(\( \(\(w==2\)\) \? \(1\) : \(\( \(\(w==3\)\) \? \(4\) : \(3\) \)\) \)\) \)/OTHER/g'
printf '\nThen:\n'
spin -k "$model.pml.trail" -p "$@" "$models/$model.pml" | sed -n '/^#processes/,$p' | grep -E $'^\t\t.* = [1-9L]' || true
