# SPDX-License-Identifier: MIT
"""Roles and affiliations, given and taken (XEP-0045 §8, §9, §10.3 to §10.8)."""

import pytest
from kit.room import USER, Room, answer, codes, coven, item, of_affiliation, of_role, quiet
CONFIG = {"modules": {"muc": {"max-affiliations": 20}, "disco": {}}}


@pytest.fixture
def witches(server, coven):
    """An owner, an admin, two others."""
    hecate, crone = server.client("hecate", "broom"), server.client("crone", "desktop")
    hag, wiccan = server.client("hag", "pda"), server.client("wiccan", "laptop")
    coven.create(hecate, "firstwitch")
    coven.change(hecate, of_affiliation(crone.bare, "admin"))
    coven.enter(crone, "secondwitch")
    coven.enter(hag, "thirdwitch")
    coven.enter(wiccan, "fourthwitch")
    cast = (hecate, crone, hag, wiccan)
    for one in cast:
        quiet(one, coven)
    return cast


def gone(client, coven, nick, *expected):
    seen = client.expect(f"<presence from='{coven / nick}' type='unavailable'/>")
    assert codes(seen) - {"110"} == set(expected) and item(seen).get("role") == "none"
    return seen


def test_kick(coven, witches):
    """§8.2"""
    hecate, crone, hag, wiccan = witches
    coven.change(crone, of_role("thirdwitch", "none", "Avaunt, you cullion!"))
    own = gone(hag, coven, "thirdwitch", "307")
    assert "110" in codes(own)
    for one in (own, gone(wiccan, coven, "thirdwitch", "307")):
        assert item(one).find(f"{{{USER}}}actor").get("nick") == "secondwitch"
        assert item(one).findtext(f"{{{USER}}}reason") == "Avaunt, you cullion!"
    coven.enter(hag, "thirdwitch")


def test_kicks_himself(coven, witches):
    """§8.2: as an apology."""
    hecate, crone, hag, wiccan = witches
    coven.change(crone, of_role("secondwitch", "none"))
    gone(crone, coven, "secondwitch", "307")


def test_kick_refused(server, coven, witches):
    """§8.2: not somebody above, not by anybody."""
    hecate, crone, hag, wiccan = witches
    coven.unchanged(crone, "not-allowed", of_role("firstwitch", "none"))
    coven.unchanged(hag, "forbidden", of_role("fourthwitch", "none"))
    coven.unchanged(crone, "item-not-found", of_role("nobody", "none"))
    coven.unchanged(server.client("paris", "hall"), "forbidden", of_role("thirdwitch", "none"))


def test_moderator(coven, witches):
    """§9.6, §9.7: made by an admin; sees addresses, may kick, makes no others."""
    hecate, crone, hag, wiccan = witches
    coven.change(crone, of_role("thirdwitch", "moderator"))
    seen = hag.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert item(seen).get("role") == "moderator"
    shown = [hag.expect("<presence/>") for _ in range(3)]
    assert {item(p).get("jid") for p in shown} == {str(hecate), str(crone), str(wiccan)}
    coven.unchanged(hag, "forbidden", of_role("fourthwitch", "moderator"))
    coven.unchanged(hag, "forbidden", of_role("secondwitch", "visitor"))
    coven.change(crone, of_role("thirdwitch", "participant"))
    coven.unchanged(crone, "not-allowed", of_role("firstwitch", "participant"))


def test_voice(coven, witches):
    """§8.3, §8.4"""
    hecate, crone, hag, wiccan = witches
    coven.change(crone, of_role("thirdwitch", "visitor"))
    hag.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    hag.send(coven.say("But", "m1"))
    hag.expect_error("m1", "forbidden", name="message")
    coven.unchanged(crone, "not-allowed", of_role("firstwitch", "visitor"))
    coven.unchanged(hecate, "not-allowed", of_role("secondwitch", "visitor"))
    assert [i.get("nick") for i in coven.list(crone, role="participant")] == ["fourthwitch"]
    coven.change(crone, of_role("thirdwitch", "participant"), of_role("fourthwitch", "visitor"))
    assert [i.get("nick") for i in coven.list(crone, role="visitor")] == ["fourthwitch"]


def test_ban(coven, witches):
    """§9.1, §9.2"""
    hecate, crone, hag, wiccan = witches
    coven.change(crone, of_affiliation(hag.bare, "outcast", "Treason"))
    own = gone(hag, coven, "thirdwitch", "301")
    assert item(own).get("affiliation") == "outcast"
    gone(wiccan, coven, "thirdwitch", "301")
    coven.refused(hag, "thirdwitch", "forbidden", "auth")
    outcasts = coven.list(crone, affiliation="outcast")
    assert [i.get("jid") for i in outcasts] == [hag.bare]
    assert outcasts[0].get("role") is None
    coven.change(crone, of_affiliation(hag.bare, "none"))
    coven.enter(hag, "thirdwitch")


def test_ban_refused(coven, witches):
    hecate, crone, hag, wiccan = witches
    coven.unchanged(crone, "not-allowed", of_affiliation(hecate.bare, "outcast"))
    coven.unchanged(crone, "conflict", of_affiliation(crone.bare, "outcast"))
    coven.unchanged(hecate, "conflict", of_affiliation(hecate.bare, "outcast"))
    coven.unchanged(hag, "forbidden", of_affiliation(wiccan.bare, "outcast"))


def test_full_address(coven, witches):
    """§10.3: taken for the bare one."""
    hecate, crone, hag, wiccan = witches
    coven.change(hecate, of_affiliation(str(hag), "admin"))
    assert hag.bare in {i.get("jid") for i in coven.list(hecate, affiliation="admin")}


def test_ban_of_a_domain(server, coven, witches):
    hecate, crone, hag, wiccan = witches
    coven.change(hecate, of_affiliation("montague.example", "outcast"))
    coven.unchanged(hecate, "not-allowed", of_affiliation("montague.example", "member"))
    assert [i.get("jid") for i in coven.list(crone, affiliation="outcast")] == ["montague.example"]


def test_all_or_nothing(coven, witches):
    """§9.2: one item that is refused refuses all."""
    hecate, crone, hag, wiccan = witches
    coven.unchanged(crone, "not-allowed", of_affiliation(hag.bare, "outcast"),
                    of_affiliation(hecate.bare, "outcast"))
    hag.expect_nothing(crone, at=coven)
    assert not coven.list(crone, affiliation="outcast")


@pytest.mark.parametrize("one", [
    "<item affiliation='member' role='visitor' nick='thirdwitch'/>", "<item nick='thirdwitch'/>",
    "<item affiliation='king' jid='a@b.example'/>", "<item role='king' nick='thirdwitch'/>",
    "<item affiliation='member'/>", "<item role='visitor'/>", "",
], ids=["both", "neither", "no-affiliation", "no-role", "no-jid", "no-nick", "empty"])
def test_malformed(coven, witches, one):
    coven.unchanged(witches[0], "bad-request", one)


def test_malformed_address(coven, witches):
    coven.unchanged(witches[0], "jid-malformed", of_affiliation("@@@", "member"))


def test_member(coven, witches):
    """§9.3, §9.4"""
    hecate, crone, hag, wiccan = witches
    coven.change(crone, of_affiliation(hag.bare, "member", "A worthy witch"))
    seen = wiccan.expect(f"<presence from='{coven / 'thirdwitch'}' type='!'/>")
    assert item(seen).get("affiliation") == "member"
    assert [i.get("jid") for i in coven.list(crone, affiliation="member")] == [hag.bare]
    coven.change(crone, of_affiliation(hag.bare, "none"))
    seen = wiccan.expect(f"<presence from='{coven / 'thirdwitch'}' type='!'/>")
    assert item(seen).get("affiliation") == "none"


def test_member_of_members_only_room(server, coven):
    """§9.4: who is no member any more is put out with 321; a new one is invited."""
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda").online()
    coven.create(hecate, "firstwitch", membersonly=1)
    coven.change(hecate, of_affiliation(hag.bare, "member"))
    hag.expect(f"<message from='{coven}'><x xmlns='{USER}'><status code='101'/></x></message>")
    hag.expect(f"<message from='{coven}'><x xmlns='{USER}'><invite/></x></message>")
    coven.joined_by(hag, "thirdwitch", hecate)
    coven.change(hecate, of_affiliation(hag.bare, "none"))
    gone(hag, coven, "thirdwitch", "321")
    coven.refused(hag, "thirdwitch", "registration-required")


def test_admin_and_owner(coven, witches):
    """§10.3 to §10.8: an owner's alone."""
    hecate, crone, hag, wiccan = witches
    coven.unchanged(crone, "forbidden", of_affiliation(hag.bare, "admin"))
    coven.unchanged(crone, "forbidden", of_affiliation(hag.bare, "owner"))
    coven.change(hecate, of_affiliation(hag.bare, "admin"))
    seen = wiccan.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert item(seen).get("affiliation") == "admin" and item(seen).get("role") == "moderator"
    coven.change(hecate, of_affiliation(hag.bare, "owner"))
    coven.change(hag, of_affiliation(hecate.bare, "admin"))
    assert {i.get("jid") for i in coven.list(hag, affiliation="admin")} == {hecate.bare,
                                                                            crone.bare}


def test_last_owner(coven, witches):
    """§10.4, §10.6: a room keeps one, also if he asks in a roundabout way."""
    hecate, crone, hag, wiccan = witches
    coven.unchanged(hecate, "conflict", of_affiliation(hecate.bare, "admin"))
    coven.change(hecate, of_affiliation(hag.bare, "owner"))
    coven.unchanged(hecate, "conflict", of_affiliation(hecate.bare, "none"),
                    of_affiliation(hag.bare, "none"))


def test_lists_are_not_for_all(coven, witches):
    """§9.5: in a semi-anonymous room lists show what is hidden."""
    hecate, crone, hag, wiccan = witches
    for affiliation in ("owner", "admin", "member", "outcast"):
        coven.unchanged(hag, "forbidden", f"<item affiliation='{affiliation}'/>", kind="get")
    coven.unchanged(hag, "forbidden", "<item role='participant'/>", kind="get")
    coven.configure(hecate, whois="anyone")
    quiet(hag, coven)
    assert [i.get("jid") for i in coven.list(hag, affiliation="owner")] == [hecate.bare]
    coven.unchanged(hag, "forbidden", "<item affiliation='outcast'/>", kind="get")


def test_bounded(coven, witches):
    hecate = witches[0]
    for n in range(18):
        coven.change(hecate, of_affiliation(f"witch{n}@coven.example", "member"))
    coven.unchanged(hecate, "resource-constraint", of_affiliation("one@more.example", "member"))


def test_bounded_by_invitations_too(server, coven):
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", membersonly=1)
    invites = "".join(f"<invite to='witch{n}@coven.example'/>" for n in range(30))
    hecate.send(f"<message to='{coven}' id='i1'><x xmlns='{USER}'>{invites}</x></message>")
    hecate.expect_error("i1", "resource-constraint", name="message")
    assert len(coven.list(hecate, affiliation="member")) == 19
    hecate.refused("set", coven.configuration(
        {"roomadmins": [f"admin{n}@coven.example" for n in range(30)]}), "resource-constraint",
        to=coven)


@pytest.mark.parametrize("nick", [" count", "count ", "\u00a0", "x" * 200])
def test_reserved_nickname_that_is_none(coven, witches, nick):
    coven.unchanged(witches[1], "not-acceptable",
                    of_affiliation("paris@coven.example", "member", nick=nick))


def test_reserved_nickname(server, coven, witches):
    """§9.3: of a member; nobody else gets it."""
    hecate, crone, hag, wiccan = witches
    paris = server.client("paris", "hall")
    coven.change(crone, of_affiliation(paris.bare, "member", nick="count"))
    wiccan.send(f"<presence to='{coven / 'count'}' id='n'/>")
    wiccan.expect_error("n", "conflict", name="presence")
    coven.unchanged(crone, "conflict", of_affiliation(hag.bare, "member", nick="count"))
    assert item(coven.enter(paris, "count").own).get("affiliation") == "member"


def test_out_of_order(coven, witches):
    """The same occupant twice in a request."""
    hecate, crone, hag, wiccan = witches
    answer(crone, coven.admin(crone, of_role("thirdwitch", "none"), of_role("thirdwitch", "none")))
    gone(hag, coven, "thirdwitch", "307")
