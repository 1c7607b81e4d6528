# SPDX-License-Identifier: MIT
"""Nothing is processed out of turn: not before SASL, not before binding (RFC 6120 §4.9.3.12, §7)."""

import pytest
from kit import Client, deviates

STANZAS = {
    "message": "<message to='juliet@capulet.example'><body>too early</body></message>",
    "presence": "<presence/>",
    "iq": "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
    "bind": "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
}


@pytest.mark.parametrize("name", STANZAS)
@deviates("prosody", "closes with other conditions")
def test_before_sasl(wire_, name):
    wire_.open("capulet.example")
    wire_.send(STANZAS[name])
    wire_.expect_stream_error("not-authorized")


@pytest.mark.parametrize("name", ["message", "presence", "iq"])
@deviates("prosody", "answers with a stanza error")
def test_before_bind(server, name):
    early = Client(server, server.user("juliet")).negotiate()
    early.send(STANZAS[name])
    early.expect_stream_error("not-authorized")


@pytest.mark.parametrize("element, conditions", [
    ("<foo/>", ["unsupported-stanza-type", "not-authorized"]),
    ("<foo xmlns='urn:example'/>", ["unsupported-stanza-type", "not-authorized"]),
    ("<stream:features/>", ["unsupported-stanza-type", "not-authorized"]),
], ids=["client", "foreign", "features"])
@deviates("prosody", "other conditions")
def test_unknown_element_before_sasl(wire_, element, conditions):
    wire_.open("capulet.example")
    wire_.send(element)
    wire_.expect_stream_error(*conditions)


@pytest.mark.parametrize("element, conditions", [
    ("<foo/>", ["unsupported-stanza-type"]),
    ("<foo xmlns='urn:example'/>", ["unsupported-stanza-type"]),
    ("<Message/>", ["unsupported-stanza-type"]),
    ("<message xmlns='urn:example'/>", ["unsupported-stanza-type", "invalid-namespace"]),
    ("<message xmlns='jabber:server'/>", ["invalid-namespace", "unsupported-stanza-type"]),
    ("<stream:features/>", ["unsupported-stanza-type"]),
], ids=["client", "foreign", "case", "other-namespace", "server-namespace", "features"])
@deviates("prosody", "ignores some")
def test_unknown_element_after_login(juliet, element, conditions):
    juliet.send(element)
    juliet.expect_stream_error(*conditions)


def test_error_from_the_peer_ends_the_stream(juliet):
    """§4.9.1.1: errors are unrecoverable; the other side closes too."""
    juliet.send("<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                "</stream:error>")
    juliet.send_quietly(b"</stream:stream>")
    juliet.expect_end()


def test_error_from_the_peer_before_login(wire_):
    wire_.open("capulet.example")
    wire_.send("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
               "</stream:stream>")
    wire_.expect_end()
