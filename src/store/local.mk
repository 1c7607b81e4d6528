src_liblinnet_a_SOURCES += \
	src/store/backup.c \
	src/store/counts.c \
	src/store/engine.h \
	src/store/entity.c src/store/entity.h \
	src/store/erase.c \
	src/store/examine.c src/store/examine.h \
	src/store/job.c src/store/job.h src/store/job_impl.h \
	src/store/keeper.c \
	src/store/load.c \
	src/store/pending.c src/store/pending.h \
	src/store/reader.c \
	src/store/schema.c src/store/schema.h \
	src/store/sqlite.c src/store/sqlite.h \
	src/store/store.c src/store/store.h \
	src/store/testvfs.c src/store/testvfs.h \
	src/store/value.c src/store/value.h \
	src/store/writer.c

store_kit = tests/unit/store_kit.c tests/unit/store_kit.h
unit_tests += tests/unit/test_store tests/unit/test_store_care tests/unit/test_store_faults \
	tests/unit/test_store_start tests/unit/test_entity_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(store_kit)
tests_unit_test_store_care_SOURCES = tests/unit/test_store_care.c $(store_kit)
tests_unit_test_store_faults_SOURCES = tests/unit/test_store_faults.c $(store_kit)
tests_unit_test_store_start_SOURCES = tests/unit/test_store_start.c $(store_kit)
tests_unit_test_entity_store_SOURCES = tests/unit/test_entity_store.c $(store_kit)

bench_programs += tests/bench/bench_store
