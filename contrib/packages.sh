#!/bin/sh
# Installs what is needed from Debian's packages, and only what is missing.
#
#	sh contrib/packages.sh build		to build linnet
#	sh contrib/packages.sh build test	and to run its tests
#	sh contrib/packages.sh --list build	prints the names
#
# Only root can install; anyone else is told what to install, and the exit
# status is 1.  Nothing that is installed here starts a service of its own.
#
# SPDX-License-Identifier: MIT
set -eu

build="autoconf automake gcc make pkg-config libc6-dev libexpat1-dev libevent-dev libssl-dev
	libsqlite3-dev libicu-dev libyaml-dev uthash-dev libhttp-parser-dev libsystemd-dev
	libunbound-dev nettle-dev libldns-dev"
# openssl makes certificates; git tells the lint which files are ours.
test="check openssl ca-certificates git xz-utils python3 python3-pytest python3-pytest-xdist
	python3-slixmpp python3-nbxmpp profanity tmux
	gajim dino-im xvfb dbus-daemon at-spi2-core gir1.2-atspi-2.0
	knot knot-dnsutils knot-dnssecutils unbound dns-root-data prosody lua-unbound ejabberd
	coturn nginx-light curl strace python3-aiohttp
	clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 cppcheck mandoc"
quickstart="openssl"

list_only=
wanted=
for group in "$@"; do
	case $group in
	--list) list_only=yes ;;
	build) wanted="$wanted $build" ;;
	test) wanted="$wanted $test" ;;
	quickstart) wanted="$wanted $quickstart" ;;
	*) echo "packages.sh: no group named $group" >&2; exit 2 ;;
	esac
done

if [ -n "$list_only" ]; then
	printf '%s\n' $wanted
	exit 0
fi
command -v dpkg-query > /dev/null || {
	echo "Not a Debian system: please see to these, or what they are called here:" >&2
	echo $wanted >&2
	exit 1
}

missing=
for package in $wanted; do
	dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q '^install ok installed$' ||
	    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "These packages are missing; as root, run:" >&2
	echo "    apt-get install$missing" >&2
	exit 1
fi

# Packages of servers start them unless this says no (see invoke-rc.d(8)).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' INT TERM
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing:$missing"
install="apt-get install -y -q --no-install-recommends"
$install $missing < /dev/null > /dev/null 2>&1 || {
	apt-get update -q < /dev/null
	$install $missing < /dev/null
}
