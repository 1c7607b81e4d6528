# SPDX-License-Identifier: MIT
"""Subscriptions and presence between servers (RFC 6121 §3, §4)."""

import pytest
from kit import Client
from kit.federation import World

from d10_subscription import item_of


@pytest.fixture
def world(authority):
    world = World(authority, s2s={"tls": "optional", "trust": "dialback"})
    world.a, world.b = world.server("a.example"), world.server("b.example")
    world.start()
    yield world
    world.stop()


def quiet(*clients):
    """Both have what is under way between them, and forget what came."""
    for one in clients:
        for other in clients:
            if one is not other:
                one.send(f"<message to='{other}' type='chat' id='q'><body>q</body></message>")
    for one in clients:
        left = len(clients) - 1
        while left:
            element = one.next()
            left -= element.get("id") == "q" and element.tag.endswith("message")


@pytest.fixture
def friends(world):
    juliet, romeo = world.a.client("juliet", "balcony"), world.b.client("romeo", "orchard")
    for one in (juliet, romeo):
        one.roster()
        one.online()
    for one, other in ((juliet, romeo), (romeo, juliet)):
        one.send(f"<presence to='{other.bare}' type='subscribe'/>")
        while other.next().get("type") != "subscribe":
            pass
        other.send(f"<presence to='{one.bare}' type='subscribed'/>")
        quiet(juliet, romeo)
    return juliet, romeo


def presence(client):
    """The next presence stanza."""
    while True:
        element = client.next()
        if element.tag.endswith("presence"):
            return element


def test_subscribed(friends):
    juliet, romeo = friends
    assert item_of(juliet, romeo).get("subscription") == "both"
    assert item_of(romeo, juliet).get("subscription") == "both"
    juliet.send("<presence><show>away</show></presence>")
    romeo.expect(f"<presence from='{juliet}' to='{romeo.bare}'><show>away</show></presence>")


def test_probe_at_login(world, friends):
    """Who comes online learns of contacts on other servers by probing them."""
    juliet, romeo = friends
    again = Client(world.a, juliet.user).login("chamber")
    again.send("<presence/>")
    seen = set()
    while str(romeo) not in seen:
        seen.add(presence(again).get("from"))
    romeo.expect(f"<presence from='{again}'/>")


def test_logout(friends):
    juliet, romeo = friends
    juliet.close()
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")


def test_unsubscribe(friends):
    juliet, romeo = friends
    juliet.send(f"<presence to='{romeo.bare}' type='unsubscribe'/>")
    quiet(juliet, romeo)
    assert item_of(juliet, romeo).get("subscription") == "from"
    assert item_of(romeo, juliet).get("subscription") == "to"


def test_server_gone(world, friends):
    """Lost for good: its users are not there any more."""
    juliet, romeo = friends
    world.b.kill()
    gone = presence(juliet)
    assert gone.get("type") == "unavailable" and gone.get("from") == romeo.bare
    world.b.start()


def test_server_stops(world, friends):
    """It says goodbye for its users itself."""
    juliet, romeo = friends
    world.b.stop()
    gone = presence(juliet)
    assert gone.get("type") == "unavailable" and gone.get("from") == str(romeo)
