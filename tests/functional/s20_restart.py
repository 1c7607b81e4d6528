# SPDX-License-Identifier: MIT
"""Servers that are killed and come back."""

import pytest
from kit import Client
from kit.federation import World


@pytest.fixture
def world(authority):
    world = World(authority, s2s={"tls": "optional", "trust": "dialback"})
    world.a, world.b = world.server("a.example"), world.server("b.example")
    world.held = world.rogue("held.example")
    world.start()
    yield world
    world.stop()


def test_kept_over_a_crash(world):
    """A message that waits for another server is on disk before it is acknowledged."""
    juliet = world.a.client("juliet", "balcony")
    juliet.enable()
    juliet.send("<message to='r@held.example' type='chat' id='1'><body>Hello</body></message>")
    peer = world.held.answer()
    peer.expect("<result xmlns='jabber:server:dialback'/>")
    assert juliet.request_ack() == 1
    world.a.kill()
    peer.abort()
    world.a.start()
    peer = world.held.answer()
    peer.allow()
    peer.expect("<message id='1'><body>Hello</body>"
                "<delay xmlns='urn:xmpp:delay' from='a.example' stamp='*'/></message>")


def test_other_server_restarts(world):
    """Chat goes on without anybody logging in again."""
    juliet, romeo = world.a.client("juliet", "balcony"), world.b.client("romeo", "orchard")
    romeo.online()
    juliet.send(f"<message to='{romeo}' type='chat'><body>1</body></message>")
    romeo.expect("<message><body>1</body></message>")
    world.b.kill()
    world.b.start()
    again = Client(world.b, romeo.user).login("orchard")
    again.online()
    for attempt in range(20):
        juliet.send(f"<message to='{romeo}' type='chat'><body>2</body></message>")
        try:
            again.expect("<message><body>2</body></message>", timeout=1)
            break
        except AssertionError:
            continue
    else:
        pytest.fail("no message came through")


def bodies(client, until, timeout=None):
    """What came up to the message with the body `until`: chat bodies, and ids of errors."""
    got, errors = set(), set()
    while True:
        element = client.next(timeout)
        if not element.tag.endswith("}message"):
            continue
        if element.get("type") == "error":
            errors.add(element.get("id"))
            continue
        body = element.findtext("{jabber:client}body")
        if body == until:
            return got, errors
        got.add(body)


@pytest.mark.parametrize("victim", ["a", "b"])
def test_killed_under_load(world, victim):
    """What was acknowledged arrives, perhaps twice, or its sender is told."""
    juliet, romeo = world.a.client("juliet", "balcony"), world.b.client("romeo", "orchard")
    juliet.online()
    romeo.online()
    juliet.enable(resume=True)
    for i in range(300):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='{i}'><body>{i}</body></message>")
        if i == 150:
            handled = juliet.request_ack()
            getattr(world, victim).kill()
            if victim == "a":
                break
    first = set()
    try:
        while True:
            element = romeo.next(timeout=0.5)
            if element.tag.endswith("}message"):
                first.add(element.findtext("{jabber:client}body"))
    except AssertionError:
        pass
    getattr(world, victim).start()
    if victim == "a":
        juliet = Client(world.a, juliet.user).login("balcony")
        juliet.online()
        again = romeo
    else:
        again = Client(world.b, romeo.user).login("orchard")
        again.online()
    later, returned = set(), set()
    for attempt in range(30):
        juliet.send(f"<message to='{again}' type='chat' id='last'><body>last</body></message>")
        try:
            got, _ = bodies(again, "last", timeout=1)
            later |= got
            break
        except AssertionError:
            continue
    else:
        pytest.fail("no message came through")
    juliet.send(f"<message to='{juliet}' type='chat' id='own'><body>own</body></message>")
    _, returned = bodies(juliet, "own")
    missing = {str(i) for i in range(handled)} - first - later - returned
    assert not missing, f"{len(missing)} of {handled}: {sorted(missing)[:20]}"
