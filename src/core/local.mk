src_liblinnet_a_SOURCES += \
	src/core/entity.c src/core/entity_call.c src/core/load.c src/core/load.h src/core/entity.h \
	src/core/fanout.c src/core/fanout.h \
	src/core/federation.h \
	src/core/hold.c src/core/hold.h \
	src/core/host.c src/core/host.h \
	src/core/hostvalue.c src/core/hostvalue.h \
	src/core/credentials.c \
	src/core/idna.c src/core/idna.h \
	src/core/jid.c \
	src/core/ask.c \
	src/core/iq.c src/core/iq.h \
	src/core/module.c src/core/module.h \
	src/core/archive.c src/core/archive.h \
	src/core/node.c src/core/node.h src/core/node_rows.c \
	src/core/limit.c src/core/limit.h \
	src/core/port.c src/core/port.h \
	src/core/precis.c src/core/precis.h \
	src/core/router.c src/core/router.h \
	src/core/datetime.c \
	src/core/slices.c \
	src/core/stanza.c src/core/stanza.h \
	src/core/stanza_names.c src/core/stanza_names.h \
	src/linnet/table.h src/core/table.c \
	src/core/tick.c \
	src/core/value.c \
	src/core/work.c src/core/work.h \
	src/linnet/account.h src/linnet/command.h \
	src/linnet/errors.def \
	src/linnet/events.h \
	src/linnet/hooks.def \
	src/linnet/module.h \
	src/linnet/stanza.h \
	src/core/sasl.c \
	src/linnet/base64.h \
	src/linnet/credentials.h \
	src/linnet/jid.h \
	src/linnet/registry.h \
	src/linnet/archive.h \
	src/linnet/node.h \
	src/linnet/sasl.h

unit_tests += tests/unit/test_credentials tests/unit/test_jid tests/unit/test_limit tests/unit/test_stanza

fuzz_targets += tests/fuzz/fuzz_jid
