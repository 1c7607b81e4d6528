# SPDX-License-Identifier: MIT
"""Which mechanisms are offered where, and that each works (RFC 6120 §6.3, §6.4)."""

import ssl

import pytest
from kit import Client, deviates, needs_linnet, only_linnet, sasl

PLUS = ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS")
SCRAM = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")


def stranger(server, tls=False, keylog=None, version=None):
    one = Client(server, server.user("juliet"))
    one.features = one.open(one.domain)
    if tls:
        one.starttls(server.tls(keylog=keylog, maximum=version))
    return one


def test_in_the_clear(server):
    """PLAIN only under TLS (§13.8.3); nothing can be bound to where there is no TLS."""
    offered = stranger(server).mechanisms()
    assert "SCRAM-SHA-1" in offered
    assert "PLAIN" not in offered
    assert not set(PLUS) & set(offered)


@deviates("prosody", "fewer mechanisms")
def test_under_tls(server):
    offered = stranger(server, tls=True).mechanisms()
    assert set(offered) >= {"PLAIN", *SCRAM, *PLUS}
    assert len(offered) == len(set(offered))
    assert offered.index("PLAIN") == max(map(offered.index, ("PLAIN", *SCRAM, *PLUS))), \
        "preferred ones first (§6.3.3)"


@only_linnet("XEP-0440")
def test_channel_binding_types(server):
    """XEP-0440: the types are announced."""
    found = stranger(server, tls=True).features.find("{urn:xmpp:sasl-cb:0}sasl-channel-binding")
    types = {t.get("type") for t in found}
    assert types == {"tls-exporter", "tls-server-end-point"}


@pytest.mark.parametrize("mechanism", SCRAM)
@pytest.mark.parametrize("tls", [None, "starttls"])
def test_scram(server, mechanism, tls):
    if mechanism == "SCRAM-SHA-512":
        needs_linnet("no SHA-512")
    Client(server, server.user("juliet")).login("a", mechanism, tls).online()


def test_plain(server):
    Client(server, server.user("juliet")).login("a", "PLAIN", "starttls").online()


@pytest.mark.parametrize("mechanism", PLUS)
@pytest.mark.parametrize("binding", ["exporter", "end-point"])
@only_linnet("-PLUS")
def test_plus(server, tmp_path, mechanism, binding):
    keylog = tmp_path / "keys"
    juliet = stranger(server, tls=True, keylog=keylog)
    cb = (sasl.exporter(juliet.sock, keylog) if binding == "exporter"
          else sasl.end_point(juliet.sock))
    juliet.authenticate(mechanism, cb)
    juliet.bind().online()


@only_linnet("-PLUS")
def test_end_point_in_tls_1_2(server):
    juliet = stranger(server, tls=True, version=ssl.TLSVersion.TLSv1_2)
    juliet.authenticate("SCRAM-SHA-256-PLUS", sasl.end_point(juliet.sock))


@pytest.mark.parametrize("password", ["pencil", "päßwörd", "with space", " ", "=,=2C", "p" * 500,
                                      "☃ and 𝄞", "quote'\"<&>"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_passwords(server, mechanism, password):
    if any(c in password for c in "'\"ß☃") or password == " ":
        needs_linnet("written otherwise, prepared otherwise")
    user = server.user("juliet", password=password)
    Client(server, user).login("a", mechanism, "starttls")


@pytest.mark.parametrize("typed, stored", [("Juliet.C", "juliet.c"), ("JULIETÄ", "julietä")])
@only_linnet("RFC 8265 names")
def test_names_are_prepared(server, typed, stored):
    """RFC 7622 §3.3: localparts are case-mapped before they are compared."""
    user = server.user(stored, numbered=False)
    juliet = Client(server, user._replace(local=typed)).login("a", "PLAIN", "starttls")
    assert juliet.bare == f"{stored}@{server.host}"
    Client(server, user._replace(local=typed)).login("b", "SCRAM-SHA-1")


def test_success_restarts_the_stream(server):
    """§6.4.6: a new stream, with bind among its features and no mechanisms."""
    juliet = stranger(server)
    before = juliet.header.get("id")
    juliet.authenticate()
    assert juliet.header.get("id") != before
    assert juliet.mechanisms() == []
    assert juliet.features.find("{urn:ietf:params:xml:ns:xmpp-bind}bind") is not None


@only_linnet("unclear elsewhere")
def test_header_right_behind_the_last_response(server):
    """A client may send its new header together with its last answer."""
    juliet = stranger(server)
    state = sasl.Scram("SCRAM-SHA-1", juliet.local, juliet.password)
    juliet.auth("SCRAM-SHA-1", state.first())
    final = sasl.b64(state.final(juliet.challenge()))
    juliet.send(f"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{final}</response>"
                "<?xml version='1.0'?><stream:stream to='capulet.example' version='1.0' "
                "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
    came = b""
    while b"</stream:features>" not in came:
        data = juliet.sock.recv(4096)
        assert data, came
        came += data
    assert came.index(b"<success") < came.index(b"<stream:stream") < came.index(b"bind")

