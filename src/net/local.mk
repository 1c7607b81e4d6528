src_liblinnet_a_SOURCES += \
	src/linnet/bytestream.h src/linnet/http.h src/linnet/link.h \
	src/net/bytestream.c src/net/bytestream.h src/net/bytestream_port.c \
	src/net/socks5.c src/net/socks5.h \
	src/net/arrival.c src/net/arrival.h \
	src/net/conn.c src/net/conn.h src/net/conn_impl.h src/net/conn_reason.h \
	src/net/conn_io.c \
	src/net/conn_lazy.c \
	src/net/conn_tls.c \
	src/net/conn_unsent.c \
	src/net/dial.c src/net/dial.h \
	src/net/plan.c src/net/plan.h \
	src/net/dns.c src/net/dns.h \
	src/net/resolver.c src/net/resolver.h src/net/resolver_impl.h \
	src/net/resolver_ask.c \
	src/net/resolver_context.c src/net/resolver_context.h \
	src/net/certname.c src/net/certname.h \
	src/net/tlsa.c src/net/tlsa.h \
	src/net/vouch.c src/net/vouch.h \
	src/net/http.c src/net/http.h src/net/http_impl.h \
	src/net/http_answer.c \
	src/net/http_body.c src/net/http_body.h \
	src/net/http_files.c src/net/http_files.h \
	src/net/http_head.c src/net/http_head.h \
	src/net/http_request.c \
	src/net/http_save.c src/net/http_send.c \
	src/net/http_target.c src/net/http_target.h \
	src/net/listener.c src/net/listener.h \
	src/net/mailbox.c src/net/mailbox.h \
	src/net/netaddr.c src/net/netaddr.h \
	src/net/pool.c src/net/pool.h \
	src/net/proxy.c src/net/proxy.h \
	src/net/timer.c src/net/timer.h \
	src/net/tls.c src/net/tls.h src/net/tls_impl.h \
	src/net/tls_load.c \
	src/net/tls_names.c \
	src/net/tls_ticket.c \
	src/net/worker.c src/net/worker.h src/net/worker_impl.h

unit_tests += tests/unit/test_conn tests/unit/test_worker
unit_tests += tests/unit/test_tls
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c tests/unit/tls_kit.c tests/unit/tls_kit.h
unit_tests += tests/unit/test_conn_tls
tests_unit_test_conn_tls_SOURCES = tests/unit/test_conn_tls.c tests/unit/tls_kit.c \
	tests/unit/tls_kit.h
unit_tests += tests/unit/test_certname tests/unit/test_dns tests/unit/test_dial \
	tests/unit/test_plan
tests_unit_test_dns_SOURCES = tests/unit/test_dns.c tests/unit/dns_kit.c tests/unit/dns_kit.h
zone_kit = tests/unit/zone_kit.c tests/unit/zone_kit.h tests/unit/dns_kit.c tests/unit/dns_kit.h
tests_unit_test_dial_SOURCES = tests/unit/test_dial.c $(zone_kit)
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c $(zone_kit)
unit_tests += tests/unit/test_listener
unit_tests += tests/unit/test_http_head tests/unit/test_http
unit_tests += tests/unit/test_bytestream
fuzz_targets += tests/fuzz/fuzz_proxy tests/fuzz/fuzz_http tests/fuzz/fuzz_dns tests/fuzz/fuzz_socks5
bench_programs += tests/bench/bench_conn
tests_bench_bench_conn_LDADD = src/liblinnet.a $(linnet_libs)
