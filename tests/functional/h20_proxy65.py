# SPDX-License-Identifier: MIT
"""SOCKS5 bytestreams through the proxy (XEP-0065): who may join whom, and bytes both ways."""

import contextlib
import hashlib
import os
import socket
import threading
import time

import pytest
from kit import Client, only_linnet, until
from kit.server import free_ports

pytestmark = only_linnet("a module of ours")

NS = "http://jabber.org/protocol/bytestreams"


PORT = free_ports(["proxy"])["proxy"]
CONFIG = {"modules": {"disco": {}, "proxy65": {"address": "127.0.0.1", "port": PORT}}}


def proxy(client):
    return "proxy." + client.domain


def address(sid, requester, target):
    return hashlib.sha1(f"{sid}{requester}{target}".encode()).hexdigest().encode()


def dial(where):
    """One side, as far as the proxy's answer."""
    sock = socket.create_connection(("127.0.0.1", PORT), 20)
    sock.sendall(b"\5\1\0")
    assert sock.recv(2) == b"\5\0"
    request = b"\5\1\0\3\x28" + where + b"\0\0"
    for byte in request:                        # as slowly as can be
        sock.sendall(bytes([byte]))
    assert read(sock, len(request)) == b"\5\0\0\3\x28" + where + b"\0\0"
    return sock


def read(sock, count):
    got = b""
    while len(got) < count:
        piece = sock.recv(count - len(got))
        assert piece, f"ended after {len(got)} of {count}"
        got += piece
    return got


def activate(sid, target):
    return f"<query xmlns='{NS}' sid='{sid}'><activate>{target}</activate></query>"


def joined(juliet, romeo, sid):
    where = address(sid, juliet, romeo)
    sides = dial(where), dial(where)
    juliet.set(activate(sid, romeo), proxy(juliet))
    return sides


def test_discovered(juliet):
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", proxy(juliet))[0]
    assert ("proxy", "bytestreams") in {(i.get("category"), i.get("type")) for i in info}
    host = juliet.get(f"<query xmlns='{NS}'/>", proxy(juliet))[0][0]
    assert (host.get("jid"), host.get("host"), host.get("port")) == \
        (proxy(juliet), "127.0.0.1", str(PORT))


def test_bytes_both_ways(juliet, romeo):
    a, b = joined(juliet, romeo, "s1")
    blob = os.urandom(3 << 20)
    for source, sink in ((a, b), (b, a)):
        sender = threading.Thread(target=source.sendall, args=(blob,))
        sender.start()
        assert read(sink, len(blob)) == blob
        sender.join()
    a.close()
    assert b.recv(1) == b""


def test_a_reader_that_does_not_read_holds_back_the_other(juliet, romeo):
    a, b = joined(juliet, romeo, "s2")
    a.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 64 << 20:
            sent += a.send(b"x" * 65536)
    assert sent < 32 << 20
    juliet.get(f"<query xmlns='{NS}'/>", proxy(juliet))     # everybody else is served
    assert read(b, sent) == b"x" * sent


def test_errors(server, juliet, romeo):
    """§6.3.6."""
    where = address("s3", juliet, romeo)
    juliet.refused("set", activate("s3", romeo), "item-not-found", to=proxy(juliet))
    one = dial(where)
    juliet.refused("set", activate("s3", romeo), "not-allowed", to=proxy(juliet))
    two = dial(where)
    # Another requester has another hash: a third party cannot activate it.
    romeo.refused("set", activate("s3", romeo), "item-not-found", to=proxy(juliet))
    three = socket.create_connection(("127.0.0.1", PORT), 20)
    three.sendall(b"\5\1\0\5\1\0\3\x28" + where + b"\0\0")
    assert three.recv(2) == b"\5\0"
    while three.recv(100):
        pass
    juliet.set(activate("s3", romeo), proxy(juliet))
    juliet.refused("set", activate("s3", romeo), "item-not-found", to=proxy(juliet))
    one.sendall(b"!")
    assert read(two, 1) == b"!"
    for payload in (f"<query xmlns='{NS}'><activate>a@b</activate></query>",
                    f"<query xmlns='{NS}' sid='x'/>"):
        juliet.refused("set", payload, "bad-request", to=proxy(juliet))
    juliet.refused("set", activate("x", "@"), "jid-malformed", to=proxy(juliet))
    stranger = Client(server, server.user("paris", host=server.host2)).login()
    stranger.refused("get", f"<query xmlns='{NS}'/>", "forbidden", "auth", to=proxy(juliet))
    stranger.refused("set", activate("s3", romeo), "forbidden", "auth", to=proxy(juliet))


@pytest.mark.parametrize("bytes_, answer", [
    (b"GET / HTTP/1.1\r\n\r\n", b""), (b"\4\1\0\0", b""), (b"\5\1\2", b"\5\xff"),
    (b"\5\1\0\5\2\0\3", b"\5\0\5\7\0\1\0\0\0\0\0\0"), (b"\5\1\0\5\1\0\1\x7f\0\0\1\0\x50",
                                                       b"\5\0\5\x08\0\1\0\0\0\0\0\0"),
    (b"\5\1\0\5\1\0\3\x09localhost\0\x50", b"\5\0\5\1\0\1\0\0\0\0\0\0"),
    (b"\5\1\0\5\1\0\3\x28" + b"g" * 40 + b"\0\0", b"\5\0\5\1\0\1\0\0\0\0\0\0"),
    (b"\5\1\0\5\1\0\3\x28" + b"a" * 40 + b"\0\x50", b"\5\0\5\1\0\1\0\0\0\0\0\0"),
    (b"\5\1\0\5\1\0\3\x28" + b"a" * 40 + b"\0\0early", b"\5\0"), (b"\5" * 300, b""),
])
def test_garbage(server, bytes_, answer):
    """It is no proxy to anywhere, and ends what is not for it."""
    with socket.create_connection(("127.0.0.1", PORT), 20) as sock:
        sock.sendall(bytes_)
        got = b""
        try:
            while piece := sock.recv(100):
                got += piece
        except ConnectionResetError:
            pass
        assert got in (answer, b"") if answer else got == b""


def test_limit(servers):
    port = free_ports(["proxy"])["proxy"]
    server = servers({"modules": {"proxy65": {"port": port, "max-size": "64k"}}})
    with at_port(port):
        a, b = joined(server.client("juliet", "x"), server.client("romeo", "y"), "s9")
        a.sendall(b"x" * 70000)
        got = b""
        while piece := b.recv(65536):
            got += piece
        assert len(got) <= 65536


def test_idle(servers):
    """Where nothing moves, both sides end; what moves, either way, keeps it."""
    port = free_ports(["proxy"])["proxy"]
    server = servers({"modules": {"proxy65": {"port": port, "idle": "1s"}}})
    with at_port(port):
        a, b = joined(server.client("juliet", "x"), server.client("romeo", "y"), "i1")
        a.sendall(b"!")
        assert read(b, 1) == b"!"
        assert ended(a) and ended(b)


def test_rate(servers):
    """Both ways together; all of it comes, in its time."""
    port = free_ports(["proxy"])["proxy"]
    server = servers({"modules": {"proxy65": {"port": port, "rate": "128k"}}})
    blob = os.urandom(192 << 10)
    with at_port(port):
        a, b = joined(server.client("juliet", "x"), server.client("romeo", "y"), "r1")
        began = time.monotonic()
        senders = [threading.Thread(target=side.sendall, args=(blob,)) for side in (a, b)]
        for sender in senders:
            sender.start()
        assert read(b, len(blob)) == blob and read(a, len(blob)) == blob
        for sender in senders:
            sender.join()
        # The last piece is let through before it is paid for.
        assert time.monotonic() - began > 1.5


def test_sent_before_it_is_activated(juliet, romeo):
    """§10: it is ignored; who sends much is let go, and may come again."""
    where = address("e1", juliet, romeo)
    a, b = dial(where), dial(where)
    try:
        for _ in range(100):
            a.sendall(b"x" * 65536)
    except OSError:
        pass
    assert ended(a)
    c = until(lambda: again(where))
    juliet.set(activate("e1", romeo), proxy(juliet))
    c.sendall(b"!")
    assert read(b, 1) == b"!"


def test_half_closed(juliet, romeo):
    """One side's end is the end; what it sent before is delivered."""
    a, b = joined(juliet, romeo, "c1")
    a.sendall(b"x" * 100000)
    a.shutdown(socket.SHUT_WR)
    assert read(b, 100000) == b"x" * 100000
    assert ended(b)


def test_waiting_sides_that_leave(juliet, romeo):
    """One of two goes before the activation, and comes again: its place is free at once."""
    where = address("w1", juliet, romeo)
    a, b = dial(where), dial(where)
    a.close()

    c = until(lambda: again(where))
    juliet.set(activate("w1", romeo), proxy(juliet))
    c.sendall(b"!")
    assert read(b, 1) == b"!"


def again(where):
    """A side, where there is room for it; else None."""
    sock = dial(where)
    sock.settimeout(0.2)
    try:
        return None if sock.recv(1) == b"" else sock
    except TimeoutError:
        sock.settimeout(20)
        return sock
    except ConnectionError:
        return None


def test_addresses_are_prepared(juliet, romeo):
    """§5.3.2: the hash is of addresses as they are, however the request spells them."""
    where = address("u1", juliet, romeo)
    a, b = dial(where), dial(where)
    local, rest = str(romeo).split("@")
    domain, resource = rest.split("/")
    juliet.set(activate("u1", f"{local.upper()}@{domain.upper()}/{resource}"), proxy(juliet))
    a.sendall(b"!")
    assert read(b, 1) == b"!"


def test_in_a_room(juliet, romeo):
    """§7: the requester's own address, and the target's in the room."""
    target = f"garden@conference.{juliet.domain}/R\u00f6meo"
    where = address("m1", juliet, target)
    a, b = dial(where), dial(where)
    juliet.refused("set", activate("m1", romeo), "item-not-found", "cancel", to=proxy(juliet))
    juliet.set(activate("m1", target), proxy(juliet))
    a.sendall(b"!")
    assert read(b, 1) == b"!"


@contextlib.contextmanager
def at_port(port):
    """dial() goes there."""
    global PORT
    before, PORT = PORT, port
    try:
        yield
    finally:
        PORT = before


def ended(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def test_per_user(servers):
    """One who has too many open gets no more until one ends; the others do."""
    port = free_ports(["proxy"])["proxy"]
    server = servers({"modules": {"proxy65": {"port": port, "per-user": 1}}})
    juliet, romeo = server.client("juliet", "x"), server.client("romeo", "y")
    with at_port(port):
        a, b = joined(juliet, romeo, "p1")
        where = address("p2", juliet, romeo)
        c, d = dial(where), dial(where)
        juliet.refused("set", activate("p2", romeo), "resource-constraint", "wait",
                       to=proxy(juliet))
        joined(romeo, juliet, "p3")
        a.close()
        assert ended(b)
        deadline = time.monotonic() + 10
        while True:
            ident = juliet.iq("set", activate("p2", romeo), proxy(juliet))
            if juliet.expect(f"<iq id='{ident}'/>").get("type") == "result":
                break
            assert time.monotonic() < deadline
        c.sendall(b"!")
        assert read(d, 1) == b"!"


def test_per_address(servers):
    """Half-open ones count, and are counted no longer when they end."""
    port = free_ports(["proxy"])["proxy"]
    server = servers({"modules": {"proxy65": {"port": port, "per-address": 4}}})
    juliet, romeo = server.client("juliet", "x"), server.client("romeo", "y")
    with at_port(port):
        idle = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(2)]
        for sock in idle:
            sock.sendall(b"\5\1\0")
            assert sock.recv(2) == b"\5\0"
        a, b = joined(juliet, romeo, "q1")
        assert ended(socket.create_connection(("127.0.0.1", port), 20))
        for sock in (*idle, a):
            sock.close()
        assert ended(b)
        deadline = time.monotonic() + 10
        while True:
            try:
                joined(juliet, romeo, "q2")
                break
            except (AssertionError, OSError):
                assert time.monotonic() < deadline


def sharing(port, one, other):
    """Two hosts with one port, and what each allows an address."""
    return {"modules": {"proxy65": {"port": port}}, "hosts": {
        "capulet.example": {"modules": {"proxy65": {"per-address": one}}},
        "montague.example": {"modules": {"proxy65": {"per-address": other}}}}}


def pair(server, host, sid):
    """Two of a host, their address for `sid`, and both sides of it at the proxy."""
    a, b = (Client(server, server.user(name, host=host)).login(name) for name in ("a", "b"))
    where = address(sid, a, b)
    return a, b, (dial(where), dial(where))


def test_per_address_of_each_host(servers):
    """Hosts that share a port have their own limit; a reload changes it for what comes."""
    port = free_ports(["proxy"])["proxy"]
    server = servers(sharing(port, 4, 20))
    with at_port(port):
        held = []
        for n in range(2):
            a, b, sides = pair(server, server.host, f"s{n}")
            held.append(sides)
            a.set(activate(f"s{n}", b), proxy(a))
        a, b, sides = pair(server, server.host, "s")
        error = a.refused("set", activate("s", b), "resource-constraint", "wait", to=proxy(a))
        assert error.findtext(".//{urn:ietf:params:xml:ns:xmpp-stanzas}text") == \
            "One address has too many open."
        for n in range(4):      # what the other host has is its own
            c, d, others = pair(server, server.host2, f"t{n}")
            held.append(others)
            c.set(activate(f"t{n}", d), proxy(c))
            others[0].sendall(b"?")
            assert read(others[1], 1) == b"?"
        server.reload(sharing(port, 6, 20))
        a.set(activate("s", b), proxy(a))
        sides[0].sendall(b"!")
        assert read(sides[1], 1) == b"!"


def test_per_address_at_the_door(servers):
    """So many of one address are let in as the host allows that allows most, after a reload too."""
    port = free_ports(["proxy"])["proxy"]
    server = servers(sharing(port, 3, 2))
    juliet = server.client("juliet")

    def let_in():
        sock = socket.create_connection(("127.0.0.1", port), 20)
        try:
            sock.sendall(b"\5\1\0")
            return sock if sock.recv(2) == b"\5\0" else None
        except ConnectionError:
            return None

    inside = [let_in() for _ in range(4)]
    assert [sock is not None for sock in inside] == [True] * 3 + [False]
    server.reload(sharing(port, 2, 4))
    juliet.get(f"<query xmlns='{NS}'/>", proxy(juliet))
    inside.append(until(let_in))
    assert let_in() is None


def test_in_front_of_the_proxy(juliet, romeo):
    """§5 and §6.3.1 to 6.3.3: what the two sides say to each other passes as it is."""
    juliet.online()
    romeo.online()
    offer = (f"<query xmlns='{NS}' sid='vxf9n471bn46' mode='tcp' dstaddr='{'a' * 40}'>"
             "<streamhost jid='streamer.example.com' host='24.24.24.1' port='7625'/></query>")
    juliet.send(f"<iq type='set' id='hu3vax16' to='{romeo}'>{offer}</iq>")
    got = romeo.expect("<iq type='set' id='hu3vax16'/>")
    assert got[0][0].attrib == {"jid": "streamer.example.com", "host": "24.24.24.1",
                                "port": "7625"}
    romeo.send(f"<iq type='result' id='hu3vax16' to='{juliet}'><query xmlns='{NS}' "
               "sid='vxf9n471bn46'><streamhost-used jid='streamer.example.com'/></query></iq>")
    assert juliet.expect("<iq type='result' id='hu3vax16'/>")[0][0].tag.endswith("streamhost-used")
    juliet.send(f"<iq type='set' id='no' to='{romeo}'>{offer}</iq>")
    romeo.expect("<iq type='set' id='no'/>")
    romeo.send(f"<iq type='error' id='no' to='{juliet}'><error type='modify'><not-acceptable "
               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
    juliet.expect_error("no", "not-acceptable", "modify")


def test_udp_is_not_offered(juliet):
    """§8: optional, and not there."""
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", proxy(juliet))[0]
    assert NS in {f.get("var") for f in info}
    assert NS + "#udp" not in {f.get("var") for f in info}
