# SPDX-License-Identifier: MIT
"""DANE (RFC 7673): what signed TLSA records say of a server's certificate decides."""

import json
import types

import pytest
from kit import Client
from kit.authority import Authority
from kit.federation import Rogue

from test_federation import wanted

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
# name: the zone, the TLSA records, a certificate of its own making; is it believed?
ZONES = {
    "match.example": ({}, "right", True, True),
    "mismatch.example": ({}, "wrong", False, False),
    "unsigned.example": ({"signed": False}, "wrong", False, True),
    "unsignedself.example": ({"signed": False}, "right", True, False),
    "bogus.example": ({"bogus": True}, "right", False, False),
    "plain.example": ({}, None, False, True),
    # an alias (CNAME): the records where it leads come first (RFC 7671 §7), then its own
    "alias.example": ({}, "right", True, True),
    "aliasown.example": ({}, "right", True, True),
    "aliaswrong.example": ({}, "wrong", False, False),
    # issued by an authority to the machine alone: good where SRV is signed (RFC 7673 §4.1)
    "machine.example": ({}, None, False, True),
    "machineunsigned.example": ({"signed": False}, None, False, False),
    # usage 1: the record and a chain
    "both.example": ({}, "right", False, True),
    "chainless.example": ({}, "right", True, False),
    "bothwrong.example": ({}, "wrong", False, False),
    # usage 0: a chain, and the authority that is to be in it
    "issuer.example": ({}, "right", False, True),
    "issuerwrong.example": ({}, "wrong", False, False),
    "issuerchainless.example": ({}, "right", "stranger", False),
    # usage 2: an authority that is known by the record alone
    "anchor.example": ({}, "right", "stranger", True),
    "anchorwrong.example": ({}, "wrong", "stranger", False),
    # which may name the machine at the end of an alias
    "aliasanchor.example": ({}, "right", "stranger", True),
}
USAGES = {"both.example": 1, "chainless.example": 1, "bothwrong.example": 1,
          "issuer.example": 0, "issuerwrong.example": 0, "issuerchainless.example": 0,
          "anchor.example": 2, "anchorwrong.example": 2, "aliasanchor.example": 2}
MATCHING = [name for name, (zone, tlsa, _, good) in ZONES.items()
            if tlsa == "right" and good and zone.get("signed", True)]


def chain(authority, name):
    """A certificate of this authority, which shows the authority's own as well."""
    crt, key = authority.certificate(name)
    crt.write_text(crt.read_text() + authority.ca.read_text(), encoding="utf-8")
    return crt, key


@pytest.fixture(scope="module")
def net(internet, tmp_path_factory):
    internet.ours = internet.linnet("a.example")
    internet.peers, stranger = {}, Authority(tmp_path_factory.mktemp("stranger"))
    for name, (zone, tlsa, own, _) in ZONES.items():
        internet.zone(name, **zone)
        folder, alias = tmp_path_factory.mktemp(name), name.startswith("alias")
        crt = internet.authority.self_signed(name, folder=folder) if own is True else None
        if own == "stranger":
            crt = chain(stranger, f"end.{name}" if alias else name)
        if name.startswith("machine"):
            crt = internet.authority.certificate(f"xmpp.{name}", folder=folder)
        one = internet.prosody(name, certificate=crt, direct=False,
                               **({"address": None} if alias else {}))
        if alias:
            internet.record(f"xmpp.{name}", f"CNAME end.{name}.")
            internet.host(f"end.{name}", "127.0.0.1")
        host = "end" if name in ("alias.example", "aliaswrong.example",
                               "aliasanchor.example") else "xmpp"
        for record in [tlsa] if tlsa else []:
            whose = one.crt if USAGES.get(name, 3) in (1, 3) else \
                (stranger if own == "stranger" else internet.authority).ca
            internet.tlsa(f"{host}.{name}", one.ports["s2s"], whose, USAGES.get(name, 3),
                          wrong=record == "wrong")
        internet.peers[name] = one
    internet.start()
    return internet


@pytest.mark.parametrize("name", ZONES)
def test_dane(net, name):
    juliet = net.ours.client("juliet", "balcony")
    juliet.online()
    other = net.peers[name]
    romeo = Client(other, other.user("romeo")).login("orchard", "PLAIN", tls=True)
    romeo.online()
    juliet.send(f"<message to='{romeo}' type='chat' id='d'><body>Hi</body></message>")
    if ZONES[name][3]:
        wanted(romeo, "message", id="d")
    else:
        error = wanted(juliet, "message", id="d", type="error")
        assert error.find(f".//{{{STANZAS}}}remote-server-timeout") is not None
    rows = json.loads(net.ours.ctl("--json", "s2s", "list", name).stdout)
    rows = rows["rows"] if isinstance(rows, dict) else rows
    assert ("match" in {row["dane"] for row in rows}) == (name in MATCHING)


@pytest.mark.parametrize("name", ZONES)
def test_dane_of_those_who_connect(net, name):
    """The same for a server that opens the stream: its domain's records decide."""
    juliet = net.ours.client("juliet", "balcony")
    juliet.online()
    other = net.peers[name]
    romeo = Client(other, other.user("nurse")).login("orchard", "PLAIN", tls=True)
    romeo.online()
    net.ours.ctl("s2s", "close", name, check=False)
    romeo.send(f"<message to='{juliet}' type='chat' id='d'><body>Hi</body></message>")
    if ZONES[name][3]:
        wanted(juliet, "message", id="d")
    else:
        wanted(romeo, "message", id="d", type="error")


def test_dane_of_a_second_domain(net):
    """A certificate that is good for two domains: what DNS says of the second counts all the same."""
    world = types.SimpleNamespace(authority=net.authority, way=lambda *_: None)
    rogue = Rogue(world, ("plain.example", "match.example", "mismatch.example"), None)
    peer = rogue.connect(net.ours)
    peer.starttls("a.example")
    for domain in rogue.domains:
        peer.ask("a.example", key="none", domain=domain)
        result = peer.expect("<result xmlns='jabber:server:dialback'/>", timeout=15)
        assert result.get("to") == domain
        assert (result.get("type") == "valid") == (domain == "plain.example")
    rogue.stop()


@pytest.mark.parametrize("name, says", {
    "match.example": "DANE: a TLSA record matches",
    "alias.example": "DANE: a TLSA record matches",
    "aliasown.example": "DANE: a TLSA record matches",
    "aliaswrong.example": "DANE: no TLSA record matches",
    "machine.example": "xmpp.machine.example, which DNSSEC proves",
    "mismatch.example": "DANE: no TLSA record matches",
    "bothwrong.example": "DANE: no TLSA record matches",
    "issuer.example": "DANE: a TLSA record matches",
    "issuerwrong.example": "DANE: no TLSA record matches",
    "anchor.example": "DANE: a TLSA record matches",
    "unsigned.example": "the certificate is for unsigned.example (DNS-ID)",
    "unsignedself.example": "no authority that is trusted here vouches for it",
    "bogus.example": "DNSSEC",
}.items())
def test_check_s2s_says_the_same(net, name, says):
    done = net.ours.ctl("check", "s2s", name, check=False)
    assert (done.returncode == 0) == ZONES[name][3], done.stdout
    assert says in done.stdout or (name == "bogus.example" and "validation" in done.stdout)
