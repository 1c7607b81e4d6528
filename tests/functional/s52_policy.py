# SPDX-License-Identifier: MIT
"""What the configuration says of single domains, and how fast others may send."""

import pytest
from kit.federation import STANZAS, World, chat, expect_returned, incident, juliet, prove

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"


@pytest.fixture(scope="module")
def world(authority):
    names = ("clear", "firm", "gone", "sealed", "secure", "quick", "foreign")
    world = World(authority, s2s={"trust": "dialback",
                                  "without-tls": [f"{name}.example" for name in names[:3]],
                                  "allow": [f"{name}.example" for name in names[:-1]]},
                  config={"limits": {"s2s-rate": "10k", "time-to-log-in": "2s"}})
    world.a = world.server("a.example")
    world.a.config = {"hosts": {"third.a.example": {"certificate": world.a.crt,
                                                    "key": world.a.key}}}
    for name in names:
        setattr(world, name, world.rogue(f"{name}.example"))
    world.start()
    yield world
    world.stop()


def test_without_tls(world, juliet):
    """without-tls: this domain may do without, both ways."""
    peer = world.clear.connect(world.a)
    starttls = peer.features.find(f"{{{TLS}}}starttls")
    assert starttls is not None and starttls.find(f"{{{TLS}}}required") is None
    peer.ask("a.example")
    back = world.clear.answer()
    back.verify()
    peer.expect_result("valid", "a.example")
    peer.send(f"<message from='r@clear.example' to='{juliet}' id='1'><body>1</body></message>")
    juliet.expect("<message id='1'/>")
    chat(juliet, "clear.example", "2")
    back.allow()
    back.expect("<message id='2'/>")


def test_with_tls(world, juliet, incident):
    """Any other may not."""
    peer = world.secure.connect(world.a)
    assert peer.features.find(f".//{{{TLS}}}required") is not None
    chat(juliet, "secure.example")
    world.secure.answer().expect_stream_error("policy-violation")
    expect_returned(juliet, "secure.example", "remote-server-timeout")
    incident("secure.example", "no link", "TLS is required")


def test_who_is_not_allowed(world, juliet, incident):
    """allow: nobody is called or heard who is not in the list."""
    chat(juliet, "foreign.example")
    expect_returned(juliet, "foreign.example", "not-allowed")
    peer = world.foreign.connect(world.a)
    peer.starttls("a.example")
    peer.ask("a.example")
    result = peer.expect_result("error", "a.example")
    assert result.find(f".//{{{STANZAS}}}policy-violation") is not None
    assert world.foreign.silence()
    incident("foreign.example", "dialback refused", "this server is not spoken with")


@pytest.fixture
def reloaded(world):
    """reloaded(sections): the configuration with these; the old one comes back."""
    config = world.a.config
    yield lambda sections: world.a.reload({**config, **sections})
    world.a.reload(config)


def test_denied_by_a_reload(world, reloaded):
    """Streams that are open end; those with others do not."""
    other = prove(world, world.firm)
    peer = prove(world, world.sealed, tls=True)
    reloaded({"s2s": {**world.a.config["s2s"], "deny": ["sealed.example"]}})
    peer.expect_stream_error("policy-violation")
    other.ask("a.example")
    other.expect_result("valid", "a.example")


def test_host_gone_by_a_reload(world, reloaded):
    """So do those of a host that is there no more."""
    peer = world.gone.connect(world.a, to="third.a.example")
    peer.ask("third.a.example")
    world.gone.answer().verify()
    peer.expect_result("valid", "third.a.example")
    reloaded({"hosts": {}})
    peer.expect_stream_error("host-gone")


@pytest.mark.parametrize("alpn", [None, ["xmpp-server"]])
def test_alpn(world, alpn):
    """Who connects with TLS at once need not name the protocol (XEP-0368 §3)."""
    context = world.authority.context(alpn=alpn, certificate=world.secure.certificate)
    peer = world.secure.wire(world.a, "s2s-tls")
    peer.start_tls(context, "a.example")
    assert peer.sock.selected_alpn_protocol() == (alpn[0] if alpn else None)
    features = peer.open("a.example", from_="secure.example")
    assert [one.text for one in features.iter(f"{{{SASL}}}mechanism")] == ["EXTERNAL"]


def test_rate(world, juliet):
    """limits.s2s-rate: after ten seconds' worth at once the rest comes slowly, and all of it."""
    peer = prove(world, world.quick, tls=True)
    peer.send_quietly("".join(
        f"<message from='r@quick.example' to='{juliet}' type='chat' id='{i}'><body>{'x' * 900}"
        "</body></message>" for i in range(130)).encode())
    got = [juliet.expect("<message type='chat'/>").get("id")]
    ping = juliet.new_id()
    juliet.send(f"<iq type='get' id='{ping}' to='a.example'><ping xmlns='urn:xmpp:ping'/></iq>")
    while (one := juliet.next().get("id")) != ping:
        got.append(one)
    assert len(got) < 130
    while len(got) < 130:
        got.append(juliet.expect("<message type='chat'/>", timeout=20).get("id"))
    assert got == [str(i) for i in range(130)]
