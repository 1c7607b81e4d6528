src_liblinnet_a_SOURCES += \
	src/linnet/command.h src/linnet/option.h \
	src/server/config.h \
	src/server/option_files.c src/server/option_files.h \
	src/server/option_readers.c src/server/option_readers.h \
	src/server/option_rows.c \
	src/server/option_text.c \
	src/server/option_values.c src/server/option_values.h \
	src/server/options.c src/server/options.h \
	src/server/report.c src/server/report.h \
	src/server/yaml.c src/server/yaml.h src/server/yaml_syntax.c
