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
    """§3.1, examples 1 and 2."""
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
    """§3.2, examples 3 and 4."""
    got = ask(juliet, "turn")
    assert got.get("type") == "turn" and [s.get("type") for s in got] == ["turn", "turn"]
    assert len(ask(juliet, "ftp")) == 0


def test_credentials(juliet):
    """§3.3, examples 6 and 7."""
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


def test_several_services_at_once(juliet):
    """Every one once, on whatever ports and transports it is."""
    got = juliet.get(f"<credentials xmlns='{NS}'><service host='turn.example' type='turn'/>"
                     "<service host='turn.example' type='turn' port='3478'/>"
                     "<service host='turn.example' type='turns'/><service host='x' type='turn'/>"
                     "</credentials>", juliet.domain)[0]
    assert [(s.get("type"), s.get("transport")) for s in got] == \
        [("turn", "udp"), ("turn", "tcp"), ("turns", "tcp")]
    for service in got:
        check(service, juliet.bare)
        assert service.get("restricted") == "1"
    for inner in ("", "<service host='turn.example'/>",
                  "<service host='turn.example' type='turn'/><service type='turn'/>"):
        juliet.refused("get", f"<credentials xmlns='{NS}'>{inner}</credentials>", "bad-request",
                       to=juliet.domain)
    for port in ("x", "-1", "99999999999999999999"):
        juliet.refused("get", credentials(host="turn.example", type="turn", port=port),
                       "item-not-found", to=juliet.domain)


def test_stun_has_no_credentials(juliet):
    juliet.refused("get", credentials(host="turn.example", type="stun"), "item-not-found",
                   to=juliet.domain)


def test_is_not_set(juliet):
    """§3.2: a push goes from the server to the client alone."""
    juliet.refused("set", f"<services xmlns='{NS}' type='turn'/>",
                   "service-unavailable|feature-not-implemented", to=juliet.domain)


def pushed(client, kind=None):
    """What of each service has changed; answered as §3.2 says."""
    got = client.expect(f"<iq type='set' from='{client.domain}'><services xmlns='{NS}'/></iq>")
    assert got.get("id") and got[0].get("type") == kind
    client.send(f"<iq type='result' id='{got.get('id')}' to='{client.domain}'/>")
    return [(s.get("action"), s.get("type"), s.get("host"), s.get("port"), s.get("transport"),
             s.get("username") is not None and s.get("password") is not None) for s in got[0]]


def with_turn(**options):
    return {"modules": {"disco": {}, "turn": {"host": "turn.example", "secret": "hush",
                                              "ttl": "1h"} | options}}


@pytest.fixture
def changing(servers):
    return servers(with_turn())


def test_pushed_when_it_changes(changing):
    """§3.2, example 5: to those who asked, of the type that they asked for."""
    juliet, romeo = changing.client("juliet"), changing.client("romeo")
    nurse = changing.client("nurse")
    ask(juliet)
    ask(romeo, "turns")
    ask(romeo, "ftp")
    changing.reload(with_turn(**{"tls-port": 5349}))
    assert pushed(juliet) == [("add", "turns", "turn.example", "5349", "tcp", True)]
    assert pushed(romeo, "turns") == [("add", "turns", "turn.example", "5349", "tcp", True)]
    changing.reload(with_turn())
    gone = ("delete", "turns", "turn.example", "5349", "tcp", False)
    assert pushed(juliet) == [gone] and pushed(romeo, "turns") == [gone]
    nurse.expect_nothing()


def test_pushed_by_type(changing):
    """Two questions are two sets; another address is a service gone and one that has come."""
    juliet = changing.client("juliet")
    ask(juliet, "stun")
    ask(juliet, "turn")
    changing.reload(with_turn(host="192.0.2.1", port=3479))
    assert pushed(juliet, "stun") == [("delete", "stun", "turn.example", "3478", "udp", False),
                                      ("add", "stun", "192.0.2.1", "3479", "udp", False)]
    assert pushed(juliet, "turn") == [
        (action, "turn", host, port, transport, action == "add") for transport in ("udp", "tcp")
        for action, host, port in (("delete", "turn.example", "3478"),
                                   ("add", "192.0.2.1", "3479"))]


def test_pushed_credentials(changing):
    """Another secret makes other credentials; STUN has none, so nothing is said of it."""
    juliet, romeo = changing.client("juliet"), changing.client("romeo")
    ask(juliet)
    ask(romeo, "stun")
    changing.reload(with_turn(secret="louder"))
    assert pushed(juliet) == [("modify", "turn", "turn.example", "3478", transport, True)
                              for transport in ("udp", "tcp")]
    changing.reload({"modules": {"turn": {"host": "turn.example"}}})
    assert pushed(juliet) == [("delete", "turn", "turn.example", "3478", transport, False)
                              for transport in ("udp", "tcp")]
    romeo.expect_nothing()


def test_not_pushed(changing):
    """What is as it was is not told; nor is anybody told who has gone."""
    juliet, romeo = changing.client("juliet"), changing.client("romeo")
    ask(juliet)
    ask(romeo)
    romeo.close()
    changing.reload(with_turn() | {"limits": {"roster-items": 999}})
    juliet.expect_nothing()
    changing.reload(with_turn(ttl="2h"))
    juliet.expect_nothing()
    changing.reload({"modules": {"turn": "off", "time": {}}})
    juliet.expect_nothing()
    changing.reload(with_turn(port=1234))
    juliet.expect_nothing()


def test_pushed_to_who_resumes(changing):
    """A session that hibernates finds the push behind its resumption."""
    juliet = changing.client("juliet")
    juliet.enable(resume=True)
    ask(juliet, "turns")
    juliet.abort()
    changing.reload(with_turn(**{"tls-port": 5349}))
    again = Client(changing, juliet.user).negotiate()
    again.resume(juliet)
    assert pushed(again, "turns") == [("add", "turns", "turn.example", "5349", "tcp", True)]


def test_announced(juliet):
    """§5, examples 8 and 9."""
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)[0]
    assert NS in {f.get("var") for f in info}
