# SPDX-License-Identifier: MIT
"""linnetctl s2s list and close."""

import json

import pytest
from kit.federation import World


@pytest.fixture(scope="module")
def world(authority):
    world = World(authority, s2s={"tls": "optional", "trust": "dialback"})
    world.a = world.server("a.example")
    world.b = world.server("b.example")
    world.held = world.rogue("held.example")
    world.start()
    yield world
    world.stop()


def listed(server, *domain):
    rows = json.loads(server.ctl("--json", "s2s", "list", *domain).stdout)
    return rows["rows"] if isinstance(rows, dict) else rows


def test_list_and_close(world):
    juliet, romeo = world.a.client("juliet", "balcony"), world.b.client("romeo", "orchard")
    romeo.online()
    juliet.send(f"<message to='{romeo}' type='chat'><body>1</body></message>")
    romeo.expect("<message><body>1</body></message>")
    out = [row for row in listed(world.a, "b.example") if row["direction"] == "out"]
    assert len(out) == 1
    assert out[0]["local"] == "a.example" and out[0]["remote"] == "b.example"
    assert out[0]["state"] == "up" and out[0]["auth"] == "certificate"
    assert out[0]["tls"] == "TLSv1.3" and out[0]["cipher"] and out[0]["waiting"] == 0
    into = [row for row in listed(world.b, "a.example") if row["direction"] == "in"]
    assert any(row["state"] == "up" and row["pairs"] == 1 for row in into)
    world.a.ctl("s2s", "close", "b.example")
    juliet.send(f"<message to='{romeo}' type='chat'><body>2</body></message>")
    romeo.expect("<message><body>2</body></message>")


def test_waiting(world):
    juliet = world.a.client("juliet", "balcony")
    juliet.send("<message to='r@held.example' type='chat'><body>1</body></message>")
    world.held.accept()
    row, = listed(world.a, "held.example")
    assert row["waiting"] == 1 and row["state"] != "up"


def test_no_domain(world):
    assert "no domain" in world.a.ctl("s2s", "close", "@", check=False).stderr
