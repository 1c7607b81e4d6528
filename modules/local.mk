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

# Administration
module_PROGRAMS += modules/announce.so modules/commands.so
modules_announce_so_SOURCES = modules/announce/mod_announce.c
modules_announce_so_CFLAGS = $(module_cflags)
modules_announce_so_LDFLAGS = $(module_ldflags)
modules_announce_so_LDADD =
modules_commands_so_SOURCES = modules/commands/mod_commands.c \
	modules/commands/desk.c modules/commands/desk.h \
	modules/commands/form.c modules/commands/form.h \
	modules/commands/result.c modules/commands/result.h \
	modules/commands/run.c modules/commands/run.h
modules_commands_so_CFLAGS = $(module_cflags)
modules_commands_so_LDFLAGS = $(module_ldflags)
modules_commands_so_LDADD =
EXTRA_DIST += modules/announce/announce.md modules/commands/commands.md

# Files
module_PROGRAMS += modules/http_upload.so
modules_http_upload_so_SOURCES = modules/http_upload/mod_http_upload.c \
	modules/http_upload/slot.c modules/http_upload/verbs.c \
	modules/http_upload/web.c modules/http_upload/upload.h
modules_http_upload_so_CFLAGS = $(module_cflags)
modules_http_upload_so_LDFLAGS = $(module_ldflags)
modules_http_upload_so_LDADD =
EXTRA_DIST += modules/http_upload/http_upload.md

module_PROGRAMS += modules/host_meta.so
modules_host_meta_so_SOURCES = modules/host_meta/mod_host_meta.c
modules_host_meta_so_CFLAGS = $(module_cflags)
modules_host_meta_so_LDFLAGS = $(module_ldflags)
modules_host_meta_so_LDADD =
EXTRA_DIST += modules/host_meta/host_meta.md

module_PROGRAMS += modules/turn.so
modules_turn_so_SOURCES = modules/turn/mod_turn.c
modules_turn_so_CFLAGS = $(module_cflags)
modules_turn_so_LDFLAGS = $(module_ldflags)
modules_turn_so_LDADD =
EXTRA_DIST += modules/turn/turn.md

module_PROGRAMS += modules/proxy65.so
modules_proxy65_so_SOURCES = modules/proxy65/mod_proxy65.c
modules_proxy65_so_CFLAGS = $(module_cflags)
modules_proxy65_so_LDFLAGS = $(module_ldflags)
modules_proxy65_so_LDADD =
EXTRA_DIST += modules/proxy65/proxy65.md

# XEPs of accounts and sessions
module_PROGRAMS += modules/blocking.so \
	modules/carbons.so \
	modules/csi.so \
	modules/last.so \
	modules/offline.so \
	modules/private.so \
	modules/register.so \
	modules/time.so \
	modules/vcard.so
modules_blocking_so_SOURCES = modules/blocking/mod_blocking.c
modules_blocking_so_CFLAGS = $(module_cflags)
modules_blocking_so_LDFLAGS = $(module_ldflags)
modules_blocking_so_LDADD =
modules_carbons_so_SOURCES = modules/carbons/mod_carbons.c
modules_carbons_so_CFLAGS = $(module_cflags)
modules_carbons_so_LDFLAGS = $(module_ldflags)
modules_carbons_so_LDADD =
modules_csi_so_SOURCES = modules/csi/mod_csi.c
modules_csi_so_CFLAGS = $(module_cflags)
modules_csi_so_LDFLAGS = $(module_ldflags)
modules_csi_so_LDADD =
modules_last_so_SOURCES = modules/last/mod_last.c
modules_last_so_CFLAGS = $(module_cflags)
modules_last_so_LDFLAGS = $(module_ldflags)
modules_last_so_LDADD =
modules_offline_so_SOURCES = modules/offline/mod_offline.c
modules_offline_so_CFLAGS = $(module_cflags)
modules_offline_so_LDFLAGS = $(module_ldflags)
modules_offline_so_LDADD =
modules_private_so_SOURCES = modules/private/mod_private.c
modules_private_so_CFLAGS = $(module_cflags)
modules_private_so_LDFLAGS = $(module_ldflags)
modules_private_so_LDADD =
modules_register_so_SOURCES = modules/register/mod_register.c
modules_register_so_CFLAGS = $(module_cflags)
modules_register_so_LDFLAGS = $(module_ldflags)
modules_register_so_LDADD =
modules_time_so_SOURCES = modules/time/mod_time.c
modules_time_so_CFLAGS = $(module_cflags)
modules_time_so_LDFLAGS = $(module_ldflags)
modules_time_so_LDADD =
modules_vcard_so_SOURCES = modules/vcard/mod_vcard.c
modules_vcard_so_CFLAGS = $(module_cflags)
modules_vcard_so_LDFLAGS = $(module_ldflags)
modules_vcard_so_LDADD =
EXTRA_DIST += modules/blocking/blocking.md \
	modules/carbons/carbons.md \
	modules/csi/csi.md \
	modules/last/last.md \
	modules/offline/offline.md \
	modules/private/private.md \
	modules/register/register.md \
	modules/time/time.md \
	modules/vcard/vcard.md

# what the server says of itself
module_PROGRAMS += modules/disco.so modules/ping.so modules/version.so
modules_disco_so_SOURCES = modules/disco/mod_disco.c \
	modules/disco/caps.c modules/disco/caps.h
modules_disco_so_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
modules_disco_so_CFLAGS = $(module_cflags)
modules_disco_so_LDFLAGS = $(module_ldflags)
modules_disco_so_LDADD =
modules_ping_so_SOURCES = modules/ping/mod_ping.c
modules_ping_so_CFLAGS = $(module_cflags)
modules_ping_so_LDFLAGS = $(module_ldflags)
modules_ping_so_LDADD =
modules_version_so_SOURCES = modules/version/mod_version.c
modules_version_so_CFLAGS = $(module_cflags)
modules_version_so_LDFLAGS = $(module_ldflags)
modules_version_so_LDADD =
unit_tests += tests/unit/test_caps
tests_unit_test_caps_SOURCES = tests/unit/test_caps.c modules/disco/caps.c modules/disco/caps.h
tests_unit_test_caps_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
EXTRA_DIST += modules/disco/disco.md modules/ping/ping.md modules/version/version.md

# Tests of modules: with the kit, which is a server in one thread.
lnt_kit = tests/kit/lnt.c tests/kit/lnt.h tests/unit/folder.h
lnt_cppflags = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules \
	-I$(top_srcdir)/tests/kit -I$(top_srcdir)/tests/unit
unit_tests += tests/unit/test_token modules/blocking/test_blocking modules/last/test_last modules/ping/test_ping \
	modules/offline/test_offline modules/register/test_register
tests_unit_test_token_SOURCES = tests/unit/test_token.c $(lnt_kit)
tests_unit_test_token_CPPFLAGS = $(lnt_cppflags)
unit_tests += tests/unit/test_users
tests_unit_test_users_SOURCES = tests/unit/test_users.c $(lnt_kit)
tests_unit_test_users_CPPFLAGS = $(lnt_cppflags)
modules_blocking_test_blocking_SOURCES = modules/blocking/test_blocking.c $(lnt_kit) \
	$(modules_blocking_so_SOURCES) $(modules_carbons_so_SOURCES)
modules_blocking_test_blocking_CPPFLAGS = $(lnt_cppflags)
modules_last_test_last_SOURCES = modules/last/test_last.c $(lnt_kit) $(modules_last_so_SOURCES)
modules_last_test_last_CPPFLAGS = $(lnt_cppflags)
modules_ping_test_ping_SOURCES = modules/ping/test_ping.c $(lnt_kit) $(modules_ping_so_SOURCES)
modules_ping_test_ping_CPPFLAGS = $(lnt_cppflags)
modules_register_test_register_SOURCES = modules/register/test_register.c $(lnt_kit) \
	$(modules_register_so_SOURCES)
modules_register_test_register_CPPFLAGS = $(lnt_cppflags)

# rooms
module_PROGRAMS += modules/muc.so
modules_muc_so_SOURCES = modules/muc/mod_muc.c \
	modules/muc/muc.h modules/muc/people.h modules/muc/talk.h \
	modules/muc/admin.c \
	modules/muc/affiliation.c \
	modules/muc/archive.c \
	modules/muc/avatar.c \
	modules/muc/commands.c \
	modules/muc/config.c modules/muc/config.h \
	modules/muc/directory.c modules/muc/directory.h \
	modules/muc/disco.c \
	modules/muc/enter.c \
	modules/muc/ghost.c \
	modules/muc/nick.c \
	modules/muc/history.c \
	modules/muc/invite.c \
	modules/muc/message.c \
	modules/muc/moderate.c \
	modules/muc/occupant.c \
	modules/muc/owner.c \
	modules/muc/presence.c \
	modules/muc/privilege.c modules/muc/privilege.h \
	modules/muc/register.c \
	modules/muc/relay.c \
	modules/muc/room.c
modules_muc_so_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
modules_muc_so_CFLAGS = $(module_cflags)
modules_muc_so_LDFLAGS = $(module_ldflags)
modules_muc_so_LDADD =
unit_tests += tests/unit/test_muc
tests_unit_test_muc_SOURCES = tests/unit/test_muc.c \
	modules/muc/config.c modules/muc/privilege.c
tests_unit_test_muc_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
fuzz_targets += tests/fuzz/fuzz_roomform
tests_fuzz_fuzz_roomform_SOURCES = tests/fuzz/fuzz_roomform.c modules/muc/config.c
tests_fuzz_fuzz_roomform_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/modules
EXTRA_DIST += modules/muc/muc.md
modules_offline_test_offline_SOURCES = modules/offline/test_offline.c $(lnt_kit) \
	$(modules_offline_so_SOURCES)
modules_offline_test_offline_CPPFLAGS = $(lnt_cppflags)
