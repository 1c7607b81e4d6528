src_liblinnet_a_SOURCES += \
	src/store/entity.h \
	src/store/job.h \
	src/store/pending.h \
	src/store/schema.h \
	src/store/store.h \
	src/store/value.h
