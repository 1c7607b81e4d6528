# SPDX-License-Identifier: MIT
"""Servers that send too much, read nothing, say nothing, or are many."""

import json
import time

import pytest
from kit import Unexpected
from kit.federation import (STANZAS, World, chat, expect_returned, incident,  # noqa: F401
                            juliet, prove)

SM = "urn:xmpp:sm:3"


@pytest.fixture(scope="module")
def world(authority):
    world = World(authority, s2s={"tls": "optional", "trust": "dialback", "stanza": "20k",
                                  "dead-after": "5s", "idle": "12s",
                                  "deny": ["denied.example"]},
                  config={"limits": {"time-to-log-in": "2s", "s2s-rate": "off"}})
    world.a = world.server("a.example")
    for name in ("big", "dumb", "half", "idle", "denied", "probes", "deep", "slow", "late", "many"):
        setattr(world, name, world.rogue(f"{name}.example"))
    world.start()
    yield world
    world.stop()


def test_stanza_size(world, juliet, incident):
    """s2s.stanza, once something is proven."""
    peer = prove(world, world.big)
    peer.send(f"<message from='r@big.example' to='{juliet}'><body>{'x' * 19000}</body></message>")
    juliet.expect("<message from='r@big.example'/>")
    peer.send_quietly(b"<message from='r@big.example' to='%s'><body>%s</body></message>"
                      % (str(juliet).encode(), b"x" * 30000))
    peer.expect_stream_error("policy-violation")
    incident("big.example", "stream was ended", "too many bytes")


def test_size_before(world, incident):
    """Little before that."""
    peer = world.big.connect(world.a)
    peer.send_quietly(b"<db:result from='big.example' to='a.example'>" + b"x" * 17000)
    peer.expect_stream_error("policy-violation")
    incident("big.example", "stream was ended", "too many bytes")


def test_bytes_before(world):
    """And not much altogether."""
    peer = world.many.connect(world.a)
    one = b"<db:verify from='many.example' to='a.example' id='x'>%s</db:verify>" % (b"k" * 8000)
    for _ in range(60):
        peer.send_quietly(one)
    peer.expect_stream_error("policy-violation")


def test_nothing_proven_in_time(world, incident):
    peer = world.late.connect(world.a)
    peer.expect_stream_error("connection-timeout")
    incident("late.example", "stream was ended", "nothing was proven in time")


def test_denied(world, juliet, incident):
    """deny: neither to it nor from it."""
    juliet.send("<message to='r@denied.example' id='1' type='chat'><body>?</body></message>")
    juliet.expect(f"<message type='error' id='1'><error><not-allowed xmlns='{STANZAS}'/></error>"
                  "</message>")
    peer = world.denied.connect(world.a)
    peer.ask("a.example")
    result = peer.expect_result("error", "a.example")
    assert result.find(f".//{{{STANZAS}}}policy-violation") is not None
    assert world.denied.silence()
    incident("denied.example", "dialback refused", "not spoken with")


def test_half_open(world, juliet, incident):
    """Acknowledges nothing: given up within dead-after, and sent again on a new stream."""
    juliet.send("<message to='r@half.example' id='1' type='chat'><body>?</body></message>")
    peer = world.half.answer(features=f"<sm xmlns='{SM}'/>")
    peer.allow()
    peer.expect(f"<enable xmlns='{SM}'/>")
    peer.send(f"<enabled xmlns='{SM}'/>")
    peer.expect("<message id='1'/>")
    peer.expect(f"<r xmlns='{SM}'/>")
    again = world.half.answer(timeout=15)
    again.allow()
    again.expect("<message id='1'/>")
    peer.expect_stream_error("connection-timeout")
    incident("half.example", "link ended", "no sign of life")


def test_pinged(world, juliet):
    """Without XEP-0198 by XEP-0199: an answer, by whatever stream, keeps it."""
    juliet.send("<message to='r@dumb.example' id='1' type='chat'><body>?</body></message>")
    peer = world.dumb.answer()
    peer.allow()
    peer.expect("<message id='1'/>")
    ping = peer.expect("<iq type='get' from='a.example' to='dumb.example'>"
                       "<ping xmlns='urn:xmpp:ping'/></iq>", timeout=15)
    back = world.dumb.connect(world.a)
    back.ask("a.example")
    peer.verify()
    back.expect_result("valid", "a.example")
    back.send(f"<iq type='result' from='dumb.example' to='a.example' id='{ping.get('id')}'/>")
    juliet.send("<message to='r@dumb.example' id='2' type='chat'><body>?</body></message>")
    peer.expect("<message id='2'/>")
    peer.expect("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>", timeout=15)
    peer.expect_stream_error("connection-timeout")      # this one is not answered


def test_idle(world, juliet):
    """A link that carries nothing is closed in due form."""
    juliet.send("<message to='r@idle.example' id='1' type='chat'><body>?</body></message>")
    peer = world.idle.answer(features=f"<sm xmlns='{SM}'/>")
    peer.allow()
    peer.expect(f"<enable xmlns='{SM}'/>")
    peer.send(f"<enabled xmlns='{SM}'/>")
    peer.expect("<message id='1'/>")
    until = time.monotonic() + 30
    while time.monotonic() < until:
        kind, element = peer.event(timeout=20)
        if kind == "end":
            break
        if element.tag == f"{{{SM}}}r":
            peer.send(f"<a xmlns='{SM}' h='1'/>")
    else:
        pytest.fail("it was not closed")


def test_probes(world, juliet):
    """They load accounts, so 20 a second and no more."""
    peer = prove(world, world.probes)
    peer.send("".join(f"<presence type='probe' from='r@probes.example' to='{juliet.bare}'/>"
                      for _ in range(200)))
    peer.back.allow()
    answers = 0
    try:
        while True:
            answers += peer.back.next(timeout=1).tag.endswith("presence")
    except Unexpected:
        pass
    assert 20 <= answers <= 45


def test_many_domains(world, juliet):
    """Hundreds of servers that are not there: each is told, nobody else waits."""
    for i in range(300):
        juliet.send(f"<message to='r@n{i}.invalid' id='{i}' type='chat'><body>?</body></message>")
    left = 300
    romeo = world.a.client("romeo", "orchard")
    romeo.online()
    for i in range(20):
        romeo.send(f"<message to='{romeo}' id='own{i}' type='chat'><body>!</body></message>")
        romeo.expect(f"<message id='own{i}'/>")
    while left:
        element = juliet.next(timeout=30)
        left -= element.get("type") == "error"


def test_never_reads(world, juliet, incident):
    """It neither slows local chat nor fills memory: all of it comes back in the end, and the log
    says why the stream ended and that there is no other."""
    chat(juliet, "slow.example", "first")
    peer = world.slow.answer(features=f"<sm xmlns='{SM}'/>")
    peer.allow()
    peer.expect(f"<enable xmlns='{SM}'/>")
    peer.send(f"<enabled xmlns='{SM}'/>")
    peer.expect("<message id='first'/>")
    body = "x" * 60000
    for i in range(300):
        juliet.send(f"<message to='r@slow.example' id='{i}' type='groupchat'>"
                    f"<body>{body}</body></message>")
    juliet.sync()
    listed = json.loads(world.a.ctl("--json", "s2s", "list", "slow.example").stdout)
    assert listed
    for _ in range(301):
        juliet.expect("<message type='error'><error type='wait'><remote-server-timeout "
                      f"xmlns='{STANZAS}'/></error></message>", timeout=30)
    incident("slow.example", "no link", "remote-server-timeout")
