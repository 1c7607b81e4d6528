# SPDX-License-Identifier: MIT
"""How streams end, idle, and live beside each other (RFC 6120 §4.4, §4.6, §4.7.4)."""

import socket

import pytest
from kit import Client, Wire, deviates, needs_linnet, only_linnet
from kit.match import XML_LANG


def test_client_closes(juliet):
    """§4.4: the other side closes its direction too."""
    juliet.send("</stream:stream>")
    juliet.expect_end()


def test_closed_before_login(wire_):
    wire_.open("capulet.example")
    wire_.send("</stream:stream>")
    wire_.expect_end()


def test_what_was_sent_before_the_close_is_done(juliet, romeo):
    romeo.online()
    for n in range(50):
        juliet.send(f"<message to='{romeo}' id='m{n}'><body>{n}</body></message>")
    juliet.send("</stream:stream>")
    for n in range(50):
        romeo.expect(f"<message id='m{n}'/>")
    juliet.expect_end()


def test_what_was_due_before_the_close_comes(juliet):
    """Answers to requests sent before the close come before the end."""
    for n in range(10):
        juliet.send(f"<iq type='get' id='p{n}'><query xmlns='urn:example:unknown'/></iq>")
    juliet.send("</stream:stream>")
    for n in range(10):
        juliet.expect(f"<iq type='error' id='p{n}'/>")
    juliet.expect_end()


def test_half_close(juliet):
    """Whoever shuts his side of TCP is gone."""
    juliet.sock.shutdown(socket.SHUT_WR)
    juliet.expect_closed()


@pytest.mark.parametrize("how", ["close", "abort"])
def test_gone_is_unavailable(server, how):
    """RFC 6121 §4.5.3: an end without goodbye is one for the contacts all the same."""
    romeo = server.client("romeo", "orchard")
    watcher = romeo.another("watch").online()
    romeo.online()
    watcher.expect(f"<presence from='{romeo}' type='!'/>")
    romeo.expect(f"<presence from='{watcher}'/>")
    getattr(romeo, how)()
    watcher.expect(f"<presence from='{romeo}' type='unavailable'/>")


def test_white_space_keeps_alive(juliet, romeo):
    """§4.6.1: white space between stanzas is nothing."""
    for space in (" ", "\n", " \t\r\n", " " * 1000):
        juliet.send(space)
    juliet.send(f" <message to='{romeo}' id='after'/> ")
    romeo.expect("<message id='after'/>")


def test_ipv6(server):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    user = server.user("juliet")
    juliet = Client(server, user, connect=False)
    juliet.address = ("::1", server.ports["c2s"])
    juliet.connect().login("six").online()
    again = Wire(("::1", server.ports["c2s"]))
    again.open("capulet.example")


def speaking(server, lang):
    juliet = Client(server, server.user("juliet"))
    juliet.features = juliet.open(juliet.domain, lang=lang)
    assert juliet.header.get(XML_LANG) in (lang, "en")
    assert juliet.scram("SCRAM-SHA-1")
    juliet.next()
    juliet.restart()
    juliet.open(juliet.domain, lang=lang)
    return juliet.bind()


@only_linnet("adds none")
def test_language_that_is_none(server, romeo):
    """A long one would be added to every stanza."""
    juliet = speaking(server, "x" * 100)
    romeo.online()
    juliet.send(f"<message to='{romeo}' id='1'><body>Hm</body></message>")
    assert romeo.expect("<message id='1'/>").get(XML_LANG) is None


def test_language_of_the_stream(server, romeo):
    """RFC 6120 §8.1.5: a stanza without xml:lang has that of its stream."""
    juliet = speaking(server, "de")
    romeo.online()
    juliet.send(f"<message to='{romeo}' id='1'><body>Guten Abend</body></message>")
    got = romeo.expect("<message id='1'/>")
    needs_linnet("adds none")
    assert got.get(XML_LANG) == "de"


def test_language_of_the_stanza(juliet, romeo):
    """What is there is not touched."""
    romeo.online()
    juliet.send(f"<message to='{romeo}' xml:lang='cs'><body>Dobrý večer</body>"
                "<body xml:lang='fr'>Bonsoir</body></message>")
    romeo.expect("<message xml:lang='cs'><body>Dobrý večer</body>"
                 "<body xml:lang='fr'>Bonsoir</body></message>")


def test_many_streams_at_once(server):
    everyone = [server.client("page").online() for _ in range(10)]
    for sender in everyone:
        for other in everyone:
            if other is not sender:
                sender.send(f"<message to='{other}'><body>{sender.local}</body></message>")
    for receiver in everyone:
        senders = {receiver.expect("<message/>").get("from") for _ in range(9)}
        assert senders == {str(other) for other in everyone if other is not receiver}


@deviates("prosody", "no stream error on SIGTERM in the foreground")
def test_shutdown(servers):
    """§4.9.3.20: who is connected is told; who is half-way too."""
    ours = servers()
    juliet = ours.client("juliet").online()
    stranger = ours.wire()
    stranger.open("capulet.example")
    ours.stop()
    juliet.expect_stream_error("system-shutdown")
    stranger.expect_stream_error("system-shutdown")
