src_liblinnet_a_SOURCES += \
	src/linnet/jid.h
