# SPDX-License-Identifier: MIT
"""What a host says for itself: c2s and stream-management; and what is in force elsewhere."""

import json
import sqlite3

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("options of ours")

STARTTLS = "{urn:ietf:params:xml:ns:xmpp-tls}"
MECHANISMS = "{urn:ietf:params:xml:ns:xmpp-sasl}mechanisms"
SM = "urn:xmpp:sm:3"
CONFIG = {"c2s": {"tls": "required", "conflict": "refuse"}, "stream-management": {"resume": "1m"},
          "hosts": {"montague.example": {"c2s": {"tls": "optional", "channel-binding": "no",
                                                 "conflict": "replace"},
                                         "stream-management": {"resume": "off"}}}}


def features(server, host):
    return Client(server, server.user("juliet", host=host)).open(host)


def test_tls(server):
    """Required at one, optional at the other."""
    ours = features(server, server.host)
    assert ours.find(f"{STARTTLS}starttls/{STARTTLS}required") is not None
    assert ours.find(MECHANISMS) is None
    theirs = features(server, server.host2)
    assert theirs.find(f"{STARTTLS}starttls") is not None
    assert theirs.find(f"{STARTTLS}starttls/{STARTTLS}required") is None
    assert theirs.find(MECHANISMS) is not None


@pytest.mark.parametrize("ours", [True, False])
def test_channel_binding(server, ours):
    host = server.host if ours else server.host2
    client = Client(server, server.user("juliet", host=host))
    client.open(host)
    client.starttls()
    offered = client.mechanisms()
    assert ("SCRAM-SHA-256-PLUS" in offered) == ours


@pytest.mark.parametrize("ours", [True, False])
def test_conflict_and_resumption(server, ours):
    host = server.host if ours else server.host2
    user = server.user("juliet", host=host)
    one = Client(server, user).login("balcony", tls=True)
    one.send(f"<enable xmlns='{SM}' resume='true'/>")
    enabled = one.expect(f"<enabled xmlns='{SM}'/>")
    assert (enabled.get("max") == "60") == ours
    assert (enabled.get("id") is not None) == ours
    other = Client(server, user)
    if ours:
        with pytest.raises(AssertionError, match="conflict"):
            other.login("balcony", tls=True)
    else:
        other.login("balcony", tls=True)
        one.expect_stream_error("conflict")


def test_limits_that_are_off_are_bounds(servers):
    """16 MiB of one stanza, not all of the memory."""
    server = servers({"limits": {"stanza": "off"}})
    juliet = server.client("juliet")
    limits = juliet.features.find("{urn:xmpp:stream-limits:0}limits")
    assert limits.findtext("{urn:xmpp:stream-limits:0}max-bytes") == str(16 << 20)


def evicted(server):
    rows = json.loads(server.ctl("--json", "stats").stdout)["rows"]
    return sum(row["value"] for row in rows if "evicted" in row["name"])


@pytest.mark.parametrize("memory", ["1M", "64M"])
def test_memory_is_obeyed(servers, memory):
    """limits.memory: accounts that nobody is using are unloaded beyond it."""
    server = servers({"limits": {"memory": memory}, "modules": {"offline": {}}})
    names = [f"guest{n}-{'x' * 500}@{server.host}" for n in range(1500)]
    server.stop()
    with sqlite3.connect(server.folder / "data" / "linnet.db") as database:
        database.executemany("INSERT INTO entity (kind, jid, host, status, created)"
                             " VALUES (1, ?, ?, 1, 0)", ((name, server.host) for name in names))
    database.close()
    server.start()
    juliet = server.client("juliet")
    for name in names:
        juliet.send(f"<message to='{name}' type='headline'><body>x</body></message>")
    juliet.sync()
    assert (evicted(server) > 0) == (memory == "1M")
