#!/bin/bash
# How much it costs when N clients enter one room at once, and what becomes of
# messages between two users meanwhile.
#
#	LINNET_BENCH=DIR bash tests/bench/joins.sh BUILD [N [ROOMS]]	default: 5000 1
#
#	CHAT		users who chat beside, 0: none (default 100)
#	CHAT_RATE	messages a second of them all (default 1000)
#	CHAT_SECONDS	for how long (default 30)
#	SECONDS_TALKED	how long everybody talks in the rooms afterwards (default 3)
#
# Prints the generator's lines, memory at its most, and what was refused. The
# generator's "server CPU per presence" counts the chat beside too: CHAT=0 for
# figures. More than 900 clients need `ulimit -n`.
#
# SPDX-License-Identifier: MIT
set -u
build=$(cd "${1:?a build directory}" && pwd) || exit 2
clients=${2:-5000} rooms=${3:-1} chat=${CHAT:-100} port=${BENCH_PORT:-22000}
generator=${LINNET_BENCH:-}
[ -d "$generator/src" ] || {
	echo "LINNET_BENCH must name the directory of the load generator" >&2
	exit 2
}
load=$build/bench/load run=$build/bench/joins
rm -rf "$run" && mkdir -p "$load" "$run/data"
cp -r "$generator/src" "$load/" && chmod -R u+w "$load" && make -s -C "$load/src" || exit 2
ulimit -n "$(ulimit -Hn)"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
	-subj /CN=example.org -keyout "$run/key" -out "$run/certificate" 2> "$run/openssl" || exit 2
cat > "$run/linnet.yaml" <<EOT
data: $run/data
control: $run/control.sock
log: {to: $run/log, level: warning}
listen: {c2s: ["127.0.0.1:$port"]}
c2s: {tls: optional}
limits: {c2s-rate: off, connections-per-address: off, login-attempts: off}
modules: {sasl_scram: , disco: , ping: , muc: {host: conference.\$host, max-occupants: 100000}}
hosts: {example.org: {certificate: $run/certificate, key: $run/key}}
EOT
ctl() { "$build/src/linnetctl" -c "$run/linnet.yaml" "$@"; }
"$build/src/linnetd" -c "$run/linnet.yaml" > "$run/out" 2>&1 &
server=$!
trap 'kill $server; wait $server 2> /dev/null' EXIT
until ctl stats > "$run/stats" 2>&1; do
	kill -0 $server 2> /dev/null || { cat "$run/out" "$run/log"; exit 1; }
	sleep 0.1
done
seq -f "u%.0f@example.org secret" 0 $((clients + chat - 1)) > "$run/users"
ctl user import "$run/users" > "$run/imported" || exit 1

common=(--host 127.0.0.1 --port "$port" --domain example.org --server-pid $server)
beside=
if [ "$chat" -gt 0 ]; then
	# Begins when the others have logged in, or nearly so.
	(
		until [ "$(ctl stats | awk '/^session +sessions /{print $3}')" -ge "$clients" ]; do
			sleep 0.2
		done
		exec "$load/xmppload" chat "${common[@]}" --users "$chat" --first-user "$clients" \
			--rate "${CHAT_RATE:-1000}" --warmup 1 --duration "${CHAT_SECONDS:-30}"
	) > "$run/chat.json" &
	beside=$!
fi
"$load/xmppload" muc "${common[@]}" --users "$clients" --rooms "$rooms" \
	--muc conference.example.org --warmup 1 --duration "${SECONDS_TALKED:-3}" --timeout 180 \
	> "$run/muc.json"
status=$?
[ -z "$beside" ] || wait "$beside"
grep VmHWM /proc/$server/status
ctl stats | grep -E "inbox_(full|late)_total|rested_total|closed_total +reason=\"unsent"
exit $status
