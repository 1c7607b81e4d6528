src_liblinnet_a_SOURCES += \
	src/linnet/credentials.h \
	src/linnet/jid.h \
	src/linnet/sasl.h
