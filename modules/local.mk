# Each module is a plain shared object, NAME.so, loaded by the daemon with
# dlopen(): no libtool.  A new module adds its name and its sources here.
moduledir = $(pkglibdir)/modules
module_PROGRAMS =
module_cflags = $(AM_CFLAGS) -fPIC -fvisibility=hidden
module_ldflags = $(LN_LDFLAGS) -shared

# SASL mechanisms
module_PROGRAMS += modules/sasl_external.so modules/sasl_plain.so modules/sasl_scram.so
modules_sasl_external_so_SOURCES = modules/sasl_external/mod_sasl_external.c
modules_sasl_external_so_CFLAGS = $(module_cflags)
modules_sasl_external_so_LDFLAGS = $(module_ldflags)
modules_sasl_external_so_LDADD =
modules_sasl_plain_so_SOURCES = modules/sasl_plain/mod_sasl_plain.c
modules_sasl_plain_so_CFLAGS = $(module_cflags)
modules_sasl_plain_so_LDFLAGS = $(module_ldflags)
modules_sasl_plain_so_LDADD =
modules_sasl_scram_so_SOURCES = modules/sasl_scram/mod_sasl_scram.c \
	modules/sasl_scram/scram.c modules/sasl_scram/scram.h
modules_sasl_scram_so_CFLAGS = $(module_cflags)
modules_sasl_scram_so_LDFLAGS = $(module_ldflags)
modules_sasl_scram_so_LDADD =

# They are pure, so tests try all of them linked in.
sasl_modules = $(modules_sasl_external_so_SOURCES) $(modules_sasl_plain_so_SOURCES) \
	$(modules_sasl_scram_so_SOURCES)
sasl_cppflags = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules
sasl_kit = tests/unit/sasl_kit.c tests/unit/sasl_kit.h
unit_tests += tests/unit/test_sasl tests/unit/test_scram
tests_unit_test_sasl_SOURCES = tests/unit/test_sasl.c $(sasl_kit) $(sasl_modules)
tests_unit_test_sasl_CPPFLAGS = $(sasl_cppflags)
tests_unit_test_scram_SOURCES = tests/unit/test_scram.c $(sasl_kit) $(sasl_modules)
tests_unit_test_scram_CPPFLAGS = $(sasl_cppflags)
fuzz_targets += tests/fuzz/fuzz_sasl
tests_fuzz_fuzz_sasl_SOURCES = tests/fuzz/fuzz_sasl.c $(sasl_modules)
tests_fuzz_fuzz_sasl_CPPFLAGS = $(sasl_cppflags)
EXTRA_DIST += modules/sasl_external/sasl_external.md modules/sasl_plain/sasl_plain.md \
	modules/sasl_scram/sasl_scram.md
