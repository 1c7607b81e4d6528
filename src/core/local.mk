src_liblinnet_a_SOURCES += \
	src/core/credentials.c \
	src/core/idna.c src/core/idna.h \
	src/core/jid.c \
	src/core/limit.c src/core/limit.h \
	src/core/precis.c src/core/precis.h \
	src/core/sasl.c \
	src/linnet/base64.h \
	src/linnet/credentials.h \
	src/linnet/jid.h \
	src/linnet/sasl.h

unit_tests += tests/unit/test_credentials tests/unit/test_jid tests/unit/test_limit
