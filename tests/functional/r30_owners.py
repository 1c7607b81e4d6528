# SPDX-License-Identifier: MIT
"""Configuration, the end of a room, and what lasts (XEP-0045 §10.1, §10.2, §10.9)."""

import pytest
from kit.room import (CONFIG_FORM, OWNER, USER, Room, answer, codes, coven, form, item,
                      of_affiliation, quiet, witches)

CONFIG = {"modules": {"muc": {}, "disco": {}}}
DATA = "{jabber:x:data}"
STANDARD = ["roomname", "roomdesc", "lang", "persistentroom", "publicroom", "membersonly",
            "moderatedroom", "passwordprotectedroom", "roomsecret", "whois", "changesubject",
            "allowinvites", "allowpm", "presencebroadcast", "getmemberlist", "enablelogging",
            "maxusers", "pubsub", "roomadmins", "roomowners"]


def fields(client, room):
    found = client.get(f"<query xmlns='{OWNER}'/>", room)
    return {f.get("var"): [v.text or "" for v in f.findall(f"{DATA}value")]
            for f in found.iter(f"{DATA}field")}


def owner(payload):
    return f"<query xmlns='{OWNER}'>{payload}</query>"


def told(client, room, *expected):
    message = client.expect(f"<message from='{room}' type='groupchat'><x xmlns='{USER}'/></message>")
    assert codes(message) == set(expected)


def test_form(coven, witches):
    """§10.1.3: every registered field."""
    hecate, hag = witches
    found = fields(hecate, coven)
    assert set(found) >= {f"muc#roomconfig_{name}" for name in STANDARD} | {"muc#maxhistoryfetch"}
    assert found["FORM_TYPE"] == [CONFIG_FORM]
    assert found["muc#roomconfig_roomowners"] == [hecate.bare]
    hag.refused("get", f"<query xmlns='{OWNER}'/>", "forbidden", to=coven)


def test_configured(coven, witches):
    hecate, hag = witches
    coven.configure(hecate, roomname="A Dark Cave", roomdesc="The place for witches", lang="en",
                    maxusers=20, presencebroadcast=["moderator", "participant"])
    told(hag, coven, "104")
    found = fields(told_first(hecate, coven), coven)
    assert found["muc#roomconfig_roomname"] == ["A Dark Cave"]
    assert found["muc#roomconfig_maxusers"] == ["20"]
    assert sorted(found["muc#roomconfig_presencebroadcast"]) == ["moderator", "participant"]


def told_first(client, coven):
    client.expect(f"<message from='{coven}'/>")
    return client


def test_by_others(coven, witches):
    _, hag = witches
    hag.refused("set", coven.configuration({"roomname": "Mine"}), "forbidden", to=coven)


@pytest.mark.parametrize("wrong", [
    {"persistentroom": "perhaps"}, {"whois": "nobody"}, {"maxusers": "-3"}, {"maxusers": "many"},
    {"passwordprotectedroom": "1"}, {"presencebroadcast": ["king"]}, {"roomname": "x" * 2000},
    {"roomowners": ["@@@"]}, {"muc#maxhistoryfetch": "all"},
], ids=str)
def test_refused(coven, witches, wrong):
    hecate, hag = witches
    before = fields(hecate, coven)
    hecate.refused("set", coven.configuration(wrong), "not-acceptable", to=coven)
    assert fields(hecate, coven) == before


def test_no_owner(coven, witches):
    """§10.2: the last one stays."""
    hecate, _ = witches
    hecate.refused("set", coven.configuration({"roomowners": []}), "conflict", to=coven)
    assert [i.get("jid") for i in coven.list(hecate, affiliation="owner")] == [hecate.bare]


def test_owner_steps_down(coven, witches):
    """§10.2: who is not named as an owner any more is an admin."""
    hecate, hag = witches
    coven.configure(hecate, roomowners=[hag.bare, hag.bare])
    seen = hag.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert item(seen).attrib.items() >= {("affiliation", "owner"), ("role", "moderator")}
    quiet(hag, coven)
    assert [i.get("jid") for i in coven.list(hag, affiliation="admin")] == [hecate.bare]


def test_unknown_fields(coven, witches):
    hecate, hag = witches
    coven.configure(hecate, **{"muc#roomconfig_witchcraft": "1", "roomname": "x"})
    told(hag, coven, "104")


def test_other_form(coven, witches):
    hecate, _ = witches
    hecate.refused("set", owner(form("urn:example:other", {"x-y": "1"})), "bad-request", to=coven)
    hecate.refused("set", owner(""), "bad-request", to=coven)


@pytest.mark.parametrize("change, code", [({"whois": "anyone"}, "172"),
                                          ({"persistentroom": 1}, "170")])
def test_privacy_codes(coven, witches, change, code):
    """§10.2.1"""
    hecate, hag = witches
    coven.configure(hecate, **change)
    told(hag, coven, code)


def test_semi_anonymous_again(server, coven):
    """§10.2.1: 173."""
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", whois="anyone")
    coven.configure(hecate, whois="moderators")
    told(hecate, coven, "173")


def test_admins_by_the_form(coven, witches):
    """§10.2: who gains and who loses it is shown to all."""
    hecate, hag = witches
    for names, affiliation, role in (([hag.bare], "admin", "moderator"),
                                     ([], "member", "participant")):
        coven.configure(hecate, roomadmins=names)
        seen = item(hecate.expect(f"<presence from='{coven / 'thirdwitch'}'/>"))
        assert (seen.get("affiliation"), seen.get("role")) == (affiliation, role)
        told(hecate, coven, "104")


def test_change_cancelled(coven, witches):
    """§10.2: all stays as it was."""
    hecate, hag = witches
    answer(hecate, hecate.iq("set", owner("<x xmlns='jabber:x:data' type='cancel'/>"), coven))
    hag.expect_nothing(hecate, at=coven)


def test_becomes_members_only(coven, witches):
    """§10.2: strangers go, with 322."""
    hecate, hag = witches
    coven.configure(hecate, membersonly=1)
    told(hag, coven, "104")
    own = hag.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'/>")
    assert codes(own) == {"110", "322"}


def test_voice_for_all(server, coven):
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", moderatedroom=1)
    coven.enter(hag, "thirdwitch")
    coven.configure(hecate, moderatedroom=0)
    told(hag, coven, "104")
    seen = hag.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert item(seen).get("role") == "participant"


def test_instant(server, coven):
    """§10.1.2"""
    hecate = server.client("hecate", "broom")
    coven.enter(hecate, "firstwitch")
    hecate.set(owner("<x xmlns='jabber:x:data' type='submit'/>"), coven)
    coven.enter(server.client("hag", "pda"), "thirdwitch")


def test_cancelled(server, coven):
    """§10.1.3: the room is given up."""
    hecate = server.client("hecate", "broom")
    coven.enter(hecate, "firstwitch")
    answer(hecate, hecate.iq("set", owner("<x xmlns='jabber:x:data' type='cancel'/>"), coven))
    hecate.expect(f"<presence from='{coven / 'firstwitch'}' type='unavailable'>"
                  f"<x xmlns='{USER}'><destroy/></x></presence>")
    hecate.refused("get", f"<query xmlns='{OWNER}'/>", "item-not-found", to=coven)


def test_left_before_it_is_configured(server, coven):
    """§10.1.3: its maker went: it is destroyed."""
    hecate = server.client("hecate", "broom")
    coven.enter(hecate, "firstwitch")
    hecate.send(f"<presence to='{coven / 'firstwitch'}' type='unavailable'/>")
    hecate.expect(f"<presence from='{coven / 'firstwitch'}' type='unavailable'>"
                  f"<x xmlns='{USER}'><destroy/></x></presence>")
    hecate.refused("get", f"<query xmlns='{OWNER}'/>", "item-not-found", to=coven)


def test_destroyed(coven, witches):
    """§10.9: with another venue."""
    hecate, hag = witches
    answer(hecate, hecate.iq("set", owner(
        "<destroy jid='coven@chat.example'><reason>Macbeth doth come.</reason>"
        "<password>cauldronburn</password></destroy>"), coven))
    for one, nick in ((hag, "thirdwitch"), (hecate, "firstwitch")):
        one.expect(f"<presence from='{coven / nick}' type='unavailable'><x xmlns='{USER}'>"
                   "<item affiliation='none' role='none'/><destroy jid='coven@chat.example'>"
                   "<reason>Macbeth doth come.</reason><password>cauldronburn</password></destroy>"
                   "</x></presence>")
        one.expect_nothing(hecate)
    assert "201" in coven.enter(hag, "thirdwitch").codes


def test_destroyed_by_others(coven, witches):
    hecate, hag = witches
    hag.refused("set", owner("<destroy/>"), "forbidden", to=coven)
    hecate.refused("set", owner("<destroy jid='@@@'/>"), "jid-malformed", to=coven)


# --- what lasts -----------------------------------------------------------------------------------


def test_restart(servers):
    """Configuration, affiliations, subject and history are there after the server was killed."""
    server = servers(CONFIG)
    coven = Room(server)
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", persistentroom=1, roomname="A Dark Cave", moderatedroom=1)
    coven.change(hecate, of_affiliation(hag.bare, "member", nick="thirdwitch"))
    coven.enter(hag, "thirdwitch")
    hecate.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    hecate.send(f"<message to='{coven}' type='groupchat'><subject>Bubble</subject></message>")
    hecate.expect("<message><subject>Bubble</subject></message>")
    coven.tell(hecate, "firstwitch", "Round about")
    quiet(hag, coven)
    hag.enable()
    said = [f"toil {n}" for n in range(5)]
    for text in said:
        hag.send(coven.say(text))
    while hag.request_ack() < len(said):
        pass
    server.kill()
    server.start()
    hecate, other = hecate.another("broom"), hag.another("pda")
    assert fields(hecate, coven)["muc#roomconfig_roomname"] == ["A Dark Cave"]
    coven.refused(hecate, "thirdwitch", "conflict")
    entry = coven.enter(other, "thirdwitch")
    assert item(entry.own).get("affiliation") == "member"
    assert entry.bodies() == ["Round about"] + said
    assert entry.subject.findtext("{jabber:client}subject") == "Bubble"
    assert coven.list(hecate, affiliation="member")[0].get("jid") == hag.bare


def test_temporary_becomes_lasting(servers):
    """What was said before is kept too."""
    server = servers(CONFIG)
    coven = Room(server)
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch")
    coven.tell(hecate, "firstwitch", "before")
    coven.configure(hecate, persistentroom=1)
    hecate.expect(f"<message from='{coven}'/>")
    coven.tell(hecate, "firstwitch", "after")
    coven.leave(hecate, "firstwitch")
    server.stop()
    server.start()
    entry = coven.enter(hecate.another("broom"), "firstwitch")
    assert entry.bodies() == ["before", "after"] and item(entry.own).get("affiliation") == "owner"


def test_everything_at_once(server):
    """The whole form comes back, as clients send it, and names the people of a room to be kept."""
    coven = Room(server)
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.enter(hecate, "firstwitch")
    whole = fields(hecate, coven)
    del whole["FORM_TYPE"]
    whole |= {"muc#roomconfig_persistentroom": ["1"], "muc#roomconfig_roomadmins": [hag.bare],
              "muc#roomconfig_roomname": ["A Dark Cave"]}
    hecate.set(owner(form(CONFIG_FORM, whole)), coven)
    found = fields(hecate, coven)
    assert found["muc#roomconfig_roomname"] == ["A Dark Cave"]
    assert found["muc#roomconfig_roomowners"] == [hecate.bare]
    assert found["muc#roomconfig_roomadmins"] == [hag.bare]
    assert item(coven.enter(hag, "thirdwitch").own).get("affiliation") == "admin"


def test_destroyed_for_good(servers):
    server = servers(CONFIG)
    coven = Room(server)
    hecate = server.client("hecate", "broom")
    for _ in range(3):
        coven.create(hecate, "firstwitch", persistentroom=1)
        coven.tell(hecate, "firstwitch", "again")
        answer(hecate, hecate.iq("set", owner("<destroy/>"), coven))
        hecate.expect("<presence type='unavailable'/>")
    server.stop()
    server.start()
    entry = coven.enter(hecate.another("broom"), "firstwitch")
    assert "201" in entry.codes and not entry.history


def test_lasting_becomes_temporary(server, coven):
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", persistentroom=1)
    coven.configure(hecate, persistentroom=0)
    told(hecate, coven, "171")
    coven.leave(hecate, "firstwitch")
    assert "201" in coven.enter(hecate, "firstwitch").codes


def test_shutdown(servers):
    """§11.2: 332 when the server stops."""
    server = servers(CONFIG)
    coven = Room(server)
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", persistentroom=1)
    server.process.terminate()
    own = hecate.expect(f"<presence from='{coven / 'firstwitch'}' type='unavailable'/>")
    assert codes(own) == {"110", "332"}
    server.stop()


def test_who_makes_rooms(servers):
    server = servers({"modules": {"muc": {"create": "admins"}},
                      "hosts": {"capulet.example": {"admins": ["hecate1@capulet.example"]}}})
    coven = Room(server)
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.refused(hag, "thirdwitch", "not-allowed", "cancel")
    coven.create(hecate, "firstwitch")
    coven.enter(hag, "thirdwitch")


def test_so_many_rooms(servers):
    """max-rooms: persistent ones that somebody has made and owns, also after a restart."""
    server = servers({"modules": {"muc": {"max-rooms": 2}}})
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    mine = [Room(server) for _ in range(4)]
    for room in mine[:2]:
        room.create(hecate, "firstwitch", persistentroom=1)
    mine[2].create(hecate, "firstwitch")
    hecate.refused("set", mine[2].configuration({"persistentroom": 1}), "resource-constraint",
                   to=mine[2])
    Room(server).create(hag, "thirdwitch", persistentroom=1)
    server.kill()
    server.start()
    hecate = hecate.another("broom")
    mine[3].enter(hecate, "firstwitch")
    hecate.refused("set", mine[3].configuration({"persistentroom": 1}), "resource-constraint",
                   to=mine[3])
    answer(hecate, hecate.iq("set", owner("<destroy/>"), mine[0]))
    mine[3].configure(hecate, persistentroom=1)
    mine[1].change(hecate, of_affiliation(hag.bare, "owner"))
    mine[1].change(hecate, of_affiliation(hecate.bare, "none"))     # it does not count any more
    mine[2].create(hecate, "firstwitch", persistentroom=1)


def test_never_configured(servers):
    server = servers({"modules": {"muc": {"unconfigured": "1s"}}})
    coven = Room(server)
    hecate = server.client("hecate", "broom")
    coven.enter(hecate, "firstwitch")
    hecate.expect(f"<presence from='{coven / 'firstwitch'}' type='unavailable'>"
                  f"<x xmlns='{USER}'><destroy/></x></presence>")
