#!/usr/bin/env bash
# Runs the chaos tests and the soaks under every condition that changes who runs when: GOMAXPROCS, GOGC, the race detector, and other
# programs that want all CPUs. MP_CHAOS, MP_SOAK and MP_POOLS say how much in each row; "matrix.sh -short" runs one row.
# It ends non-zero at the first row that fails, with all that row said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

: "${GO:=go}" "${MP_CHAOS:=20}" "${MP_SOAK:=200000}" "${MP_POOLS:=60}"
export MP_CHAOS MP_SOAK MP_POOLS

# A row is the words for the environment, and "race" and "load".
rows=(
	'GOMAXPROCS=1' 'GOMAXPROCS=2' 'GOMAXPROCS=8'
	'GOMAXPROCS=1 GOGC=5' 'GOMAXPROCS=2 GOGC=5' 'GOMAXPROCS=8 GOGC=5'
	'load' 'GOMAXPROCS=8 GOGC=5 load'
	'GOMAXPROCS=1 race' 'GOMAXPROCS=2 race' 'GOMAXPROCS=8 race' 'GOMAXPROCS=8 GOGC=5 race load'
)
if [[ ${1-} == -short ]]; then
	rows=('GOMAXPROCS=8 GOGC=5 load')
fi

dir=$(mktemp -d)
busy=()
finish() {
	for pid in "${busy[@]}"; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$dir"
}
trap finish EXIT

# spin keeps a CPU busy as long as this script is there, however that ends.
spin() {
	trap - EXIT
	while kill -0 $$ 2>/dev/null; do
		for ((i = 0; i < 50000; i++)); do :; done
	done
}

# build makes the test programs of a flavour, once.
build() {
	local flags=()
	if [[ $1 == race ]]; then flags=(-race); fi
	for pkg in . ./shared; do
		[[ -e $dir/$1.$(basename "$pkg") ]] || "$GO" test -c "${flags[@]}" -o "$dir/$1.$(basename "$pkg")" "$pkg"
	done
}

for row in "${rows[@]}"; do
	flavour=plain env=() load=
	for word in $row; do
		case $word in
		race) flavour=race ;;
		load) load=1 ;;
		*) env+=("$word") ;;
		esac
	done
	build $flavour
	began=$SECONDS
	if [[ $load ]]; then
		for _ in $(seq "$(nproc)"); do
			spin &
			busy+=($!)
		done
	fi
	for pkg in . ./shared; do
		if ! (cd "$pkg" && env "${env[@]}" "$dir/$flavour.$(basename "$pkg")" -test.run 'Chaos|Endurance' -test.timeout 20m -test.v) >"$dir/out" 2>&1; then
			cat "$dir/out"
			printf 'endurance: %s: FAILED in %s after %d s\n' "$row" "$pkg" $((SECONDS - began))
			exit 1
		fi
	done
	for pid in "${busy[@]}"; do kill "$pid" && wait "$pid" || true; done 2>/dev/null
	busy=()
	printf 'endurance: %-32s ok, %d s\n' "$row" $((SECONDS - began))
done
