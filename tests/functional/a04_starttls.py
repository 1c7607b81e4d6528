# SPDX-License-Identifier: MIT
"""STARTTLS, direct TLS, ALPN, SNI (RFC 6120 §5, RFC 7590, XEP-0368)."""

import ssl
import warnings

import pytest
from kit import Client, Closed, deviates, only_linnet
from kit.client import NS_SASL
from kit.sasl import b64, plain
from kit.wire import NS_TLS

CONFIG = {"c2s": {"tls": "required"}}
STARTTLS = f"<starttls xmlns='{NS_TLS}'/>"


def stranger(server):
    """A client that has read the features, and no more."""
    one = Client(server, server.user("juliet"))
    one.features = one.open(one.domain)
    return one


def test_required(server):
    """§5.3.1: where TLS is required, nothing else is offered."""
    juliet = stranger(server)
    found = {f.tag for f in juliet.features}
    assert found - {"{urn:xmpp:stream-limits:0}limits"} == {f"{{{NS_TLS}}}starttls"}
    assert juliet.features.find(f"{{{NS_TLS}}}starttls/{{{NS_TLS}}}required") is not None
    assert juliet.mechanisms() == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
@deviates("prosody", "closes the stream instead")
def test_auth_without_it(server, mechanism):
    juliet = stranger(server)
    juliet.auth(mechanism, plain(juliet.local, juliet.password))
    juliet.expect_failure("encryption-required")


@deviates("prosody", "another condition")
def test_stanza_without_it(server):
    juliet = stranger(server)
    juliet.send("<presence/>")
    juliet.expect_stream_error("not-authorized", "policy-violation")


def test_then_mechanisms(server):
    juliet = stranger(server)
    first = juliet.header.get("id")
    juliet.starttls()
    assert juliet.header.get("id") != first, "a new stream has a new id (§5.4.3.3)"
    assert juliet.features.find(f"{{{NS_TLS}}}starttls") is None
    assert "SCRAM-SHA-1" in juliet.mechanisms()
    juliet.authenticate()
    assert juliet.mechanisms() == []
    juliet.bind().online()


@deviates("prosody", "ignores it")
def test_twice(server):
    juliet = stranger(server)
    juliet.starttls()
    juliet.send(STARTTLS)
    kind, element = juliet.event()
    assert kind == "element"
    assert element.tag in (f"{{{NS_TLS}}}failure", "{http://etherx.jabber.org/streams}error")
    juliet.expect_closed()


@deviates("prosody", "CVE class: lets them through")
def test_pipelined_bytes_are_discarded(server):
    """What came in the clear behind <starttls/> must have no effect under TLS (CVE-2011-0411)."""
    juliet = stranger(server)
    injected = (f"<stream:stream to='{juliet.domain}' version='1.0' xmlns='jabber:client' "
                "xmlns:stream='http://etherx.jabber.org/streams'>"
                f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'>"
                f"{b64(plain(juliet.local, juliet.password))}</auth>")
    juliet.send(STARTTLS + injected)
    juliet.expect(f"<proceed xmlns='{NS_TLS}'/>")
    try:
        juliet.start_tls(server.tls(), juliet.domain)
        juliet.features = juliet.open(juliet.domain)
    except (ssl.SSLError, ConnectionError, Closed):
        return                              # refused altogether: as good
    assert "PLAIN" in juliet.mechanisms()   # features for one who has not authenticated
    juliet.authenticate("SCRAM-SHA-1")      # and nothing came before its challenge


@deviates("prosody", "CVE class: lets it through")
def test_stanza_pipelined(server):
    juliet = stranger(server)
    juliet.send(STARTTLS + "<iq type='get' id='injected'><ping xmlns='urn:xmpp:ping'/></iq>")
    juliet.expect(f"<proceed xmlns='{NS_TLS}'/>")
    try:
        juliet.start_tls(server.tls(), juliet.domain)
        juliet.features = juliet.open(juliet.domain)
    except (ssl.SSLError, ConnectionError, Closed):
        return
    juliet.authenticate().bind().sync()


def test_handshake_fails(server):
    """§5.4.3.2: rubbish instead of a handshake closes the connection."""
    juliet = stranger(server)
    juliet.send(STARTTLS)
    juliet.expect(f"<proceed xmlns='{NS_TLS}'/>")
    juliet.send_raw(b"this is no handshake, is it? " * 10)
    juliet.drain()


def test_old_tls_is_refused(server):
    juliet = stranger(server)
    juliet.send(STARTTLS)
    juliet.expect(f"<proceed xmlns='{NS_TLS}'/>")
    context = server.tls()
    warnings.simplefilter("ignore", DeprecationWarning)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        juliet.start_tls(context, juliet.domain)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(server, version):
    context = server.tls()
    context.minimum_version = context.maximum_version = version
    juliet = stranger(server)
    juliet.starttls(context)
    juliet.authenticate().bind()


def test_certificate(server):
    juliet = stranger(server)
    juliet.starttls()
    names = [v for k, v in juliet.sock.getpeercert()["subjectAltName"]]
    assert juliet.domain in names


@only_linnet("session tickets are our promise")
def test_tls_session_resumption(server):
    context = server.tls(maximum=ssl.TLSVersion.TLSv1_2)
    first = stranger(server)
    first.starttls(context)
    session = first.sock.session
    again = stranger(server)
    again.send(STARTTLS)
    again.expect(f"<proceed xmlns='{NS_TLS}'/>")
    again.sock = context.wrap_socket(again.sock, server_hostname=again.domain, session=session)
    assert again.sock.session_reused
    again.restart()
    again.open(again.domain)


# --- direct TLS -----------------------------------------------------------------


def direct(server, **more):
    one = Client(server, server.user("juliet"), port="c2s-tls")
    one.start_tls(server.tls(**more), one.domain)
    return one


@deviates("prosody", "no ALPN")
def test_alpn(server):
    juliet = direct(server, alpn=["xmpp-client"])
    assert juliet.sock.selected_alpn_protocol() == "xmpp-client"
    features = juliet.open(juliet.domain)
    assert features.find(f"{{{NS_TLS}}}starttls") is None


def test_without_alpn(server):
    direct(server).open("capulet.example")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
def test_direct_login(server, mechanism):
    Client(server, server.user("juliet"), port="c2s-tls").login("balcony", mechanism).online()


def test_plain_text_on_the_tls_port(server):
    wire = server.wire("c2s-tls")
    wire.send("<?xml version='1.0'?><stream:stream to='capulet.example' version='1.0'>" + " " * 500)
    wire.drain()


def test_sni_chooses_the_certificate(servers, authority):
    two = servers({}, start=False)
    crt, key = authority.certificate("montague.example", folder=two.folder, name="montague")
    if not hasattr(two, "ctl"):
        pytest.skip("a configuration of ours")
    two.config = {"hosts": {"montague.example": {"certificate": crt, "key": key}}}
    two.start()
    for host in ("capulet.example", "montague.example"):
        user = two.user("romeo", host=host)
        for port, tls in (("c2s-tls", None), ("c2s", "starttls")):
            romeo = Client(two, user, port=port).login(tls=tls)
            names = [v for k, v in romeo.sock.getpeercert()["subjectAltName"]]
            assert ("capulet.example" in names) == (host == "capulet.example")


@deviates("prosody", "no reaction to the missing goodbye")
def test_cut_off_under_tls(server):
    """A TLS connection that just ends frees its address."""
    romeo = Client(server, server.user("romeo")).login("orchard", tls="starttls").online()
    watcher = romeo.another("watch", tls="starttls").online()
    watcher.expect(f"<presence from='{romeo}'/>")
    romeo.abort()
    watcher.expect(f"<presence from='{romeo}' type='unavailable'/>")
