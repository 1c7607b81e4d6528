# SPDX-License-Identifier: MIT
"""Nicknames that the room gives (XEP-0045 §7.2.2, §7.6, §7.10; status 210)."""

import pytest
from kit.room import Room, answer, assemble, codes, coven, form, item, of_affiliation

CONFIG = {"modules": {"muc": {}, "disco": {}}}
LOCK = "{urn:linnet:room}roomconfig_locknicks"
REGISTER = "http://jabber.org/protocol/muc#register"


@pytest.fixture
def witches(server, coven):
    """The hag is in, and registered so; hecate owns the room, and knows."""
    hecate, hag = assemble(server, coven, **{LOCK: 1})
    register(hag, coven, "thirdwitch")
    for one in (hecate, hag):
        assert item(one.expect(f"<presence from='{coven / 'thirdwitch'}' type='!'/>")).get(
            "affiliation") == "member"
    return hecate, hag


def register(client, room, nick):
    return answer(client, client.iq("set", "<query xmlns='jabber:iq:register'>"
                                    f"{form(REGISTER, {'muc#register_roomnick': nick})}</query>",
                                    room))


def renamed(viewer, old, new):
    """One who was called `old` is called `new`, as somebody sees it; returns the new presence."""
    gone = viewer.expect(f"<presence from='{old}' type='unavailable'/>")
    assert item(gone).get("nick") == new.split("/", 1)[1] and "303" in codes(gone)
    return viewer.expect(f"<presence from='{new}' type='!'/>")


def enters_as(room, client, asked, nick, *present):
    room.knock(client, asked)
    entry = room.entered(client, nick)
    for other in present:
        assert "210" not in codes(other.expect(f"<presence from='{room / nick}' type='!'/>"))
    return entry


def test_enters(coven, witches):
    """§7.2.2, §7.10: who asks for another nickname is called by his own."""
    hecate, hag = witches
    coven.leave(hag, "thirdwitch")
    hecate.expect("<presence type='unavailable'/>")
    entry = enters_as(coven, hag, "OldHag", "thirdwitch", hecate)
    assert entry.codes == {"110", "210"} and entry.nicks() == ["firstwitch"]
    coven.tell(hag, "thirdwitch", "Harpier cries", hecate)
    coven.leave(hag, "thirdwitch")
    hecate.expect("<presence type='unavailable'/>")
    assert "210" not in coven.joined_by(hag, "thirdwitch", hecate).codes


def test_enters_taken_or_bad(coven, witches):
    """§7.10: what he asked for does not matter."""
    hecate, hag = witches
    for asked in ("firstwitch", "x" * 300, "\u2003"):
        coven.leave(hag, "thirdwitch")
        hecate.expect("<presence type='unavailable'/>")
        assert "210" in enters_as(coven, hag, asked, "thirdwitch", hecate).codes


def test_another_client(coven, witches):
    """§7.2.8: it shares the nickname."""
    hecate, hag = witches
    other = hag.another("mobile")
    assert "210" in enters_as(coven, other, "OldHag", "thirdwitch").codes
    coven.tell(hecate, "firstwitch", "x", hag, other)


def test_refused_as_asked(server, coven, witches):
    """An error comes from the address that was written to."""
    hecate, hag = witches
    coven.leave(hag, "thirdwitch")
    coven.configure(hecate, passwordprotectedroom=1, roomsecret="cauldron")
    coven.refused(hag, "OldHag", "not-authorized")
    coven.knock(hag, "OldHag", password="cauldron")
    assert "210" in coven.entered(hag, "thirdwitch").codes


def test_changes(coven, witches):
    """§7.6: the nickname stays, and he is told so."""
    hecate, hag = witches
    hag.send(f"<presence to='{coven / 'OldHag'}' id='nx6z2v5'><status>brewing</status></presence>")
    seen = hag.expect(f"<presence from='{coven / 'thirdwitch'}' id='nx6z2v5'>"
                      "<status>brewing</status></presence>")
    assert codes(seen) == {"110", "210"} and seen.get("type") is None
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}' type='!'/>")
    assert not codes(seen)
    hag.send(f"<presence to='{coven / 'thirdwitch'}'/>")
    assert codes(hag.expect(f"<presence from='{coven / 'thirdwitch'}'/>")) == {"110"}


def test_not_registered(server, coven, witches):
    """Who has no nickname in the room is called as he likes."""
    hecate, hag = witches
    paris = server.client("paris", "hall")
    assert "210" not in coven.joined_by(paris, "count", hecate, hag).codes
    paris.send(f"<presence to='{coven / 'duke'}'/>")
    for one in (hecate, hag, paris):
        assert "210" not in codes(renamed(one, coven / "count", coven / "duke"))


def test_registers(server, coven, witches):
    """§7.10: who is in under another name; all are told 210."""
    hecate, hag = witches
    paris = server.client("paris", "hall")
    coven.joined_by(paris, "count", hecate, hag)
    register(paris, coven, "duke")
    for one in (hecate, hag, paris):
        assert item(one.expect(f"<presence from='{coven / 'count'}' type='!'/>")).get(
            "affiliation") == "member"
        assert "210" in codes(renamed(one, coven / "count", coven / "duke"))
    assert [i.get("nick") for i in coven.list(hecate, affiliation="member")] == ["thirdwitch",
                                                                               "duke"]


def test_registers_another(coven, witches):
    """A member who registers another nickname."""
    hecate, hag = witches
    register(hag, coven, "OldHag")
    for one in (hecate, hag):
        assert "210" in codes(renamed(one, coven / "thirdwitch", coven / "OldHag"))


def test_given_by_an_admin(server, coven, witches):
    """§9.3: with the membership."""
    hecate, hag = witches
    paris = server.client("paris", "hall")
    coven.joined_by(paris, "count", hecate, hag)
    coven.change(hecate, of_affiliation(paris.bare, "member", nick="duke"))
    for one in (hecate, hag, paris):
        one.expect(f"<presence from='{coven / 'count'}' type='!'/>")
        assert "210" in codes(renamed(one, coven / "count", coven / "duke"))


def test_two_names_become_one(server, coven):
    """Two clients under two nicknames, when the owner locks nicknames."""
    hecate, hag = assemble(server, coven)
    other, third = hag.another("mobile"), hag.another("laptop")
    coven.joined_by(other, "OldHag", hecate, hag)
    coven.joined_by(third, "oldhag2", hecate, hag, other)
    register(hag, coven, "crone")
    for one in (hecate, hag, other, third):
        for nick in ("thirdwitch", "OldHag", "oldhag2"):
            one.expect(f"<presence from='{coven / nick}' type='!'/>")
    coven.configure(hecate, **{LOCK: 1})
    for one in (hecate, hag, other, third):
        one.expect("<message><x xmlns='http://jabber.org/protocol/muc#user'>"
                   "<status code='104'/></x></message>")
        assert "210" in codes(renamed(one, coven / "thirdwitch", coven / "crone"))
    for old, whose in (("OldHag", other), ("oldhag2", third)):
        for one in (hecate, hag, other, third):
            gone = one.expect(f"<presence from='{coven / old}' type='unavailable'/>")
            assert "303" in codes(gone) and item(gone).get("nick") == "crone"
            if one is whose:
                own = one.expect(f"<presence from='{coven / 'crone'}' type='!'/>")
                assert codes(own) == {"110", "210"}
    coven.tell(third, "crone", "Eye of newt", hecate, hag, other)
    for one in (third, other):
        coven.leave(one, "crone")
    assert len(hecate.get("<query xmlns='http://jabber.org/protocol/disco#items'/>",
                          coven)[0]) == 2
    coven.leave(hag, "crone")
    seen = hecate.expect(f"<presence from='{coven / 'crone'}' type='unavailable'/>")
    assert item(seen).get("role") == "none"


def test_name_of_another(server, coven, witches):
    """Who was called so before keeps his name, until he goes."""
    hecate, hag = witches
    paris, romeo = server.client("paris", "hall"), server.client("romeo", "orchard")
    coven.joined_by(paris, "count", hecate, hag)
    coven.joined_by(romeo, "lover", hecate, hag, paris)
    coven.change(hecate, of_affiliation(romeo.bare, "member", nick="Count"))
    everybody = (hecate, hag, paris, romeo)
    for one in everybody:
        assert item(one.expect(f"<presence from='{coven / 'lover'}' type='!'/>")).get(
            "affiliation") == "member"
    coven.tell(romeo, "lover", "x", hecate, hag, paris)
    mobile = romeo.another("mobile")
    assert "210" not in coven.joined_by(mobile, "montague", hecate, hag, paris, romeo).codes
    coven.leave(paris, "count")
    for one in (hecate, hag, romeo, mobile):
        one.expect(f"<presence from='{coven / 'count'}' type='unavailable'/>")
    romeo.send(f"<presence to='{coven / 'lover'}'/>")
    for one in (hecate, hag, romeo, mobile):
        own = renamed(one, coven / "lover", coven / "Count")
        assert ("210" in codes(own)) == (one is romeo)
    mobile.send(f"<presence to='{coven / 'montague'}'/>")
    for one in (hecate, hag, romeo, mobile):
        one.expect(f"<presence from='{coven / 'montague'}' type='unavailable'/>")
    assert codes(mobile.expect(f"<presence from='{coven / 'Count'}' type='!'/>")) == {"110", "210"}
    coven.tell(mobile, "Count", "y", hecate, hag, romeo)


def test_survives_restart(servers):
    server = servers(CONFIG)
    coven, hecate = Room(server), server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", persistentroom=1, **{LOCK: 1})
    hag = server.client("hag", "pda")
    register(hag, coven, "thirdwitch")
    server.stop()
    server.start()
    hag = hag.another("pda")
    coven.knock(hag, "OldHag")
    assert "210" in coven.entered(hag, "thirdwitch").codes


def test_locked_by_the_operator(server, coven):
    hecate, hag = assemble(server, coven)
    register(hag, coven, "crone")
    for one in (hecate, hag):
        one.expect(f"<presence from='{coven / 'thirdwitch'}' type='!'/>")
    server.ctl("muc", "config", str(coven), "locknicks", "1")
    for one in (hecate, hag):
        one.expect("<message><x xmlns='http://jabber.org/protocol/muc#user'>"
                   "<status code='104'/></x></message>")
        assert "210" in codes(renamed(one, coven / "thirdwitch", coven / "crone"))
    assert "roomconfig_locknicks" in server.ctl("muc", "config", str(coven)).stdout
    server.ctl("muc", "config", str(coven), "locknicks", "0")
    for one in (hecate, hag):
        one.expect("<message/>")
    hag.send(f"<presence to='{coven / 'OldHag'}'/>")
    assert "210" not in codes(renamed(hecate, coven / "crone", coven / "OldHag"))
