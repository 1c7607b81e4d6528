# SPDX-License-Identifier: MIT
"""Counting, asking and answering, both ways (XEP-0198 §4)."""

import socket

import pytest
from kit import Client, deviates, only_linnet
from kit.client import NS_SM

CONFIG = {"modules": {"offline": {}}}
PING = "<ping xmlns='urn:xmpp:ping'/>"


def test_zero_at_first(juliet):
    juliet.enable()
    assert juliet.request_ack() == 0


def test_all_stanzas_count_and_nothing_else(juliet, romeo):
    """Messages, presence, requests and answers; not <r/>, <a/> or white space."""
    romeo.online()
    juliet.enable()
    juliet.send(f"<message to='{romeo}'/>")
    assert juliet.request_ack() == 1
    juliet.send("<presence/>")
    juliet.expect("<presence/>")
    assert juliet.request_ack() == 2
    juliet.get(PING, juliet.domain)
    assert juliet.request_ack() == 3
    juliet.send("<iq type='result' id='nobody-asked'/>")
    juliet.send(" \n ")
    juliet.ack()
    assert juliet.request_ack() == 4
    assert juliet.request_ack() == 4


@pytest.mark.parametrize("stanza", [
    "<message to='@@@'/>", "<message to='nobody-at-all@capulet.example'/>",
    "<iq type='get' id='1'><unknown xmlns='urn:example'/></iq>", "<iq type='get' id='1'/>",
    "<presence type='nonsense'/>", "<message type='error'/>",
    "<message to='romeo@verona.example'><body>far away</body></message>",
], ids=["malformed", "nobody", "unknown", "bad", "presence", "error", "remote"])
@deviates("prosody", "no s2s: some are lost")
def test_refused_stanzas_count(juliet, stanza):
    juliet.enable()
    juliet.send(stanza)
    assert juliet.request_ack() == 1


def test_before_enabled_does_not_count(juliet):
    juliet.online()
    juliet.sync()
    juliet.enable()
    assert juliet.request_ack() == 0


@only_linnet("waits longer")
def test_stored_messages_count(juliet, server):
    """What is stored is on disk when it is acknowledged; that takes no second."""
    juliet.enable()
    offline = server.user("romeo")
    for n in range(20):
        juliet.send(f"<message to='{offline.jid}' type='chat' id='m{n}'><body>{n}</body></message>")
    while juliet.request_ack() < 20:
        pass
    assert juliet.acked == 20


def test_many_requests(juliet, romeo):
    """Every <r/> is answered, in order, and h never falls; requests in between may share one."""
    juliet.enable()
    for n in range(50):
        juliet.send(f"<message to='{romeo}' id='m{n}'/><r xmlns='{NS_SM}'/>")
    seen = []
    while not seen or seen[-1] < 50:
        kind, element = juliet.event(raw=True)
        assert element.tag == f"{{{NS_SM}}}a"
        seen.append(int(element.get("h")))
    assert seen == sorted(seen) and seen[-1] == 50


def test_server_asks(juliet, romeo):
    """Without asking it would have to keep everything for ever."""
    romeo.enable()
    romeo.answers_r = False
    romeo.online()
    for n in range(60):
        juliet.send(f"<message to='{romeo}' id='m{n}'><body>{n}</body></message>")
    seen, asked = 0, False
    while seen < 60 or not asked:
        _, element = romeo.event()
        if element.tag == f"{{{NS_SM}}}r":
            asked = True
        else:
            seen += 1


def test_client_may_acknowledge_unasked(juliet, romeo):
    romeo.enable()
    for n in range(30):
        juliet.send(f"<message to='{romeo}' id='m{n}'/>")
        romeo.expect(f"<message id='m{n}'/>")
        romeo.ack()
    romeo.ack()         # twice the same is nothing
    romeo.sync()


@pytest.mark.parametrize("more", [1, 10, 2**31, 2**32 - 10])
@deviates("prosody", "only warns")
def test_handled_count_too_high(juliet, romeo, more):
    """§7: you acknowledged more than you were sent."""
    romeo.enable()
    juliet.send(f"<message to='{romeo}' id='m'/>")
    romeo.expect("<message id='m'/>")
    romeo.ack((romeo.handled + more) % 2**32)
    error = romeo.expect_stream_error("undefined-condition")
    assert error.find(f"{{{NS_SM}}}handled-count-too-high") is not None


@pytest.mark.parametrize("h", ["", "x", "-1", "4294967296", "1.5", " 0 0"])
@deviates("prosody", "lenient")
def test_bad_h(juliet, h):
    juliet.enable()
    juliet.send(f"<a xmlns='{NS_SM}' h='{h}'/>")
    kind, got = juliet.event(raw=True)
    assert kind == "element"
    assert got.tag in (f"{{{NS_SM}}}failed", "{http://etherx.jabber.org/streams}error")


@deviates("prosody", "lenient")
def test_no_h(juliet):
    juliet.enable()
    juliet.send(f"<a xmlns='{NS_SM}'/>")
    kind, got = juliet.event(raw=True)
    assert got.tag in (f"{{{NS_SM}}}failed", "{http://etherx.jabber.org/streams}error")


@only_linnet("the limit is an option of ours")
def test_too_much_unacknowledged(servers):
    """A client that is away and never comes back does not fill our memory."""
    server = servers({"stream-management": {"queue": 50}})
    juliet = server.client("juliet")
    mute = server.client("romeo", "orchard").online()
    mute.enable(resume=True)
    mute.sock.shutdown(socket.SHUT_WR)
    mute.expect_closed()                # the server has noticed
    for n in range(60):
        juliet.send(f"<message to='{mute}' id='m{n}' type='headline'><body>x</body></message>")
    ident = juliet.iq("get", PING, server.host)
    while juliet.next().get("id") != ident:
        pass
    late = Client(server, mute.user).negotiate()
    late.send(f"<resume xmlns='{NS_SM}' previd='{mute.sm_id}' h='0'/>")
    late.expect(f"<failed xmlns='{NS_SM}'/>")
