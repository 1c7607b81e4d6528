src_liblinnet_a_SOURCES += \
	src/xmpp/c2s.c src/xmpp/c2s.h \
	src/xmpp/certificate.c src/xmpp/certificate.h \
	src/xmpp/client.h \
	src/xmpp/errors.c src/xmpp/errors.h \
	src/xmpp/features.c \
	src/xmpp/negotiate.c src/xmpp/negotiate.h \
	src/xmpp/sasl.c src/xmpp/sasl.h \
	src/xmpp/session.c \
	src/xmpp/sm.c \
	src/xmpp/stream.c src/xmpp/stream.h
