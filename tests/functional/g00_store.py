# SPDX-License-Identifier: MIT
"""A disk that fails: nothing is acknowledged that is not stored, and nothing is lost.

DESIGN section 8, "Failure": an error of the disk fails nothing, the writer
tries again; after a while the store is stalled, and what must be stored is
refused where it enters, by kind.
"""

import contextlib
import json
import time

import pytest
from kit import TIMEOUT, Client, only_linnet
from kit.client import NS_SM
from kit.disk import Disk

CONFIG = {"modules": {"offline": {}, "private": {}, "disco": {}}}
pytestmark = only_linnet("a promise of ours")

QUICK = 400     # ms after which a failing disk is called stalled; 5 s where a test says None
REFUSED = ("resource-constraint", "wait")
CONTACT = "<query xmlns='jabber:iq:roster'><item jid='{}@verona.example'/></query>"
NOTE = "<query xmlns='jabber:iq:private'><note xmlns='urn:example:note'>x</note></query>"


@pytest.fixture
def disks(servers):
    def make(stall_ms=QUICK):
        disk = Disk(servers(CONFIG, start=False), stall_ms)
        disk.server.start()
        return disk

    return make


def say(what):
    @contextlib.contextmanager
    def fault(disk):
        disk.say(what)
        yield
        disk.say("ok")

    return fault


@contextlib.contextmanager
def locked(disk):
    """Another program holds the database."""
    other = disk.connect()
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


FAULTS = {"full": say("full 0"), "broken": say("fail"), "read-only": say("readonly"),
          "locked": locked}
fault = pytest.mark.parametrize("name", FAULTS)


def chat(sender, to, ident, kind="chat"):
    sender.send(f"<message to='{to}' type='{kind}' id='{ident}'><body>{ident}</body></message>")


def acknowledged(client, count):
    """Wait for the <a/> that covers so many."""
    while (client.acked or 0) < count:
        kind, element = super(Client, client).event()
        assert kind == "element"
        if element.tag == f"{{{NS_SM}}}a":
            client.acked = int(element.get("h"))
        else:
            client._events_later.append((kind, element))


def came_back(server, user, *ids):
    """These messages, and no others, wait for the user."""
    back = Client(server, user).login("back").online()
    for ident in ids:
        back.expect(f"<message id='{ident}'/>")
    back.expect_nothing()
    back.close()


def lines(server, what):
    return sum(what in line for line in server.log(100000).splitlines())


def until_logged(server, what):
    """The log has a thread of its own, which may be behind."""
    deadline = time.monotonic() + TIMEOUT
    while lines(server, what) == 0:
        assert time.monotonic() < deadline, f"not logged: {what}"


@fault
def test_nothing_is_acknowledged_and_nothing_lost(disks, name):
    """What came before the stall is stored when the disk works again; what came after is refused."""
    disk = disks()
    server = disk.server
    juliet, away = server.client("juliet"), server.user("romeo")
    juliet.enable()
    with FAULTS[name](disk):
        chat(juliet, away.jid, "before")
        assert juliet.request_ack() == 0
        disk.until("stalled")
        chat(juliet, away.jid, "after")
        juliet.expect_error("after", *REFUSED, name="message")
        assert juliet.request_ack() == 0
    acknowledged(juliet, 2)
    disk.until("ok")
    chat(juliet, away.jid, "later")
    while juliet.request_ack() < 3:
        pass
    server.kill()
    server.start()
    came_back(server, away, "before", "later")


@pytest.mark.parametrize("stored", ["contact", "note", "subscription"])
def test_whatever_is_stored_is_acknowledged_when_it_is(disks, stored):
    """Messages are not alone in that: what any handler writes holds the stanza back."""
    disk = disks(None)
    juliet = disk.server.client("juliet")
    juliet.enable()
    disk.say("fail")
    juliet.send({"contact": f"<iq type='set' id='1'>{CONTACT.format('a')}</iq>",
                 "note": f"<iq type='set' id='1'>{NOTE}</iq>",
                 "subscription": "<presence type='subscribe' to='a@verona.example'/>"}[stored])
    assert juliet.request_ack() == 0
    disk.say("ok")
    acknowledged(juliet, 1)


@fault
def test_said_once_when_it_begins_and_when_it_ends(disks, name):
    disk = disks()
    server = disk.server
    juliet, away = server.client("juliet"), server.user("romeo")
    assert disk.stat("stalled") == 0
    with FAULTS[name](disk):
        chat(juliet, away.jid, "m")
        disk.until("stalled")
        until_logged(server, "disk error, trying again")
        assert disk.stat("stalled") == 1
        assert disk.stat("disk_errors_total") > 0
    disk.until("ok")
    assert disk.stat("stalled") == 0
    for what in ("disk error, trying again", "disk works again",
                 "stalled, what must be stored is refused", "stall is over"):
        until_logged(server, what)
        assert lines(server, what) == 1


class Scene:
    """A stalled store, two who are online, and one who is away."""

    def __init__(self, disk):
        server = disk.server
        self.disk = disk
        self.juliet, self.nurse = server.client("juliet"), server.client("nurse")
        self.away = server.user("romeo")
        self.nurse.online()
        self.juliet.online()
        self.juliet.roster()
        disk.say("fail")
        chat(self.juliet, self.away.jid, "begin")
        disk.until("stalled")


@pytest.fixture
def scene(disks):
    scene = Scene(disks())
    yield scene
    scene.disk.say("ok")


@pytest.mark.parametrize("kind", ["chat", "normal", "groupchat"])
@pytest.mark.parametrize("to", ["away", "nurse"])
def test_refused_by_kind(scene, kind, to):
    """Whether or not anything would have been stored."""
    address = scene.away.jid if to == "away" else str(scene.nurse)
    chat(scene.juliet, address, "m", kind)
    scene.juliet.expect_error("m", *REFUSED, name="message")
    scene.nurse.expect_nothing(after=scene.juliet)


@pytest.mark.parametrize("kind", ["subscribe", "subscribed", "unsubscribe", "unsubscribed"])
def test_subscriptions_are_refused(scene, kind):
    scene.juliet.send(f"<presence type='{kind}' to='{scene.nurse.bare}' id='p'/>")
    scene.juliet.expect_error("p", *REFUSED, name="presence")
    scene.nurse.expect_nothing(after=scene.juliet)


@pytest.mark.parametrize("payload", [CONTACT.format("c"), NOTE], ids=["roster", "private"])
def test_sets_that_store_are_refused(scene, payload):
    scene.juliet.refused("set", payload, *REFUSED)


def test_the_rest_is_served(scene):
    """What is of the moment needs no disk, nor does reading."""
    juliet, nurse = scene.juliet, scene.nurse
    chat(juliet, nurse, "h", "headline")
    nurse.expect("<message id='h' type='headline'/>")
    juliet.send(f"<message to='{nurse}' type='chat' id='c'>"
                "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
    nurse.expect("<message id='c'/>")
    juliet.send(f"<presence to='{nurse}'><show>away</show></presence>")
    nurse.expect(f"<presence from='{juliet}'><show>away</show></presence>")
    juliet.get("<query xmlns='jabber:iq:roster'/>")
    juliet.get("<query xmlns='jabber:iq:private'><note xmlns='urn:example:note'/></query>")
    juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)


def test_clients_log_in(scene):
    new = Client(scene.disk.server, scene.nurse.user).login("second").online()
    new.expect(f"<presence from='{scene.nurse}'/>")
    assert new.roster() == {}


def test_accepted_again(scene):
    scene.disk.say("ok")
    scene.disk.until("ok")
    ident = scene.juliet.iq("set", CONTACT.format("c"))
    scene.juliet.expect_all("<iq type='set'><query xmlns='jabber:iq:roster'/></iq>",
                            f"<iq type='result' id='{ident}'/>")
    scene.juliet.set(NOTE)
    chat(scene.juliet, scene.nurse, "m")
    scene.nurse.expect("<message id='m'/>")
    came_back(scene.disk.server, scene.away, "begin")


def test_result_waits_for_the_disk(disks):
    """The result of an IQ set comes after the commit, and only then."""
    disk = disks(60000)
    juliet = disk.server.client("juliet")
    disk.say("fail")
    ident = juliet.iq("set", CONTACT.format("c"))
    juliet.expect_nothing()
    disk.until("failing")
    juliet.expect_nothing()
    disk.say("ok")
    juliet.answer(ident)
    disk.server.kill()
    disk.server.start()
    assert "c@verona.example" in Client(disk.server, juliet.user).login().roster()


def test_delivery_waits_for_nothing(disks):
    """Who is there gets it at once, and his acknowledgement is as good as the disk."""
    disk = disks(60000)
    juliet, romeo = disk.server.client("juliet"), disk.server.client("romeo")
    romeo.enable()
    romeo.online()
    juliet.enable()
    disk.say("fail")
    chat(juliet, romeo.bare, "m")
    romeo.expect("<message id='m'/>")
    romeo.ack()
    while juliet.request_ack() < 1:
        pass


def test_credit(disks):
    """DESIGN section 5: with so much on hold nothing more is read, and it goes on afterwards."""
    disk = disks(None)
    server = disk.server
    romeo, juliet = server.user("romeo"), server.client("juliet")
    juliet.enable()
    disk.say("slow 300")
    for n in range(600):
        chat(juliet, romeo.jid, f"m{n}")
    juliet.send("<r xmlns='urn:xmpp:sm:3'/>")
    disk.say("ok")
    acknowledged(juliet, 600)
    rows = json.loads(server.ctl("--json", "stats").stdout)["rows"]
    assert [r["value"] > 0 for r in rows if (r["part"], r["name"]) == ("session", "paused_total")] \
        == [True]


def test_slow(disks):
    """A slow disk delays acknowledgements; it is no fault, and no alarm."""
    disk = disks()
    juliet, away = disk.server.client("juliet"), disk.server.user("romeo")
    juliet.enable()
    disk.say("slow 150")
    for n in range(5):
        chat(juliet, away.jid, f"m{n}")
        while juliet.request_ack() < n + 1:
            pass
    disk.server.kill()
    assert lines(disk.server, "stalled") == lines(disk.server, "disk error") == 0
    disk.say("ok")
    disk.server.start()
    came_back(disk.server, away, *(f"m{n}" for n in range(5)))
