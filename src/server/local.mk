src_liblinnet_a_SOURCES += \
	src/linnet/command.h src/linnet/option.h \
	src/server/config.h \
	src/server/report.c src/server/report.h \
	src/server/yaml.c src/server/yaml.h src/server/yaml_syntax.c
