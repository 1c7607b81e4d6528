# SPDX-License-Identifier: MIT
"""What becomes of stanzas for servers that cannot be reached, or that misbehave."""

import datetime

import pytest
from kit.federation import (STANZAS, World, chat, expect_returned, incident,
                            juliet)
from kit.server import free_ports

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


def test_closed_port(juliet, incident):
    """RFC 6120 §8.3.3.16; while it is fresh, the second is told at once."""
    for id in "12":
        chat(juliet, "closed.example", id)
        expect_returned(juliet, "closed.example", "remote-server-not-found", id)
    incident("closed.example", "no link", "remote-server-not-found", "refused")


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


def test_no_header(world, juliet, incident):
    """A connection, and then nothing (§8.3.3.17)."""
    chat(juliet, "silent.example")
    world.silent.accept()
    expect_returned(juliet, "silent.example", "remote-server-timeout")
    incident("silent.example", "no link", "remote-server-timeout", "took too long")


def test_no_features(world, juliet, incident):
    chat(juliet, "header.example")
    peer = world.header.accept()
    peer.send("<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='1' version='1.0' "
              "xmlns:stream='http://etherx.jabber.org/streams'>")
    expect_returned(juliet, "header.example", "remote-server-timeout")
    peer.expect_stream_error("connection-timeout")
    incident("header.example", "no link", "took too long")


def test_endless_features(world, juliet, incident):
    chat(juliet, "endless.example")
    peer = world.endless.accept()
    peer.send("<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='1' version='1.0' "
              "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>")
    peer.send_quietly(b"<x xmlns='urn:x'/>" * 2000)
    expect_returned(juliet, "endless.example", "remote-server-timeout")
    peer.expect_stream_error("policy-violation")
    incident("endless.example", "no link")


def test_invalid_key(world, juliet, incident):
    """XEP-0220 §2.1.1"""
    chat(juliet, "invalid.example")
    world.invalid.answer().allow("invalid")
    expect_returned(juliet, "invalid.example", "internal-server-error")
    incident("invalid.example", "no link", "holds our key for forged")


def test_error_instead_of_result(world, juliet, incident):
    chat(juliet, "error.example")
    world.error.answer().allow("error")
    expect_returned(juliet, "error.example", "remote-server-timeout")
    incident("error.example", "no link", "could not verify our key")


def test_host_unknown(world, juliet, incident):
    chat(juliet, "unknown.example")
    peer = world.unknown.answer()
    text = "x" + 200 * "\u00fc"     # of which some fit into our own
    peer.send("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
              f"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>{text}</text>"
              "</stream:error></stream:stream>")
    expect_returned(juliet, "unknown.example", "remote-server-not-found")
    incident("unknown.example", "no link", "the other server ended the stream: host-unknown")


def test_stripped_starttls(world, incident):
    """Where TLS is required, its absence is a failure, and nothing goes out in the clear."""
    nurse = world.a.user("nurse", host=world.a.host2)
    from kit import Client
    nurse = Client(world.a, nurse).login("chamber")
    nurse.online()
    chat(nurse, "plain.example")
    peer = world.plain.answer()
    peer.expect_stream_error("policy-violation")
    expect_returned(nurse, "plain.example", "remote-server-timeout")
    incident("plain.example", "no link", "TLS is required")


def test_result_for_others(world, juliet):
    """A result that nobody asked for allows nothing (XEP-0220 §3.1): nothing is sent for it, and
    the one for our own key decides."""
    chat(juliet, "slow.example")
    peer = world.slow.answer()
    asked = peer.expect("<result xmlns='jabber:server:dialback'/>")
    for from_, to in (("other.example", "a.example"), ("slow.example", "second.a.example")):
        peer.send(f"<db:result from='{from_}' to='{to}' type='valid'/>")
    peer.send(f"<db:result from='slow.example' to='{asked.get('from')}' type='invalid'/>")
    peer.expect_stream_error("policy-violation")
    expect_returned(juliet, "slow.example", "internal-server-error")


def test_stanzas_on_our_own_stream(world, juliet, incident):
    """They come on streams of the other server's, where nothing else was agreed."""
    chat(juliet, "mute.example")
    peer = world.mute.answer()
    peer.allow()
    peer.expect("<message/>")
    peer.send(f"<message from='r@mute.example' to='{juliet}'><body>?</body></message>")
    peer.expect_stream_error("not-authorized")
    juliet.expect_nothing()
    incident("mute.example", "stanza refused", "not-authorized")


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


def test_closed_in_the_middle(world, juliet, incident):
    """Closed while we wait to be allowed: an error, as for one that is told (XEP-0220 §2.1.1)."""
    chat(juliet, "closing.example")
    peer = world.closing.answer()
    peer.expect("<result xmlns='jabber:server:dialback'/>")
    peer.abort()
    expect_returned(juliet, "closing.example", "remote-server-timeout")
    incident("closing.example", "no link")


def test_takes_and_forgets(world, juliet, incident):
    """Accepted, never acknowledged, again and again: it comes back in the end."""
    chat(juliet, "taking.example", "1")
    for _ in range(4):
        peer = enabled(world.taking, timeout=15)
        peer.expect("<message id='1'/>")
        peer.abort()
    expect_returned(juliet, "taking.example", "remote-server-timeout", "1")
