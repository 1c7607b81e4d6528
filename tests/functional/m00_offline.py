# SPDX-License-Identifier: MIT
"""Messages for users who are away (XEP-0160, XEP-0203, XEP-0334)."""

import datetime

import pytest
from kit import Client, deviates, only_linnet
from kit.client import check_error

CONFIG = {"modules": {"offline": {}, "disco": {}}}
DELAY = "<delay xmlns='urn:xmpp:delay' stamp='*'/>"
BODY = "<body>x</body>"


def chat(sender, to, ident, inner=BODY, kind="chat"):
    sender.send(f"<message to='{to}' type='{kind}' id='{ident}'>{inner}</message>")


def back(server, user, priority=None):
    return Client(server, user).login("back").online(priority)


@pytest.fixture
def away(server):
    """An account that nobody is logged in to."""
    return server.user("romeo")


def test_kept_in_order(server, juliet, away):
    for n in range(30):
        chat(juliet, away.jid, f"m{n}", f"<body>{n}</body>")
    juliet.expect_nothing(at=away.jid)
    romeo = back(server, away)
    for n in range(30):
        romeo.expect(f"<message from='{juliet}' to='{away.jid}' type='chat' id='m{n}'>"
                     f"<body>{n}</body>{DELAY}</message>")
    romeo.expect_nothing(after=juliet)


def test_stamp(server, juliet, away):
    """XEP-0203 §4, XEP-0082: UTC, by the server, the time that it came."""
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    chat(juliet, away.jid, "m")
    juliet.sync()
    romeo = back(server, away)
    delay = romeo.expect(f"<message id='m'>{DELAY}</message>").find("{urn:xmpp:delay}delay")
    assert delay.get("stamp").endswith("Z")
    stamp = datetime.datetime.fromisoformat(delay.get("stamp").replace("Z", "+00:00"))
    assert before <= stamp <= datetime.datetime.now(datetime.timezone.utc)
    assert delay.get("from") in (None, server.host, away.jid)


def test_given_once(server, juliet, away):
    chat(juliet, away.jid, "m")
    juliet.sync()
    romeo = back(server, away)
    romeo.expect("<message id='m'/>")
    romeo.close()
    back(server, away).expect_nothing(after=juliet)


def test_new_ones_come_behind(server, juliet, away):
    """Who is being given stored messages gets new ones after them."""
    for n in range(50):
        chat(juliet, away.jid, f"m{n}")
    juliet.sync()
    romeo = Client(server, away).login("back")
    romeo.send("<presence/>")
    for n in range(50, 60):
        chat(juliet, away.jid, f"m{n}")
    romeo.expect("<presence/>")
    assert [romeo.expect("<message/>").get("id") for _ in range(60)] == [f"m{n}" for n in range(60)]


@pytest.mark.parametrize("priority, given", [(-1, False), (0, True), (5, True)])
@deviates("prosody", "only at initial presence")
def test_priority(server, juliet, away, priority, given):
    """XEP-0160 §3: not to a resource of negative priority."""
    chat(juliet, away.jid, "m")
    juliet.sync()
    romeo = back(server, away, priority)
    if not given:
        romeo.expect_nothing()
        romeo.send("<presence><priority>1</priority></presence>")
        romeo.expect_all(f"<presence from='{romeo}'/>", "<message id='m'/>")
    else:
        romeo.expect("<message id='m'/>")


def test_not_before_presence(server, juliet, away):
    chat(juliet, away.jid, "m")
    juliet.sync()
    romeo = Client(server, away).login("back")
    romeo.expect_nothing()
    romeo.online()
    romeo.expect("<message id='m'/>")


COMPOSING = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"

# kind, what is inside, kept?
CASES = {
    "chat": ("chat", BODY, True),
    "normal": ("normal", BODY, True),
    "headline": ("headline", BODY, False),
    "groupchat": ("groupchat", BODY, False),
    "error": ("error", BODY + "<error type='cancel'/>", False),
    "chat-state": ("chat", COMPOSING, False),
    "chat-state-thread": ("chat", "<thread>t</thread>"
                          "<paused xmlns='http://jabber.org/protocol/chatstates'/>", False),
    "chat-state-body": ("chat", BODY + "<active xmlns='http://jabber.org/protocol/chatstates'/>",
                        True),
    "receipt": ("chat", "<received xmlns='urn:xmpp:receipts' id='x'/>", True),
    "no-store": ("chat", BODY + "<no-store xmlns='urn:xmpp:hints'/>", False),
    # XEP-0334 §4: "happy for it to be stored temporarily as a normal part of delivery"
    "no-permanent-store": ("chat", BODY + "<no-permanent-store xmlns='urn:xmpp:hints'/>", True),
    "store": ("chat", COMPOSING + "<store xmlns='urn:xmpp:hints'/>", True),
    "store-headline": ("headline", BODY + "<store xmlns='urn:xmpp:hints'/>", False),
    "store-error": ("error", "<store xmlns='urn:xmpp:hints'/><error type='cancel'/>", False),
    "store-and-not": ("chat", "<store xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>",
                      False),
    "no-copy": ("chat", BODY + "<no-copy xmlns='urn:xmpp:hints'/>", True),
    "payload-alone": ("normal", "<x xmlns='urn:example'/>", True),
    "encrypted": ("chat", "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", True),
}


@pytest.mark.parametrize("case", CASES)
@deviates("prosody", "other rules")
def test_what_is_kept(server, juliet, away, case):
    kind, inner, kept = CASES[case]
    chat(juliet, away.jid, "m", inner, kind)
    juliet.send(f"<iq type='get' id='end' to='{away.jid}'><x xmlns='urn:example'/></iq>")
    got = juliet.next()
    refused = got.tag.endswith("message")
    if refused:
        check_error(got, "service-unavailable")
        got = juliet.next()
    assert got.get("id") == "end"
    romeo = back(server, away)
    if kept:
        romeo.expect(f"<message id='m'>{DELAY}</message>")
        assert not refused
    if kept is not None:
        romeo.expect_nothing()


@pytest.mark.parametrize("to", ["bare", "full"])
def test_address(server, juliet, away, to):
    """RFC 6121 §8.5.3.2.1: a chat message for a resource that is gone is kept too."""
    chat(juliet, away.jid + ("/gone" if to == "full" else ""), "m")
    juliet.expect_nothing(at=away.jid)
    back(server, away).expect("<message id='m'/>")


@deviates("prosody", "adds none")
def test_delay_of_others_is_kept(server, juliet, away):
    """A stamp that came with it stays; ours may be one more."""
    chat(juliet, away.jid, "m", BODY + "<delay xmlns='urn:xmpp:delay' from='irc.example' "
                                       "stamp='2002-09-10T23:08:25Z'/>")
    juliet.sync()
    got = back(server, away).expect("<message id='m'/>")
    stamps = [d.get("stamp") for d in got.iter("{urn:xmpp:delay}delay")]
    assert "2002-09-10T23:08:25Z" in stamps and len(stamps) <= 2


def test_only_the_first_session_is_given_them(server, juliet, away):
    chat(juliet, away.jid, "m")
    juliet.sync()
    first = back(server, away)
    first.expect("<message id='m'/>")
    second = Client(server, away).login("second").online()
    second.expect(f"<presence from='{first}'/>")
    second.expect_nothing()


@only_linnet("options of ours")
def test_limit(servers):
    """XEP-0160 §2: what does not fit goes back to the sender."""
    server = servers({"modules": {"offline": {"limit": 3}}})
    juliet, away = server.client("juliet"), server.user("romeo")
    for n in range(5):
        chat(juliet, away.jid, f"m{n}")
    for n in (3, 4):
        juliet.expect_error(f"m{n}", "service-unavailable|resource-constraint", name="message")
    romeo = back(server, away)
    for n in range(3):
        romeo.expect(f"<message id='m{n}'/>")
    romeo.expect_nothing()


@only_linnet("options of ours")
def test_bytes(servers):
    server = servers({"modules": {"offline": {"bytes": "20k"}}})
    juliet, away = server.client("juliet"), server.user("romeo")
    for n in range(4):
        chat(juliet, away.jid, f"m{n}", f"<body>{'x' * 8000}</body>")
    refused = juliet.expect("<message type='error'/>")
    check_error(refused, "service-unavailable|resource-constraint")
    assert refused.get("id") in ("m2", "m3")
    back(server, away).expect("<message id='m0'/>")


@only_linnet("without the module")
def test_without_the_module(servers):
    server = servers()
    juliet, away = server.client("juliet"), server.user("romeo")
    chat(juliet, away.jid, "m")
    juliet.expect_error("m", "service-unavailable|recipient-unavailable", name="message")
    back(server, away).expect_nothing()


def test_announced(juliet):
    """XEP-0160 §4."""
    result = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)
    assert "msgoffline" in [f.get("var") for f in result[0]]
