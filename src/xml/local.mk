src_liblinnet_a_SOURCES += \
	src/linnet/elem.h src/linnet/form.h src/linnet/rsm.h \
	src/linnet/ns.def src/linnet/ns.h \
	src/xml/builder.c \
	src/xml/document.c \
	src/xml/elem.c \
	src/xml/form.c \
	src/xml/engine.c src/xml/engine.h \
	src/xml/ns.c src/xml/ns.h \
	src/xml/parser.c src/xml/parser.h \
	src/xml/rsm.c \
	src/xml/tree.h \
	src/xml/writer.c src/xml/writer.h

unit_tests += \
	tests/unit/test_elem \
	tests/unit/test_parser \
	tests/unit/test_rsm

fuzz_targets += tests/fuzz/fuzz_stream tests/fuzz/fuzz_form tests/fuzz/fuzz_rsm

bench_programs += tests/bench/bench_xml
