src_liblinnet_a_SOURCES += \
	src/linnet/command.h src/linnet/option.h \
	src/server/web.c src/server/web.h \
	src/server/apply.c src/server/apply.h src/server/apply_s2s.c src/server/apply_s2s.h \
	src/server/apply_dns.c src/server/apply_dns.h \
	src/server/apply_tls.c \
	src/server/call.c \
	src/server/command.c src/server/command.h \
	src/server/commands.h \
	src/server/commands_dns.c \
	src/server/probe.c src/server/probe.h \
	src/server/survey.c src/server/survey.h \
	src/server/commands_s2s.c \
	src/server/commands_server.c \
	src/server/commands_show.c \
	src/server/commands_user.c \
	src/server/config.c src/server/config.h \
	src/server/config_check.c \
	src/server/config_diff.c \
	src/server/config_explain.c \
	src/server/config_includes.c \
	src/server/config_modules.c \
	src/server/config_reference.c \
	src/server/config_schema.c \
	src/server/config_source.h \
	src/server/config_tables.c src/server/config_tables.h \
	src/server/control.c src/server/control.h \
	src/server/control_wire.c src/server/control_wire.h \
	src/server/ctl.h src/server/ctl_check.c src/server/ctl_check.h \
	src/server/ctl_check_ports.c src/server/ctl_check_tls.c src/server/ctl_args.c src/server/ctl_client.c \
	src/server/cell.c \
	src/server/ctl_config.c src/server/ctl_print.c \
	src/server/daemon.c src/server/daemon.h \
	src/server/ending.c src/server/ending.h \
	src/server/fatal.c src/server/fatal.h \
	src/server/floors.c src/server/floors.h \
	src/server/hostent.c src/server/hostent.h \
	src/server/json.c src/server/json.h \
	src/server/instance.c src/server/instance.h \
	src/server/ledger.c src/server/ledger.h \
	src/server/listeners.c src/server/listeners.h \
	src/server/loader.c src/server/loader.h src/server/loader_check.c \
	src/server/notify.c src/server/notify.h \
	src/server/option_files.c src/server/option_files.h \
	src/server/option_readers.c src/server/option_readers.h \
	src/server/option_rows.c \
	src/server/option_text.c \
	src/server/option_values.c src/server/option_values.h \
	src/server/options.c src/server/options.h \
	src/server/report.c src/server/report.h \
	src/server/tables.c src/server/tables.h \
	src/server/unreached.c src/server/unreached.h \
	src/server/yaml.c src/server/yaml.h src/server/yaml_syntax.c

unit_tests += tests/unit/test_command tests/unit/test_notify tests/unit/test_loader tests/unit/test_config tests/unit/test_config_mistakes
tests_unit_test_config_SOURCES = tests/unit/test_config.c \
	tests/unit/config_fakes.c tests/unit/config_fakes.h
tests_unit_test_config_CPPFLAGS = $(AM_CPPFLAGS) -DSOURCE_DIR=\"$(abs_top_srcdir)\"
tests_unit_test_config_mistakes_SOURCES = tests/unit/test_config_mistakes.c \
	tests/unit/config_fakes.c tests/unit/config_fakes.h

fuzz_targets += tests/fuzz/fuzz_config
EXTRA_DIST += conf/linnet.yaml conf/minimal.yaml
