# SPDX-License-Identifier: MIT
"""Real servers of others: chat, subscriptions, disco, ping, vCard, both ways, by DNS.

Prosody and ejabberd, each by certificate and, with one that proves nothing, by
dialback, over STARTTLS and over direct TLS, by IPv4 and by IPv6.
"""

import json

import pytest
from kit import Client
from kit.server import merge

from internet import hosts_of_its_own

MODULES = {name: {} for name in ("sasl_scram", "sasl_plain", "disco", "version", "vcard", "ping",
                                 "offline")}
WAYS = [f"{kind}-{proof}-{way}-{family}" for kind in ("prosody", "ejabberd")
        for proof in ("certificate", "dialback") for way in ("starttls", "direct")
        for family in ("ipv4", "ipv6")]


def announce(net, domain, ports, way, family):
    """There is this way to it, and no other."""
    net.announce(domain, ports, address="127.0.0.1" if family == "ipv4" else None,
                 ipv6=family == "ipv6", direct=way == "direct", starttls=way == "starttls")


@pytest.fixture(scope="module")
def net(internet, tmp_path_factory):
    """One server of each kind; each has a host for each way, and so has ours: WAY.ours.example
    and WAY.peer.example meet.  What proves nothing has signed its certificate itself."""
    ours = internet.ours = internet.linnet("ours.example", {"modules": MODULES}, announce=False)
    internet.zone("ours.example")
    internet.zone("peer.example")
    for service in ("s2s", "s2s-tls"):
        ours.config = merge(ours.config, {"listen": {service: [
            f"{ip}:{ours.ports[service]}" for ip in ("127.0.0.1", "[::1]")]}})
    internet.peers = {}
    for kind in ("prosody", "ejabberd"):
        mine = [way for way in WAYS if way.startswith(kind)]
        selves = {way: {end: internet.authority.self_signed(
            f"{way}.{end}.example", folder=tmp_path_factory.mktemp(way))
            for end in ("ours", "peer")} for way in mine if "dialback" in way}
        certificates = {f"{way}.peer.example": selves[way]["peer"] if way in selves else
                        internet.authority.certificate(f"{way}.peer.example") for way in mine}
        config = "s2s_insecure_domains = { %s }" % ", ".join(
            f'"{way}.ours.example"' for way in selves) if kind == "prosody" else ""
        one = getattr(internet, kind)(f"{kind}.peer.example", config, also=certificates)
        for way in mine:
            internet.peers[way] = one
            domain = f"{way}.ours.example"
            host = {"s2s": {"trust": "dialback"}, **dict(zip(
                ("certificate", "key"), selves[way]["ours"]))} if way in selves else {
                    "certificate": ours.crt, "key": ours.key}
            ours.config = merge(ours.config, {"hosts": {domain: host}})
            announce(internet, domain, ours.ports, *way.split("-")[2:])
            announce(internet, f"{way}.peer.example", one.ports, *way.split("-")[2:])
    internet.start()
    return internet


@pytest.fixture(params=WAYS)
def pair(net, request):
    """Juliet at our server, Romeo at the other one."""
    way = request.param
    if way.startswith("ejabberd") and not hosts_of_its_own():
        pytest.skip("ejabberd asks libc for addresses, and cannot be given a hosts file here")
    other = net.peers[way]
    juliet = Client(net.ours, net.ours.user("juliet", f"{way}.ours.example")).login("balcony")
    romeo = Client(other, other.user("romeo", f"{way}.peer.example")).login(
        "orchard", "PLAIN", tls=True)
    for one in (juliet, romeo):
        one.roster()
        one.online()
    yield juliet, romeo
    romeo.close()


def wanted(client, name, **attrs):
    """The next stanza of this name with these attributes; others are passed over."""
    while True:
        element = client.next()
        if element.tag.endswith("}" + name) and all(
                element.get(key.rstrip("_")) == value for key, value in attrs.items()):
            return element


def links(net, domain):
    rows = json.loads(net.ours.ctl("--json", "s2s", "list", domain).stdout)
    return rows["rows"] if isinstance(rows, dict) else rows


def test_chat(net, pair):
    juliet, romeo = pair
    for i in range(5):
        juliet.send(f"<message to='{romeo}' type='chat' id='j{i}'><body>{i}</body></message>")
        romeo.send(f"<message to='{juliet}' type='chat' id='r{i}'><body>{i}</body></message>")
    for i in range(5):
        wanted(romeo, "message", id=f"j{i}", from_=str(juliet))
        wanted(juliet, "message", id=f"r{i}", from_=str(romeo))
    _, proof, _, family = romeo.domain.split(".")[0].split("-")
    rows = [row for row in links(net, romeo.domain) if row["state"] == "up"]
    assert {row["direction"] for row in rows} == {"in", "out"}
    for row in rows:
        assert row["tls"] and row["auth"] == proof
        assert row["address"].startswith("[::1]" if family == "ipv6" else "127.0.0.1")


def test_subscription(net, pair):
    juliet, romeo = pair
    for one, other in ((juliet, romeo), (romeo, juliet)):
        one.send(f"<presence to='{other.bare}' type='subscribe'/>")
        wanted(other, "presence", type="subscribe", from_=one.bare)
        other.send(f"<presence to='{one.bare}' type='subscribed'/>")
        wanted(one, "presence", type="subscribed", from_=other.bare)
        wanted(one, "presence", from_=str(other))
    juliet.send("<presence><show>away</show></presence>")
    while wanted(romeo, "presence", from_=str(juliet)).find("{jabber:client}show") is None:
        pass
    # who comes online anew probes
    again = Client(net.ours, juliet.user).login("chamber")
    again.online()
    wanted(again, "presence", from_=str(romeo))
    again.close()
    juliet.send("<presence type='unavailable'/>")
    wanted(romeo, "presence", from_=str(juliet), type="unavailable")
    for one, other in ((juliet, romeo), (romeo, juliet)):
        one.send(f"<presence to='{other.bare}' type='unsubscribe'/>"
                 f"<presence to='{other.bare}' type='unsubscribed'/>")


QUERIES = {
    "ping": ("", "<ping xmlns='urn:xmpp:ping'/>"),
    "disco": ("", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
    "version": ("", "<query xmlns='jabber:iq:version'/>"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_ask_the_other_server(pair, query):
    for one, other in (pair, pair[::-1]):
        one.send(f"<iq type='get' to='{other.domain}' id='q'>{QUERIES[query][1]}</iq>")
        wanted(one, "iq", id="q", type="result", from_=other.domain)


def test_vcard(pair):
    for one, other in (pair, pair[::-1]):
        other.send("<iq type='set' id='s'><vCard xmlns='vcard-temp'><FN>Somebody</FN></vCard></iq>")
        wanted(other, "iq", id="s", type="result")
        one.send(f"<iq type='get' to='{other.bare}' id='v'><vCard xmlns='vcard-temp'/></iq>")
        answer = wanted(one, "iq", id="v", type="result")
        assert answer.findtext(".//{vcard-temp}FN") == "Somebody"


def test_nobody(pair):
    """Errors find their way back."""
    for one, other in (pair, pair[::-1]):
        one.send(f"<iq type='get' to='nobody@{other.domain}/x' id='n'>"
                 "<ping xmlns='urn:xmpp:ping'/></iq>")
        wanted(one, "iq", id="n", type="error")


def test_killed_and_back(net):
    """Chat goes on when the other server is there again; nobody logs in anew at ours."""
    other = net.peers[WAYS[0]]
    juliet = Client(net.ours, net.ours.user("juliet", f"{WAYS[0]}.ours.example")).login("balcony")
    juliet.online()
    user = other.user("romeo", f"{WAYS[0]}.peer.example")
    juliet.send(f"<message to='{user.jid}' type='chat'><body>1</body></message>")
    other.kill()
    other.start()
    romeo = Client(other, user).login("orchard", "PLAIN", tls=True)
    romeo.online()
    for _ in range(30):
        juliet.send(f"<message to='{romeo}' type='chat' id='again'><body>2</body></message>")
        try:
            while romeo.event(timeout=1)[1].get("id") != "again":
                pass
            return
        except AssertionError:
            continue
    pytest.fail("no message came through")
