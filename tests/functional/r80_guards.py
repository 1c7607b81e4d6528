# SPDX-License-Identifier: MIT
"""What guards a room and nobody tries by accident: each of these once let somebody through when it
was taken out of the code."""

import pytest
from kit.client import Client
from kit.room import (MUC, USER, Room, answer, assemble, codes, coven, form, item, of_affiliation,
                      of_role, quiet)

SID, MAM = "urn:xmpp:sid:0", "urn:xmpp:mam:2"
CONFIG = {"modules": {"muc": {"max-affiliations": 20}, "disco": {}},
          "hosts": {"capulet.example": {"admins": ["escalus@capulet.example"]}}}


@pytest.fixture
def witches(server, coven):
    """Hecate owns the room, the hag is in it."""
    return assemble(server, coven)


@pytest.fixture
def macbeth(server, witches, coven):
    """Comes after the witches; both have seen him."""
    macbeth = server.client("macbeth", "castle")
    coven.joined_by(macbeth, "thane", *witches)
    return macbeth


@pytest.fixture
def escalus(server):
    """An administrator of the host."""
    return Client(server, server.user("escalus", numbered=False)).login("court")


def put_out(client, coven, nick, code):
    seen = client.expect(f"<presence from='{coven / nick}' type='unavailable'/>")
    assert code in codes(seen) and item(seen).get("role") == "none"


# --- affiliations (§5.2, §9) ---------------------------------------------------------------------


def test_domain_is_banned(server, coven, witches):
    """§9.2: who is nothing else in the room is put out, and stays out."""
    hecate, hag = witches
    coven.change(hecate, of_affiliation(server.host, "outcast"))
    put_out(hag, coven, "thirdwitch", "301")
    put_out(hecate, coven, "thirdwitch", "301")
    coven.refused(hag, "thirdwitch", "forbidden", "auth")
    coven.tell(hecate, "firstwitch", "Avaunt")


def test_admin_of_the_host(server, coven, witches, escalus):
    """Owns every room."""
    hag = witches[1]
    assert item(coven.enter(escalus, "prince").own).get("affiliation") == "owner"
    coven.change(escalus, of_affiliation(hag.bare, "admin"))


def test_who_is_banned_has_no_nickname(coven, witches):
    """§9.1: what was reserved for him is free."""
    hecate, hag = witches
    paris = "paris@montague.example"
    coven.change(hecate, of_affiliation(paris, "member", nick="count"))
    coven.change(hecate, of_affiliation(paris, "outcast"))
    assert coven.list(hecate, affiliation="outcast")[0].get("nick") is None
    coven.change(hecate, of_affiliation("romeo@montague.example", "member", nick="count"))


def test_people_of_one_request_are_counted(coven, witches):
    """All of a request, before the first is taken."""
    hecate, hag = witches
    crowd = [of_affiliation(f"witch{n}@coven.example", "member") for n in range(20)]
    coven.unchanged(hecate, "resource-constraint", *crowd)
    assert not coven.list(hecate, affiliation="member")
    coven.change(hecate, *crowd[:19])
    coven.change(hecate, of_affiliation("witch0@coven.example", "none"),
                 of_affiliation("witch1@coven.example", "admin"))


@pytest.mark.parametrize("made", ["hecate", "hag", "stranger"])
def test_owner_is_made_and_unmade(server, coven, witches, made):
    """§10.5: of one who is named twice the last word counts."""
    hecate, hag = witches
    coven.change(hecate, of_affiliation(hag.bare, "owner"))
    who = {"hecate": hecate.bare, "hag": hag.bare, "stranger": "duncan@castle.example"}[made]
    nobody = [of_affiliation(jid, "none") for jid in dict.fromkeys((who, hecate.bare, hag.bare))]
    coven.unchanged(hecate, "conflict", of_affiliation(who, "owner"), *nobody)
    assert len(coven.list(hecate, affiliation="owner")) == 2


# --- messages ------------------------------------------------------------------------------------------


def test_forged_stanza_id(coven, witches):
    """XEP-0359 §3: ids in the room's name are the room's; those of others stay."""
    hecate, hag = witches
    hag.send(coven.say("Fillet of a fenny snake", extra=(
        f"<stanza-id xmlns='{SID}' by='{coven}' id='forged'/>"
        f"<stanza-id xmlns='{SID}' by='cave@heath.example' id='kept'/>")))
    heard = hecate.expect(coven.said("thirdwitch", "Fillet of a fenny snake"))
    ids = {(one.get("by"), one.get("id")) for one in heard.iter(f"{{{SID}}}stanza-id")}
    assert ("cave@heath.example", "kept") in ids and (str(coven), "forged") not in ids
    assert len(ids) == 2


@pytest.mark.parametrize("hint", ["no-store", "no-permanent-store"])
def test_hints_against_the_archive(server, coven, hint):
    """XEP-0334 §4: what shall not be kept is neither in the archive nor in the history."""
    hecate, hag = assemble(server, coven, persistentroom=1)
    hag.send(coven.say("Eye of newt", extra=f"<{hint} xmlns='urn:xmpp:hints'/>"))
    for one in (hecate, hag):
        one.expect(coven.said("thirdwitch", "Eye of newt"))
    coven.tell(hag, "thirdwitch", "Toe of frog", hecate)
    hecate.iq("set", f"<query xmlns='{MAM}'/>", coven)
    found = []
    while (element := hecate.next()).tag.endswith("}message"):
        found += [body.text for body in element.iter("{jabber:client}body")]
    assert found == ["Toe of frog"]
    assert coven.enter(server.client("macbeth", "castle"), "thane").bodies() == ["Toe of frog"]


def test_private_messages_of_those_without_voice(coven, witches, macbeth):
    """§10.2 `muc#roomconfig_allowpm`: participants may, a visitor may not."""
    hecate, hag = witches
    coven.configure(hecate, allowpm="participants")
    coven.change(hecate, of_role("thane", "visitor"))
    quiet(hag, coven)
    quiet(macbeth, coven)
    macbeth.send(f"<message to='{coven / 'thirdwitch'}' type='chat' id='p1'><body>hail</body>"
                 "</message>")
    macbeth.expect_error("p1", "forbidden", name="message")
    hag.expect_nothing(macbeth, at=coven)
    hag.send(f"<message to='{coven / 'thane'}' type='chat'><body>hail</body></message>")
    macbeth.expect(f"<message from='{coven / 'thirdwitch'}' type='chat'><body>hail</body></message>")
