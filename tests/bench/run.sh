#!/bin/bash
# Measures a build with the load generator that LINNET_BENCH names, beside its
# floors and whichever of Prosody and ejabberd is installed; `make bench` calls
# it.  doc/performance.md says how to read the table.
#
#	LINNET_BENCH=DIR tests/bench/run.sh BUILD [SERVER...]
#
#	BENCH_SCENARIOS		default: login login-contacts login-tls chat chat-tls chat-window
#				chat-window-tls chat-sm idle idle-tls idle-contacts durable
#	BENCH_ROUNDS		default: 3
#
# The generator is copied to BUILD/bench/load and built there; data and results
# stay in BUILD/bench.
#
# SPDX-License-Identifier: MIT
set -u
build=$(cd "${1:?a build directory}" && pwd) || exit 2
shift
generator=${LINNET_BENCH:-}
[ -x "$generator/compare.sh" ] || {
	echo "LINNET_BENCH must name the directory of the load generator (compare.sh)" >&2
	exit 2
}
bench=$build/bench
mkdir -p "$bench/load"
cp -r "$generator"/*.sh "$generator/servers" "$generator/src" "$bench/load/" || exit 2
chmod -R u+w "$bench/load"
cat "$(dirname "$0")/scenarios.sh" >> "$bench/load/scenarios.sh"

servers=("$@")
if [ ${#servers[@]} = 0 ]; then
	servers=(floor floor:xml)
	for peer in prosody ejabberd; do
		[ -z "$(PATH=$PATH:/usr/sbin command -v "${peer}ctl")" ] || servers+=("$peer")
	done
	servers+=(linnet)
fi

export LINNETD=$build/src/linnetd LINNETCTL=$build/src/linnetctl
export BENCH_DIR=$bench/run BENCH_PORT=${BENCH_PORT:-22000}
exec "$bench/load/compare.sh" -n "${BENCH_ROUNDS:-3}" -o "$bench/results-$(date +%Y%m%d-%H%M%S).jsonl" \
    -s "${BENCH_SCENARIOS:-login login-contacts login-tls chat chat-tls chat-window chat-window-tls \
chat-sm idle idle-tls idle-contacts durable}" \
    "${servers[@]}"
