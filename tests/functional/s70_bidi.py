# SPDX-License-Identifier: MIT
"""Streams for both ways (XEP-0288), and acknowledgements between servers (XEP-0198)."""

import json

import pytest
from kit.federation import World, juliet, prove  # noqa: F401
from kit.match import matches, show

BIDI = "<bidi xmlns='urn:xmpp:features:bidi'/>"
SM = "urn:xmpp:sm:3"


@pytest.fixture(scope="module")
def world(authority):
    world = World(authority, s2s={"tls": "optional", "trust": "dialback"})
    world.a, world.b = world.server("a.example"), world.server("b.example")
    for name in ("one", "two", "three", "four", "five", "six", "seven", "eight"):
        setattr(world, name, world.rogue(f"{name}.example", f"x.{name}.example"))
    world.start()
    yield world
    world.stop()


def stanza(peer, pattern):
    """The next stanza; whether we want acknowledgements is passed over."""
    element = peer.next()
    while element.tag == f"{{{SM}}}r":
        element = peer.next()
    assert matches(pattern.replace("<message", "<message xmlns='jabber:server'"), element), \
        show(element)


def test_they_open(world, juliet):
    """What we send goes on their stream; none of ours is opened for it."""
    peer = prove(world, world.one, bidi=True)
    juliet.send("<message to='r@one.example' type='chat'><body>1</body></message>")
    peer.expect(f"<message from='{juliet}' to='r@one.example'><body>1</body></message>")
    assert world.one.silence()


def test_only_proven_pairs(world, juliet):
    """Another of their domains, which they have not proven, is dialled."""
    peer = prove(world, world.two, bidi=True)
    juliet.send("<message to='r@x.two.example' type='chat'><body>1</body></message>")
    own = world.two.answer()
    own.allow()
    own.expect("<message to='r@x.two.example'/>")
    juliet.send("<message to='r@two.example' type='chat'><body>2</body></message>")
    peer.expect("<message to='r@two.example'/>")


def test_their_stream_ends(world, juliet):
    """Then ours is used; what they had not acknowledged goes again."""
    peer = prove(world, world.three, bidi=True)
    peer.send(f"<enable xmlns='{SM}'/>")
    peer.expect(f"<enabled xmlns='{SM}'/>")
    juliet.send("<message to='r@three.example' type='chat' id='1'><body>1</body></message>")
    peer.expect("<message id='1'/>")
    peer.abort()
    peer.back.allow()
    peer.back.expect("<message id='1'/>")


def test_their_stream_ends_and_ours_is_open(world, juliet):
    """Both called at once. When the one in use breaks, the other carries all of it, in order."""
    def say(*ids):
        for id in ids:
            juliet.send(f"<message to='r@seven.example' type='chat' id='{id}'><body/></message>")

    say(1)
    own = world.seven.answer()
    asked = own.expect("<result xmlns='jabber:server:dialback'/>")
    peer = world.seven.connect(world.a)
    peer.send("<bidi xmlns='urn:xmpp:bidi'/>")
    peer.ask("a.example")
    own.verify()
    peer.expect_result("valid", "a.example")
    peer.expect("<message id='1'/>")
    peer.send(f"<enable xmlns='{SM}'/>")
    peer.expect(f"<enabled xmlns='{SM}'/>")
    own.send(f"<db:result from='{asked.get('to')}' to='{asked.get('from')}' type='valid'/>")
    say(2, 3)
    for id in (2, 3):
        stanza(peer, f"<message id='{id}'/>")
    peer.abort()
    say(4, 5)
    for id in (2, 3, 4, 5):
        own.expect(f"<message id='{id}'/>")
    assert world.seven.silence()


def test_we_open(world, juliet):
    """They answer on our stream, and may send only what we have agreed on."""
    juliet.send("<message to='r@four.example' type='chat'><body>1</body></message>")
    peer = world.four.answer(features=BIDI)
    peer.expect("<bidi xmlns='urn:xmpp:bidi'/>")
    peer.allow()
    peer.expect("<message><body>1</body></message>")
    peer.send(f"<message from='r@four.example/x' to='{juliet}'><body>2</body></message>")
    juliet.expect("<message from='r@four.example/x'><body>2</body></message>")
    peer.send(f"<message from='r@x.four.example' to='{juliet}'><body>?</body></message>")
    peer.expect_stream_error("invalid-from")


def test_too_late(world):
    peer = prove(world, world.five)
    peer.send("<bidi xmlns='urn:xmpp:bidi'/>")
    peer.expect_stream_error("policy-violation")


def test_acknowledged(world, juliet):
    """We acknowledge what is done; not before <enable/>, which needs a proven pair."""
    peer = world.six.connect(world.a)
    peer.send(f"<enable xmlns='{SM}'/>")
    peer.expect(f"<failed xmlns='{SM}'/>")
    peer.ask("a.example")
    world.six.answer().verify()
    peer.expect_result("valid", "a.example")
    peer.send(f"<enable xmlns='{SM}'/>")
    peer.expect(f"<enabled xmlns='{SM}'/>")
    for i in range(3):
        peer.send(f"<message from='r@six.example' to='{juliet.bare}' type='chat'>"
                  f"<body>{i}</body></message>")
    peer.send(f"<r xmlns='{SM}'/>")
    while int(peer.expect(f"<a xmlns='{SM}'/>").get("h")) < 3:
        pass
    for i in range(3):
        juliet.expect(f"<message><body>{i}</body></message>")


def test_overacknowledged(world, juliet):
    juliet.send("<message to='r@x.six.example' type='chat'><body>1</body></message>")
    peer = world.six.answer(features=f"<sm xmlns='{SM}'/>")
    peer.allow()
    peer.expect(f"<enable xmlns='{SM}'/>")
    peer.send(f"<enabled xmlns='{SM}'/>")
    peer.expect("<message/>")
    peer.send(f"<a xmlns='{SM}' h='7'/>")
    peer.expect_stream_error("undefined-condition")


def test_acknowledged_backwards(world, juliet):
    """Less than before: the stream ends, and nothing counts as arrived for it."""
    def say(id):
        juliet.send(f"<message to='r@eight.example' type='chat' id='{id}'><body/></message>")

    say(1)
    peer = world.eight.answer(features=f"<sm xmlns='{SM}'/>")
    peer.allow()
    peer.expect(f"<enable xmlns='{SM}'/>")
    peer.send(f"<enabled xmlns='{SM}'/>")
    peer.expect("<message id='1'/>")
    peer.send(f"<a xmlns='{SM}' h='1'/>")
    say(2)
    stanza(peer, "<message id='2'/>")
    peer.expect(f"<r xmlns='{SM}'/>")
    peer.send(f"<a xmlns='{SM}' h='0'/>")
    peer.expect_stream_error("undefined-condition")
    peer = world.eight.answer()
    peer.allow()
    peer.expect("<message id='2'/>")


def test_between_two_of_ours(world):
    juliet, romeo = world.a.client("juliet", "balcony"), world.b.client("romeo", "orchard")
    juliet.online()
    romeo.online()
    for i in range(100):
        juliet.send(f"<message to='{romeo}' type='chat'><body>{i}</body></message>")
    for i in range(100):
        romeo.expect(f"<message><body>{i}</body></message>")
        romeo.send(f"<message to='{juliet}' type='chat'><body>{i}</body></message>")
    for i in range(100):
        juliet.expect(f"<message><body>{i}</body></message>")
    rows = json.loads(world.a.ctl("--json", "s2s", "list", "b.example").stdout)
    rows = rows["rows"] if isinstance(rows, dict) else rows
    assert len(rows) == 1 and rows[0]["bidi"] and rows[0]["acks"]
