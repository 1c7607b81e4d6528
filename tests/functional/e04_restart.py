# SPDX-License-Identifier: MIT
"""Acknowledged means on disk: SIGKILL, and SIGTERM, in between (promise 1 of doc/architecture.md)."""

import pytest
from kit import Client, only_linnet
from kit.client import NS_SM

from e00_enable import failed

CONFIG = {"modules": {"offline": {}}}
pytestmark = only_linnet("a promise of ours")


def come_back(server, user):
    return Client(server, user).login("back").online()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_acknowledged_for_an_offline_user(servers, end):
    server = servers(CONFIG)
    juliet, user = server.client("juliet"), server.user("romeo")
    juliet.enable()
    for n in range(20):
        juliet.send(f"<message to='{user.jid}' type='chat' id='m{n}'><body>{n}</body></message>")
    while juliet.request_ack() < 20:
        pass
    getattr(server, end)()
    server.start()
    romeo = come_back(server, user)
    for n in range(20):
        romeo.expect(f"<message id='m{n}'><body>{n}</body>"
                     "<delay xmlns='urn:xmpp:delay' stamp='*'/></message>")
    romeo.expect_nothing()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_acknowledged_for_a_silent_client(servers, end):
    """The recipient is connected and acknowledges nothing."""
    server = servers(CONFIG)
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.answers_r = False
    romeo.enable(resume=True)
    romeo.send("<presence/>")
    juliet.enable()
    for n in range(20):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{n}'><body>{n}</body></message>")
    while juliet.request_ack() < 20:
        pass
    getattr(server, end)()
    server.start()
    back = come_back(server, romeo.user)
    for n in range(20):
        back.expect(f"<message id='m{n}'/>")
    back.expect_nothing()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_acknowledged_for_a_sleeping_session(servers, end):
    server = servers(CONFIG)
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.enable(resume=True)
    romeo.online()
    romeo.ack()
    romeo.abort()
    juliet.enable()
    for n in range(20):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{n}'><body>{n}</body></message>")
    while juliet.request_ack() < 20:
        pass
    getattr(server, end)()
    server.start()
    back = come_back(server, romeo.user)
    for n in range(20):
        back.expect(f"<message id='m{n}'/>")
    back.expect_nothing()


def test_read_and_acknowledged_does_not_come_again(servers):
    server = servers(CONFIG)
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.enable()
    romeo.online()
    juliet.enable()
    for n in range(20):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{n}'><body>{n}</body></message>")
    for n in range(20):
        romeo.expect(f"<message id='m{n}'/>")
    romeo.ack()
    romeo.sync()
    while juliet.request_ack() < 20:
        pass
    server.stop()
    server.start()
    come_back(server, romeo.user).expect_nothing()


def test_resumption_does_not_survive(servers):
    server = servers(CONFIG)
    romeo = server.client("romeo", "orchard")
    romeo.enable(resume=True)
    romeo.online()
    server.kill()
    server.start()
    new = Client(server, romeo.user).negotiate()
    new.send(f"<resume xmlns='{NS_SM}' previd='{romeo.sm_id}' h='0'/>")
    failed(new, "item-not-found")
    new.bind("orchard").online()


def test_roster_is_on_disk_when_it_is_answered(servers):
    """The result of an IQ set waits for the commit."""
    server = servers(CONFIG)
    juliet = server.client("juliet")
    for n in range(5):
        juliet.set(f"<query xmlns='jabber:iq:roster'><item jid='c{n}@verona.example'/></query>")
    server.kill()
    server.start()
    assert len(Client(server, juliet.user).login().roster()) == 5
