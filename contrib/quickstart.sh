#!/bin/sh
# From a checkout to a running server with two accounts, on Debian 12:
#
#	sh contrib/quickstart.sh		does whatever is still to be done
#	sh contrib/quickstart.sh stop		stops the server
#
# Everything it makes (build, certificate, configuration, database, log) is in
# ./quickstart; remove the directory and nothing is left but Debian's packages.
# The domain is `localhost`, on this machine alone.
#
#	QUICKSTART_DIR=DIR	another directory
#	QUICKSTART_PORT=PORT	another port than 5222, or the next free one
#	QUICKSTART_WEB=PORT	another port than 5443 for uploads, or the next free one
#
# SPDX-License-Identifier: MIT
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
dir=${QUICKSTART_DIR:-$top/quickstart}
port=${QUICKSTART_PORT:-5222}
web=${QUICKSTART_WEB:-5443}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
config=$dir/linnet.yaml
linnetd=$dir/build/src/linnetd
export CCACHE_BASEDIR="$top" CCACHE_NOHASHDIR=1

say() { printf '%s\n' "== $*"; }
die() { printf '%s\n' "quickstart: $*" >&2; exit 1; }
control() { "$dir/build/src/linnetctl" -c "$config" "$@"; }
running() { [ -s "$dir/linnetd.pid" ] && kill -0 "$(cat "$dir/linnetd.pid")" 2> /dev/null; }

stop() {
	running || { say "the server is not running"; return; }
	pid=$(cat "$dir/linnetd.pid")
	kill "$pid"
	for _ in $(seq 100); do
		running || break
		sleep 0.1
	done
	running && die "process $pid has not ended"
	rm -f "$dir/linnetd.pid"
	say "stopped"
}

build() {
	say "building in $dir/build (see build.log there)"
	mkdir -p "$dir/build"
	(
		cd "$top"
		[ -f configure ] && [ configure -nt configure.ac ] || autoreconf -i
		cd "$dir/build"
		[ -f Makefile ] || "$top/configure" -q CC="$(command -v ccache > /dev/null && echo "ccache ")gcc"
		make -s -j"$(nproc)"
	) > "$dir/build/build.log" 2>&1 || {
		tail -n 30 "$dir/build/build.log" >&2
		die "the build failed"
	}
}

certificate() {
	[ -s "$dir/certs/localhost.crt" ] && return
	say "making a self-signed certificate for localhost"
	mkdir -p "$dir/certs"
	(
		umask 077
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
		    -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		    -keyout "$dir/certs/localhost.key" -out "$dir/certs/localhost.crt" 2> /dev/null
	) || die "openssl could not make a certificate"
}

port_taken() { command -v ss > /dev/null && ss -Hltn "sport = :$1" | grep -q .; }

configuration() {
	[ -s "$config" ] && return
	while port_taken "$port"; do port=$((port + 1)); done
	while port_taken "$web"; do web=$((web + 1)); done
	say "writing $config"
	mkdir -p "$dir/data"
	cat > "$config" << END
# Written by contrib/quickstart.sh for this machine alone.
data: $dir/data
control: $dir/control.sock
log: {to: $dir/linnetd.log}
$(become)

listen:
  c2s: ["127.0.0.1:$port", "[::1]:$port"]
  https: ["127.0.0.1:$web", "[::1]:$web"]

tls: {certificates: $dir/certs}

modules:
$(modules)

hosts:
  localhost:
    admins: [anna@localhost]
END
}

# Those of the sample that this build has.
modules() {
	for name in sasl_scram sasl_plain offline disco version ping time last vcard private \
	    blocking carbons csi commands announce muc; do
		[ -f "$dir/build/modules/$name.so" ] && echo "  $name:"
	done
	echo "  http_upload: {url: \"https://localhost:$web/upload\"}"
}

# A daemon started as root becomes someone else, if that user can reach its files.
become() {
	[ "$(id -u)" = 0 ] || return 0
	id linnet > /dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin linnet
	chown -R linnet "$dir/data" "$dir/certs"
	chown linnet "$dir"
	if setpriv --reuid=linnet --clear-groups test -w "$dir/data" -a -x "$dir/build/modules"; then
		echo "user: linnet"
	else
		say "the user linnet cannot reach $dir: the server stays root" >&2
	fi
}

start() {
	running && { say "the server runs already (process $(cat "$dir/linnetd.pid"))"; return; }
	control config check || die "the configuration is refused"
	say "starting the server"
	nohup "$linnetd" -c "$config" < /dev/null > "$dir/linnetd.out" 2>&1 &
	echo $! > "$dir/linnetd.pid"
	for _ in $(seq 100); do
		control status > /dev/null 2>&1 && return
		running || break
		sleep 0.1
	done
	tail -n 20 "$dir/linnetd.out" "$dir/linnetd.log" >&2 || :
	die "the server did not start"
}

# Two accounts with passwords of their own, kept in a file that only its owner reads.
accounts() {
	[ -s "$dir/accounts" ] && return
	say "making two accounts"
	(
		umask 077
		for user in anna ben; do
			echo "$user@localhost $(openssl rand -hex 8)"
		done > "$dir/accounts.new"
	)
	while read -r jid password; do
		control user add "$jid" "$password" > /dev/null || die "no account $jid"
	done < "$dir/accounts.new"
	mv "$dir/accounts.new" "$dir/accounts"
}

gajim_finds() {
	[ "$port" = 5222 ] ||
	    printf ',\n               Advanced: hostname 127.0.0.1, port %s, StartTLS' "$port"
}

how_to_log_in() {
	port=$(sed -n 's/^  c2s: \["127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$config")
	cat << END

The server runs; its accounts (in $dir/accounts):

$(sed 's/^\([^ ]*\) \(.*\)/    \1    password \2/' "$dir/accounts")

Log in, twice; talk, meet in a room, send a file:

  Profanity    /connect anna@localhost server 127.0.0.1 port $port tls trust
               /roster add ben@localhost
               /msg ben@localhost Hello
               /join garden@conference.localhost, and who made the room: /room accept
               /sendfile README.md

  Gajim and Dino send files only where the system trusts the certificate, and Dino
  does not even log in elsewhere.  So that it does, on this machine, as root:
               cp $dir/certs/localhost.crt \\
                   /usr/local/share/ca-certificates/linnet-quickstart.crt
               update-ca-certificates
  (and when all is over: remove that file, update-ca-certificates --fresh)

  Gajim        Add Account: anna@localhost$(gajim_finds)
               Create Group Chat: garden@conference.localhost, public; the other one
               enters by Start / Join Chat; the paper clip below a chat sends a file
  Dino         Set up account: anna@localhost$([ "$port" = 5222 ] || echo " (Dino only finds port 5222)")
               + Join Channel: garden@conference.localhost makes the room, or enters it;
               the paper clip below a chat sends a file

  Log          tail -f $dir/linnetd.log
  Control      $dir/build/src/linnetctl -c $config status
  Stop         sh contrib/quickstart.sh stop
END
}

case ${1:-start} in
start) ;;
stop) stop; exit ;;
*) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
mkdir -p "$dir"
sh "$top/contrib/packages.sh" build quickstart || exit 1
build
certificate
configuration
start
accounts
how_to_log_in
