# Unit tests: tests/unit/test_NAME.c defines `Suite *suite(void)`; the runner
# is tests/unit/main.c.  Floors and modules add to unit_tests.
if HAVE_CHECK
check_LIBRARIES += tests/unit/libcheckmain.a
tests_unit_libcheckmain_a_SOURCES = tests/unit/main.c
tests_unit_libcheckmain_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_main = tests/unit/libcheckmain.a
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
