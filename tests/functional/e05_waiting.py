# SPDX-License-Identifier: MIT
"""Stored messages and several sessions: who is given what, in which order, and what is left.

DESIGN section 8: a session being given stored messages gets new ones behind
them; a row that no session holds is an offline message.
"""

import pytest
from kit import Client, only_linnet
from kit.client import NS_SM
from kit.disk import Disk

CONFIG = {"modules": {"offline": {"limit": 1000}}}
pytestmark = only_linnet("a client is given at most 256 messages, and some, ahead of its <a/>")

STORED = 400    # more than a client is given without acknowledging
GIVEN = 300     # so many it is given


def chat(sender, to, ident):
    sender.send(f"<message to='{to}' type='chat' id='{ident}'><body>{ident}</body></message>")


def fill(sender, user, count=STORED):
    for n in range(count):
        chat(sender, user.jid, f"m{n}")
    sender.sync(user.jid)


class Reluctant(Client):
    """Acknowledges nothing until told to."""

    willing = False

    def ack(self, h=None):
        if self.willing:
            super().ack(h)


def slow_reader(server, user, *others, given=GIVEN):
    """One that has taken all it is given without acknowledging."""
    phone = Reluctant(server, user).login("phone")
    phone.enable(resume=True)
    phone.send("<presence/>")
    for other in (phone, *others):
        phone.expect(f"<presence from='{other}'/>")
    for n in range(given):
        phone.expect(f"<message id='m{n}'/>")
    phone.expect_nothing()
    return phone


def test_one_that_sleeps_does_not_hold_up_others(server, juliet):
    """It fell asleep half-way: who is there gets the rest, and what is new."""
    away = server.user("romeo")
    fill(juliet, away)
    phone = slow_reader(server, away)
    phone.abort()
    laptop = Client(server, away).login("laptop")
    laptop.send("<presence/>")
    laptop.expect_all(f"<presence from='{laptop}'/>", f"<presence from='{phone}'/>",
                      *(f"<message id='m{n}'/>" for n in range(GIVEN, GIVEN + 2)))
    for n in range(GIVEN + 2, STORED):
        laptop.expect(f"<message id='m{n}'/>")
    chat(juliet, laptop.bare, "new")
    laptop.expect("<message id='new'/>")


def test_one_that_falls_asleep_hands_over(server, juliet):
    """The other was there already."""
    away = server.user("romeo")
    fill(juliet, away)
    laptop = Client(server, away).login("laptop").online(-1)
    phone = slow_reader(server, away, laptop)
    laptop.expect(f"<presence from='{phone}'/>")
    laptop.send("<presence><priority>1</priority></presence>")
    laptop.expect(f"<presence from='{laptop}'/>")
    laptop.expect_nothing()
    phone.abort()
    for n in range(GIVEN, STORED):
        laptop.expect(f"<message id='m{n}'/>")


def test_what_is_for_one_resource_does_not_queue_behind_another(server, juliet):
    """RFC 6121 §8.5.3.1: a message for a full JID is that resource's."""
    away = server.user("romeo")
    fill(juliet, away)
    phone = slow_reader(server, away)
    laptop = Client(server, away).login("laptop").online()
    laptop.expect(f"<presence from='{phone}'/>")
    chat(juliet, laptop, "mine")
    laptop.expect("<message id='mine'/>")


def slow_and_quick(server, juliet):
    """One is being given stored messages and acknowledges nothing; the other is just there."""
    away = server.user("romeo")
    fill(juliet, away)
    phone = slow_reader(server, away)
    laptop = Client(server, away).login("laptop").online()
    laptop.expect(f"<presence from='{phone}'/>")
    phone.expect(f"<presence from='{laptop}'/>")
    return phone, laptop


def catch_up(phone, *more):
    """It acknowledges at last: the rest of what was stored, then what came meanwhile."""
    phone.willing = True
    phone.ack()
    for ident in [*(f"m{n}" for n in range(GIVEN, STORED)), *more]:
        phone.expect(f"<message id='{ident}'/>")
    phone.expect_nothing()


def test_who_is_there_need_not_wait(server, juliet):
    """RFC 6121 §8.5.2.1.1: all of them get it; only one has others to be given first."""
    phone, laptop = slow_and_quick(server, juliet)
    for n in range(3):
        chat(juliet, laptop.bare, f"new{n}")
        laptop.expect(f"<message id='new{n}'/>")
    phone.expect_nothing(after=juliet)
    catch_up(phone, "new0", "new1", "new2")
    laptop.expect_nothing()


def test_order_when_the_other_leaves(server, juliet):
    phone, laptop = slow_and_quick(server, juliet)
    chat(juliet, laptop.bare, "new0")
    laptop.expect("<message id='new0'/>")
    laptop.close()
    phone.expect(f"<presence from='{laptop}' type='unavailable'/>")
    chat(juliet, laptop.bare, "new1")
    phone.expect_nothing(after=juliet)
    catch_up(phone, "new0", "new1")


def test_asleep_with_something_behind(server, juliet):
    """The other is given the rest; what it has had already waits for who sleeps alone."""
    phone, laptop = slow_and_quick(server, juliet)
    chat(juliet, laptop.bare, "new")
    laptop.expect("<message id='new'/>")
    phone.abort()
    for n in range(GIVEN, STORED):
        laptop.expect(f"<message id='m{n}'/>")
    laptop.expect_nothing()
    again = Reluctant(server, phone.user).negotiate()
    again.willing = True
    again.resume(phone)
    again.expect("<message id='new'/>")
    again.expect_nothing(after=laptop)


@pytest.mark.parametrize("acknowledges", [True, False])
def test_gone_with_something_behind(server, juliet, acknowledges):
    """What somebody acknowledged is nobody's any more; else it is kept."""
    phone, laptop = slow_and_quick(server, juliet)
    if not acknowledges:
        laptop.answers_r = False
        laptop.enable(resume=True)
    chat(juliet, laptop.bare, "new")
    laptop.expect("<message id='new'/>")
    laptop.send("<presence type='unavailable'/>")
    laptop.expect(f"<presence from='{laptop}' type='unavailable'/>")
    phone.expect(f"<presence from='{laptop}' type='unavailable'/>")
    phone.send("<presence type='unavailable'/>")
    phone.expect(f"<presence from='{phone}' type='unavailable'/>")
    phone.willing = True
    phone.ack()
    phone.close()
    laptop.close()
    back = Client(server, phone.user).login("back").online()
    for n in range(GIVEN, STORED):
        back.expect(f"<message id='m{n}'/>")
    if not acknowledges:
        back.expect("<message id='new'/>")
    back.expect_nothing()


def test_a_copy_of_what_waits_behind(servers):
    """XEP-0280: delivered to one resource is delivered, whatever that has to be given first."""
    server = servers({"modules": {**CONFIG["modules"], "carbons": {}}})
    juliet = server.client("juliet")
    phone, laptop = slow_and_quick(server, juliet)
    laptop.set("<enable xmlns='urn:xmpp:carbons:2'/>", to=None)
    chat(juliet, phone, "mine")
    laptop.expect("<message><received xmlns='urn:xmpp:carbons:2'/></message>")
    catch_up(phone, "mine")


def test_too_much_behind(servers):
    """It counts as what is not acknowledged: 16 MiB end the stream, and nothing is lost."""
    server = servers({"modules": {"offline": {"bytes": "off"}}, "limits": {"c2s-rate": "off"}})
    juliet = server.client("juliet")
    phone, laptop = slow_and_quick(server, juliet)
    text = "x" * 200000
    left = {*(f"m{n}" for n in range(GIVEN, STORED)), *(f"big{n}" for n in range(40))}
    for n in range(40):
        juliet.send(f"<message to='{laptop.bare}' type='chat' id='big{n}'>"
                    f"<body>{text}</body></message>")
        while f"big{n}" in left and n < 30 or n == 39 and left:
            left.discard(laptop.next().get("id"))
            laptop.raw_in = b""
    phone.expect_stream_error("resource-constraint")
    laptop.expect_nothing()


def test_what_another_leaves_behind_is_given_too(server, juliet):
    """Rows that become free after the reading has passed them."""
    away = server.user("romeo")
    desk = Reluctant(server, away).login("desk")
    desk.enable(resume=True)
    for n in range(3):
        chat(juliet, desk, f"desk{n}")
    for n in range(3):
        desk.expect(f"<message id='desk{n}'/>")
    desk.abort()
    fill(juliet, away)
    given = GIVEN - 3
    phone = slow_reader(server, away, given=given)
    server.ctl("session", "kick", away.jid, "desk")
    phone.expect_nothing()
    phone.willing = True
    phone.ack()
    came = [phone.expect("<message/>").get("id") for _ in range(STORED - given + 3)]
    assert sorted(came) == sorted([f"m{n}" for n in range(given, STORED)]
                                  + [f"desk{n}" for n in range(3)])
    phone.expect_nothing()


def test_one_that_acknowledges_nothing_gets_no_more_than_the_quota(servers):
    server = servers({"modules": {"offline": {"limit": STORED}}})
    juliet, away = server.client("juliet"), server.user("romeo")
    fill(juliet, away)
    phone = slow_reader(server, away)
    chat(juliet, away.jid, "toomuch")
    juliet.expect_error("toomuch", "service-unavailable", name="message")
    phone.expect_nothing(after=juliet)


def test_the_rest_waits_for_who_goes_away(server, juliet):
    """Unavailable: no more is given; new ones are stored."""
    away = server.user("romeo")
    fill(juliet, away)
    phone = slow_reader(server, away)
    phone.send("<presence type='unavailable'/>")
    phone.expect(f"<presence from='{phone}' type='unavailable'/>")
    chat(juliet, away.jid, "new")
    juliet.sync(away.jid)
    phone.willing = True
    phone.ack()
    phone.expect_nothing()
    phone.close()
    back = Client(server, away).login("back").online()
    for n in range(GIVEN, STORED):
        back.expect(f"<message id='m{n}'/>")
    back.expect("<message id='new'/>")


def test_of_negative_priority_for_a_while(server, juliet):
    """XEP-0160 §3: stored then, and given when the priority is no longer negative."""
    away = server.user("romeo")
    fill(juliet, away)
    phone = slow_reader(server, away)
    phone.send("<presence><priority>-1</priority></presence>")
    phone.expect(f"<presence from='{phone}'><priority>-1</priority></presence>")
    chat(juliet, away.jid, "new")
    juliet.sync(away.jid)
    phone.willing = True
    phone.ack()
    phone.expect_nothing()
    phone.send("<presence/>")
    phone.expect(f"<presence from='{phone}'/>")
    for n in range(GIVEN, STORED):
        phone.expect(f"<message id='m{n}'/>")
    phone.expect("<message id='new'/>")


def test_order_of_arrival_is_the_order_of_storing(servers):
    """What a session was given is written later than what came after it, and still comes first."""
    server = servers(CONFIG)
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.answers_r = False
    romeo.enable()
    romeo.online()
    juliet.enable()
    chat(juliet, romeo.bare, "first")
    romeo.expect("<message id='first'/>")
    romeo.send("<presence type='unavailable'/>")
    romeo.expect("<presence type='unavailable'/>")
    romeo.sync()
    chat(juliet, romeo.bare, "second")
    while juliet.request_ack() < 2:
        pass
    server.kill()
    server.start()
    back = Client(server, romeo.user).login("back").online()
    back.expect("<message id='first'/>")
    back.expect("<message id='second'/>")
    back.expect_nothing()


@pytest.mark.parametrize("modules", [{}, {"offline": {}}], ids=["without", "with"])
def test_a_stop_returns_nothing(servers, modules):
    """SIGTERM stores what was acknowledged, without the module too: nobody is left to be told."""
    server = servers({"modules": modules})
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.answers_r = False
    romeo.enable(resume=True)
    romeo.online()
    juliet.enable()
    chat(juliet, romeo.bare, "m")
    while juliet.request_ack() < 1:
        pass
    server.stop()
    server.start()
    back = Client(server, romeo.user).login("back").online()
    back.expect("<message id='m'/>")


def test_a_disk_that_cannot_be_read_is_asked_again(servers):
    disk = Disk(servers(CONFIG, start=False))
    server = disk.server.start()
    juliet, away = server.client("juliet"), server.user("romeo")
    juliet.enable()
    fill(juliet, away, 50)
    while juliet.request_ack() < 51:
        pass
    romeo = Client(server, away).login("back")
    disk.say("dead")
    romeo.online()
    while disk.stat("reads_failed_total") == 0:
        romeo.expect_nothing()
    disk.say("ok")
    for n in range(50):
        romeo.expect(f"<message id='m{n}'/>")
    romeo.expect_nothing()


def test_large_ones(servers):
    """More than one read of the store may give."""
    server = servers({"modules": {"offline": {"bytes": "off"}}, "limits": {"stanza": "1M"}})
    juliet, away = server.client("juliet"), server.user("romeo")
    text = "x" * 900000
    for n in range(40):
        juliet.send(f"<message to='{away.jid}' type='chat' id='m{n}'><body>{text}</body></message>")
        juliet.sync(away.jid)
    romeo = Client(server, away).login("back")
    romeo.enable()
    romeo.online()
    for n in range(40):
        romeo.expect(f"<message id='m{n}'/>")
        romeo.raw_in = b""
        romeo.ack()
    romeo.expect_nothing()


def test_the_old_stream_is_not_heard_any_more(servers):
    """What comes by it in the moment of resumption is the client's to send again: once is once."""
    server = servers({**CONFIG, "workers": 1})
    juliet, nurse, romeo = (server.client(name) for name in ("juliet", "nurse", "romeo"))
    romeo.online()
    juliet.enable(resume=True)
    busy = f"<message to='{nurse}' type='headline'><body>{'x' * 200000}</body></message>"
    h = 0
    for n in range(20):
        new = Client(server, juliet.user).negotiate()
        old, juliet = juliet, new
        nurse.send(busy)
        new.send(f"<resume xmlns='{NS_SM}' previd='{old.sm_id}' h='{old.handled}'/>")
        chat(old, romeo.bare, f"m{n}")
        handled = int(new.expect(f"<resumed xmlns='{NS_SM}'/>").get("h"))
        new.sm_on, new.sm_id, new.handled = True, old.sm_id, old.handled
        new.jid, new.bare = old.jid, old.bare
        old.abort()
        if handled == h:
            chat(new, romeo.bare, f"m{n}")
        h += 1
        while new.request_ack() < h:
            pass
        assert new.acked == h
        romeo.expect(f"<message id='m{n}'/>")
        romeo.expect_nothing(after=new)
        h += 1      # the request of expect_nothing()
