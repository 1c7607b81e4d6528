# SPDX-License-Identifier: MIT
"""What becomes of stanzas for servers that cannot be reached, or that misbehave."""

import datetime

import pytest
from kit.federation import World
from kit.server import free_ports

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
DELAY = "urn:xmpp:delay"


@pytest.fixture(scope="module")
def world(authority):
    world = World(authority, s2s={"tls": "optional", "trust": "dialback"},
                  config={"limits": {"time-to-log-in": "1s"}})
    world.a = world.server("a.example", config={
        "hosts": {"second.a.example": {"s2s": {"tls": "required"}}}})
    for name in ("silent", "invalid", "error", "plain", "header", "endless", "closing", "again",
                 "late", "mute", "unknown", "order", "slow", "taking"):
        setattr(world, name, world.rogue(f"{name}.example"))
    world.way("closed.example", free_ports(["nobody"])["nobody"])
    world.start()
    yield world
    world.stop()


@pytest.fixture
def juliet(world):
    one = world.a.client("juliet", "balcony")
    one.online()
    return one


def chat(client, domain, id="m", type="chat"):
    client.send(f"<message to='r@{domain}' type='{type}' id='{id}'><body>{id}</body></message>")


def expect_error(client, domain, type, condition, id="m"):
    client.expect(f"<message type='error' id='{id}' from='r@{domain}'><error type='{type}'>"
                  f"<{condition} xmlns='{STANZAS}'/></error></message>")


def test_closed_port(juliet):
    """RFC 6120 §8.3.3.16; while it is fresh, the second is told at once."""
    for id in "12":
        chat(juliet, "closed.example", id)
        expect_error(juliet, "closed.example", "cancel", "remote-server-not-found", id)


def test_each_kind(juliet):
    """Requests are answered, presence that asks too; nothing answers an error."""
    juliet.send("<iq type='get' to='closed.example' id='i'><ping xmlns='urn:xmpp:ping'/></iq>")
    juliet.expect(f"<iq type='error' id='i'><error type='cancel'><remote-server-not-found "
                  f"xmlns='{STANZAS}'/></error></iq>")
    juliet.send("<presence to='r@closed.example'/>")
    juliet.expect(f"<presence type='error' from='r@closed.example'><error type='cancel'>"
                  f"<remote-server-not-found xmlns='{STANZAS}'/></error></presence>")
    chat(juliet, "closed.example", type="error")
    juliet.send("<iq type='result' to='r@closed.example/x' id='i2'/>")
    juliet.send("<presence type='unavailable' to='r@closed.example'/>")
    juliet.expect_nothing()


def test_no_header(world, juliet):
    """A connection, and then nothing (§8.3.3.17)."""
    chat(juliet, "silent.example")
    world.silent.accept()
    expect_error(juliet, "silent.example", "wait", "remote-server-timeout")


def test_no_features(world, juliet):
    chat(juliet, "header.example")
    peer = world.header.accept()
    peer.send("<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='1' version='1.0' "
              "xmlns:stream='http://etherx.jabber.org/streams'>")
    expect_error(juliet, "header.example", "wait", "remote-server-timeout")
    peer.expect_stream_error("connection-timeout")


def test_endless_features(world, juliet):
    chat(juliet, "endless.example")
    peer = world.endless.accept()
    peer.send("<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='1' version='1.0' "
              "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>")
    peer.send_quietly(b"<x xmlns='urn:x'/>" * 2000)
    expect_error(juliet, "endless.example", "wait", "remote-server-timeout")
    peer.expect_stream_error("policy-violation")


def test_invalid_key(world, juliet):
    """XEP-0220 §2.1.1"""
    chat(juliet, "invalid.example")
    world.invalid.answer().allow("invalid")
    expect_error(juliet, "invalid.example", "cancel", "internal-server-error")


def test_error_instead_of_result(world, juliet):
    chat(juliet, "error.example")
    world.error.answer().allow("error")
    expect_error(juliet, "error.example", "wait", "remote-server-timeout")


def test_host_unknown(world, juliet):
    chat(juliet, "unknown.example")
    peer = world.unknown.answer()
    peer.send("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
              "</stream:error></stream:stream>")
    expect_error(juliet, "unknown.example", "cancel", "remote-server-not-found")


def test_stripped_starttls(world):
    """Where TLS is required, its absence is a failure, and nothing goes out in the clear."""
    nurse = world.a.user("nurse", host=world.a.host2)
    from kit import Client
    nurse = Client(world.a, nurse).login("chamber")
    nurse.online()
    chat(nurse, "plain.example")
    peer = world.plain.answer()
    peer.expect_stream_error("policy-violation")
    expect_error(nurse, "plain.example", "wait", "remote-server-timeout")


def test_result_for_others(world, juliet):
    """A result that nobody asked for allows nothing (XEP-0220 §3.1)."""
    chat(juliet, "slow.example")
    peer = world.slow.answer()
    asked = peer.expect("<result xmlns='jabber:server:dialback'/>")
    for from_, to in (("other.example", "a.example"), ("slow.example", "second.a.example")):
        peer.send(f"<db:result from='{from_}' to='{to}' type='valid'/>")
    peer.send(f"<db:result from='slow.example' to='{asked.get('from')}' type='valid'/>")
    peer.expect("<message from='*' to='r@slow.example'><body>m</body></message>")


def test_stanzas_on_our_own_stream(world, juliet):
    """They come on streams of the other server's, where nothing else was agreed."""
    chat(juliet, "mute.example")
    peer = world.mute.answer()
    peer.allow()
    peer.expect("<message/>")
    peer.send(f"<message from='r@mute.example' to='{juliet}'><body>?</body></message>")
    peer.expect_stream_error("not-authorized")
    juliet.expect_nothing()


def enabled(rogue, **more):
    """A stream of the server's on which we acknowledge, if we do."""
    peer = rogue.answer(features="<sm xmlns='urn:xmpp:sm:3'/>", **more)
    peer.allow()
    peer.expect("<enable xmlns='urn:xmpp:sm:3'/>")
    peer.send("<enabled xmlns='urn:xmpp:sm:3'/>")
    return peer


def test_sent_again(world, juliet):
    """What the other server has not acknowledged goes again when it is back (XEP-0198)."""
    chat(juliet, "again.example", "1")
    peer = enabled(world.again)
    peer.expect("<message id='1'/>")
    peer.expect("<r xmlns='urn:xmpp:sm:3'/>")
    peer.send("<a xmlns='urn:xmpp:sm:3' h='1'/>")
    for id in "234":
        chat(juliet, "again.example", id)
    peer.expect("<message id='2'/>")
    peer.abort()
    peer = world.again.answer()
    peer.allow()
    for id in "234":
        peer.expect(f"<message id='{id}'/>")


def delays(element):
    return element.findall(f"{{{DELAY}}}delay")


def test_sent_again_says_when(world, juliet):
    """The second time a stanza says when it came (XEP-0198 §5, XEP-0203); but an iq holds its
    request and nothing else (RFC 6120 §8.2.3), and what has a time keeps it."""
    own = f"<delay xmlns='{DELAY}' from='{juliet.bare}' stamp='2020-01-01T00:00:00Z'/>"
    chat(juliet, "late.example", "1")
    juliet.send(f"<message to='r@late.example' type='chat' id='2'><body>2</body>{own}</message>"
                "<presence to='r@late.example' id='3'/>"
                "<iq to='late.example' type='get' id='4'><ping xmlns='urn:xmpp:ping'/></iq>")
    kinds = ("message", "message", "presence", "iq")
    peer = enabled(world.late)
    for id, kind in enumerate(kinds, 1):
        while (first := peer.next()).get("id") != str(id):
            assert first.tag.endswith("}r")
        assert len(delays(first)) == (id == 2)
    peer.abort()
    peer = world.late.answer()
    chat(juliet, "late.example", "5")
    peer.allow()
    again = [peer.expect(f"<{kind} id='{id}'/>") for id, kind in enumerate(kinds, 1)]
    for one in (again[0], again[2]):
        delay, = delays(one)
        assert delay.get("from") == "a.example"
        then = datetime.datetime.fromisoformat(delay.get("stamp"))
        assert 0 <= (datetime.datetime.now(datetime.timezone.utc) - then).total_seconds() < 60
    assert [one.get("from") for one in delays(again[1])] == [juliet.bare]
    assert len(again[3]) == 1
    assert not delays(peer.expect("<message id='5'/>"))


def test_order_through_dialling(world, juliet):
    for id in range(10):
        chat(juliet, "order.example", id)
    peer = world.order.answer()
    peer.expect("<result xmlns='jabber:server:dialback'/>")
    for id in range(10, 20):
        chat(juliet, "order.example", id)
    peer.send("<db:result from='order.example' to='a.example' type='valid'/>")
    for id in range(20):
        peer.expect(f"<message id='{id}'/>")


def test_closed_in_the_middle(world, juliet):
    """Closed while we wait to be allowed: an error, as for one that is told (XEP-0220 §2.1.1)."""
    chat(juliet, "closing.example")
    peer = world.closing.answer()
    peer.expect("<result xmlns='jabber:server:dialback'/>")
    peer.abort()
    expect_error(juliet, "closing.example", "wait", "remote-server-timeout")


def test_takes_and_forgets(world, juliet):
    """Accepted, never acknowledged, again and again: it comes back in the end."""
    chat(juliet, "taking.example", "1")
    for _ in range(4):
        peer = enabled(world.taking, timeout=15)
        peer.expect("<message id='1'/>")
        peer.abort()
    expect_error(juliet, "taking.example", "wait", "remote-server-timeout", "1")
