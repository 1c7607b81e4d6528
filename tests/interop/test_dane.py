# SPDX-License-Identifier: MIT
"""DANE (RFC 7673): what signed TLSA records say of a server's certificate decides."""

import json

import pytest
from kit import Client

from test_federation import self_signed, wanted

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
# name: the zone, the TLSA records, a certificate of its own making; is it believed?
ZONES = {
    "match.example": ({}, "right", True, True),
    "mismatch.example": ({}, "wrong", False, False),
    "unsigned.example": ({"signed": False}, "wrong", False, True),
    "unsignedself.example": ({"signed": False}, "right", True, False),
    "bogus.example": ({"bogus": True}, "right", False, False),
    "plain.example": ({}, None, False, True),
}


@pytest.fixture(scope="module")
def net(internet, tmp_path_factory):
    internet.ours = internet.linnet("a.example")
    internet.peers = {}
    for name, (zone, tlsa, own, _) in ZONES.items():
        internet.zone(name, **zone)
        crt = self_signed(tmp_path_factory.mktemp(name), name) if own else None
        one = internet.prosody(name, certificate=crt, direct=False)
        for record in [tlsa] if tlsa else []:
            internet.tlsa(f"xmpp.{name}", one.ports["s2s"], one.crt, wrong=record == "wrong")
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
    assert ("match" in {row["dane"] for row in rows}) == (name == "match.example")


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


@pytest.mark.parametrize("name, says", {
    "match.example": "DANE: a TLSA record matches",
    "mismatch.example": "DANE: no TLSA record matches",
    "unsigned.example": "the certificate is for unsigned.example (DNS-ID)",
    "unsignedself.example": "no authority that is trusted here vouches for it",
    "bogus.example": "DNSSEC",
}.items())
def test_check_s2s_says_the_same(net, name, says):
    done = net.ours.ctl("check", "s2s", name, check=False)
    assert (done.returncode == 0) == ZONES[name][3], done.stdout
    assert says in done.stdout or (name == "bogus.example" and "validation" in done.stdout)
