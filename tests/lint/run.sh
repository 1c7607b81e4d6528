#!/bin/sh
# What a machine can say about the sources.  `make lint` calls this in the
# source tree with the compiler's flags in LINT_FLAGS.
#
#	LINT_TIDY=changed	clang-tidy on files of the last 20 commits (default)
#	LINT_TIDY=all		on every file
#	LINT_TIDY=none
#
# Names as arguments run only those checks: floors text format manuals cppcheck
# tidy longest.  Exit status 1 when one of them complains.
#
# SPDX-License-Identifier: MIT
set -u
cd "$(dirname "$0")/../.." || exit 2

find_tool() {
	for tool in "$1-14" "$1"; do
		command -v "$tool" && return
	done
	echo "$1: not installed" >&2
	return 1
}

sources() {
	git ls-files "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done
}

floors() { python3 tests/lint/floors.py; }
text() { python3 tests/lint/text.py; }
longest() { python3 tests/lint/longest.py; }

manuals() {
	command -v mandoc > /dev/null || { echo "mandoc: not installed"; return 1; }
	sources 'doc/*.[1-8]' | xargs mandoc -Tlint -W warning
}

format() {
	tool=$(find_tool clang-format) || return 1
	sources '*.c' '*.h' | xargs "$tool" --dry-run -Werror
}

check_cppcheck() {
	command -v cppcheck > /dev/null || { echo "cppcheck: not installed"; return 1; }
	mkdir -p "$scratch/cppcheck"
	sources 'src/*.c' 'modules/*.c' > "$scratch/files"
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --suppressions-list=tests/lint/cppcheck.txt -j 2 \
	    --cppcheck-build-dir="$scratch/cppcheck" --template='{file}:{line}: {id}: {message}' \
	    -I src -I modules -D__GNUC__ -DLN_VERSION='""' \
	    --include=tests/lint/cppcheck.h --file-list="$scratch/files"
}

tidy_files() {
	if [ "${LINT_TIDY:-changed}" = all ] || ! git rev-parse -q --verify HEAD~20 > /dev/null; then
		sources 'src/*.c' 'modules/*.c' 'tests/*.c'
	else
		git diff --name-only --diff-filter=d HEAD~20 -- 'src/*.c' 'modules/*.c' 'tests/*.c'
	fi
}

tidy() {
	[ "${LINT_TIDY:-changed}" = none ] && return 0
	tool=$(find_tool clang-tidy) || return 1
	[ -n "${LINT_FLAGS:-}" ] || { echo "clang-tidy needs the flags of a build: make lint"; return 1; }
	# One file a run: clang-tidy 14 confuses the va_lists of several.  Tests link modules in.
	tidy_files | xargs -r -n 1 -P 2 sh -c "
		case \$1 in */test_*) linked=-DLN_STATIC_MODULES ;; *) linked= ;; esac
		'$tool' --quiet \"\$1\" -- \$linked $LINT_FLAGS \
		    -Wno-unknown-warning-option 2> /dev/null" sh
}

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 2' INT TERM
failed=0 passed=0
for check in ${@:-floors text format manuals cppcheck tidy longest}; do
	case $check in
	floors | text | format | manuals | tidy | longest) run=$check ;;
	cppcheck) run=check_cppcheck ;;
	*) echo "lint: no check named $check"; exit 2 ;;
	esac
	start=$(date +%s)
	if $run > "$scratch/out" 2>&1; then
		verdict=ok passed=$((passed + 1))
	else
		verdict=FAILED failed=$((failed + 1))
	fi
	cat "$scratch/out"
	echo "lint: $check: $verdict ($(($(date +%s) - start)) s)"
done
echo "lint: $passed passed, $failed failed"
[ "$failed" = 0 ]
