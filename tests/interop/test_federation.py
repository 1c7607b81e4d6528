# SPDX-License-Identifier: MIT
"""Real servers of others: chat, subscriptions, disco, ping, vCard, both ways, by DNS.

Prosody and ejabberd, each by certificate and, with one that proves nothing, by
dialback, over STARTTLS and over direct TLS, by IPv4 and by IPv6.
"""

import json
import subprocess

import pytest
from kit import Client

MODULES = {name: {} for name in ("sasl_scram", "sasl_plain", "disco", "version", "vcard", "ping",
                                 "offline")}
IPV6 = {"ipv6": True, "address": None}     # and nothing else
PEERS = {   # name: kind, how it is reached, how it is proven
    "pstart.example": ("prosody", {"direct": False}, "certificate"),
    "pdirect.example": ("prosody", {"direct": True}, "certificate"),
    "pback.example": ("prosody", {"direct": False}, "dialback"),
    "pipv6.example": ("prosody", {"direct": False, **IPV6}, "certificate"),
    "estart.example": ("ejabberd", {"direct": False}, "certificate"),
    "edirect.example": ("ejabberd", {"direct": True}, "certificate"),
    "eback.example": ("ejabberd", {"direct": False}, "dialback"),
    "pbackdirect.example": ("prosody", {"direct": True}, "dialback"),
    "pipv6direct.example": ("prosody", {"direct": True, **IPV6}, "certificate"),
    "pipv6back.example": ("prosody", {"direct": False, **IPV6}, "dialback"),
    "ebackdirect.example": ("ejabberd", {"direct": True}, "dialback"),
    "eipv6.example": ("ejabberd", {"direct": False, **IPV6}, "certificate"),
    "eipv6direct.example": ("ejabberd", {"direct": True, **IPV6}, "certificate"),
    "eipv6back.example": ("ejabberd", {"direct": False, **IPV6}, "dialback"),
    "linnet.example": ("linnet", {}, "certificate"),
}


def self_signed(folder, *names):
    crt, key = folder / "self.crt", folder / "self.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=self",
                    "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names),
                    "-keyout", key, "-out", crt], check=True, stderr=subprocess.DEVNULL)
    return crt, key


@pytest.fixture(scope="module")
def net(internet, tmp_path_factory):
    """One server of ours, and who is asked for by the tests: the fixture `peer`."""
    ours = internet.ours = internet.linnet("a.example", {
        "s2s": {"trust": "dialback"}, "modules": MODULES}, announce=False)
    internet.zone("a.example")  # ejabberd asks libc for addresses, which knows this one alone
    internet.srv("a.example", "localhost", ours.ports["s2s-tls"], direct=True, priority=1)
    internet.srv("a.example", "localhost", ours.ports["s2s"], priority=5)
    internet.peers = {}
    for name, (kind, way, proof) in PEERS.items():
        more = dict(way)
        if kind == "linnet":
            one = internet.linnet(name, {"modules": MODULES}, **more)
        else:
            if proof == "dialback":
                more["certificate"] = self_signed(tmp_path_factory.mktemp(name), name)
                if kind == "prosody":
                    more["config"] = "s2s_secure_auth = false"
            one = getattr(internet, kind)(name, **more)
        internet.peers[name] = one
    internet.start()
    return internet


@pytest.fixture(params=PEERS)
def pair(net, request):
    """Juliet at our server, Romeo at the other one."""
    other = net.peers[request.param]
    juliet = net.ours.client("juliet", "balcony")
    romeo = Client(other, other.user("romeo")).login("orchard", "PLAIN", tls=True)
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


def proof(net, domain):
    rows = json.loads(net.ours.ctl("--json", "s2s", "list", domain).stdout)
    rows = rows["rows"] if isinstance(rows, dict) else rows
    return rows


def test_chat(net, pair):
    juliet, romeo = pair
    for i in range(5):
        juliet.send(f"<message to='{romeo}' type='chat' id='j{i}'><body>{i}</body></message>")
        romeo.send(f"<message to='{juliet}' type='chat' id='r{i}'><body>{i}</body></message>")
    for i in range(5):
        wanted(romeo, "message", id=f"j{i}", from_=str(juliet))
        wanted(juliet, "message", id=f"r{i}", from_=str(romeo))
    rows = proof(net, romeo.domain)
    assert rows and all(row["tls"] for row in rows if row["state"] == "up")
    assert PEERS[romeo.domain][2] in {row["auth"] for row in rows}


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
    other = net.peers["pstart.example"]
    juliet = net.ours.client("juliet", "balcony")
    juliet.online()
    juliet.send("<message to='romeo@pstart.example' type='chat'><body>1</body></message>")
    other.kill()
    other.start()
    romeo = Client(other, other.user("romeo")).login("orchard", "PLAIN", tls=True)
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
