# SPDX-License-Identifier: MIT
"""Small services: software version, ping, time (XEP-0092, 0199, 0202)."""

import datetime

import pytest
from kit import Client, only_linnet

CONFIG = {"modules": {"version": {}, "ping": {}, "time": {}, "disco": {}}}
VERSION, PING, TIME = "jabber:iq:version", "urn:xmpp:ping", "urn:xmpp:time"


def test_version(juliet):
    query = juliet.get(f"<query xmlns='{VERSION}'/>", juliet.domain)[0]
    assert query.findtext(f"{{{VERSION}}}name") and query.findtext(f"{{{VERSION}}}version")


@only_linnet("tells")
def test_version_without_system(juliet):
    query = juliet.get(f"<query xmlns='{VERSION}'/>", juliet.domain)[0]
    assert query.findtext(f"{{{VERSION}}}name") == "Linnet"
    assert query.find(f"{{{VERSION}}}os") is None


@only_linnet("an option of ours")
def test_version_with_system(servers):
    server = servers({"modules": {"version": {"show-os": "on"}}})
    juliet = server.client("juliet")
    query = juliet.get(f"<query xmlns='{VERSION}'/>", juliet.domain)[0]
    assert query.findtext(f"{{{VERSION}}}os") == "Linux"


@pytest.mark.parametrize("to", ["host", "account", "nobody"])
def test_ping(juliet, to):
    """XEP-0199 §4.2."""
    address = {"host": juliet.domain, "account": juliet.bare, "nobody": None}[to]
    result = juliet.get(f"<ping xmlns='{PING}'/>", address)
    assert len(result) == 0


def test_ping_by_a_stranger(server, juliet, romeo):
    """An account that is there and one that is not look the same (RFC 6121 §8.5.1)."""
    for address in (romeo.bare, server.nobody()):
        error = juliet.refused("get", f"<ping xmlns='{PING}'/>", "service-unavailable", "cancel",
                               to=address)
        assert error.find("*/{urn:ietf:params:xml:ns:xmpp-stanzas}text") is None


def test_ping_of_a_client(juliet, romeo):
    """§4.3: his client's matter."""
    ident = juliet.iq("get", f"<ping xmlns='{PING}'/>", romeo)
    romeo.expect(f"<iq type='get' id='{ident}' from='{juliet}'><ping xmlns='{PING}'/></iq>")
    romeo.send(f"<iq type='result' id='{ident}' to='{juliet}'/>")
    juliet.answer(ident)


@only_linnet("an option of ours")
def test_server_pings(servers):
    """A silent client is asked; one that does not answer is gone."""
    server = servers({"modules": {"ping": {"interval": "1s", "timeout": "1s"}}})
    juliet, romeo = server.client("juliet", "a"), server.client("romeo", "a")
    for _ in range(2):
        got = juliet.expect(f"<iq type='get' id='*'><ping xmlns='{PING}'/></iq>")
        assert got.get("from") in (None, server.host, juliet.bare)
        to = f" to='{got.get('from')}'" if got.get("from") else ""
        juliet.send(f"<iq type='result' id='{got.get('id')}'{to}/>")
    romeo.expect(f"<iq type='get' id='*'><ping xmlns='{PING}'/></iq>")
    romeo.expect_stream_error("connection-timeout")


def sleeper(server):
    one = server.client("romeo", "a")
    one.answers_r = False
    one.enable(resume=True)
    one.expect(f"<iq type='get' id='*'><ping xmlns='{PING}'/></iq>")
    return one


def resumes(server, old):
    """It is asked once more what it did not answer."""
    new = Client(server, old.user).negotiate()
    new.resume(old, h=0)
    got = new.expect(f"<iq type='get' id='*'><ping xmlns='{PING}'/></iq>")
    new.send(f"<iq type='result' id='{got.get('id')}' to='{server.host}'/>")
    new.sync()


@only_linnet("an option of ours")
def test_silent_client_may_come_back(servers):
    """A dead connection is no goodbye: the session can be resumed (XEP-0198 §5)."""
    server = servers({"modules": {"ping": {"interval": "1s", "timeout": "1s"}}})
    romeo = sleeper(server)
    romeo.expect_stream_error("connection-timeout")
    resumes(server, romeo)


@only_linnet("an option of ours")
def test_connection_lost_while_asked(servers):
    """Who is not there does not answer, and loses nothing but his time."""
    server = servers({"modules": {"ping": {"interval": "1s", "timeout": "1s"}}})
    romeo = sleeper(server)
    romeo.abort()
    juliet = server.client("juliet", "a")
    for _ in range(3):      # as long as three times what he was given
        got = juliet.expect(f"<iq type='get' id='*'><ping xmlns='{PING}'/></iq>")
        juliet.send(f"<iq type='result' id='{got.get('id')}' to='{server.host}'/>")
    resumes(server, romeo)


def test_time(juliet):
    """XEP-0202 §3, XEP-0082."""
    answer = juliet.get(f"<time xmlns='{TIME}'/>", juliet.domain)[0]
    utc = answer.findtext(f"{{{TIME}}}utc")
    assert utc.endswith("Z")
    off = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(
        utc.replace("Z", "+00:00"))
    assert abs(off.total_seconds()) < 5
    zone = answer.findtext(f"{{{TIME}}}tzo")
    assert zone == "Z" or zone[0] in "+-" and zone[3] == ":"


@pytest.mark.parametrize("payload", [f"<query xmlns='{VERSION}'/>", f"<ping xmlns='{PING}'/>",
                                     f"<time xmlns='{TIME}'/>"])
def test_set_is_refused(juliet, payload):
    juliet.refused("set", payload, "service-unavailable|not-allowed|feature-not-implemented"
                                   "|bad-request", to=juliet.domain)


def test_announced(juliet):
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)[0]
    assert {VERSION, PING, TIME} <= {f.get("var") for f in info}
