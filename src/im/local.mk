src_liblinnet_a_SOURCES += \
	src/im/account.c src/im/account.h \
	src/im/api.c \
	src/im/broadcast.c \
	src/im/deliver.c src/im/deliver.h \
	src/im/disable.c src/im/disable.h \
	src/im/drain.c src/im/drain.h \
	src/im/manage.c src/im/manage.h \
	src/im/outgoing.c \
	src/im/pending.c src/im/pending.h \
	src/im/presence.c src/im/presence.h \
	src/im/registry.c src/im/registry.h \
	src/im/roster.c src/im/roster.h \
	src/im/roster_iq.c \
	src/im/session.c src/im/session.h \
	src/im/submit.c src/im/submit.h \
	src/im/subscription.c src/im/subscription.h \
	src/im/sweep.c src/im/sweep.h

unit_tests += tests/unit/test_subscription
