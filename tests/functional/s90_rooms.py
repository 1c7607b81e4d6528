# SPDX-License-Identifier: MIT
"""Rooms between servers: occupants of another server, and what becomes of them."""

import pytest
from kit.federation import World

MUC = "http://jabber.org/protocol/muc"
ROOM = "room@conference.a.example"


@pytest.fixture
def cast(authority):
    world = World(authority, s2s={"trust": "dialback"})
    world.a = world.server("a.example", config={
        "modules": {"muc": {"host": "conference.$host", "ping": "1s"}}}, also=("conference.a.example",))
    world.b = world.server("b.example")
    world.start()
    juliet = world.a.client("juliet", "balcony")
    romeo = world.b.client("romeo", "orchard")
    for one in (juliet, romeo):
        one.online()
    yield world, juliet, romeo
    world.stop()


def until(client, name, **attrs):
    while True:
        element = client.next()
        if element.tag.endswith("}" + name) and all(
                element.get(key.rstrip("_")) == value for key, value in attrs.items()):
            return element


def join(client, nick):
    client.send(f"<presence to='{ROOM}/{nick}'><x xmlns='{MUC}'/></presence>")
    while True:
        presence = until(client, "presence", from_=f"{ROOM}/{nick}")
        if presence.find(".//{http://jabber.org/protocol/muc#user}status[@code='110']") is not None:
            return


def both_in(cast):
    _, juliet, romeo = cast
    join(juliet, "juliet")
    juliet.send(f"<iq type='set' to='{ROOM}' id='c'><query xmlns='{MUC}#owner'>"
                "<x xmlns='jabber:x:data' type='submit'/></query></iq>")
    until(juliet, "iq", id="c", type="result")
    join(romeo, "romeo")
    until(juliet, "presence", from_=f"{ROOM}/romeo")


def test_strangers_make_no_rooms(cast):
    """`create: local`, the default."""
    _, _, romeo = cast
    romeo.send(f"<presence to='{ROOM}/romeo' id='p'><x xmlns='{MUC}'/></presence>")
    romeo.expect_error("p", "not-allowed", "cancel", name="presence")


def test_talk(cast):
    both_in(cast)
    _, juliet, romeo = cast
    for one, other, nick in ((juliet, romeo, "juliet"), (romeo, juliet, "romeo")):
        one.send(f"<message to='{ROOM}' type='groupchat' id='{nick}'><body>Hi</body></message>")
        for each in (one, other):
            until(each, "message", id=nick, from_=f"{ROOM}/{nick}")


def test_leave(cast):
    both_in(cast)
    _, juliet, romeo = cast
    romeo.send(f"<presence to='{ROOM}/romeo' type='unavailable'/>")
    until(juliet, "presence", from_=f"{ROOM}/romeo", type="unavailable")


def test_logout(cast):
    """Directed presence is taken back by the user's own server."""
    both_in(cast)
    _, juliet, romeo = cast
    romeo.close()
    until(juliet, "presence", from_=f"{ROOM}/romeo", type="unavailable")


def test_server_gone(cast):
    """Who cannot be reached is an occupant no more."""
    both_in(cast)
    world, juliet, _ = cast
    world.b.kill()
    juliet.send(f"<message to='{ROOM}' type='groupchat' id='x'><body>Anybody?</body></message>")
    until(juliet, "presence", from_=f"{ROOM}/romeo", type="unavailable")
    world.b.start()


def test_server_gone_unheard(cast):
    """Nobody says anything: the room asks."""
    both_in(cast)
    world, juliet, _ = cast
    world.b.kill()
    gone = until(juliet, "presence", from_=f"{ROOM}/romeo", type="unavailable")
    assert gone.find(".//{http://jabber.org/protocol/muc#user}status[@code='333']") is not None
    world.b.start()


def asked(client, name, ns):
    while True:
        request = until(client, "iq", type="get", from_=ROOM)
        if request.find(f"{{{ns}}}{name}") is not None:
            return request


def unavailable(client, request):
    client.send(f"<iq type='error' to='{ROOM}' id='{request.get('id')}'><error type='cancel'>"
                "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")


def test_silent(cast):
    """Who answers stays, be it that he knows no pings; who does not is gone."""
    _, juliet, romeo = cast
    both_in(cast)
    ping = asked(romeo, "ping", "urn:xmpp:ping")
    romeo.send(f"<iq type='result' to='{ROOM}' id='{ping.get('id')}'/>")
    unavailable(romeo, asked(romeo, "ping", "urn:xmpp:ping"))
    info = asked(romeo, "query", "http://jabber.org/protocol/disco#info")
    romeo.send(f"<iq type='result' to='{ROOM}' id='{info.get('id')}'/>")
    asked(romeo, "ping", "urn:xmpp:ping")
    until(juliet, "presence", from_=f"{ROOM}/romeo", type="unavailable")


def test_unknown_to_its_server(cast):
    """Neither pings nor features: there is no such client."""
    _, juliet, romeo = cast
    both_in(cast)
    unavailable(romeo, asked(romeo, "ping", "urn:xmpp:ping"))
    unavailable(romeo, asked(romeo, "query", "http://jabber.org/protocol/disco#info"))
    until(juliet, "presence", from_=f"{ROOM}/romeo", type="unavailable")
