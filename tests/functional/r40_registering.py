# SPDX-License-Identifier: MIT
"""Discovery and registration (XEP-0045 §6, §7.10, §7.12, §9.10; XEP-0128, XEP-0059)."""

import pytest
from kit.room import USER, Room, answer, assemble, coven, form, item, quiet

CONFIG = {"modules": {"muc": {}, "disco": {}, "ping": {}}}
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
REGISTER = "http://jabber.org/protocol/muc#register"
RSM = "http://jabber.org/protocol/rsm"
DATA = "{jabber:x:data}"


@pytest.fixture
def witches(server, coven):
    return assemble(server, coven, roomname="A Dark Cave", roomdesc="witchery")


def service(server):
    return f"conference.{server.host}"


def info(client, to, node=None):
    node = f" node='{node}'" if node else ""
    return client.get(f"<query xmlns='{INFO}'{node}/>", to)[0]


def features(query):
    return {f.get("var") for f in query.iter(f"{{{INFO}}}feature")}


def room_info(query):
    return {f.get("var"): [v.text or "" for v in f.findall(f"{DATA}value")]
            for f in query.iter(f"{DATA}field")}


def rooms(client, to, rsm=""):
    return client.get(f"<query xmlns='{ITEMS}'>{rsm}</query>", to)[0]


def test_service(server, coven, witches):
    """§6.1, §6.2"""
    _, hag = witches
    listed = hag.get(f"<query xmlns='{ITEMS}'/>", server.host)[0]
    assert service(server) in {i.get("jid") for i in listed}
    found = info(hag, service(server))
    identity = found.find(f"{{{INFO}}}identity")
    assert (identity.get("category"), identity.get("type")) == ("conference", "text")
    assert {"http://jabber.org/protocol/muc", INFO, ITEMS, RSM} <= features(found)


def test_room_info(coven, witches):
    """§6.4"""
    hecate, hag = witches
    hecate.send(f"<message to='{coven}' type='groupchat'><subject>Bubble</subject></message>")
    hag.expect("<message><subject>Bubble</subject></message>")
    found = info(hag, coven)
    assert found.find(f"{{{INFO}}}identity").get("name") == "A Dark Cave"
    assert {"muc_open", "muc_public", "muc_temporary", "muc_unmoderated", "muc_semianonymous",
            "muc_unsecured", "http://jabber.org/protocol/muc#stable_id",
            "http://jabber.org/protocol/muc#self-ping-optimization"} <= features(found)
    details = room_info(found)
    assert details["FORM_TYPE"] == ["http://jabber.org/protocol/muc#roominfo"]
    assert details["muc#roominfo_occupants"] == ["2"]
    assert details["muc#roominfo_subject"] == ["Bubble"]
    assert details["muc#roominfo_description"] == ["witchery"]
    assert details["muc#roominfo_subjectmod"] == ["0"]
    assert details["muc#roominfo_contactjid"] == [hecate.bare]
    assert details["muc#maxhistoryfetch"] == ["50"]
    assert {f"http://jabber.org/protocol/muc#{form}" for form in (
        "register", "request", "roomconfig", "roominfo")} <= features(found)


def test_features_follow(server, coven):
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", persistentroom=1, membersonly=1, moderatedroom=1,
                 publicroom=0, whois="anyone", passwordprotectedroom=1, roomsecret="x")
    assert {"muc_membersonly", "muc_hidden", "muc_persistent", "muc_moderated",
            "muc_nonanonymous", "muc_passwordprotected",
            "urn:xmpp:mam:2"} <= features(info(hecate, coven))


def test_no_archive_for_dino(server, coven):
    """COMPAT(Dino 0.4): a room's archive would kill it, for its account has none."""
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", persistentroom=1)
    assert "urn:xmpp:mam:2" in features(info(hecate, coven))
    dino = features(info(hecate.another("dino.0a1b2c3d"), coven))
    assert "http://jabber.org/protocol/muc" in dino and "urn:xmpp:mam:2" not in dino


def test_occupants(server, coven, witches):
    """§6.5: told to those who are in."""
    _, hag = witches
    assert {i.get("jid") for i in rooms(hag, coven)} == {coven / "firstwitch",
                                                         coven / "thirdwitch"}
    assert len(rooms(server.client("paris", "hall"), coven)) == 0


def test_nodes(coven, witches):
    _, hag = witches
    hag.refused("get", f"<query xmlns='{INFO}' node='http://jabber.org/protocol/muc#traffic'/>",
                "service-unavailable|feature-not-implemented", to=coven)
    hag.refused("get", f"<query xmlns='{INFO}' node='unknown'/>", "item-not-found", to=coven)


def test_no_such_room(server, coven):
    server.client("hag", "pda").refused("get", f"<query xmlns='{INFO}'/>", "item-not-found",
                                        to=coven)


def test_unknown_request(coven, witches):
    witches[1].refused("get", "<query xmlns='urn:example:x'/>", "service-unavailable", to=coven)


def test_directory(servers):
    """§6.3: public rooms, page by page; there again after a restart."""
    server = servers(CONFIG)
    hecate = server.client("hecate", "broom")
    shown = []
    for n in range(5):
        room = Room(server, f"cave{n}")
        room.create(hecate, "firstwitch", persistentroom=1, publicroom=int(n != 2),
                    roomname=f"Cave {n}")
        if n != 2:
            shown.append(str(room))
    listed = rooms(hecate, service(server))
    assert [(i.get("jid"), i.get("name")) for i in listed.findall(f"{{{ITEMS}}}item")] == [
        (jid, f"Cave {jid[4]}") for jid in shown]
    found, after = [], ""
    while True:
        page = rooms(hecate, service(server), f"<set xmlns='{RSM}'><max>3</max>{after}</set>")
        items = [i.get("jid") for i in page.findall(f"{{{ITEMS}}}item")]
        if not items:
            break
        assert page.findtext(f"{{{RSM}}}set/{{{RSM}}}count") == "4"
        found += items
        after = f"<after>{page.findtext(f'{{{RSM}}}set/{{{RSM}}}last')}</after>"
    assert found == shown
    hecate.refused("get", f"<query xmlns='{ITEMS}'><set xmlns='{RSM}'><max>x</max></set></query>",
                   "bad-request", to=service(server))
    check_pages(hecate, service(server), shown)
    server.kill()
    server.start()
    again = hecate.another("broom")
    while len(rooms(again, service(server)).findall(f"{{{ITEMS}}}item")) < len(shown):
        pass
    found = rooms(again, service(server)).findall(f"{{{ITEMS}}}item")
    assert sorted(i.get("jid") for i in found) == shown


def check_pages(client, service, shown):
    """XEP-0059 §2.3 to §2.7: backwards, by number, the count alone."""
    def page(rsm):
        found = rooms(client, service, f"<set xmlns='{RSM}'>{rsm}</set>")
        first = found.find(f"{{{RSM}}}set/{{{RSM}}}first")
        assert found.findtext(f"{{{RSM}}}set/{{{RSM}}}count") == str(len(shown))
        return ([i.get("jid") for i in found.findall(f"{{{ITEMS}}}item")],
                first.get("index") if first is not None else None)

    assert page("<max>0</max>") == ([], None)
    assert page("<max>3</max><before/>") == (shown[-3:], "1")
    assert page(f"<max>3</max><before>{shown[2]}</before>") == (shown[:2], "0")
    assert page("<max>2</max><index>1</index>") == (shown[1:3], "1")
    assert page(f"<after>{shown[-1]}</after>") == ([], None)
    assert page("<max>2</max><index>0</index>") == (shown[:2], "0")
    for index in (len(shown), 40, 2**31 - 1, 10**30):  # §2.6: beyond the end is an empty page
        assert page(f"<index>{index}</index>") == ([], None)
    for wrong in ("<index>-1</index>", "<index/>", "<max>1</max><max>2</max>",
                  "<index>1</index><before/>", f"<index>1</index><after>{shown[0]}</after>"):
        client.refused("get", f"<query xmlns='{ITEMS}'><set xmlns='{RSM}'>{wrong}</set></query>",
                       "bad-request", to=service)
    for wrong in ("<before>unknown</before>", "<after>unknown</after>"):
        client.refused("get", f"<query xmlns='{ITEMS}'><set xmlns='{RSM}'>{wrong}</set></query>",
                       "item-not-found", to=service)


# --- registration -----------------------------------------------------------------------------------


def submitted(nick, more={}):
    return (f"<query xmlns='jabber:iq:register'>"
            f"{form(REGISTER, {'muc#register_roomnick': nick, **more})}</query>")


def test_registers(server, coven, witches):
    """§7.10: a member with a nick."""
    hecate, hag = witches
    asked = hag.get("<query xmlns='jabber:iq:register'/>", coven)
    assert [f.get("var") for f in asked.iter(f"{DATA}field")] == ["FORM_TYPE",
                                                                  "muc#register_roomnick"]
    answer(hag, hag.iq("set", submitted("oldhag"), coven))
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert item(seen).get("affiliation") == "member"
    quiet(hag, coven)
    again = hag.get("<query xmlns='jabber:iq:register'/>", coven)[0]
    assert again.find("{jabber:iq:register}registered") is not None
    assert again.findtext("{jabber:iq:register}username") == "oldhag"
    found = info(hag, coven, "x-roomuser-item")
    assert found.find(f"{{{INFO}}}identity").get("name") == "oldhag"
    coven.refused(server.client("paris", "hall"), "oldhag", "conflict")


def test_not_registered(server, coven, witches):
    assert len(info(witches[1], coven, "x-roomuser-item")) == 0


def test_registration_refused(server, coven, witches):
    hecate, hag = witches
    hag.refused("set", submitted("firstwitch"), "conflict", to=coven)
    hag.refused("set", "<query xmlns='jabber:iq:register'/>", "bad-request", to=coven)
    hag.refused("set", submitted("x" * 300), "not-acceptable", to=coven)
    hag.refused("set", submitted(""), "not-acceptable", to=coven)
    hag.refused("set", submitted("f\u0456rstwitch"), "conflict", to=coven)
    hag.refused("set", "<query xmlns='jabber:iq:register'><remove/></query>",
                "registration-required", to=coven)
    hag.refused("get", "<query xmlns='jabber:iq:register'/>", "item-not-found",
                to=Room(server))


def test_unregisters(coven, witches):
    hecate, hag = witches
    answer(hag, hag.iq("set", submitted("thirdwitch"), coven))
    quiet(hag, coven)
    quiet(hecate, coven)
    answer(hag, hag.iq("set", "<query xmlns='jabber:iq:register'><remove/></query>", coven))
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}'/>")
    assert item(seen).get("affiliation") == "none"


def test_approved(server, coven):
    """§9.10: in a members-only room admins are asked."""
    hecate, hag = server.client("hecate", "broom").online(), server.client("hag", "pda").online()
    coven.create(hecate, "firstwitch", membersonly=1)
    asked = hag.get("<query xmlns='jabber:iq:register'/>", coven)
    assert {f"muc#register_{name}" for name in ("roomnick", "first", "last", "email", "url",
                                                "faqentry")} < {
        f.get("var") for f in asked.iter(f"{DATA}field")}
    hag.set(submitted("thirdwitch", {"muc#register_first": "Hag", "muc#register_email": "h@x.example"}),
            coven)
    hecate.expect(f"<message from='{coven}'><x xmlns='jabber:x:data' type='form'>"
                  f"<field var='muc#register_jid'><value>{hag.bare}</value></field>"
                  "<field var='muc#register_first'><value>Hag</value></field>"
                  "<field var='muc#register_email'><value>h@x.example</value></field>"
                  "<field var='muc#register_allow' type='boolean'/></x></message>")
    hag.send(f"<message to='{coven}' id='a1'>" + form(REGISTER, {
        "muc#register_jid": hag.bare, "muc#register_allow": "1"}) + "</message>")
    hag.expect_error("a1", "forbidden", name="message")
    hecate.send(f"<message to='{coven}'>" + form(REGISTER, {
        "muc#register_jid": hag.bare, "muc#register_allow": "1"}) + "</message>")
    hag.expect(f"<message from='{coven}'><x xmlns='{USER}'><status code='101'/></x></message>")
    assert item(coven.enter(hag, "thirdwitch").own).get("affiliation") == "member"
