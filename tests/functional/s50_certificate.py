# SPDX-License-Identifier: MIT
"""Certificates: SASL EXTERNAL both ways (XEP-0178), STARTTLS and direct TLS, wrong ones."""

import base64

import pytest
from kit.authority import Authority
from kit.federation import (NS_DB, STANZAS, World, chat, expect_returned, incident,
                            juliet)

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
EXTERNAL = f"<mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms>"


@pytest.fixture(scope="module", params=["starttls", "direct"])
def pair(authority, request):
    world = World(authority)
    world.a = world.server("a.example", way=request.param)
    world.b = world.server("b.example", way=request.param)
    world.start()
    yield world
    world.stop()


@pytest.fixture(scope="module")
def world(authority, tmp_path_factory):
    """One server that believes certificates alone, one that takes dialback as well."""
    world = World(authority)
    world.a = world.server("a.example")
    world.b = world.server("b.example", config={"s2s": {"trust": "dialback"}})
    world.good = world.rogue("good.example")
    world.keyed = world.rogue("keyed.example")
    world.twice = world.rogue("twice.example", "x.twice.example",
                              certificate=authority.certificate("twice.example"))
    world.refusing = world.rogue("refusing.example")
    world.direct = world.rogue("direct.example", tls="direct")
    world.wrong = world.rogue("wrong.example",
                              certificate=authority.certificate("other.example"))
    world.signed = world.rogue("self.example", certificate=authority.self_signed(
        "self.example", folder=tmp_path_factory.mktemp("self")))
    world.expired = world.rogue("expired.example", certificate=authority.certificate(
        "expired.example", days=-1))
    world.stranger = world.rogue("stranger.example", certificate=Authority(
        tmp_path_factory.mktemp("stranger")).certificate("stranger.example"))
    world.web = world.rogue("web.example", certificate=authority.certificate(
        "web.example", more="extendedKeyUsage=serverAuth\n"))
    wild = authority.certificate("*.wild.example")
    world.wild = {name: world.rogue(name, certificate=wild)
                  for name in ("x.wild.example", "wild.example", "x.y.wild.example")}
    idn = authority.certificate("xn--bcher-kva.example")
    world.idn = {name: world.rogue(name, certificate=idn)
                 for name in ("b\u00fccher.example", "bucher.example")}
    world.start()
    yield world
    world.stop()


@pytest.fixture
def romeo(world):
    one = world.b.client("romeo", "orchard")
    one.online()
    return one


def test_both_ways(pair):
    juliet, romeo = pair.a.client("juliet", "balcony"), pair.b.client("romeo", "orchard")
    juliet.online()
    romeo.online()
    juliet.send(f"<message to='{romeo}' type='chat'><body>1</body></message>")
    romeo.expect(f"<message from='{juliet}'><body>1</body></message>")
    romeo.send(f"<message to='{juliet}' type='chat'><body>2</body></message>")
    juliet.expect(f"<message from='{romeo}'><body>2</body></message>")
    assert "dialback" not in pair.a.ctl("s2s", "list").stdout


# --- the other server's certificate ------------------------------------------------------


def test_external_out(world, juliet):
    chat(juliet, "good.example")
    peer = world.good.accept().offer_tls(features=EXTERNAL)
    auth = peer.expect(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'/>")
    assert base64.b64decode(auth.text) == b"a.example"
    peer.send(f"<success xmlns='{SASL}'/>")
    peer.restart()
    peer.header_in = peer.expect_header(from_="a.example", to="good.example")
    peer.answer(id="rogue3")
    peer.expect("<message id='m'/>")


def test_direct_tls(world, juliet):
    chat(juliet, "direct.example")
    peer = world.direct.accept_tls()
    assert peer.sock.selected_alpn_protocol() == "xmpp-server"
    peer.answer(features=EXTERNAL)
    peer.expect(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'/>")


# Certificates that prove nothing, and what the log and `check s2s` call it.
BAD = {"wrong": "is for other names", "signed": "self-signed certificate",
       "expired": "certificate has expired", "stranger": "unable to get local issuer certificate"}


@pytest.mark.parametrize("name", BAD)
def test_not_believed(world, juliet, romeo, incident, name):
    """Where certificates alone count, the stream ends; else dialback stands in."""
    rogue = getattr(world, name)
    chat(juliet, rogue.domain)
    rogue.accept().offer_tls(features=EXTERNAL).expect_stream_error("policy-violation")
    expect_returned(juliet, rogue.domain, "remote-server-timeout")
    incident(rogue.domain, "no link", BAD[name])
    chat(romeo, rogue.domain)
    rogue.accept().offer_tls().allow()


def test_certificate_refused_there(world, juliet):
    """They do not believe ours; we believe theirs: our key is another proof."""
    chat(juliet, "refusing.example")
    peer = world.refusing.accept().offer_tls(features=EXTERNAL)
    peer.expect(f"<auth xmlns='{SASL}'/>")
    peer.send(f"<failure xmlns='{SASL}'><not-authorized/></failure>")
    peer.allow()
    peer.expect("<message id='m'/>")


# --- a rogue shows its own -----------------------------------------------------------------


def connect(world, rogue, server=None, **more):
    peer = rogue.connect(server or world.a)
    peer.starttls((server or world.a).host, **more)
    return peer


def mechanisms(peer):
    return [m.text for m in peer.features.iter(f"{{{SASL}}}mechanism")]


@pytest.mark.parametrize("kind, name, good", [
    ("wild", "x.wild.example", True),
    ("wild", "wild.example", False),
    ("wild", "x.y.wild.example", False),
    ("idn", "b\u00fccher.example", True),
    ("idn", "bucher.example", False),
])
def test_names_of_certificates(world, kind, name, good):
    """A wildcard is one label and no less; an international name is A-labels there."""
    peer = connect(world, getattr(world, kind)[name])
    assert mechanisms(peer) == (["EXTERNAL"] if good else [])


@pytest.mark.parametrize("authzid", ["=", "", base64.b64encode(b"good.example").decode()])
def test_external_in(world, juliet, authzid):
    peer = connect(world, world.good)
    assert mechanisms(peer) == ["EXTERNAL"]
    peer.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{authzid}</auth>")
    if not authzid:
        peer.expect(f"<challenge xmlns='{SASL}'/>")
        peer.send(f"<response xmlns='{SASL}'>=</response>")
    peer.expect(f"<success xmlns='{SASL}'/>")
    peer.open("a.example", from_="good.example")
    assert mechanisms(peer) == []
    peer.send(f"<message from='r@good.example' to='{juliet}'><body>Hi</body></message>")
    juliet.expect("<message from='r@good.example'><body>Hi</body></message>")


def test_certificates_for_servers_alone(world):
    """Public authorities issue no other any more: it is good for who connects, too."""
    assert mechanisms(connect(world, world.web)) == ["EXTERNAL"]


@pytest.mark.parametrize("authzid, condition", [
    (base64.b64encode(b"other.example").decode(), "invalid-authzid"),
    ("?", "incorrect-encoding"),
])
def test_external_for_others(world, authzid, condition):
    peer = connect(world, world.good)
    peer.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{authzid}</auth>")
    peer.expect(f"<failure xmlns='{SASL}'><{condition}/></failure>")


def test_five_tries(world):
    """RFC 6120 §6.4.5: so many, and the stream ends."""
    peer = connect(world, world.good)
    for _ in range(5):
        peer.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>?</auth>")
        peer.expect(f"<failure xmlns='{SASL}'><incorrect-encoding/></failure>")
    peer.expect_stream_error("policy-violation")


@pytest.mark.parametrize("name", BAD)
def test_not_offered(world, incident, name):
    rogue = getattr(world, name)
    peer = connect(world, rogue)
    assert mechanisms(peer) == []
    peer.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
    peer.expect(f"<failure xmlns='{SASL}'><invalid-mechanism/></failure>")
    peer.ask("a.example")
    result = peer.expect_result("error", "a.example")
    assert result.find(f".//{{{STANZAS}}}not-authorized") is not None
    incident(rogue.domain, "", count=2)     # what it tried first, and this


def test_without_certificate(world):
    peer = connect(world, world.keyed, certificate=False)
    assert mechanisms(peer) == []


def test_dialback_over_tls(world, romeo):
    """Without a certificate that proves it, by being called back."""
    peer = connect(world, world.keyed, world.b, certificate=False)
    peer.ask("b.example")
    back = world.keyed.accept().offer_tls()
    back.verify()
    peer.expect_result("valid", "b.example")
    peer.send(f"<message from='r@keyed.example' to='{romeo}'><body>Hi</body></message>")
    romeo.expect("<message from='r@keyed.example'><body>Hi</body></message>")


def test_key_with_certificate(world):
    """A good certificate makes calling back needless."""
    peer = connect(world, world.good, world.b)
    peer.ask("b.example", key="whatever")
    peer.expect_result("valid", "b.example")


def test_in_the_clear(world, juliet):
    """Nothing is proven without TLS where TLS is required."""
    peer = world.good.connect(world.b)
    assert peer.features.find(".//{urn:ietf:params:xml:ns:xmpp-tls}required") is not None
    peer.ask("b.example")
    result = peer.expect_result("error", "b.example")
    assert result.find(f".//{{{STANZAS}}}policy-violation") is not None


@pytest.mark.parametrize("from_, to, condition", [
    ("other.example", "a.example", "invalid-from"), ("good.example", "HOST2", "not-authorized")])
def test_header_changes_behind_sasl(world, from_, to, condition):
    to = to.replace("HOST2", world.a.host2)
    peer = connect(world, world.good)
    peer.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
    peer.expect(f"<success xmlns='{SASL}'/>")
    peer.restart()
    peer.send(f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' to='{to}' "
              f"from='{from_}' version='1.0' "
              "xmlns:stream='http://etherx.jabber.org/streams'>")
    peer.expect_stream_error(condition)


def test_keys_of_the_stream_before_sasl(world):
    """The stream begins anew behind SASL: what is said of an earlier key proves nothing any more."""
    peer = connect(world, world.twice, world.b)
    peer.ask("b.example", domain="x.twice.example")
    back = world.twice.accept().offer_tls()
    verify = f"<verify xmlns='{NS_DB}'/>"
    asked = [back.expect(verify)]
    peer.send(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>=</auth>")
    peer.expect(f"<success xmlns='{SASL}'/>")
    peer.open("b.example", from_="twice.example")
    peer.ask("b.example", key="0" * 64, domain="x.twice.example")
    asked.append(back.expect(verify))
    for one, type in zip(asked, ("valid", "invalid")):
        back.send(f"<db:verify from='{one.get('to')}' to='{one.get('from')}' "
                  f"id='{one.get('id')}' type='{type}'/>")
    peer.expect_result("invalid", "b.example", domain="x.twice.example")


def test_starttls_pipelined(world, juliet):
    """What comes behind <starttls/> in the clear is thrown away (RFC 6120 §5.4.3.3)."""
    peer = world.good.connect(world.b)
    peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
              "<db:result from='good.example' to='b.example'>x</db:result>")
    peer.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    peer.start_tls(world.good.context(), "b.example")
    peer.open("b.example", from_="good.example")
    peer.ask("b.example")
    peer.expect_result("valid", "b.example")

