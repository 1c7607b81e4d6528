# SPDX-License-Identifier: MIT
"""The resolver against a real authority and a real validating resolver, as linnetctl shows it."""

import json
import socket
import threading

import pytest

from internet import TTL
from kit.server import free_ports

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture(scope="module")
def world(internet):
    net = internet
    net.zone("order.example")
    net.host("a.order.example", "127.3.0.1", "::1")
    net.host("b.order.example", "127.3.0.2")
    net.srv("order.example", "b.order.example", 5300, priority=20)
    net.srv("order.example", "a.order.example", 5301, direct=True, priority=10)
    net.record("_5301._tcp.a.order.example", f"TLSA 3 1 1 {'ab' * 32}")

    net.zone("plain.example", signed=False)
    net.host("xmpp.plain.example", "127.3.0.3")
    net.srv("plain.example", "xmpp.plain.example", 5269)
    net.record("_5269._tcp.xmpp.plain.example", f"TLSA 3 1 1 {'cd' * 32}")

    net.zone("bogus.example", bogus=True)
    net.host("bogus.example", "127.3.0.4")
    net.srv("bogus.example", "bogus.example", 5269)

    net.zone("bare.example")
    net.host("bare.example", "127.3.0.5")
    net.zone("alias.example")
    net.host("real.alias.example", "127.3.0.6")
    net.record("alias2.alias.example", "CNAME real.alias.example.")
    net.record("_xmpp-server._tcp.alias.example", "CNAME srv.alias.example.")
    net.record("srv.alias.example", "SRV 0 0 5269 alias2.alias.example.")

    net.zone("closed.example")
    net.srv("closed.example", ".", 0)
    net.zone("directless.example")
    net.srv("directless.example", ".", 0, direct=True)
    net.host("directless.example", "127.3.0.7")

    net.zone("xn--bcher-kva.example")
    net.host("xn--bcher-kva.example", "127.3.0.8")
    net.zone("lan.test", signed=False)
    net.host("lan.test", "127.3.0.10")
    net.zone("lost.example")
    net.srv("lost.example", "nowhere.lost.example", 5269)
    for name in ("office.order.example", "court.order.example"):    # order.example knows of neither
        net.zone(name, signed=False)
        net.host(name, "127.3.0.11")
        net.unbound.insecure.append(name)
    net.linnet("home.example", {"dns": {"insecure": ["office.order.example"]}}, ipv6=True, tlsa=True)
    net.record("_xmpp-client._tcp.home.example", "SRV 0 0 5222 xmpp.home.example.")
    net.host("second.home.example", "127.3.0.9")
    net.srv("second.home.example", "second.home.example", 5999)
    net.record("_5999._tcp.second.home.example", f"TLSA 3 1 1 {'ab' * 32}")
    net.prosody("prosody.example")
    net.start()
    return net


@pytest.fixture
def home(world):
    return world.servers[0]


def lookup(server, domain):
    done = server.ctl("--json", "dns", "lookup", domain, check=False)
    return json.loads(done.stdout) if done.stdout.strip() else {"failure": done.stderr}, done


def rows(server, domain):
    answer, done = lookup(server, domain)
    assert done.returncode == 0, done.stderr
    return answer["rows"] if isinstance(answer, dict) else answer


def test_targets_of_both_services_by_priority(home):
    first, second = rows(home, "order.example")
    assert (first["host"], first["port"], first["tls"]) == ("a.order.example", 5301, "direct")
    assert (second["host"], second["port"], second["tls"]) == ("b.order.example", 5300, "starttls")
    assert first["addresses"] == "::1, 127.3.0.1"
    assert first["dnssec"] and second["dnssec"]
    assert first["tlsa"].startswith("3 1 1 abab")
    assert second["tlsa"] == "none"


def test_what_is_not_signed_proves_nothing(home):
    (only,) = rows(home, "plain.example")
    assert (only["addresses"], only["dnssec"], only["tlsa"]) == ("127.3.0.3", False, "-")


def test_bogus_is_a_failure(home):
    _, done = lookup(home, "bogus.example")
    assert done.returncode != 0
    assert "DNSSEC" in done.stdout + done.stderr or "validation" in done.stdout + done.stderr


def test_without_srv_the_domain_itself(home):
    (only,) = rows(home, "bare.example")
    assert (only["host"], only["port"], only["addresses"]) == ("bare.example", 5269, "127.3.0.5")


def test_aliases_are_followed(home):
    (only,) = rows(home, "alias.example")
    assert (only["host"], only["addresses"]) == ("alias2.alias.example", "127.3.0.6")


def test_a_dot_is_no_service(home):
    _, done = lookup(home, "closed.example")
    assert done.returncode != 0 and "no XMPP service" in done.stderr


def test_a_dot_for_direct_tls_forbids_the_fallback(home):
    """XEP-0368 §4"""
    _, done = lookup(home, "directless.example")
    assert done.returncode != 0 and "no XMPP service" in done.stderr


def test_names_beyond_ascii(home):
    (only,) = rows(home, "bücher.example")
    assert only["addresses"] == "127.3.0.8"


def test_domains_of_private_networks(home):
    """Libunbound would say by itself that nothing under `test` exists."""
    (only,) = rows(home, "lan.test")
    assert only["addresses"] == "127.3.0.10"


def test_domains_that_the_zone_above_denies(home):
    """`dns.insecure`: what is signed above it says that there is no such domain."""
    (only,) = rows(home, "office.order.example")
    assert only["addresses"] == "127.3.0.11" and only["tlsa"] == "-"
    done = lookup(home, "court.order.example")[1]
    assert done.returncode != 0 and "DNSSEC" in done.stdout or "validation" in done.stdout


def test_a_target_without_address(home):
    done = lookup(home, "lost.example")[1]
    assert done.returncode != 0
    assert "no address" in done.stdout and "has no server with an address" in done.stderr


def test_a_domain_that_does_not_exist(home):
    _, done = lookup(home, "nobody.order.example")
    assert done.returncode != 0 and "does not exist" in done.stderr


def test_a_name_that_nobody_knows(home):
    """No authority for it: that is a failure, not `no record`."""
    _, done = lookup(home, "unheard.invalid-zone")
    assert done.returncode != 0


def test_the_checks_speak_plainly(home):
    own = home.ctl("check", "dns", check=False)
    for says in ("answers are validated", "a TLSA record matches", "no IPv6 address",
                 "port 5999 (STARTTLS), but `listen: s2s` has no such port",
                 "TLSA of second.home.example port 5999 does not fit the certificate",
                 "SRV for clients, _xmpp-client: 1 record", "no SRV for clients: _xmpps-client"):
        assert says in own.stdout, own.stdout
    assert own.returncode == 1 and own.stdout.count("wrong") == 1
    there = home.ctl("check", "s2s", "prosody.example", check=False)
    assert "TLSv1.3" in there.stdout and "the certificate is for prosody.example" in there.stdout
    assert there.returncode == 0, there.stdout + there.stderr
    nobody = home.ctl("check", "s2s", "bare.example", check=False)
    assert nobody.returncode != 0 and "refused" in nobody.stdout


def test_a_resolver_that_is_silent_costs_five_seconds_and_nothing_else(world, home):
    """Its questions end in time, and meanwhile clients are served."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    home.reload({**home.config, "dns": {"servers": [f"127.0.0.1:{silent.getsockname()[1]}"],
                                        "trust-anchor": "none"}})
    try:
        found = []
        asking = threading.Thread(target=lambda: found.append(lookup(home, "order.example")[1]))
        asking.start()
        home.client("romeo", "orchard")
        asking.join(15)
        assert found and found[0].returncode != 0
        assert "no answer in time" in found[0].stdout + found[0].stderr
    finally:
        silent.close()
        home.reload({**home.config, "dns": world.resolver()})
    assert rows(home, "bare.example")
