# SPDX-License-Identifier: MIT
"""Servers that mean harm: floods, endless headers, answers that nobody asked for."""

import pytest
from kit.federation import (STANZAS, Peer, World, chat, expect_returned, incident,
                            juliet, prove)

DB = "jabber:server:dialback"
HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='1' version='1.0' "
          "xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'")
NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight")


@pytest.fixture(scope="module")
def world(authority):
    world = World(authority, s2s={"tls": "optional", "trust": "dialback"},
                  config={"limits": {"time-to-log-in": "5s"}})
    world.a = world.server("a.example")
    for name in NAMES:
        setattr(world, name, world.rogue(f"{name}.example", f"x.{name}.example"))
    world.many = world.rogue("many.example", *(f"d{i}.many.example" for i in range(40)))
    world.start()
    yield world
    world.stop()


def works(client):
    """The server is well: somebody is served at once."""
    client.refused("set", "<private xmlns='jabber:iq:none'/>", "service-unavailable")


# --- they connect -------------------------------------------------------------------------


def test_flood_of_verify(world, juliet, incident):
    """Who has proven nothing may not ask for ever whether keys are ours."""
    peer = world.one.connect(world.a)
    for i in range(3):
        peer.send(f"<db:verify from='one.example' to='a.example' id='{i}'>ab</db:verify>")
        peer.expect(f"<verify xmlns='{DB}' id='{i}' type='invalid'/>")
    peer.send_quietly(b"<db:verify from='one.example' to='a.example' id='x'>%s</db:verify>"
                      % (b"ab" * 500) * 200)
    while peer.next().tag.endswith("}verify"):
        pass
    peer.expect_end()
    works(juliet)
    incident("one.example", "stream was ended", "too many bytes")


def test_flood_of_keys(world, juliet):
    """So many keys of one stream are being verified, and no more; each once."""
    peer = world.many.connect(world.a)
    for i in range(40):
        peer.ask("a.example", domain=f"d{i}.many.example")
        peer.ask("a.example", domain=f"d{i}.many.example")
    refused = [peer.next() for _ in range(16)]
    assert all(one.get("type") == "error" for one in refused)
    assert {one.get("to") for one in refused} == {f"d{i}.many.example" for i in range(32, 40)}
    assert refused[0].find(f".//{{{STANZAS}}}resource-constraint") is not None
    works(juliet)


def test_stanza_before_the_key_is_verified(world, juliet):
    """XEP-0220 §2.2.1: to have asked is no proof; what was sent in between ends the stream."""
    peer = world.eight.connect(world.a)
    peer.ask("a.example")
    peer.send(f"<message from='r@eight.example' to='{juliet}' id='m'><body>x</body></message>")
    peer.expect_stream_error("invalid-from")
    juliet.expect_nothing()
    world.eight.answer().verify()


def test_verdict_on_another_key(world):
    """XEP-0220 §2.3: an answer is for the stream whose id it names, for no other."""
    peer = world.eight.connect(world.a)
    peer.ask("a.example", key="0" * 64)
    back = world.eight.answer()
    asked = back.expect(f"<verify xmlns='{DB}'/>")
    for ident, kind in (("none", "valid"), (asked.get("id"), "invalid")):
        back.send(f"<db:verify from='eight.example' to='a.example' id='{ident}' type='{kind}'/>")
    peer.expect_result("invalid", "a.example")


def test_tls_behind_a_proof(world):
    """RFC 6120 §5.4.2.2: what was proven in the clear is not carried over; TLS comes first."""
    world.eight.connect(world.a).starttls("a.example")
    peer = prove(world, world.eight)
    peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    peer.expect("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    peer.expect_end()


@pytest.mark.parametrize("text", ["", "0123abcd"])
def test_answer_that_nobody_asked_for(world, incident, text):
    """An answer on a stream that they opened proves nothing."""
    peer = world.two.connect(world.a)
    peer.send(f"<db:result from='two.example' to='a.example' type='valid'>{text}</db:result>")
    peer.expect_stream_error("bad-format")
    incident("two.example", "stream was ended", "not a dialback request")


def test_another_domain_after_a_failed_one(world, juliet, incident):
    """A forged key for a second domain: that one is refused, the first goes on, and the second may
    be proven later."""
    peer = prove(world, world.three)
    peer.ask("a.example", key="0" * 64, domain="x.three.example")
    back = world.three.answer()
    back.verify()
    peer.expect_result("invalid", "a.example", domain="x.three.example")
    incident("x.three.example", "forged dialback key")
    peer.send(f"<message from='r@three.example' to='{juliet}' id='1'><body>1</body></message>")
    juliet.expect("<message id='1'/>")
    peer.ask("a.example", domain="x.three.example")
    back.verify()
    peer.expect_result("valid", "a.example", domain="x.three.example")
    peer.send(f"<message from='r@x.three.example' to='{juliet}' id='2'><body>2</body></message>")
    juliet.expect("<message id='2'/>")


def test_errors_end(world, juliet):
    """What is an answer is never answered, whoever it is for."""
    peer = prove(world, world.four)
    for to in ("nobody@a.example", "nobody@a.example/x", "a.example", "a.example/x", str(juliet.bare)):
        peer.send(f"<message from='r@four.example' to='{to}' type='error' id='e'><error type='cancel'>"
                  f"<gone xmlns='{STANZAS}'/></error></message>"
                  f"<iq from='r@four.example' to='{to}' type='error' id='e'/>"
                  f"<iq from='r@four.example' to='{to}' type='result' id='e'/>"
                  f"<presence from='r@four.example' to='{to}' type='error' id='e'/>")
    peer.send("<iq from='r@four.example' to='a.example' type='get' id='last'>"
              "<ping xmlns='urn:xmpp:ping'/></iq>")
    peer.back.allow()
    peer.back.expect("<iq id='last'/>")


@pytest.mark.parametrize("junk", [
    b"<stream:stream " + b"a='1' " * 20000,
    b"<stream:stream xmlns:x='" + b"y" * 40000,
    b"<?xml version='1.0'?>" + b" " * 200000,
], ids=["attributes", "namespace", "space"])
def test_endless_header(world, juliet, junk):
    peer = Peer(world.one, world.a.address("s2s"))
    peer.send_quietly(junk)
    peer.expect_header()
    assert peer.next().tag.endswith("}error")
    works(juliet)


# --- they are called ------------------------------------------------------------------------


def test_endless_header_of_theirs(world, juliet, incident):
    chat(juliet, "five.example")
    peer = world.five.accept()
    peer.send_quietly(HEADER.encode() + b" a='1'" * 20000)
    expect_returned(juliet, "five.example", "remote-server-timeout")
    incident("five.example", "no link", "remote-server-timeout")


@pytest.mark.parametrize("answer", [
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    "<stream:features/>",
    "<db:result from='six.example' to='a.example'>abc</db:result>",
])
def test_out_of_place(world, juliet, answer):
    """Said while we wait for their word on our key: the stream ends, nothing is sent on it."""
    rogue = world.six
    while True:
        chat(juliet, "six.example")
        try:
            peer = rogue.answer(timeout=0.7)
            break
        except TimeoutError:    # it failed just now, and rests
            juliet.expect("<message type='error'/>")
    peer.expect(f"<result xmlns='{DB}'/>")
    peer.send(answer)
    peer.expect_stream_error("unsupported-stanza-type")
    expect_returned(juliet, "six.example", "remote-server-timeout")


def test_verdicts_on_other_keys(world, juliet):
    """They are passed over; the stream goes on."""
    chat(juliet, "seven.example")
    peer = world.seven.answer()
    peer.expect(f"<result xmlns='{DB}' from='a.example' to='seven.example'/>")
    peer.send("<db:verify from='seven.example' to='a.example' id='none' type='valid'/>"
              "<db:result from='x.seven.example' to='a.example' type='invalid'/>"
              "<db:result from='seven.example' to='second.a.example' type='error'/>")
    peer.send("<db:result from='seven.example' to='a.example' type='valid'/>")
    peer.expect("<message id='m'/>")
