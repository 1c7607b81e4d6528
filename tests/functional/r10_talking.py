# SPDX-License-Identifier: MIT
"""What is said in a room (XEP-0045 §7.4, §7.5, §7.8, §7.13, §8.1, §8.6; XEP-0359, XEP-0421)."""

import pytest
from kit.room import USER, Room, assemble, coven, form, item, of_role, stanza_id, witches
CONFIG = {"modules": {"muc": {"max-message": "4k"}, "disco": {}}}
REQUEST = "http://jabber.org/protocol/muc#request"
OCCUPANT = "{urn:xmpp:occupant-id:0}occupant-id"


@pytest.fixture
def moderated(server, coven):
    return assemble(server, coven, moderatedroom=1)


def test_to_all(coven, witches):
    """§7.4: with the sender's id; the room adds a stanza id and an occupant id."""
    hecate, hag = witches
    hag.send(coven.say("Harpier cries", "hysf1v37"))
    heard = [one.expect(f"<message from='{coven / 'thirdwitch'}' id='hysf1v37' type='groupchat'>"
                        "<body>Harpier cries</body></message>") for one in (hecate, hag)]
    assert stanza_id(heard[0], coven) and stanza_id(heard[0], coven) == stanza_id(heard[1], coven)
    assert len({m.find(OCCUPANT).get("id") for m in heard}) == 1
    assert heard[0].get("to") == str(hecate)


def test_extensions_pass(coven, witches):
    """XEP-0333, 0184, 0444, 0085 and what is unknown."""
    hecate, hag = witches
    inner = ("<markable xmlns='urn:xmpp:chat-markers:0'/><request xmlns='urn:xmpp:receipts'/>"
             "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>+</reaction></reactions>"
             "<active xmlns='http://jabber.org/protocol/chatstates'/><x xmlns='urn:example:x'/>")
    hag.send(coven.say("eye of newt", extra=inner))
    hecate.expect(f"<message type='groupchat'><body>eye of newt</body>{inner}</message>")


def test_forged(coven, witches):
    """Ids and status codes in the room's name are the room's alone."""
    hecate, hag = witches
    hag.send(coven.say("toe of frog", extra=(
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{coven}' id='forged'/>"
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>"
        f"<delay xmlns='urn:xmpp:delay' from='{coven}' stamp='2000-01-01T00:00:00Z'/>"
        f"<x xmlns='{USER}'><status code='307'/></x>")))
    heard = hecate.expect(coven.said("thirdwitch", "toe of frog"))
    assert stanza_id(heard, coven) != "forged" and heard.find(f"{{{USER}}}x") is None
    assert len(heard.findall(OCCUPANT)) == 1 and heard.find(OCCUPANT).get("id") != "forged"
    assert heard.find("{urn:xmpp:delay}delay") is None


def test_occupant_id_lasts(server, coven, witches):
    """XEP-0421: the same after leaving, another for another account."""
    hecate, hag = witches
    hag.send(coven.say("one"))
    first = hecate.expect(coven.said("thirdwitch", "one")).find(OCCUPANT).get("id")
    hag.expect(coven.said("thirdwitch", "one"))
    coven.leave(hag, "thirdwitch")
    hecate.expect("<presence type='unavailable'/>")
    entry = coven.joined_by(hag, "anotherwitch", hecate)
    assert entry.own.find(OCCUPANT).get("id") == first
    assert entry.others[0].find(OCCUPANT).get("id") != first


def test_stranger(server, coven, witches):
    """§7.4: not from outside."""
    hecate, _ = witches
    third = server.client("second", "cell")
    third.send(coven.say("Let me in", "m1"))
    third.expect_error("m1", "not-acceptable", "modify", name="message", from_=str(coven))
    hecate.expect_nothing(third, at=coven)


def test_no_such_room(server, coven):
    third = server.client("second", "cell")
    third.send(coven.say("Anybody?", "m1"))
    third.expect_error("m1", "item-not-found", "cancel", name="message")


def test_visitor(coven, moderated):
    """§7.4: no voice."""
    hecate, hag = moderated
    hag.send(coven.say("May I?", "m1"))
    hag.expect_error("m1", "forbidden", "auth", name="message")
    hecate.expect_nothing(hag, at=coven)


def test_too_large(coven, witches):
    _, hag = witches
    hag.send(coven.say("x" * 5000, "m1"))
    hag.expect_error("m1", "not-acceptable", "modify", name="message")


@pytest.mark.parametrize("kind", ["chat", "normal", "headline"])
def test_other_types(coven, witches, kind):
    _, hag = witches
    hag.send(f"<message to='{coven}' type='{kind}' id='m1'><body>x</body></message>")
    hag.expect_error("m1", "bad-request", "modify", name="message")


# --- subject ------------------------------------------------------------------------------


def subject(coven, text):
    return f"<message to='{coven}' type='groupchat' id='s1'><subject>{text}</subject></message>"


def test_subject(server, coven, witches):
    """§8.1, and told to newcomers behind the history."""
    hecate, hag = witches
    hecate.send(subject(coven, "Fire Burn and Cauldron Bubble!"))
    for one in witches:
        one.expect(f"<message from='{coven / 'firstwitch'}' type='groupchat'>"
                   "<subject>Fire Burn and Cauldron Bubble!</subject></message>")
    coven.tell(hecate, "firstwitch", "So", hag)
    entry = coven.enter(server.client("second", "cell"), "secondwitch")
    assert entry.bodies() == ["So"]
    assert entry.subject.findtext("{jabber:client}subject") == "Fire Burn and Cauldron Bubble!"
    assert entry.subject.get("from") == coven / "firstwitch"
    assert entry.subject.find("{urn:xmpp:delay}delay").get("from") == str(coven)


def test_subject_by_participant(coven, witches):
    hecate, hag = witches
    hag.send(subject(coven, "Mine"))
    hag.expect_error("s1", "forbidden", "auth", name="message")
    coven.configure(hecate, changesubject=1)
    hag.expect(f"<message from='{coven}'><x xmlns='{USER}'><status code='104'/></x></message>")
    hag.send(subject(coven, "Mine"))
    hag.expect(f"<message from='{coven / 'thirdwitch'}'><subject>Mine</subject></message>")


def test_subject_by_visitor(coven, moderated):
    hecate, hag = moderated
    coven.configure(hecate, changesubject=1)
    hag.expect(f"<message from='{coven}'/>")
    hag.send(subject(coven, "Mine"))
    hag.expect_error("s1", "forbidden", "auth", name="message")


def test_subject_with_body_is_a_message(server, coven, witches):
    hecate, hag = witches
    hag.send(f"<message to='{coven}' type='groupchat'><subject>s</subject><body>b</body></message>")
    hecate.expect("<message type='groupchat'><subject>s</subject><body>b</body></message>")
    entry = coven.enter(server.client("second", "cell"), "secondwitch")
    assert entry.bodies() == ["b"] and not entry.subject.findtext("{jabber:client}subject")


def test_no_subject(server, coven, witches):
    hecate, _ = witches
    hecate.send(f"<message to='{coven}' type='groupchat'><subject>x</subject></message>")
    hecate.send(f"<message to='{coven}' type='groupchat'><subject/></message>")
    hecate.expect("<message type='groupchat'><subject>x</subject></message>")
    hecate.expect("<message type='groupchat'><subject/></message>")
    entry = coven.enter(server.client("second", "cell"), "secondwitch")
    assert not entry.subject.findtext("{jabber:client}subject")


# --- private messages ---------------------------------------------------------------------------


def private(coven, nick, kind="chat"):
    return f"<message to='{coven / nick}' type='{kind}' id='p1'><body>psst</body></message>"


def test_private(coven, witches):
    """§7.5: to all clients of the occupant, marked."""
    hecate, hag = witches
    other = hag.another("mobile")
    coven.enter(other, "thirdwitch")
    hecate.send(private(coven, "thirdwitch"))
    for one in (hag, other):
        one.expect(f"<message from='{coven / 'firstwitch'}' to='{one}' type='chat' id='p1'>"
                   f"<body>psst</body><x xmlns='{USER}'/></message>")
    hecate.expect_nothing(hag, at=coven)


def test_private_too_large(coven, witches):
    hecate, hag = witches
    hecate.send(f"<message to='{coven / 'thirdwitch'}' type='chat' id='p1'><body>{'x' * 5000}</body>"
                "</message>")
    hecate.expect_error("p1", "not-acceptable", "modify", name="message")
    hag.expect_nothing(hecate, at=coven)


def test_private_refused(server, coven, witches):
    _, hag = witches
    hag.send(private(coven, "nobody"))
    hag.expect_error("p1", "item-not-found", "cancel", name="message")
    hag.send(private(coven, "firstwitch", "groupchat"))
    hag.expect_error("p1", "bad-request", "modify", name="message")
    third = server.client("second", "cell")
    third.send(private(coven, "firstwitch"))
    third.expect_error("p1", "not-acceptable", "modify", name="message")


@pytest.mark.parametrize("policy, allowed", [("anyone", True), ("participants", True),
                                             ("moderators", False), ("none", False)])
def test_private_policy(server, coven, policy, allowed):
    """muc#roomconfig_allowpm"""
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    third = server.client("second", "cell")
    coven.create(hecate, "firstwitch", allowpm=policy)
    coven.enter(hag, "thirdwitch")
    coven.joined_by(third, "secondwitch", hag)
    hag.send(private(coven, "secondwitch"))
    if allowed:
        third.expect(f"<message from='{coven / 'thirdwitch'}'><body>psst</body></message>")
    else:
        hag.expect_error("p1", "forbidden", "auth", name="message")


# --- invitations -----------------------------------------------------------------------------------


def invite(coven, to, reason="come"):
    return (f"<message to='{coven}' id='i1'><x xmlns='{USER}'><invite to='{to}'><reason>{reason}"
            "</reason><continue thread='t1'/></invite></x></message>")


def test_invitation(server, coven):
    """§7.8.2, with the password; and for clients that know direct ones alone."""
    hecate, third = server.client("hecate", "broom"), server.client("second", "cell").online()
    coven.create(hecate, "firstwitch", passwordprotectedroom=1, roomsecret="cauldronburn")
    hecate.send(invite(coven, third.bare))
    third.expect(f"<message from='{coven}' to='{third.bare}'><x xmlns='{USER}'>"
                 f"<invite from='{hecate.bare}'><reason>come</reason><continue thread='t1'/>"
                 "</invite><password>cauldronburn</password></x>"
                 f"<x xmlns='jabber:x:conference' jid='{coven}'/></message>")
    third.send(f"<message to='{coven}'><x xmlns='{USER}'><decline to='{hecate.bare}'>"
               "<reason>busy</reason></decline></x></message>")
    hecate.expect(f"<message from='{coven}'><x xmlns='{USER}'><decline from='{third.bare}'>"
                  "<reason>busy</reason></decline></x></message>")


def test_decline_by_nickname(server, coven, witches):
    """§7.8.2: to the inviter's address in the room."""
    hecate, hag = witches
    third = server.client("second", "cell")
    third.send(f"<message to='{coven}'><x xmlns='{USER}'><decline to='{coven / 'thirdwitch'}'/>"
               "</x></message>")
    hag.expect(f"<message from='{coven}'><x xmlns='{USER}'><decline from='{third.bare}'/></x>"
               "</message>")
    hecate.expect_nothing(third, at=coven)


def test_invitation_refused(server, coven, witches):
    hecate, hag = witches
    third = server.client("second", "cell")
    third.send(invite(coven, third.bare))
    third.expect_error("i1", "forbidden", "auth", name="message")
    hag.send(invite(coven, "@@@"))
    hag.expect_error("i1", "jid-malformed", "modify", name="message")
    coven.configure(hecate, allowinvites=0)
    hag.expect(f"<message from='{coven}'/>")
    hag.send(invite(coven, third.bare))
    hag.expect_error("i1", "forbidden", "auth", name="message")


def test_invitation_makes_member(server, coven):
    """§7.8.2, §9.5: in a members-only room."""
    hecate, third = server.client("hecate", "broom"), server.client("second", "cell").online()
    coven.create(hecate, "firstwitch", membersonly=1)
    hecate.send(invite(coven, third.bare))
    third.expect(f"<message from='{coven}'><x xmlns='{USER}'><status code='101'/></x></message>")
    third.expect(f"<message from='{coven}'><x xmlns='{USER}'><invite/></x></message>")
    assert item(coven.enter(third, "secondwitch").own).get("affiliation") == "member"


@pytest.mark.parametrize("to", ["montague.example", "@", ""])
def test_invitation_of_nobody(server, coven, to):
    """Domains are no members."""
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", membersonly=1)
    hecate.send(invite(coven, to))
    hecate.expect_error("i1", "jid-malformed", "modify", name="message")
    assert not coven.list(hecate, affiliation="member")


def test_decline_carries_nobodys_mail(server, coven, witches):
    third, other = server.client("second", "cell"), server.client("paris", "hall").online()
    third.send(f"<message to='{coven}'><x xmlns='{USER}'><decline to='{other.bare}'>"
               "<reason>buy this</reason></decline></x></message>")
    other.expect_nothing(third, at=coven)


# --- voice ----------------------------------------------------------------------------------------------


def test_voice_request(coven, moderated):
    """§7.13, §8.6"""
    hecate, hag = moderated
    hag.send(f"<message to='{coven}'>{form(REQUEST, {'muc#role': 'participant'})}</message>")
    asked = hecate.expect(f"<message from='{coven}'><x xmlns='jabber:x:data' type='form'>"
                          "<field var='muc#roomnick'><value>thirdwitch</value></field>"
                          f"<field var='muc#jid'><value>{hag}</value></field>"
                          "<field var='muc#request_allow' type='boolean'/></x></message>")
    assert asked is not None
    hecate.send(f"<message to='{coven}'>" + form(REQUEST, {
        "muc#role": "participant", "muc#jid": str(hag), "muc#roomnick": "thirdwitch",
        "muc#request_allow": "true"}) + "</message>")
    seen = hag.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert item(seen).get("role") == "participant"
    hag.send(coven.say("At last"))
    hecate.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    hecate.expect(coven.said("thirdwitch", "At last"))


def test_voice_is_not_taken(coven, moderated):
    hecate, hag = moderated
    hag.send(f"<message to='{coven}' id='v1'>" + form(REQUEST, {
        "muc#role": "participant", "muc#roomnick": "thirdwitch",
        "muc#request_allow": "true"}) + "</message>")
    hag.expect_error("v1", "forbidden", "auth", name="message")
    hecate.expect_nothing(hag, at=coven)


def test_voice_by_moderator(coven, moderated):
    hecate, hag = moderated
    coven.change(hecate, of_role("thirdwitch", "participant", "a worthy witch indeed"))
    hag.expect(f"<presence from='{coven / 'thirdwitch'}'><x xmlns='{USER}'><item "
               "role='participant'><actor nick='firstwitch'/><reason>a worthy witch indeed"
               "</reason></item></x></presence>")
