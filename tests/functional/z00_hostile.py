# SPDX-License-Identifier: MIT
"""Peers that mean harm, or know no better; everybody else is served meanwhile."""

import contextlib
import json
import socket
import threading

import pytest
from kit import Client, only_linnet, sasl
from kit.client import NS_SASL, NS_SM

CONFIG = {"modules": {"offline": {}}}


@contextlib.contextmanager
def half_open(server, count, data=b""):
    """Connections that have said `data`, and nothing more."""
    crowd = []
    try:
        for _ in range(count):
            one = socket.create_connection(server.address(), 5)
            crowd.append(one)
            if data:
                one.sendall(data)
        yield crowd
    finally:
        for one in crowd:
            one.close()


def chat_works(server):
    juliet, romeo = server.client("juliet"), server.client("romeo").online()
    for n in range(20):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{n}'><body>x</body></message>")
        romeo.expect(f"<message id='m{n}'/>")
    juliet.close()
    romeo.close()


HEADER = (b"<?xml version='1.0'?><stream:stream to='capulet.example' version='1.0' "
          b"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")


@pytest.mark.parametrize("said", [b"", b"<", HEADER, HEADER + b"<auth xmlns='urn:ietf:params:xml:"
                                  b"ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>", HEADER +
                                  b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\x16\x03\x01"],
                         ids=["nothing", "less", "header", "auth", "hello"])
def test_half_open(server, said):
    with half_open(server, 500, said):
        chat_works(server)
    chat_works(server)


@only_linnet("a limit of ours")
def test_half_open_per_address(servers):
    """limits.connections-per-address counts who has not logged in."""
    server = servers({"limits": {"connections-per-address": 10}})
    inside = [server.client("page") for _ in range(12)]     # those have
    outside = [server.wire() for _ in range(10)]
    for one in outside:
        one.open(server.host)
    server.wire().expect_stream_error("policy-violation", "resource-constraint")
    for one in inside:
        one.sync()
    for one in outside:
        one.close()
    chat_works(server)


def paused_by_quota(server):
    rows = json.loads(server.ctl("--json", "stats").stdout)["rows"]
    return any("accept_paused" in row["name"] and "quota" in json.dumps(row) and row["value"]
               for row in rows)


@only_linnet("a limit of ours")
def test_half_open_of_all(servers):
    """limits.connections-before-login: others wait for a place; who is inside notices nothing."""
    server = servers({"limits": {"connections-before-login": 5}})
    inside = [server.client("page") for _ in range(8)]
    outside = [server.wire() for _ in range(5)]
    for one in outside:
        one.open(server.host)
    late = server.wire()
    late.send("<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' "
              f"xmlns:stream='http://etherx.jabber.org/streams' to='{server.host}'>")
    while not paused_by_quota(server):
        inside[0].sync()
    for one in inside:
        one.sync()
    late.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        late.sock.recv(1)
    outside[0].close()
    late.expect_header()
    server.reload({"limits": {"connections-before-login": "off"}})
    for _ in range(3):
        server.wire().open(server.host)
    chat_works(server)


@pytest.mark.parametrize("flood", ["messages", "answers"])
def test_never_reads(server, flood):
    """A client that does not read is cut off, or slowed; others notice nothing."""
    mute = server.client("romeo", "orchard").online()
    if flood == "messages":
        juliet = server.client("juliet", "balcony")
        for n in range(400):
            juliet.send(f"<message to='{mute}' type='headline' id='m{n}'>"
                        f"<body>{'x' * 30000}</body></message>")
        ident = juliet.iq("get", "<x xmlns='urn:example'/>", juliet.bare)
        while juliet.next().get("id") != ident:     # errors, once he is gone
            pass
    else:
        mute.sock.settimeout(0.5)
        request = b"<iq type='get' id='x'><x xmlns='urn:example'>" + b"y" * 200 + b"</x></iq>"
        with contextlib.suppress(OSError):
            for _ in range(300):
                mute.sock.sendall(request * 100)
    chat_works(server)


def test_never_reads_and_is_stored_for(server):
    """What the mute one did not take is not lost."""
    mute = server.client("romeo", "orchard")
    mute.enable()
    mute.answers_r = False
    mute.send("<presence/>")
    juliet = server.client("juliet", "balcony")
    for n in range(20):
        juliet.send(f"<message to='{mute.bare}' type='chat' id='m{n}'><body>{n}</body></message>")
    juliet.sync()
    mute.abort()
    back = Client(server, mute.user).login("back").online()
    got = []
    while len(got) < 20:
        element = back.next()
        if element.tag.endswith("message"):
            got.append(element.get("id"))
    assert got == [f"m{n}" for n in range(20)]


@pytest.mark.parametrize("size", [15_000, 100_000])
@only_linnet("a limit of ours")
def test_sasl_payload(server, size):
    """Too long for a name or password: refused, before or after reading it all."""
    one = Client(server, server.user("juliet"))
    one.features = one.open(one.domain)
    one.send_quietly(f"<auth xmlns='{NS_SASL}' mechanism='SCRAM-SHA-1'>".encode()
                     + sasl.b64(b"n,,n=" + b"x" * (size * 3 // 4 - 50) + b",r=abcdefgh").encode()
                     + b"</auth>")
    kind, element = one.event()
    assert kind == "element"
    assert element.tag in (f"{{{NS_SASL}}}failure", f"{{{NS_SASL}}}challenge",
                           "{http://etherx.jabber.org/streams}error")
    chat_works(server)


def test_comes_and_goes(server):
    """Two hundred that hang up at every stage."""
    for n in range(200):
        one = server.wire()
        if n % 4 > 0:
            one.send_quietly(HEADER[: 40 * (n % 4)])
        one.abort()
    for _ in range(20):
        one = server.wire()
        one.open("capulet.example")
        one.abort()
    chat_works(server)


def test_reset_in_the_middle(server, juliet):
    """A reset connection while others write to it."""
    romeo = server.client("romeo", "orchard").online()
    romeo.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    for n in range(50):
        juliet.send(f"<message to='{romeo}' type='headline' id='m{n}'><body>x</body></message>")
        if n == 25:
            romeo.sock.close()
            romeo.sock = None
    chat_works(server)


def test_many_small_stanzas(server, juliet):
    """Ten thousand white-space-free stanzas in one go."""
    romeo = server.client("romeo", "orchard").online()
    one = f"<message to='{romeo}' type='chat'><body>x</body></message>".encode()
    for _ in range(20):
        juliet.send_raw(one * 100)
    for _ in range(2000):
        romeo.expect("<message/>")


def test_attributes_that_collide(server):
    """Names made to collide in a hash table cost no more than others."""
    juliet = server.client("juliet")
    for n in range(50):
        attrs = " ".join(f"a{n}x{m}='1'" for m in range(60))
        juliet.send(f"<message to='{juliet}' type='headline' id='m{n}'><x xmlns='urn:e{n}' {attrs}/>"
                    "</message>")
        juliet.expect(f"<message id='m{n}'/>")


def at_once(client, stanzas):
    """All of them in one go, by a thread: the answers must be read meanwhile."""
    sender = threading.Thread(target=client.send_raw, args=("".join(stanzas).encode(),))
    sender.start()
    return sender


def test_faster_than_its_account(server, juliet):
    """Who sends faster than is served is read more slowly; nothing is refused, nothing is lost."""
    sender = at_once(juliet, (f"<iq type='get' id='p{n}'><ping xmlns='urn:xmpp:ping'/></iq>"
                              for n in range(20000)))
    for n in range(20000):
        juliet.expect(f"<iq type='result' id='p{n}'/>")
    sender.join()


def test_faster_than_its_account_and_gone(juliet, romeo):
    """What was sent right before the close is done, however much it was."""
    romeo.online()
    sender = at_once(juliet, [*(f"<message to='{romeo}' id='m{n}'/>" for n in range(5000)),
                              "</stream:stream>"])
    for n in range(5000):
        romeo.expect(f"<message id='m{n}'/>")
    juliet.expect_end()
    sender.join()


def test_faster_than_its_account_without_stanzas(juliet):
    """The same with elements that are no stanzas, between which a stanza gets its answer."""
    juliet.enable()
    sender = at_once(juliet, (f"<r xmlns='{NS_SM}'/>" for _ in range(50000)))
    sender.join()
    juliet.sync()


def test_reader_that_is_slow(juliet, romeo):
    """Without XEP-0198 the kernel stands for the client, also while it takes only some."""
    romeo.online()
    sender = at_once(juliet, (f"<message to='{romeo}' id='m{n}'/>" for n in range(40000)))
    sender.join()
    for n in range(40000):
        romeo.expect(f"<message id='m{n}'/>")
