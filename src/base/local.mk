src_liblinnet_a_SOURCES += \
	src/base/arena.c src/base/arena.h \
	src/base/base64.c src/base/base64.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/dict.c src/linnet/dict.h \
	src/base/handle.c src/base/handle.h \
	src/base/hash.c src/base/hash.h \
	src/base/log.c src/base/log.h \
	src/base/log_format.c src/base/log_record.h \
	src/base/log_ring.c \
	src/base/log_sink.c \
	src/base/metrics.c src/base/metrics.h \
	src/base/openmetrics.c \
	src/base/utf8.c src/base/utf8.h \
	src/base/xalloc.c src/base/xalloc.h

unit_tests += \
	tests/unit/test_base \
	tests/unit/test_base64 \
	tests/unit/test_log \
	tests/unit/test_metrics
