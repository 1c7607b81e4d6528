# SPDX-License-Identifier: MIT
"""Bounds of a stream: each is refused with policy-violation, while it is being read."""

import time

import pytest
from conftest import one_server
from kit import Client, only_linnet

pytestmark = only_linnet("limits of our own")


def deep(levels):
    return "<a>" * levels + "</a>" * levels


TOO_MUCH = {
    "depth": "<message>" + deep(110) + "</message>",
    "attributes": "<message " + " ".join(f"a{n}='1'" for n in range(70)) + "/>",
    "attributes-of-child": "<message><x " + " ".join(f"a{n}='1'" for n in range(70))
                           + "/></message>",
    "children": "<message>" + "<a/>" * 10010 + "</message>",
    "tag": "<message id='" + "x" * 17000 + "'/>",
    "unfinished-tag": "<message id='" + "x" * 40000,
    "stanza": "<message><body>" + "x" * (257 * 1024) + "</body></message>",
    "unfinished-stanza": "<message><body>" + "x" * (600 * 1024),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_after_login(server, name):
    juliet = server.client("juliet")
    juliet.send_quietly(TOO_MUCH[name].encode())
    juliet.expect_stream_error("policy-violation")


BEFORE = {
    "depth": "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + deep(110) + "</auth>",
    "attributes": "<auth " + " ".join(f"a{n}='1'" for n in range(70)) + "/>",
    "stanza": "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
              + "x" * (17 * 1024) + "</auth>",
    "unfinished-tag": "<auth id='" + "x" * 40000,
    "unfinished-stanza": "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + "x" * 400000,
}


@pytest.mark.parametrize("name", BEFORE)
def test_before_login(wire_, name):
    wire_.open("capulet.example")
    wire_.send_quietly(BEFORE[name].encode())
    wire_.expect_stream_error("policy-violation")


@pytest.mark.parametrize("start", [
    "<?xml version='1.0'?><stream:stream to='" + "x" * 400000,
    "<?xml version='1.0'?><stream:stream " + "a" * 400000,
    "<?xml version='1.0'?>" + " " * 400000,
    "<?xml version='1.0' " + " " * 400000,
    " " * 400000,
], ids=["value", "name", "space", "declaration", "only-space"])
def test_endless_header(wire_, start):
    wire_.send_quietly(start.encode())
    wire_.expect_stream_error("policy-violation", "not-well-formed")


@pytest.mark.parametrize("body", [9_000, 200_000])
def test_what_must_pass(juliet, romeo, body):
    """§13.12: at least 10,000 bytes; ours is 256 KiB."""
    text = "x" * body
    juliet.send(f"<message to='{romeo}'><body>{text}</body></message>")
    romeo.expect(f"<message><body>{text}</body></message>")


def test_wide_and_deep_but_allowed(juliet, romeo):
    juliet.send(f"<message to='{romeo}' id='wide'>{deep(90)}" + "<a/>" * 1000 + "</message>")
    romeo.expect("<message id='wide'/>")


def test_a_limit_of_ones_own(servers):
    small = servers({"limits": {"stanza": "20k"}})
    juliet = small.client("juliet")
    juliet.send(f"<message to='{juliet}' id='m'><body>{'x' * 15000}</body></message>")
    juliet.expect("<message id='m'/>")
    juliet.send_quietly(f"<message><body>{'x' * 30000}</body></message>".encode())
    juliet.expect_stream_error("policy-violation")


@pytest.mark.parametrize("how_far", ["nothing", "header", "challenge", "features"])
def test_time_to_log_in(hasty, how_far):
    slow = Client(hasty, hasty.user("juliet"))
    if how_far != "nothing":
        slow.features = slow.open(slow.domain)
    if how_far == "challenge":
        slow.auth("SCRAM-SHA-1", b"n,,n=juliet,r=abcdefgh")
        slow.challenge()
    if how_far == "features":
        slow.authenticate()
    slow.expect_stream_error("connection-timeout")


@pytest.fixture(scope="module")
def hasty(request, authority):
    """A server that waits a second for a login."""
    yield from one_server(request, authority, {"limits": {"time-to-log-in": "1s"}})


def test_who_has_logged_in_may_wait(hasty):
    """... while another one times out."""
    juliet = hasty.client("juliet").online()
    hasty.wire().expect_stream_error("connection-timeout")
    juliet.sync()


def test_rate(servers):
    """Who sends more than his share is slowed, and nothing is lost; others are not."""
    slow = servers({"limits": {"c2s-rate": "20k"}})
    juliet, romeo = slow.client("juliet"), slow.client("romeo").online()
    began = time.monotonic()
    for n in range(240):
        juliet.send(f"<message to='{romeo}' id='m{n}'><body>{'x' * 1000}</body></message>")
    for n in range(240):
        romeo.expect(f"<message id='m{n}'/>")
    assert time.monotonic() - began > 1, "240 KB at 20 KB a second, after a burst of 200"


@only_linnet("options of ours")
def test_connections_of_one_address(servers):
    """limits.connections-per-address: before login; who has logged in is not counted any more."""
    server = servers({"limits": {"connections-per-address": 3}})
    server.client("romeo")      # behind the kit's own try of the port
    for _ in range(2):
        server.wire().open(server.host)
    juliet = server.client("juliet")
    server.wire().open(server.host)
    server.wire().expect_stream_error("policy-violation")
    juliet.sync()
