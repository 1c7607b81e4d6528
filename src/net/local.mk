src_liblinnet_a_SOURCES += \
	src/net/conn.h \
	src/net/conn_reason.h \
	src/net/listener.h \
	src/net/netaddr.h \
	src/net/pool.h \
	src/net/proxy.h \
	src/net/timer.h \
	src/net/tls.h \
	src/net/worker.h
