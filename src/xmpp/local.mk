src_liblinnet_a_SOURCES += \
	src/xmpp/c2s.h
