#!/bin/sh
# Installs what is needed, builds, and passes every test.
#
#	sh tests/run.sh			everything
#	sh tests/run.sh unit functional	only these steps
#	sh tests/run.sh --all		longer: 100 kills, all of it under
#					ThreadSanitizer, clang-tidy on every file,
#					five minutes of fuzzing a target
#	sh tests/run.sh --list		names the steps
#
# Builds are in build-tests/, one directory each, and are used again.  Each
# step's output is in build-tests/log/STEP.log and printed when it fails.
# The last lines are the seconds of each step and `N passed, N failed`; the
# exit status is 0 only when nothing failed.
#
# SPDX-License-Identifier: MIT
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 2
cd "$top" || exit 2
work=$top/build-tests
log=$work/log

# Every step there is, in order; a step whose tests do not exist is not there.
steps="build unit functional interop crash quickstart
	asan asan-unit asan-functional tsan tsan-unit tsan-functional
	clang lint fuzz dist"

# --- arguments ---------------------------------------------------------------
all=
wanted=
for argument in "$@"; do
	case $argument in
	--all) all=yes ;;
	--list) echo $steps; exit 0 ;;
	-*) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
	*)
		case " $(echo $steps) " in
		*" $argument "*) wanted="$wanted $argument" ;;
		*) echo "run.sh: no step named $argument: $(echo $steps)" >&2; exit 2 ;;
		esac ;;
	esac
done
[ -n "$wanted" ] || wanted=$steps

# --- what the steps share ----------------------------------------------------
# A checkout may belong to someone else than who runs the tests in it.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export CCACHE_BASEDIR="$top" CCACHE_NOHASHDIR=1
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
python=/usr/bin/python3
ccache=$(command -v ccache)
jobs=$(nproc 2> /dev/null || echo 2)
# Tests mostly wait for each other, so more of them than processors.
workers=$((jobs * 2))
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:exitcode=66
export LSAN_OPTIONS=suppressions="$top/tests/lsan.supp":print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=66
export TSAN_OPTIONS=suppressions="$top/tests/tsan.supp":second_deadlock_stack=1:exitcode=66

# build_in NAME COMPILER CFLAGS [CONFIGURE-FLAG...]: configures once, makes what is there.
build_in() {
	dir=$work/$1 compiler=$2 flags=$3
	shift 3
	[ -f configure ] && [ configure -nt configure.ac ] || autoreconf -i || return 1
	mkdir -p "$dir" && cd "$dir" || return 1
	[ -f Makefile ] || "$top/configure" -q --enable-werror --enable-debug \
	    CC="${ccache:+ccache }$compiler" CFLAGS="$flags" "$@" || return 1
	make -s -j"$jobs" && make -s -j"$jobs" check TESTS= > /dev/null
}

# unit_in NAME: the unit tests of a build; counts Check's checks, and programs that died.
unit_in() {
	cd "$work/$1" || return 1
	find . -name '*.trs' -exec rm -f {} +
	$launcher make -s -j"$jobs" -k check
	status=$?
	find . -name '*.trs' | sed 's/trs$/log/' | xargs -r cat |
	    awk -v status=$status '/^[0-9]+%: Checks: / { gsub(/[,:]/, ""); passed += $3 - $5 - $7; failed += $5 + $7 }
		END { if (status != 0 && failed == 0) failed = 1
		    printf "counted: %d passed, %d failed\n", passed, failed }'
	[ $status = 0 ] || find . -name '*.trs' -exec grep -l '^:test-result: [FE]' {} + |
	    sed 's/trs$/log/' | xargs -r tail -n 60
	return $status
}

# pytest_in NAME FOLDER [FLAG...]: runs a folder of tests against a build.  What fails, if it
# is little, is run once more by itself: what passes then is called unsteady, and said so.
pytest_in() {
	LINNET_BUILD=$work/$1
	export LINNET_BUILD
	report=$log/$step.xml
	shift
	rm -f "$report" "$report.again"
	$launcher "$python" -m pytest -q -p no:cacheprovider --junitxml="$report" "$@"
	status=$?
	again=$([ $status != 1 ] || "$python" tests/report.py failed "$report" tests)
	[ -z "$again" ] || {
		$launcher "$python" -m pytest -q -p no:cacheprovider --junitxml="$report.again" $again
		status=$?
	}
	"$python" tests/report.py count "$report" "$report.again"
	return $status
}

# ThreadSanitizer of gcc 12 does not know the memory layout of newer kernels.
no_randomisation() { setarch "$(uname -m)" -R true 2> /dev/null && echo setarch "$(uname -m)" -R; }

has_tests() { [ -f "$1/pytest.ini" ] || ls "$1"/test_*.py > /dev/null 2>&1; }
launcher=

# --- the steps: STEP does it, there_STEP says whether there is something to do ------------
step_build() { build_in gcc gcc "-O2 -g"; }
step_unit() { unit_in gcc; }
step_functional() { pytest_in gcc tests/functional -n "$workers"; }
there_functional() { has_tests tests/functional; }
step_interop() { pytest_in gcc tests/interop -n "$workers"; }
there_interop() { has_tests tests/interop; }

step_crash() {
	LINNET_KILLS=$([ -n "$all" ] && echo 100 || echo 20)
	export LINNET_KILLS
	pytest_in gcc tests/crash -n "$workers"
}
there_crash() { has_tests tests/crash; }

step_quickstart() { sh tests/quickstart.sh; }
there_quickstart() { [ -f tests/quickstart.sh ]; }

step_asan() { build_in asan gcc "-O1 -g" --enable-sanitizers=address,undefined; }
slow() { export CK_TIMEOUT_MULTIPLIER=5 LINNET_PATIENCE=5; }
step_asan_unit() { slow; unit_in asan; }
step_asan_functional() { slow; pytest_in asan tests/functional -n "$workers"; }
there_asan_functional() { has_tests tests/functional; }

step_tsan() { build_in tsan gcc "-O1 -g" --enable-sanitizers=thread; }
step_tsan_unit() { slow; launcher=$(no_randomisation); unit_in tsan; }
# Delivery and stream management cross threads most; --all runs everything.
step_tsan_functional() {
	slow
	launcher=$(no_randomisation)
	pytest_in tsan $([ -n "$all" ] && echo tests/functional || ls tests/functional/[ces][0-9]*.py) \
	    -n "$workers"
}
there_tsan_functional() { has_tests tests/functional; }

step_clang() { build_in clang clang-14 "-O1 -g"; }

step_lint() {
	LINT_TIDY=$([ -n "$all" ] && echo all || echo changed)
	export LINT_TIDY
	# clang reads the code, so the flags are those of its build.
	build_in clang clang-14 "-O1 -g" > /dev/null || return 1
	make -s -C "$work/clang" lint
	status=$?
	return $status
}

step_fuzz() {
	build_in fuzz clang-14 "-O1 -g" --enable-fuzzing --enable-sanitizers=address,undefined || return 1
	FUZZ_SECONDS=${FUZZ_SECONDS:-$([ -n "$all" ] && echo 300 || echo 20)} \
	    sh "$top/tests/fuzz/run.sh" "$work/fuzz"
}
there_fuzz() { ls tests/fuzz/fuzz_*.c > /dev/null 2>&1; }

# The classic way, from the tarball: configure, make, make install.
step_dist() {
	make -s -C "$work/gcc" dist || return 1
	rm -rf "$work/dist"
	mkdir -p "$work/dist" && cd "$work/dist" || return 1
	tar xf "$work"/gcc/linnet-*.tar.xz --strip-components=1 || return 1
	./configure -q CC="${ccache:+ccache }gcc" --prefix=/usr --sysconfdir=/etc \
	    --localstatedir=/var && make -s -j"$jobs" || return 1
	make -s install DESTDIR="$work/dist/root" && root/usr/sbin/linnetd -v &&
	    root/usr/bin/linnetctl version
}

# --- running them ------------------------------------------------------------
passed=0 failed=0 summary=
run_step() {
	step=$1
	function=$(echo "$step" | tr - _)
	command -v "there_$function" > /dev/null && ! "there_$function" && return
	started=$(date +%s)
	(cd "$top" && "step_$function") > "$log/$step.log" 2>&1 < /dev/null
	status=$?
	seconds=$(($(date +%s) - started))
	# A step that counts says `N passed, N failed`; one that does not is one.
	counts=$(sed -n 's/^[a-z]*: \([0-9]* passed, [0-9]* failed\)$/\1/p' "$log/$step.log" | tail -n 1)
	[ -n "$counts" ] || counts=$([ $status = 0 ] && echo "1 passed, 0 failed" || echo "0 passed, 1 failed")
	ok=${counts%% *} bad=${counts#*, } bad=${bad%% *}
	[ $status = 0 ] || [ "$bad" != 0 ] || bad=1
	passed=$((passed + ok)) failed=$((failed + bad))
	[ "$bad" = 0 ] || tail -n 150 "$log/$step.log"
	line=$(printf '%-16s %5d s   %s passed, %s failed' "$step" "$seconds" "$ok" "$bad")
	echo "== $line"
	sed -n 's/^unsteady:/   unsteady:/p' "$log/$step.log"
	summary="$summary$line
"
}

# Builds that a step stands on, when only the step was asked for.
needs() {
	case $1 in
	unit | functional | interop | crash | dist) echo build ;;
	asan-* | tsan-*) echo "${1%%-*}" ;;
	esac
}

[ ! -f config.status ] || {
	echo "run.sh: there is a build in the source directory; make distclean first" >&2
	exit 2
}
sh contrib/packages.sh build test || exit 1
mkdir -p "$log"
began=$(date +%s)
done=
for step in $wanted; do
	for one in $(needs "$step") "$step"; do
		case " $done " in *" $one "*) continue ;; esac
		done="$done $one"
		run_step "$one"
	done
done
echo
printf '%s' "$summary"
printf '%-16s %5d s\n' total $(($(date +%s) - began))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
