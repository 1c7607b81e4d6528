# SPDX-License-Identifier: MIT
"""What guards a room and nobody tries by accident: each of these once let somebody through when it
was taken out of the code."""

import pytest
from kit.client import Client
from kit.room import (MUC, USER, Room, answer, assemble, codes, coven, form, item, of_affiliation,
                      of_role, quiet)

SID, MAM, OCCUPANT = "urn:xmpp:sid:0", "urn:xmpp:mam:2", "urn:xmpp:occupant-id:0"
REGISTER = "jabber:iq:register"
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


def test_forged_stanza_id_in_private(coven, witches):
    """A private message gets none by the room, so none in its name is true."""
    hecate, hag = witches
    hag.send(f"<message to='{coven / 'firstwitch'}' type='chat'><body>hail</body>"
             f"<stanza-id xmlns='{SID}' by='{coven}' id='forged'/></message>")
    heard = hecate.expect(f"<message from='{coven / 'thirdwitch'}'><body>hail</body></message>")
    assert str(coven) not in [one.get("by") for one in heard.iter(f"{{{SID}}}stanza-id")]


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


@pytest.mark.parametrize("how", ["private", "invitation", "decline"])
def test_rate_of_other_messages(servers, how):
    """What a room passes on for one person is counted with what he says."""
    server = servers({"modules": {"muc": {"messages": "3/1h"}}})
    coven = Room(server)
    hecate, hag = assemble(server, coven)
    hecate.online()
    to, payload = coven / "firstwitch", "<body>hail</body>"
    if how == "invitation":
        to, payload = coven, f"<x xmlns='{USER}'><invite to='{hecate.bare}'/></x>"
    if how == "decline":
        to, payload = coven, f"<x xmlns='{USER}'><decline to='{hecate.bare}'/></x>"
    for n in range(4):
        hag.send(f"<message to='{to}' id='m{n}'>{payload}</message>")
    hag.expect_error("m3", "resource-constraint", "wait", name="message")
    for n in range(3):
        hecate.expect("<message/>")
    hecate.expect_nothing(hag, at=coven)


def test_nobody_talks_in_a_room_that_is_not_configured(server, coven):
    """§10.1.1: until then it does not exist for others."""
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.enter(hecate, "firstwitch")
    for to, kind in ((coven, "groupchat"), (coven / "firstwitch", "chat")):
        hag.send(f"<message to='{to}' type='{kind}' id='m'><body>hail</body></message>")
        hag.expect_error("m", "item-not-found", name="message")
    hecate.expect_nothing(hag, at=coven)


# --- roles (§5.1, §8) -----------------------------------------------------------------------------------


@pytest.fixture
def moderators(server, coven, witches, macbeth):
    """Two who are nothing but moderators."""
    hecate, hag = witches
    coven.change(hecate, of_role("thirdwitch", "moderator"), of_role("thane", "moderator"))
    for one in (hecate, hag, macbeth):
        quiet(one, coven)
    return hag, macbeth


def test_moderators_do_not_kick_each_other(coven, witches, moderators):
    """§8.2: not somebody of the same or a higher affiliation, if he is a moderator."""
    hag, macbeth = moderators
    coven.unchanged(hag, "not-allowed", of_role("thane", "none"))
    coven.unchanged(hag, "not-allowed", of_role("firstwitch", "none"))
    coven.change(witches[0], of_role("thane", "none"))


def test_voice_of_those_above(coven, witches, moderators):
    """§8.4: of a member it is taken by an admin, not by who is nothing but a moderator."""
    hecate, hag = witches
    macbeth = moderators[1]
    coven.change(hecate, of_role("thane", "participant"), of_affiliation(macbeth.bare, "member"))
    quiet(hag, coven)
    coven.unchanged(hag, "not-allowed", of_role("thane", "visitor"))
    coven.change(hecate, of_role("thane", "visitor"))


def test_voice_is_given_and_never_taken_by_an_approval(server, coven):
    """§8.6: it concerns a visitor; who is more than a participant stays that."""
    hecate, hag = assemble(server, coven, moderatedroom=1)
    coven.change(hecate, of_role("thirdwitch", "moderator"))
    quiet(hag, coven)
    quiet(hecate, coven)
    hag.send(f"<message to='{coven}'>" + form(f"{MUC}#request", {
        "muc#role": "participant", "muc#roomnick": "firstwitch", "muc#request_allow": "true"})
        + "</message>")
    hecate.expect_nothing(hag, at=coven)
    assert {i.get("nick") for i in coven.list(hag, role="moderator")} == {"firstwitch",
                                                                          "thirdwitch"}


# --- entering (§7.2) --------------------------------------------------------------------------------------


def test_who_is_banned_is_told_that_before_all_else(coven, witches):
    """§7.2.7, before the password of §7.2.5 is looked at."""
    hecate, hag = witches
    coven.configure(hecate, passwordprotectedroom=1, roomsecret="cauldron")
    coven.change(hecate, of_affiliation(hag.bare, "outcast"))
    quiet(hag, coven)
    coven.refused(hag, "thirdwitch", "forbidden", "auth", password="wrong")


def test_rate_of_joining(servers):
    server = servers({"modules": {"muc": {"joins": "2/1h"}}})
    coven, hecate, hag = Room(server), server.client("hecate"), server.client("hag")
    coven.create(hecate, "firstwitch")
    for _ in range(2):
        coven.enter(hag, "thirdwitch")
        coven.leave(hag, "thirdwitch")
    coven.refused(hag, "thirdwitch", "resource-constraint", "wait")


def test_clients_under_one_nickname(servers):
    """Twenty, and the next is refused."""
    server = servers({"modules": {"muc": {}}, "limits": {"sessions-per-account": 30}})
    coven, hecate = Room(server), server.client("hecate", "broom")
    coven.create(hecate, "firstwitch")
    more = [hecate.another(f"broom{n}") for n in range(20)]
    for one in more[:19]:
        coven.enter(one, "firstwitch")
    coven.refused(more[19], "firstwitch", "resource-constraint", "wait")


def test_forged_occupant_id(server, coven, witches):
    """XEP-0421 §3.3: in presence as in messages, the room's is the only one."""
    hecate, hag = witches
    macbeth = server.client("macbeth", "castle")
    coven.knock(macbeth, "thane", extra=f"<occupant-id xmlns='{OCCUPANT}' id='forged'/>")
    coven.entered(macbeth, "thane")
    seen = hecate.expect(f"<presence from='{coven / 'thane'}'/>")
    assert ["forged"] != [one.get("id") for one in seen.findall(f"{{{OCCUPANT}}}occupant-id")]
    assert len(seen.findall(f"{{{OCCUPANT}}}occupant-id")) == 1


# --- registering (§7.10) ----------------------------------------------------------------------------------


def registration(nick):
    return f"<query xmlns='{REGISTER}'>{form(f'{MUC}#register', {'muc#register_roomnick': nick})}</query>"


def test_who_is_banned_does_not_register(coven, witches):
    hecate, hag = witches
    coven.change(hecate, of_affiliation(hag.bare, "outcast"))
    quiet(hag, coven)
    for payload in (registration("oldhag"), f"<query xmlns='{REGISTER}'><remove/></query>"):
        hag.refused("set", payload, "not-allowed", "cancel", to=coven)
    assert [i.get("nick") for i in coven.list(hecate, affiliation="outcast")] == [None]


def test_registrations_are_people_too(coven, witches):
    """`max-affiliations` bounds them as well."""
    hecate, hag = witches
    coven.change(hecate, *(of_affiliation(f"witch{n}@coven.example", "member")
                           for n in range(19)))
    hag.refused("set", registration("oldhag"), "resource-constraint", to=coven)
    coven.change(hecate, of_affiliation("witch0@coven.example", "none"))
    answer(hag, hag.iq("set", registration("oldhag"), coven))


def approval(who, nick):
    return form(f"{MUC}#register", {"muc#register_jid": who.bare, "muc#register_roomnick": nick,
                                    "muc#register_allow": "1"})


def test_two_ask_for_one_nickname(server, coven):
    """Both wait; the first who is approved has it, and the other gets no place without it."""
    hecate, hag, crone = (server.client(name) for name in ("hecate", "hag", "crone"))
    coven.create(hecate, "firstwitch", membersonly=1)
    for one in (hag, crone):
        answer(one, one.iq("set", registration("count"), coven))
    for one in (hag, crone):
        hecate.send(f"<message to='{coven}'>{approval(one, 'count')}</message>")
    members = coven.list(hecate, affiliation="member")
    assert [(i.get("jid"), i.get("nick")) for i in members] == [(hag.bare, "count")]


def test_requests_to_register_are_bounded(server, coven):
    """So many wait for an admin; who waits already may change his mind about the nickname."""
    hecate = server.client("hecate")
    coven.create(hecate, "firstwitch", membersonly=1)
    crowd = [server.client("crowd") for _ in range(101)]
    for n, one in enumerate(crowd[:100]):
        answer(one, one.iq("set", registration(f"witch{n}"), coven))
    crowd[100].refused("set", registration("late"), "resource-constraint", to=coven)
    answer(crowd[0], crowd[0].iq("set", registration("first"), coven))


# --- requests between occupants (§17.4) -------------------------------------------------------------------


def test_answer_of_one_who_has_left(coven, witches):
    """He is nobody in the room: what he answers would come from nobody."""
    hecate, hag = witches
    hag.iq("get", "<query xmlns='jabber:iq:version'/>", coven / "firstwitch")
    asked = hecate.expect("<iq type='get'><query xmlns='jabber:iq:version'/></iq>")
    coven.leave(hecate, "firstwitch")
    hag.expect(f"<presence from='{coven / 'firstwitch'}' type='unavailable'/>")
    hecate.send(f"<iq type='result' id='{asked.get('id')}' to='{coven / 'thirdwitch'}'>"
                "<query xmlns='jabber:iq:version'><name>Broom</name></query></iq>")
    hag.expect_nothing(hecate)
    hag.expect_nothing(at=coven)


# --- the list of rooms (§6.3) -----------------------------------------------------------------------------


def test_room_that_is_not_configured_is_not_listed(server, coven):
    hecate = server.client("hecate", "broom")
    coven.enter(hecate, "firstwitch")

    def listed():
        found = hecate.get("<query xmlns='http://jabber.org/protocol/disco#items'/>",
                           f"conference.{server.host}")[0]
        return str(coven) in {i.get("jid") for i in found}

    assert not listed()
    coven.configure(hecate)
    assert listed()
