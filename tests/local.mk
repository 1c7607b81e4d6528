# Unit tests: tests/unit/test_NAME.c defines `Suite *suite(void)`; the runner
# is tests/unit/main.c.  Floors and modules add to unit_tests.
if FUZZING
program_main = $(FUZZ_ENGINE)
noinst_PROGRAMS += $(fuzz_targets)
else
program_main = $(check_main)
noinst_PROGRAMS += $(bench_programs)
if HAVE_CHECK
check_LIBRARIES += tests/unit/libcheckmain.a
tests_unit_libcheckmain_a_SOURCES = tests/unit/main.c
tests_unit_libcheckmain_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_main = tests/unit/libcheckmain.a
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
endif

# Fuzz targets: tests/fuzz/fuzz_NAME.c defines LLVMFuzzerTestOneInput(); its
# first inputs are the files of tests/fuzz/corpus/NAME/.  The folder of what is
# fuzzed adds the target to fuzz_targets.
#
# Benches: programs of tests/bench/ are added to bench_programs.

# The sources as linters see them: the flags of this build.
lint_flags = $(DEFS) -I$(abs_builddir) -I$(abs_top_srcdir)/src -I$(abs_top_srcdir)/modules \
	-I$(abs_top_srcdir)/tests/kit -I$(abs_top_srcdir)/tests/unit \
	-DSOURCE_DIR=\"$(abs_top_srcdir)\" \
	$(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CHECK_CFLAGS)

lint: config.h
	@LINT_FLAGS='$(lint_flags)' sh $(top_srcdir)/tests/lint/run.sh

.PHONY: lint

# Fuzzing needs a build of its own: build-fuzz/, made here with clang.
fuzz_build = $(abs_top_builddir)/build-fuzz
fuzz:
	@mkdir -p $(fuzz_build)
	@test -f $(fuzz_build)/Makefile || (cd $(fuzz_build) && \
	    $(abs_top_srcdir)/configure -q CC=clang-14 CFLAGS="-O1 -g" --enable-debug \
	    --enable-fuzzing --enable-sanitizers=address,undefined)
	@$(MAKE) -s -C $(fuzz_build) all
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-20} sh $(top_srcdir)/tests/fuzz/run.sh $(fuzz_build)

.PHONY: fuzz

# Measuring: the load generator is not part of this repository.
bench: all
	@bash $(top_srcdir)/tests/bench/run.sh . $(BENCH_SERVERS)

# Kills the daemon under load, LINNET_KILLS (20) times.
crash: all
	@LINNET_BUILD=$(abs_top_builddir) LINNET_KILLS=$${LINNET_KILLS:-20} \
	    /usr/bin/python3 -m pytest -q -p no:cacheprovider $(top_srcdir)/tests/crash

.PHONY: bench crash
