src_liblinnet_a_SOURCES += \
	src/xmpp/c2s.c src/xmpp/c2s.h \
	src/xmpp/certificate.c src/xmpp/certificate.h \
	src/xmpp/client.h \
	src/xmpp/errors.c src/xmpp/errors.h \
	src/xmpp/features.c \
	src/xmpp/negotiate.c src/xmpp/negotiate.h \
	src/xmpp/quota.c src/xmpp/quota.h \
	src/xmpp/sasl.c src/xmpp/sasl.h \
	src/xmpp/session.c \
	src/xmpp/sm.c \
	src/xmpp/stream.c src/xmpp/stream.h

unit_tests += tests/unit/test_negotiate tests/unit/test_session
client_kit = tests/unit/client_kit.c tests/unit/client_kit.h $(sasl_modules)
tests_unit_test_negotiate_SOURCES = tests/unit/test_negotiate.c $(client_kit)
tests_unit_test_negotiate_CPPFLAGS = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules
tests_unit_test_session_SOURCES = tests/unit/test_session.c $(client_kit)
tests_unit_test_session_CPPFLAGS = $(AM_CPPFLAGS) -DLN_STATIC_MODULES -I$(top_srcdir)/modules
