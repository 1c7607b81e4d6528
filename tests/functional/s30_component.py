# SPDX-License-Identifier: MIT
"""External components (XEP-0114)."""

import hashlib
import json

import pytest
from kit import Client, Server, Wire
from kit.disk import Disk
from kit.wire import wires

HEADER = ("<?xml version='1.0'?><stream:stream to='{to}' xmlns='{ns}' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
NS = "jabber:component:accept"
COMPONENTS = {"irc.capulet.example": {"secret": "pencil"},
              "deep.irc.capulet.example": {"secret": "other"}}


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("component"), authority, {
        "components": COMPONENTS, "modules": {"disco": {}}},
                 more_services=("component",))
    one.start()
    yield one
    while wires:
        wires.pop().abort()
    one.stop()


class Component(Wire):
    def __init__(self, server, domain="irc.capulet.example", secret="pencil", handshake=True):
        super().__init__(server.address("component"), "component")
        self.send(HEADER.format(to=domain, ns=NS))
        header = self.expect_header(from_=domain)
        assert header.get("version") is None
        if handshake:
            self.handshake(header.get("id"), secret)
            self.expect(f"<handshake xmlns='{NS}'/>")

    def handshake(self, id, secret):
        digest = hashlib.sha1(f"{id}{secret}".encode()).hexdigest()
        self.send(f"<handshake>{digest}</handshake>")


def test_both_ways(server, juliet):
    juliet.online()
    component = Component(server)
    juliet.send("<message to='#x@irc.capulet.example/nick' id='1'><body>Hi</body></message>")
    component.expect(f"<message xmlns='{NS}' from='{juliet}' to='#x@irc.capulet.example/nick' "
                     "id='1'><body>Hi</body></message>")
    component.send(f"<message from='#x@irc.capulet.example/nick' to='{juliet}'>"
                   "<body>Ho</body></message>")
    juliet.expect("<message from='#x@irc.capulet.example/nick'><body>Ho</body></message>")
    juliet.send("<iq type='get' to='irc.capulet.example' id='2'>"
                "<query xmlns='jabber:iq:version'/></iq>")
    component.expect(f"<iq xmlns='{NS}' type='get' from='{juliet}' to='irc.capulet.example' "
                     "id='2'><query xmlns='jabber:iq:version'/></iq>")
    component.send(f"<iq type='result' from='irc.capulet.example' to='{juliet}' id='2'/>")
    juliet.expect("<iq type='result' id='2' from='irc.capulet.example'/>")


def test_subdomains(server, juliet):
    """It answers for all below it, but for what is another component's."""
    juliet.online()
    component = Component(server)
    deep = Component(server, "deep.irc.capulet.example", "other")
    juliet.send("<message to='a@net.irc.capulet.example'><body>1</body></message>")
    component.expect(f"<message xmlns='{NS}' to='a@net.irc.capulet.example'/>")
    component.send(f"<message from='a@net.irc.capulet.example' to='{juliet}'>"
                   "<body>2</body></message>")
    juliet.expect("<message from='a@net.irc.capulet.example'><body>2</body></message>")
    juliet.send("<message to='a@deep.irc.capulet.example'><body>3</body></message>")
    deep.expect(f"<message xmlns='{NS}' to='a@deep.irc.capulet.example'/>")
    component.send(f"<message from='a@deep.irc.capulet.example' to='{juliet}'>"
                   "<body>4</body></message>")
    component.expect_stream_error("invalid-from")
    juliet.expect_nothing()


@pytest.mark.parametrize("known", [False, True], ids=["stranger", "in-the-roster"])
def test_probe_of_who_may_not_see(server, juliet, known):
    """RFC 6121 §4.3.2: he is told so, and no more; to be in the roster is no permission."""
    juliet.online()
    component = Component(server)
    romeo = "romeo@irc.capulet.example"
    if known:
        juliet.set(f"<query xmlns='jabber:iq:roster'><item jid='{romeo}'/></query>")
    component.send(f"<presence from='{romeo}/orchard' to='{juliet.bare}' type='probe'/>"
                   f"<iq type='get' from='{romeo}' to='{juliet.bare}' id='1'>"
                   "<query xmlns='urn:example:none'/></iq>")
    component.expect(f"<presence xmlns='{NS}' from='{juliet.bare}' to='{romeo}' "
                     "type='unsubscribed'/>")
    component.expect(f"<iq xmlns='{NS}' type='error' id='1'/>")


def test_discovered(server, juliet):
    """They are items of the host that they are subdomains of."""
    juliet.send("<iq type='get' to='capulet.example' id='d'>"
                "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>")
    found = juliet.answer("d").findall(".//{http://jabber.org/protocol/disco#items}item")
    assert set(COMPONENTS) <= {item.get("jid") for item in found}


def test_order_with_presence(server, juliet):
    """What goes to many at once and what goes to one: the order of each pair is kept, though a
    subdomain has a hash of its own."""
    component = Component(server)
    rooms = [f"r@n{i}.irc.capulet.example" for i in range(16)]
    juliet.online()
    for room in rooms:
        component.send(f"<presence from='{room}' to='{juliet.bare}' type='subscribe'/>")
        juliet.expect(f"<presence from='{room}' type='subscribe'/>")
        juliet.send(f"<presence to='{room}' type='subscribed'/>")
    for i in range(20):
        juliet.send(f"<presence><status>{i}</status></presence>"
                    + "".join(f"<message to='{room}' id='{i}'><body/></message>"
                              for room in rooms))
    seen = {room: [] for room in rooms}
    while any(len(one) < 40 for one in seen.values()):
        element = component.next()
        status = element.findtext(f"{{{NS}}}status")
        if element.tag.endswith("}message"):
            seen[element.get("to")].append(("m", element.get("id")))
        elif status is not None:
            seen[element.get("to")].append(("p", status))
    order = [(kind, str(i)) for i in range(20) for kind in "pm"]
    assert all(one == order for one in seen.values())


def test_probes(server):
    """RFC 6121 §4.3: between bare addresses; of nobody is said what strangers hear of somebody."""
    component = Component(server)
    user, friend, nobody = server.user("juliet"), "friend@irc.capulet.example", server.nobody()
    juliet = Client(server, user).login("balcony")
    juliet.roster()
    juliet.send(f"<presence to='{friend}' type='subscribe'/>")
    juliet.expect("<iq type='set'/>")
    component.expect(f"<presence xmlns='{NS}' type='subscribe' from='{user.jid}'/>")
    component.send(f"<presence from='{friend}' to='{user.jid}' type='subscribed'/>")
    juliet.expect_all("<presence type='subscribed'/>", "<iq type='set'/>")
    juliet.online()
    component.expect(f"<presence xmlns='{NS}' type='probe' from='{user.jid}' to='{friend}'/>")
    for who in (user.jid, nobody):
        component.send(f"<presence from='stranger@irc.capulet.example/x' to='{who}' "
                       "type='probe'/>")
        component.expect(f"<presence xmlns='{NS}' type='unsubscribed' from='{who}' "
                         "to='stranger@irc.capulet.example'/>")


def test_wrong_secret(server):
    component = Component(server, handshake=False)
    component.handshake(component.header.get("id"), "wrong")
    component.expect_stream_error("not-authorized")


def test_unknown(server):
    wire = Wire(server.address("component"))
    wire.send(HEADER.format(to="elsewhere.example", ns=NS))
    wire.expect_stream_error("host-unknown")


def test_other_namespace(server):
    wire = Wire(server.address("component"))
    wire.send(HEADER.format(to="irc.capulet.example", ns="jabber:client"))
    wire.expect_stream_error("invalid-namespace")


def test_before_handshake(server, juliet):
    component = Component(server, handshake=False)
    component.send(f"<message from='irc.capulet.example' to='{juliet}'/>")
    component.expect_stream_error("not-authorized")


@pytest.mark.parametrize("addresses, condition", [
    ("from='x@capulet.example' to='{to}'", "invalid-from"),
    ("from='x@irc2.capulet.example' to='{to}'", "invalid-from"),
    ("to='{to}'", "improper-addressing"),
    ("from='irc.capulet.example'", "improper-addressing"),
])
def test_forged(server, juliet, addresses, condition):
    component = Component(server)
    component.send(f"<message {addresses.format(to=juliet)}><body>?</body></message>")
    component.expect_stream_error(condition)


def test_away(server, juliet):
    Component(server).close()
    juliet.send("<message to='irc.capulet.example' id='1'><body>?</body></message>")
    juliet.expect(f"<message type='error' id='1'><error type='cancel'>"
                  f"<service-unavailable xmlns='{STANZAS}'/></error></message>")


def test_replaced(server, juliet):
    """The newer connection wins: the older one may be dead."""
    first = Component(server)
    second = Component(server)
    first.expect_stream_error("conflict")
    juliet.send("<message to='irc.capulet.example'><body>?</body></message>")
    second.expect(f"<message xmlns='{NS}'/>")


def test_flood(authority, tmp_path, request):
    """Who sends faster than it can be stored is not read from (DESIGN section 5): nothing is
    refused, no inbox fills, and the order holds.  Each commit takes 300 ms."""
    config = {"components": COMPONENTS, "limits": {"s2s-rate": "off"},
              "modules": {"offline": {"limit": 10000, "bytes": "1G"}}}
    disk = Disk(Server(tmp_path, authority, config, more_services=("component",)))
    request.addfinalizer(disk.server.stop)
    server = disk.server.start()
    away = server.user("romeo")
    component = Component(server)
    disk.say("slow 300")
    text = "x" * 4000
    for n in range(3000):
        component.send(f"<message from='irc.capulet.example' to='{away.jid}' type='chat' "
                       f"id='m{n}'><body>{text}</body></message>")
    component.send(f"<iq type='get' from='irc.capulet.example' to='{away.jid}' id='end'>"
                   "<x xmlns='urn:example'/></iq>")
    component.timeout = 30
    component.expect(f"<iq xmlns='{NS}' type='error' id='end'/>")
    rows = json.loads(server.ctl("--json", "stats").stdout)["rows"]
    figures = {(row["part"], row["name"]): row["value"] for row in rows}
    assert figures["core", "inbox_full_total"] == 0
    assert figures["s2s_stanza", "paused_total"] > 0
    disk.say("ok")
    romeo = Client(server, away).login("back").online()
    for n in range(3000):
        romeo.expect(f"<message id='m{n}'/>")
        romeo.raw_in = b""
