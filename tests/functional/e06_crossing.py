# SPDX-License-Identifier: MIT
"""A session that sleeps, or waits to be resumed, while something else happens to it.

A client that asks for its session is answered when all that it sent is on disk; with a disk that
fails it waits, and everything else happens meanwhile.
"""

import pytest
from kit import Client, Closed, only_linnet
from kit.client import NS_SM
from kit.disk import Disk

from e00_enable import failed

pytestmark = only_linnet("a disk that does what it is told to")
CONFIG = {"modules": {"offline": {}}}
VERONA = "verona.example"


@pytest.fixture
def disk(servers):
    one = Disk(servers(CONFIG, start=False))
    one.server.start()
    yield one
    one.say("ok")


@pytest.fixture
def server(disk):
    return disk.server


def chat(sender, to, ident):
    sender.send(f"<message to='{to}' type='chat' id='{ident}'><body>{ident}</body></message>")


def again(old):
    return Client(old.server, old.user, name=old.name + "'").negotiate()


def ask(new, old, h=None):
    """Asks for the session without waiting for it."""
    h = old.handled if h is None else h
    new.send(f"<resume xmlns='{NS_SM}' previd='{old.sm_id}' h='{h}'/>")
    return new


def waits(new, old, witness):
    """Asks for the session; that has reached it when a request of `witness`, at the same home, is
    answered."""
    ask(new, old)
    witness.sync()
    return new


def is_resumed(new, old):
    resumed = new.expect(f"<resumed xmlns='{NS_SM}' previd='{old.sm_id}'/>")
    new.sm_on, new.sm_id, new.handled = True, old.sm_id, old.handled
    new.jid, new.bare, new.resource = old.jid, old.bare, old.resource
    return int(resumed.get("h"))


def sleeper(server, name="romeo", resource="orchard"):
    one = server.client(name, resource)
    one.enable(resume=True)
    one.online()
    one.ack()
    return one


def owing(disk, name="romeo", how="fail"):
    """One whose message is not on disk yet; and for whom it is."""
    one, away = sleeper(disk.server, name), disk.server.user("nurse")
    disk.say(how)
    chat(one, away.jid, "owed")
    one.sync()
    return one, away


def offline(server, user, *idents):
    """These are what he finds, each once."""
    one = Client(server, user).login("later").online()
    for ident in idents:
        one.expect(f"<message id='{ident}'/>")
    one.expect_nothing()
    one.close()


# --- the client that waits ------------------------------------------------------------------


def test_waits_for_the_disk(disk, server):
    romeo, nurse = owing(disk)
    romeo.abort()
    new = ask(again(romeo), romeo)
    disk.until("failing", "stalled")
    disk.say("ok")
    assert is_resumed(new, romeo) == 3
    new.sync()
    offline(server, nurse, "owed")


def test_two_at_once(disk, server):
    """The later one has it; the other is told, and may begin anew."""
    romeo, nurse = owing(disk)
    romeo.abort()
    first, second, witness = again(romeo), again(romeo), romeo.another("witness")
    waits(first, romeo, witness)
    ask(second, romeo)
    failed(first, "item-not-found")
    first.bind("other")
    disk.say("ok")
    is_resumed(second, romeo)
    second.sync()
    first.sync()


def test_one_after_another_while_it_waits(disk, server):
    """The one that waited is gone before it was answered."""
    romeo, nurse = owing(disk)
    romeo.abort()
    waits(again(romeo), romeo, romeo.another("witness")).abort()
    second = ask(again(romeo), romeo)
    disk.say("ok")
    is_resumed(second, romeo)
    second.sync()
    offline(server, nurse, "owed")


def test_its_time_does_not_run_out_while_it_waits(servers):
    """It came in time, and it is not to blame for the disk."""
    disk = Disk(servers({**CONFIG, "stream-management": {"resume": "1s"}}, start=False))
    server = disk.server.start()
    romeo, nurse = owing(disk, how="slow 2500")
    romeo.abort()
    new = ask(again(romeo), romeo)
    assert is_resumed(new, romeo) == 3
    disk.say("ok")
    new.sync()
    offline(server, nurse, "owed")


def test_bound_while_it_waits(disk, server):
    """Somebody else takes the resource: the session is over, and says what it had counted."""
    romeo, nurse = owing(disk)
    romeo.abort()
    new, other, witness = again(romeo), again(romeo), romeo.another("witness")
    waits(new, romeo, witness)
    other.bind("orchard")
    assert failed(new, "item-not-found").get("h") == "1"
    new.bind("other")
    disk.say("ok")
    offline(server, nurse, "owed")


@pytest.mark.parametrize("verb", ["del", "disable"])
def test_account_ends_while_it_waits(disk, server, verb):
    romeo, nurse = owing(disk)
    romeo.abort()
    new = ask(again(romeo), romeo)
    new.sm_on = False
    disk.say("ok")
    disk.until("ok")
    server.ctl("user", verb, romeo.bare)
    kind, got = new.event()
    if kind == "element" and got.tag == f"{{{NS_SM}}}resumed":
        new.expect_stream_error("not-authorized")
    elif kind == "element" and got.tag == f"{{{NS_SM}}}failed":
        new.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        new.expect("<iq type='error' id='b'/>")
    offline(server, nurse, "owed")


def test_a_failing_disk_does_not_let_it_grow(servers):
    """Its time stands still meanwhile; what waits for it is bounded all the same."""
    disk = Disk(servers({**CONFIG, "stream-management": {"queue": 20}}, start=False))
    server = disk.server.start()
    romeo, _ = owing(disk)
    watcher = romeo.another("watcher").online()
    watcher.expect(f"<presence from='{romeo}' type='!'/>")
    disk.until("failing", "stalled")
    romeo.abort()
    for n in range(30):
        watcher.send(f"<message to='{romeo}' type='headline' id='m{n}'><body>x</body></message>")
    watcher.expect(f"<presence from='{romeo}' type='unavailable'/>")


# --- goodbye --------------------------------------------------------------------------------


def test_goodbye_with_something_owed(disk, server):
    """§6: a stream that was closed is over, answered or not."""
    romeo, nurse = owing(disk)
    romeo.send("</stream:stream>")
    new = ask(again(romeo), romeo)
    disk.say("ok")
    failed(new, "item-not-found")
    new.bind("orchard")
    new.online()
    new.sync()
    offline(server, nurse, "owed")


def test_goodbye_of_one_that_is_resumed_elsewhere(disk, server):
    """The old stream closes behind the new one's request: it has no say any more."""
    romeo, nurse = owing(disk)
    new = ask(again(romeo), romeo)
    romeo.expect_stream_error("conflict")
    romeo.send("</stream:stream>")
    disk.say("ok")
    is_resumed(new, romeo)
    new.sync()


# --- its host ---------------------------------------------------------------------------------


@pytest.fixture
def verona(servers):
    one = servers(CONFIG, start=False)
    one.config = with_verona(one)
    return one.start()


def with_verona(server):
    return {**CONFIG, "hosts": {VERONA: {"certificate": server.crt, "key": server.key}}}


def sleeper_at(server, host):
    user = server.user("escalus", host=host)
    one = Client(server, user).login("palace")
    one.enable(resume=True)
    one.online()
    one.ack()
    return one


def test_host_goes_while_it_sleeps(verona):
    """What it had not acknowledged is there when the host comes back, once."""
    escalus, juliet = sleeper_at(verona, VERONA), verona.client("juliet")
    chat(juliet, escalus, "read")
    escalus.expect("<message id='read'/>")
    escalus.abort()
    chat(juliet, escalus, "slept")
    juliet.sync(escalus.bare)
    verona.reload(CONFIG)
    chat(juliet, escalus, "gone")
    juliet.expect("<message type='error' id='gone'/>")
    verona.reload(with_verona(verona))
    new = again(escalus)
    failed(ask(new, escalus), "item-not-found")
    new.bind("palace")
    new.online()
    new.expect("<message id='read'/>")
    new.expect("<message id='slept'/>")
    new.expect_nothing(after=juliet)


def test_host_goes_while_one_waits(servers):
    disk = Disk(servers(CONFIG, start=False))
    server = disk.server
    server.config = with_verona(server)
    server.start()
    nurse, escalus = server.user("nurse"), sleeper_at(server, VERONA)
    disk.say("fail")
    chat(escalus, nurse.jid, "owed")
    escalus.sync()
    escalus.abort()
    new = waits(again(escalus), escalus, escalus.another("witness"))
    server.reload(CONFIG)
    with pytest.raises((AssertionError, Closed)):
        is_resumed(new, escalus)
    disk.say("ok")
    offline(server, nurse, "owed")


# --- other settings --------------------------------------------------------------------------


def test_resumption_is_switched_off_while_it_sleeps(server):
    """What was promised is kept; nothing more is promised."""
    romeo, juliet = sleeper(server), server.client("juliet")
    romeo.abort()
    chat(juliet, romeo.bare, "m")
    juliet.sync(romeo.bare)
    server.reload({**CONFIG, "stream-management": {"resume": "off"}})
    new = again(romeo)
    new.resume(romeo)
    new.expect("<message id='m'/>")
    new.expect_nothing()
    assert juliet.enable(resume=True).get("id") is None


@pytest.mark.parametrize("modules", [{}, {"offline": {}, "blocking": {}, "carbons": {}, "csi": {}}])
def test_modules_change_while_it_sleeps(server, modules):
    romeo, juliet = sleeper(server), server.client("juliet")
    romeo.abort()
    chat(juliet, romeo.bare, "before")
    juliet.sync(romeo.bare)
    server.reload({"modules": modules})
    chat(juliet, romeo.bare, "after")
    new = ask(again(romeo), romeo)
    is_resumed(new, romeo)
    new.expect("<message id='before'/>")
    new.expect("<message id='after'/>")
    new.expect_nothing()


def test_modules_change_while_one_waits(disk, server):
    romeo, nurse = owing(disk)
    romeo.abort()
    new = waits(again(romeo), romeo, romeo.another("witness"))
    server.reload({"modules": {"offline": {}, "blocking": {}, "carbons": {}, "csi": {},
                               "private": {}, "vcard": {}}})
    disk.say("ok")
    is_resumed(new, romeo)
    new.sync()
    offline(server, nurse, "owed")


def test_reload_after_reload(server):
    """Modules come and go while sessions fall asleep and wake up."""
    juliet, romeo = server.client("juliet"), sleeper(server)
    more = {"modules": {"offline": {}, "blocking": {}, "carbons": {}, "csi": {}, "private": {}}}
    for n in range(10):
        romeo.abort()
        chat(juliet, romeo.bare, f"a{n}")
        server.reload(more if n % 2 else CONFIG)
        chat(juliet, romeo.bare, f"b{n}")
        new = again(romeo)
        is_resumed(ask(new, romeo), romeo)
        for ident in (f"a{n}", f"b{n}"):
            new.expect(f"<message id='{ident}'/>")
        new.ack()
        romeo = new
    romeo.expect_nothing(after=juliet)


# --- the end ----------------------------------------------------------------------------------


def test_stop_while_one_waits(disk, server):
    """What it missed, and what it had sent, is stored once."""
    juliet, (romeo, nurse) = server.client("juliet"), owing(disk)
    disk.say("ok")
    disk.until("ok")
    romeo.abort()
    chat(juliet, romeo.bare, "missed")
    juliet.sync(romeo.bare)
    disk.say("slow 700")
    juliet.send(f"<message to='{nurse.jid}' type='chat' id='late'><body>late</body></message>")
    new = waits(again(romeo), romeo, romeo.another("witness"))
    disk.say("ok")
    server.stop()
    server.start()
    offline(server, romeo.user, "missed")
    offline(server, nurse, "owed", "late")


# --- who is asleep is not in the way ------------------------------------------------------------


def test_refused_conflicts_are_with_who_is_there(servers):
    """conflict: refuse. One that sleeps is not connected; its client came back without its id."""
    server = servers({**CONFIG, "c2s": {"conflict": "refuse"}})
    romeo, juliet = sleeper(server), server.client("juliet")
    again_refused = again(romeo)
    with pytest.raises(AssertionError, match="conflict"):
        again_refused.bind("orchard")
    romeo.abort()
    chat(juliet, romeo.bare, "m")
    juliet.sync(romeo.bare)
    new = again(romeo).bind("orchard")
    new.online()
    new.expect("<message id='m'/>")
    new.expect_nothing()


def test_sleepers_make_room(servers):
    """limits.sessions-per-account: who comes is not kept out by those who left."""
    server = servers({**CONFIG, "limits": {"sessions-per-account": 2}})
    juliet = server.client("juliet")
    first = sleeper(server)
    first.abort()
    second = Client(server, first.user).login("second")
    second.enable(resume=True)
    second.online()
    second.abort()
    chat(juliet, first.bare, "m")
    juliet.sync(first.bare)
    third = Client(server, first.user).login("third").online()
    with pytest.raises(AssertionError, match="item-not-found|failed"):
        again(first).resume(first)
    fourth = Client(server, first.user).login("fourth").online()
    fifth = Client(server, first.user).negotiate()
    with pytest.raises(AssertionError, match="resource-constraint"):
        fifth.bind("fifth")
    third.expect(f"<presence from='{second}' type='!'/>")
    third.expect_all(f"<presence from='{second}' type='unavailable'/>", "<message id='m'/>",
                     f"<presence from='{fourth}'/>")
