# SPDX-License-Identifier: MIT
"""Services for calls (XEP-0215): which there are, and credentials that end."""

import base64
import datetime
import hashlib
import hmac
import time

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("options of ours")

NS = "urn:xmpp:extdisco:2"
CONFIG = {"modules": {"disco": {}, "turn": {"host": "turn.example", "secret": "hush",
                                             "tls-port": 5349, "ttl": "1h"}}}


def ask(client, kind=None):
    kind = f" type='{kind}'" if kind else ""
    return client.get(f"<services xmlns='{NS}'{kind}/>", client.domain)[0]


def credentials(**attrs):
    attrs = "".join(f" {k}='{v}'" for k, v in attrs.items())
    return f"<credentials xmlns='{NS}'><service{attrs}/></credentials>"


def check(service, jid):
    """The scheme of coturn's static-auth-secret."""
    end, who = service.get("username").split(":", 1)
    assert who == jid and abs(int(end) - time.time() - 3600) < 60
    digest = hmac.new(b"hush", service.get("username").encode(), hashlib.sha1).digest()
    assert service.get("password") == base64.b64encode(digest).decode()
    expires = datetime.datetime.fromisoformat(service.get("expires").replace("Z", "+00:00"))
    assert abs(expires.timestamp() - int(end)) < 2


def test_all(juliet):
    got = [(s.get("type"), s.get("host"), s.get("port"), s.get("transport")) for s in ask(juliet)]
    assert got == [("stun", "turn.example", "3478", "udp"), ("turn", "turn.example", "3478", "udp"),
                   ("turn", "turn.example", "3478", "tcp"),
                   ("turns", "turn.example", "5349", "tcp")]
    for service in ask(juliet):
        if service.get("type") == "stun":
            assert service.get("username") is None
        else:
            check(service, juliet.bare)


def test_one_kind(juliet):
    got = ask(juliet, "turn")
    assert got.get("type") == "turn" and [s.get("type") for s in got] == ["turn", "turn"]
    assert len(ask(juliet, "ftp")) == 0


def test_credentials(juliet):
    got = juliet.get(credentials(host="turn.example", type="turns"), juliet.domain)[0]
    assert len(got) == 1
    check(got[0], juliet.bare)
    juliet.refused("get", credentials(host="turn.example", type="turn", port="1"),
                   "item-not-found", to=juliet.domain)
    juliet.refused("get", credentials(host="other.example", type="turn"), "item-not-found",
                   to=juliet.domain)
    juliet.refused("get", credentials(type="turn"), "bad-request", to=juliet.domain)


def test_not_for_others(server):
    stranger = Client(server, server.user("romeo", host=server.host2)).login()
    for payload in (f"<services xmlns='{NS}'/>", credentials(host="turn.example", type="turn")):
        stranger.refused("get", payload, "forbidden", "auth", to=server.host)


def test_without_secret(servers):
    server = servers({"modules": {"turn": {"host": "192.0.2.1"}}})
    assert [s.get("type") for s in ask(server.client("juliet"))] == ["stun"]


def test_announced(juliet):
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)[0]
    assert NS in {f.get("var") for f in info}
