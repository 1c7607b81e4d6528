# SPDX-License-Identifier: MIT
"""Stream management is offered, switched on, and misused (XEP-0198 §2, §3)."""

import pytest
from kit import Client, deviates, only_linnet
from kit.client import NS_SM

SM_ERROR = "urn:ietf:params:xml:ns:xmpp-stanzas"


def failed(client, *conditions):
    element = client.expect(f"<failed xmlns='{NS_SM}'/>")
    names = [child.tag.removeprefix(f"{{{SM_ERROR}}}") for child in element]
    assert set(names) & set(conditions), f"{names} instead of {conditions}"
    return element


def test_offered_after_login(server):
    """§2: not before stanzas can be sent."""
    juliet = Client(server, server.user("juliet"))
    juliet.features = juliet.open(juliet.domain)
    assert juliet.features.find(f"{{{NS_SM}}}sm") is None
    juliet.authenticate()
    assert juliet.features.find(f"{{{NS_SM}}}sm") is not None


def test_enabled(juliet):
    enabled = juliet.enable()
    assert enabled.get("resume") in (None, "false", "0")


@pytest.mark.parametrize("word", ["true", "1"])
def test_resumable(juliet, word):
    juliet.send(f"<enable xmlns='{NS_SM}' resume='{word}'/>")
    enabled = juliet.expect(f"<enabled xmlns='{NS_SM}' id='*'/>")
    assert enabled.get("resume") in ("true", "1")
    assert 0 < len(enabled.get("id")) <= 4000


@only_linnet("says max")
@pytest.mark.parametrize("asked, given", [("", "600"), ("max='30'", "30"), ("max='100000'", "600")])
def test_max(juliet, asked, given):
    """§5: the server may shorten what was asked; never does it lengthen it."""
    juliet.send(f"<enable xmlns='{NS_SM}' resume='true' {asked}/>")
    juliet.expect(f"<enabled xmlns='{NS_SM}' max='{given}'/>")


def test_ids_differ(server):
    ids = {server.client("juliet").enable(resume=True).get("id") for _ in range(5)}
    assert len(ids) == 5


@deviates("prosody", "closes the stream")
def test_twice(juliet):
    """§3: unexpected-request; what was enabled stays."""
    juliet.enable()
    juliet.send("<presence/>")
    juliet.expect("<presence/>")
    juliet.send(f"<enable xmlns='{NS_SM}'/>")
    failed(juliet, "unexpected-request")
    assert juliet.request_ack() == 1


def test_before_bind(server):
    juliet = Client(server, server.user("juliet")).negotiate()
    juliet.send(f"<enable xmlns='{NS_SM}'/>")
    failed(juliet, "unexpected-request")
    juliet.bind()
    juliet.enable()


@deviates("prosody", "other errors")
@pytest.mark.parametrize("element", ["enable", "resume", "r", "a"])
def test_before_login(server, element):
    juliet = Client(server, server.user("juliet"))
    juliet.open(juliet.domain)
    juliet.send(f"<{element} xmlns='{NS_SM}' h='0' previd='x'/>")
    kind, got = juliet.event()
    assert kind == "element"
    assert got.tag in (f"{{{NS_SM}}}failed", "{http://etherx.jabber.org/streams}error")


@pytest.mark.parametrize("element", ["<r/>", "<a h='0'/>"])
@deviates("prosody", "ignores or answers them")
def test_not_enabled(juliet, element):
    """Without <enable/> there is nothing to count."""
    juliet.send(element.replace("/>", f" xmlns='{NS_SM}'/>"))
    kind, got = juliet.event(raw=True)
    assert kind == "element"
    assert got.tag in (f"{{{NS_SM}}}failed", "{http://etherx.jabber.org/streams}error")


@deviates("prosody", "ignores it")
@pytest.mark.parametrize("element", ["<enabled/>", "<resumed previd='x' h='0'/>", "<what/>"])
def test_unknown(juliet, element):
    juliet.enable()
    juliet.send(element.replace("/>", f" xmlns='{NS_SM}'/>"))
    kind, got = juliet.event(raw=True)
    assert kind == "element"
    assert got.tag in (f"{{{NS_SM}}}failed", "{http://etherx.jabber.org/streams}error")


@only_linnet("an option of ours")
def test_resumption_off(servers):
    server = servers({"stream-management": {"resume": "off"}})
    juliet = server.client("juliet")
    enabled = juliet.enable(resume=True)
    assert enabled.get("resume") in (None, "false", "0")
    juliet.abort()
    again = Client(server, juliet.user).negotiate()
    again.send(f"<resume xmlns='{NS_SM}' previd='{enabled.get('id') or 'x'}' h='0'/>")
    failed(again, "feature-not-implemented", "item-not-found")
    again.bind()


def test_enable_right_behind_bind(server):
    """A client may send all it has to say at once."""
    juliet = Client(server, server.user("juliet")).negotiate()
    juliet.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
                f"<enable xmlns='{NS_SM}' resume='true'/><presence/><r xmlns='{NS_SM}'/>")
    juliet.expect("<iq type='result' id='b'/>")
    juliet.expect(f"<enabled xmlns='{NS_SM}' id='*'/>")
    seen = {juliet.event(raw=True)[1].tag for _ in range(2)}
    assert seen == {"{jabber:client}presence", f"{{{NS_SM}}}a"}
