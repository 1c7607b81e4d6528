# SPDX-License-Identifier: MIT
"""Entering and leaving a room (XEP-0045 §7.1, §7.2, §7.6, §7.7, §7.14)."""

import pytest
from kit.room import MUC, USER, Room, codes, coven, item, witches
CONFIG = {"modules": {"muc": {"history": 20}, "disco": {}}}


def test_created(server, coven):
    """§10.1: its maker is owner and moderator, and told so."""
    hecate = server.client("hecate", "broom")
    entry = coven.enter(hecate, "firstwitch")
    assert {"110", "201"} <= entry.codes
    assert item(entry.own).attrib == {"affiliation": "owner", "role": "moderator",
                                      "jid": str(hecate)}


def test_locked_until_configured(server, coven):
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.enter(hecate, "firstwitch")
    coven.refused(hag, "thirdwitch", "item-not-found", "cancel")
    coven.configure(hecate)
    coven.enter(hag, "thirdwitch")


def test_order(server, coven, witches):
    """§7.1: others, oneself, history, subject, then what is live."""
    hecate, hag = witches
    coven.tell(hag, "thirdwitch", "Harpier cries", hecate)
    third = server.client("second", "cell")
    coven.knock(third, "secondwitch")
    entry = coven.entered(third, "secondwitch")
    assert sorted(entry.nicks()) == ["firstwitch", "thirdwitch"]
    assert entry.bodies() == ["Harpier cries"]
    assert item(entry.own).get("affiliation") == "none"
    assert item(entry.own).get("role") == "participant"
    delay = entry.history[0].find("{urn:xmpp:delay}delay")
    assert delay.get("from") == str(coven) and delay.get("stamp")
    third.expect_nothing()


def test_presence_shows_no_address(server, coven, witches):
    """§7.2.4: semi-anonymous by default: moderators alone see addresses."""
    hecate, hag = witches
    third = server.client("second", "cell")
    entry = coven.enter(third, "secondwitch")
    assert all(item(p).get("jid") is None for p in entry.others)
    seen = hecate.expect(f"<presence from='{coven / 'secondwitch'}'/>")
    assert item(seen).get("jid") == str(third)
    seen = hag.expect(f"<presence from='{coven / 'secondwitch'}'/>")
    assert item(seen).get("jid") is None


def test_non_anonymous(server, coven):
    """§7.2.3: status 100, and addresses for all."""
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", whois="anyone")
    entry = coven.enter(hag, "thirdwitch")
    assert "100" in entry.codes
    assert item(entry.others[0]).get("jid") == str(hecate)


def test_no_nickname(server, coven, witches):
    third = server.client("second", "cell")
    ident = third.new_id()
    third.send(f"<presence to='{coven}' id='{ident}'><x xmlns='{MUC}'/></presence>")
    third.expect_error(ident, "jid-malformed", "modify", name="presence")


@pytest.mark.parametrize("nick, condition", [
    ("\u200b", "jid-malformed"), ("x" * 200, "not-acceptable"), ("\u00ad\u200d", "jid-malformed"),
], ids=["empty", "long", "invisible"])
def test_nicknames_that_are_none(server, coven, witches, nick, condition):
    third = server.client("second", "cell")
    ident = coven.knock(third, nick)
    third.expect_error(ident, condition, "modify", name="presence")


def test_nickname_taken(server, coven, witches):
    third = server.client("second", "cell")
    coven.refused(third, "firstwitch", "conflict", "cancel")


@pytest.mark.parametrize("nick", ["FirstWitch", "FIRSTWITCH", "\uff46irstwitch",
                                  "f\u0456rstw\u0456t\u0441h", "firstw\u03b9tch"])
def test_nickname_that_looks_taken(server, coven, witches, nick):
    """§13.6: nobody is mistaken for another."""
    third = server.client("second", "cell")
    coven.refused(third, nick, "conflict", "cancel")
    _, hag = witches
    hag.send(f"<presence to='{coven / 'ThirdWitch'}'/>")
    hag.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'/>")
    hag.expect(f"<presence from='{coven / 'ThirdWitch'}' type='!'/>")


def test_several_clients(server, coven, witches):
    """§7.2.8: one user, one nick, several clients."""
    hecate, hag = witches
    other = hag.another("mobile")
    entry = coven.enter(other, "thirdwitch")
    assert entry.nicks() == ["firstwitch"]
    coven.tell(hecate, "firstwitch", "Round about", hag, other)
    other.send(coven.say("In the cauldron boil"))
    for one in (hecate, hag, other):
        one.expect(coven.said("thirdwitch", "In the cauldron boil"))
    coven.leave(other, "thirdwitch")
    hecate.expect_nothing(hag)
    coven.tell(hecate, "firstwitch", "Double, double", hag)


def test_first_client_leaves(server, coven, witches):
    hecate, hag = witches
    other = hag.another("mobile")
    coven.enter(other, "thirdwitch")
    coven.leave(hag, "thirdwitch")
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}' type='!'/>")
    assert item(seen).get("jid") == str(other)


def test_logged(server, coven):
    """§7.2.12: status 170."""
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", persistentroom=1)
    assert coven.enter(hag, "thirdwitch").codes == {"110", "170"}
    other = Room(server)
    other.create(hecate, "firstwitch", persistentroom=1, enablelogging=0)
    assert other.enter(hag, "thirdwitch").codes == {"110"}


def test_password(server, coven):
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", passwordprotectedroom=1, roomsecret="cauldronburn")
    coven.refused(hag, "thirdwitch", "not-authorized", "auth")
    coven.refused(hag, "thirdwitch", "not-authorized", "auth", password="wrong")
    coven.enter(hag, "thirdwitch", password="cauldronburn")


def test_members_only(server, coven):
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", membersonly=1)
    coven.refused(hag, "thirdwitch", "registration-required", "auth")


def test_full(server, coven):
    """§7.2.9: but admins and owners come in."""
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda").online()
    coven.create(hecate, "firstwitch", maxusers=1)
    coven.refused(hag, "thirdwitch", "service-unavailable", "wait")
    coven.configure(hecate, **{"muc#roomconfig_roomadmins": hag.bare})
    hecate.expect(f"<message from='{coven}'/>")
    hag.expect(f"<message from='{coven}'><x xmlns='{USER}'><status code='101'/></x></message>")
    coven.enter(hag, "thirdwitch")


def test_without_muc_element(server, coven, witches):
    """§7.2.14: who thinks he is in is told that he is not."""
    hecate, _ = witches
    third = server.client("second", "cell")
    third.send(f"<presence to='{coven / 'secondwitch'}'/>")
    gone = third.expect(f"<presence from='{coven / 'secondwitch'}' type='unavailable'/>")
    assert codes(gone) == {"110", "307", "333"}
    hecate.expect_nothing(third, at=coven)


def test_enters_again(server, coven, witches):
    """§7.2.1: a client that lost track is told all again."""
    hecate, hag = witches
    coven.tell(hecate, "firstwitch", "Fire burn", hag)
    entry = coven.enter(hag, "thirdwitch")
    assert entry.nicks() == ["firstwitch"] and entry.bodies() == ["Fire burn"]


def test_leaves(server, coven, witches):
    hecate, hag = witches
    hag.send(f"<presence to='{coven / 'thirdwitch'}' type='unavailable'><status>gone where the "
             "goblins go</status></presence>")
    own = hag.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'><status>gone "
                     "where the goblins go</status></presence>")
    assert codes(own) == {"110"}
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'><status>"
                         "gone where the goblins go</status></presence>")
    assert item(seen).get("role") == "none" and item(seen).get("affiliation") == "none"


def test_stranger_leaves(server, coven, witches):
    """§17.3: who is not in cannot go."""
    hecate, _ = witches
    third = server.client("second", "cell")
    third.send(f"<presence to='{coven / 'thirdwitch'}' type='unavailable'/>")
    hecate.expect_nothing(third, at=coven)


def test_goes_offline(server, coven, witches):
    hecate, hag = witches
    hag.close()
    hecate.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'/>")


def test_temporary_room_goes(server, coven, witches):
    hecate, hag = witches
    coven.leave(hag, "thirdwitch")
    hecate.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'/>")
    coven.leave(hecate, "firstwitch")
    entry = coven.enter(hag, "thirdwitch")
    assert "201" in entry.codes


def test_changes_availability(server, coven, witches):
    hecate, hag = witches
    hag.send(f"<presence to='{coven / 'thirdwitch'}'><show>xa</show></presence>")
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}'><show>xa</show></presence>")
    assert item(seen).get("role") == "participant"
    own = hag.expect(f"<presence from='{coven / 'thirdwitch'}'><show>xa</show></presence>")
    assert "110" in codes(own)


def test_forged_roles(server, coven, witches):
    """§17.3: what a client says of its role is not passed on."""
    hecate, hag = witches
    hag.send(f"<presence to='{coven / 'thirdwitch'}'><x xmlns='{USER}'><item role='moderator'/>"
             "<status code='307'/></x></presence>")
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert len(seen.findall(f"{{{USER}}}x")) == 1
    assert item(seen).get("role") == "participant" and not codes(seen)
    hag.expect(f"<presence from='{coven / 'thirdwitch'}'/>")


def test_changes_nickname(server, coven, witches):
    """§7.6: 303 under the old nick, then the new one."""
    hecate, hag = witches
    hag.send(f"<presence to='{coven / 'oldhag'}'/>")
    for one in (hag, hecate):
        gone = one.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'/>")
        assert "303" in codes(gone) and item(gone).get("nick") == "oldhag"
        assert item(gone).get("role") == "participant"
        there = one.expect(f"<presence from='{coven / 'oldhag'}' type='!'/>")
        assert ("110" in codes(there)) == (one is hag)
    coven.tell(hag, "oldhag", "I'll do", hecate)


def test_nickname_of_another(server, coven, witches):
    _, hag = witches
    hag.send(f"<presence to='{coven / 'firstwitch'}' id='n'/>")
    hag.expect_error("n", "conflict", "cancel", name="presence")


@pytest.mark.parametrize("kind", ["subscribe", "subscribed", "probe"])
def test_other_presence_is_no_entry(server, coven, witches, kind):
    hecate, _ = witches
    third = server.client("second", "cell")
    third.send(f"<presence to='{coven / 'secondwitch'}' type='{kind}'/>")
    hecate.expect_nothing(third, at=coven)


@pytest.mark.parametrize("wish, expected", [
    ("maxstanzas='0'", []), ("maxstanzas='1'", ["c"]), ("maxchars='0'", []),
    ("maxstanzas='2' maxchars='100000'", ["b", "c"]), ("seconds='3600'", ["a", "b", "c"]),
    ("since='2000-01-01T00:00:00Z'", ["a", "b", "c"]), ("since='2100-01-01T00:00:00Z'", []),
    ("maxstanzas='-1' seconds='x' since='y'", ["a", "b", "c"]),
])
def test_history(server, coven, witches, wish, expected):
    """§7.2.14"""
    hecate, hag = witches
    for text in "abc":
        coven.tell(hecate, "firstwitch", text, hag)
    third = server.client("second", "cell")
    assert coven.enter(third, "secondwitch", history=wish).bodies() == expected


def test_presence_filter(server, coven):
    """muc#roomconfig_presencebroadcast: whose presence is not shown is in all the same."""
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", moderatedroom=1, presencebroadcast=["moderator"])
    entry = coven.enter(hag, "thirdwitch")
    assert entry.nicks() == ["firstwitch"]
    assert item(entry.own).get("role") == "visitor"
    hecate.expect_nothing(hag, at=coven)
