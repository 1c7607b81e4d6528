# SPDX-License-Identifier: MIT
"""Two servers, dialback without TLS: stanzas both ways, errors, order (XEP-0220)."""

import pytest
from kit import Client
from kit.federation import World, incident

S2S = {"tls": "optional", "trust": "dialback"}


@pytest.fixture(scope="module")
def world(authority):
    world = World(authority, s2s=S2S)
    world.a = world.server("a.example", way="off")
    world.b = world.server("b.example", way="off")
    world.rogue_ = world.rogue("rogue.example", "other.example")
    world.start()
    yield world
    world.stop()


@pytest.fixture
def juliet(world):
    return world.a.client("juliet", "balcony")


@pytest.fixture
def romeo(world):
    one = world.b.client("romeo", "orchard")
    one.online()
    return one


def test_chat_both_ways(juliet, romeo):
    juliet.online()
    juliet.send(f"<message to='{romeo}' type='chat' id='m1'><body>Hello</body></message>")
    romeo.expect(f"<message from='{juliet}' to='{romeo}' type='chat' id='m1'>"
                 "<body>Hello</body></message>")
    romeo.send(f"<message to='{juliet}' type='chat' id='m2'><body>Hi</body></message>")
    juliet.expect(f"<message from='{romeo}' id='m2'><body>Hi</body></message>")


def test_order(juliet, romeo):
    """However fast they come, and though a stream has to be made first."""
    for i in range(200):
        juliet.send(f"<message to='{romeo}' type='chat'><body>{i}</body></message>")
    for i in range(200):
        romeo.expect(f"<message><body>{i}</body></message>")


def test_second_hosts(world, romeo):
    """Each pair of domains has a link of its own."""
    nurse = Client(world.a, world.a.user("nurse", host=world.a.host2)).login("chamber")
    nurse.send(f"<message to='{romeo}' type='chat'><body>Come</body></message>")
    romeo.expect(f"<message from='{nurse}'><body>Come</body></message>")


def test_iq(juliet, romeo, world):
    juliet.send(f"<iq type='get' to='{world.b.host}' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    juliet.expect(f"<iq type='result' from='{world.b.host}' id='p'/>")
    juliet.send(f"<iq type='get' to='nobody@{world.b.host}' id='q'>"
                "<query xmlns='jabber:iq:version'/></iq>")
    juliet.expect("<iq type='error' id='q'><error type='cancel'><service-unavailable "
                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")


def test_no_such_server(juliet):
    juliet.send("<message to='x@nowhere.example' type='chat' id='n'><body>?</body></message>")
    juliet.expect("<message type='error' id='n' from='x@nowhere.example'><error type='cancel'>"
                  "<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                  "</error></message>")


# --- a rogue connects ---------------------------------------------------------------------


def proven(world, **more):
    """A stream of the rogue's that has proven rogue.example."""
    peer = world.rogue_.connect(world.a, **more)
    peer.ask(world.a.host)
    back = world.rogue_.answer()
    back.verify()
    peer.expect_result("valid", world.a.host)
    return peer


def test_rogue_speaks(world, juliet):
    juliet.online()
    peer = proven(world)
    peer.send(f"<message from='r@rogue.example/x' to='{juliet}'><body>Hi</body></message>")
    juliet.expect("<message from='r@rogue.example/x'><body>Hi</body></message>")


def test_language_of_the_stream(world, juliet):
    """What has none of its own has the header's (RFC 6120 §8.1.5)."""
    juliet.online()
    peer = world.rogue_.connect(world.a, **{"xml:lang": "de"})
    peer.ask(world.a.host)
    back = world.rogue_.answer()
    back.verify()
    peer.expect_result("valid", world.a.host)
    for attrs, lang in (("", "de"), ("xml:lang='fr'", "fr")):
        peer.send(f"<message from='r@rogue.example/x' to='{juliet}' {attrs}><body>?</body></message>")
        juliet.expect(f"<message from='r@rogue.example/x' xml:lang='{lang}'/>")
    peer = world.rogue_.connect(world.a, **{"xml:lang": "x" * 100})
    peer.ask(world.a.host)
    back.verify()
    peer.expect_result("valid", world.a.host)
    peer.send(f"<message from='r@rogue.example/x' to='{juliet}'><body>?</body></message>")
    juliet.expect("<message from='r@rogue.example/x' xml:lang='!'/>")


@pytest.mark.parametrize("addresses, condition", [
    ("from='x@a.example' to='{to}'", "invalid-from"),
    ("from='x@other.example' to='{to}'", "invalid-from"),
    ("from='x@sub.rogue.example' to='{to}'", "invalid-from"),
    ("from='x@rogue.example' to='x@second.a.example'", "invalid-from"),
    ("from='x@rogue.example' to='x@elsewhere.example'", "host-unknown"),
    ("from='x@rogue.example'", "improper-addressing"),
    ("to='{to}'", "improper-addressing"),
    ("from='@@@' to='{to}'", "improper-addressing"),
])
def test_forged(world, juliet, incident, addresses, condition):
    peer = proven(world)
    peer.send(f"<message {addresses.format(to=juliet)}><body>?</body></message>")
    peer.expect_stream_error(condition)
    juliet.expect_nothing()
    incident("rogue.example", "stanza refused", condition)


def test_nothing_proven(world, juliet, incident):
    peer = world.rogue_.connect(world.a)
    peer.send(f"<message from='x@rogue.example' to='{juliet}'><body>?</body></message>")
    peer.expect_stream_error("not-authorized")
    incident("rogue.example", "stanza refused", "not-authorized")


def test_wrong_key(world, incident):
    peer = world.rogue_.connect(world.a)
    peer.ask(world.a.host, key="0" * 64)
    world.rogue_.answer().verify()
    peer.expect_result("invalid", world.a.host)
    peer.expect_end()
    incident("rogue.example", "forged dialback key")


def test_replayed_key(world, incident):
    """The key of another stream."""
    first = world.rogue_.connect(world.a)
    second = world.rogue_.connect(world.a)
    second.ask(world.a.host, key=world.rogue_.key(world.a.host, first.id))
    world.rogue_.answer().verify()
    second.expect_result("invalid", world.a.host)
    incident("rogue.example", "forged dialback key")


def test_not_our_host(world, incident):
    peer = world.rogue_.connect(world.a)
    peer.ask("elsewhere.example")
    result = peer.expect_result("error", "elsewhere.example")
    assert result.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}item-not-found") is not None
    incident("elsewhere.example", "dialback refused", "item-not-found", "no host of this server")
    peer.ask(world.a.host)
    world.rogue_.answer().verify()
    peer.expect_result("valid", world.a.host)


def test_our_own_name(world, incident):
    """Who claims to be one of our hosts is refused without being asked about."""
    peer = world.rogue_.connect(world.a)
    peer.ask(world.a.host, domain="second.a.example")
    peer.expect_result("error", world.a.host, domain="second.a.example")
    incident("rogue.example", "dialback refused", "the domain is this server's own")


def test_piggyback(world, juliet):
    """A second domain on the same stream."""
    juliet.online()
    peer = proven(world)
    peer.ask(world.a.host, domain="other.example")
    world.rogue_.answer().verify()
    peer.expect_result("valid", world.a.host, domain="other.example")
    peer.send(f"<message from='o@other.example' to='{juliet}'><body>1</body></message>")
    peer.send(f"<message from='r@rogue.example' to='{juliet}'><body>2</body></message>")
    juliet.expect("<message from='o@other.example'><body>1</body></message>")
    juliet.expect("<message from='r@rogue.example'><body>2</body></message>")


def test_authoritative(world):
    """We answer for our own keys, and only for those: whole, of this stream, of this pair."""
    juliet = world.a.client("juliet", "balcony")
    juliet.send("<message to='r@rogue.example' type='chat'><body>Hi</body></message>")
    theirs = world.rogue_.answer()
    key = theirs.expect("<result xmlns='jabber:server:dialback' from='a.example'/>").text
    peer = world.rogue_.connect(world.a)

    def verify(key, ident=theirs.id, receiving="rogue.example", originating="a.example"):
        peer.send(f"<db:verify from='{receiving}' to='{originating}' id='{ident}'>{key}"
                  "</db:verify>")
        return peer.expect(f"<verify xmlns='jabber:server:dialback' from='{originating}' "
                           f"to='{receiving}' id='{ident}'/>").get("type")

    assert verify(key) == "valid"
    for wrong in ("0" * 64, key[:-1], key + "0"):
        assert verify(wrong) == "invalid"
    assert verify(key, ident="other") == "invalid"
    assert verify(key, receiving="other.example") == "invalid"
    assert verify(key, originating=world.a.host2) == "invalid"
    peer.send(f"<db:verify from='rogue.example' to='a.example' id='{theirs.id}'/>")
    peer.expect_stream_error("bad-format")
