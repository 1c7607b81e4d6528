#!/bin/sh
# Runs every fuzz target of a build for FUZZ_SECONDS (20), one a processor at a
# time, from the corpus that is in the repository; what is found on the way stays
# in the build.
#
#	sh tests/fuzz/run.sh BUILD [TARGET...]
#
# A crash leaves its input in BUILD/tests/fuzz/found/TARGET/.  Exit status 1
# when a target failed.
#
# SPDX-License-Identifier: MIT
set -u
source=$(cd "$(dirname "$0")" && pwd) || exit 2
build=$(cd "${1:?a build directory}" && pwd)/tests/fuzz || exit 2
shift
[ $# -gt 0 ] || set -- $(cd "$source" && ls fuzz_*.c 2> /dev/null | sed 's/^fuzz_//; s/\.c$//')
seconds=${FUZZ_SECONDS:-20}
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

fuzz() {
	mkdir -p "$build/corpus/$1" "$build/found/$1"
	set -- "$1" "$build/fuzz_$1" "$build/corpus/$1" "$source/corpus/$1"
	[ -d "$4" ] || set -- "$1" "$2" "$3"
	target=$1
	shift
	"$@" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
	    -print_final_stats=1 -artifact_prefix="$build/found/$target/" \
	    > "$build/found/$target.log" 2>&1
}

if [ $# = 1 ]; then
	if fuzz "$1"; then
		echo "fuzz: $1: ok, $(sed -n 's/^stat::number_of_executed_units: *//p' \
		    "$build/found/$1.log") inputs"
	else
		tail -n 60 "$build/found/$1.log"
		echo "fuzz: $1: FAILED, see $build/found/$1"
		exit 1
	fi
	exit 0
fi
mkdir -p "$build/found"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh "$0" "${build%/tests/fuzz}" |
    tee "$build/found/summary"
passed=$(grep -c '^fuzz: [a-z0-9_]*: ok' "$build/found/summary")
echo "fuzz: $passed passed, $(($# - passed)) failed"
[ "$passed" = $# ]
