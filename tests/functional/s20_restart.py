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
    peer.expect("<message id='1'><body>Hello</body></message>")


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
