src_liblinnet_a_SOURCES += \
	src/xmpp/c2s.c src/xmpp/c2s.h \
	src/xmpp/certificate.c src/xmpp/certificate.h \
	src/xmpp/client.h \
	src/xmpp/component.c src/xmpp/component.h \
	src/xmpp/dialback.c src/xmpp/dialback.h \
	src/xmpp/early.c src/xmpp/early.h \
	src/xmpp/errors.c src/xmpp/errors.h \
	src/xmpp/features.c \
	src/xmpp/link.c src/xmpp/link.h src/xmpp/link_ask.c src/xmpp/link_restore.c \
	src/xmpp/negotiate.c src/xmpp/negotiate.h \
	src/xmpp/peer.h src/xmpp/proof.h \
	src/xmpp/quota.c src/xmpp/quota.h \
	src/xmpp/s2s.c src/xmpp/s2s.h \
	src/xmpp/s2s_hooks.c src/xmpp/s2s_in.c src/xmpp/s2s_out.c \
	src/xmpp/s2s_dialback.c src/xmpp/s2s_external.c src/xmpp/s2s_list.c \
	src/xmpp/s2s_policy.c src/xmpp/s2s_policy.h \
	src/xmpp/s2s_stanza.c src/xmpp/s2s_stop.c src/xmpp/s2s_vouch.c \
	src/xmpp/sasl.c src/xmpp/sasl.h \
	src/xmpp/sasl_offer.c src/xmpp/sasl_offer.h \
	src/xmpp/sasl_verdict.c src/xmpp/sasl_verdict.h \
	src/xmpp/sending.c src/xmpp/sending.h \
	src/xmpp/session.c \
	src/xmpp/sm.c src/xmpp/sm.h \
	src/xmpp/stream.c src/xmpp/stream.h

entity_kit = tests/unit/entity_kit.c tests/unit/entity_kit.h
s2s_kit = tests/unit/s2s_kit.c tests/unit/s2s_kit.h $(entity_kit)
unit_tests += tests/unit/test_dialback tests/unit/test_entity tests/unit/test_link tests/unit/test_negotiate tests/unit/test_session
tests_unit_test_dialback_SOURCES = tests/unit/test_dialback.c
tests_unit_test_link_SOURCES = tests/unit/test_link.c $(s2s_kit)
client_kit = tests/unit/client_kit.c tests/unit/client_kit.h $(entity_kit) $(sasl_modules)
tests_unit_test_negotiate_SOURCES = tests/unit/test_negotiate.c $(client_kit)
tests_unit_test_negotiate_CPPFLAGS = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules
tests_unit_test_entity_SOURCES = tests/unit/test_entity.c $(client_kit)
tests_unit_test_entity_CPPFLAGS = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules
tests_unit_test_session_SOURCES = tests/unit/test_session.c $(client_kit)
tests_unit_test_session_CPPFLAGS = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules

fuzz_output = tests/fuzz/output.c tests/fuzz/output.h
fuzz_targets += tests/fuzz/fuzz_negotiate tests/fuzz/fuzz_s2s
tests_fuzz_fuzz_s2s_SOURCES = tests/fuzz/fuzz_s2s.c $(fuzz_output) $(s2s_kit)
tests_fuzz_fuzz_negotiate_SOURCES = tests/fuzz/fuzz_negotiate.c $(fuzz_output) $(client_kit)
tests_fuzz_fuzz_negotiate_CPPFLAGS = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules
