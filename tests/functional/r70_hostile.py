# SPDX-License-Identifier: MIT
"""What nobody with manners does to a room."""

import pytest
from kit.room import MUC, OWNER, Room, answer, assemble, coven, form, quiet

CONFIG = {"modules": {"muc": {"rooms": "50/1h", "max-message": "8k", "history": 10}, "disco": {}}}
MAM = "urn:xmpp:mam:2"


@pytest.fixture
def witches(server, coven):
    return assemble(server, coven, persistentroom=1)


def test_flood_of_rooms(server):
    """So many are made as the limit says; the others are refused, and the server answers."""
    crowd = server.client("crowd", "x")
    for n in range(1000):
        crowd.send(f"<presence to='flood{n}@conference.{server.host}/x' id='{n}'>"
                   f"<x xmlns='{MUC}'/></presence>")
    answers = [0, 0]
    while sum(answers) < 1000:
        element = crowd.next()
        if element.tag.endswith("}presence"):
            answers[element.get("type") == "error"] += 1
    assert answers == [50, 950]
    server.client("hag", "pda").sync()


def test_flood_of_names_that_are_no_rooms(server):
    crowd = server.client("crowd", "x")
    for n in range(500):
        crowd.send(f"<iq type='get' id='{n}' to='none{n}@conference.{server.host}'>"
                   f"<query xmlns='{OWNER}'/></iq>")
    errors = [crowd.next() for _ in range(500)]
    assert all(e.get("type") == "error" for e in errors)


def test_comes_and_goes(server, coven, witches):
    """The same over and over: bounded by the rate, and nothing is left over."""
    hecate, hag = witches
    crowd = server.client("crowd", "x")
    for _ in range(200):
        crowd.send(f"<presence to='{coven / 'x'}'><x xmlns='{MUC}'/></presence>"
                   f"<presence to='{coven / 'x'}' type='unavailable'/>")
    quiet(crowd, coven)
    quiet(hag, coven)
    present = hag.get("<query xmlns='http://jabber.org/protocol/disco#items'/>", coven)[0]
    assert {i.get("jid") for i in present} == {coven / "firstwitch", coven / "thirdwitch"}


@pytest.mark.parametrize("payload", [
    "<x xmlns='jabber:x:data' type='submit'><field/></x>",
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'/></x>",
    "<x xmlns='jabber:x:data' type='form'/>", "<x xmlns='jabber:x:data'/>", "<x/>",
    "<destroy xmlns='urn:example:other'/>",
])
def test_forms_that_are_none(coven, witches, payload):
    hecate, hag = witches
    ident = hecate.iq("set", f"<query xmlns='{OWNER}'>{payload}</query>", coven)
    while True:
        element = hecate.next()
        if element.get("id") == ident:
            break
    quiet(hag, coven)


def test_repeated_fields(coven, witches):
    """The first one counts."""
    hecate, hag = witches
    fields = "".join(f"<field var='muc#roomconfig_roomname'><value>n{n}</value><value>x</value>"
                     "</field>" for n in range(500))
    filled = form("http://jabber.org/protocol/muc#roomconfig", {}).replace("</x>", fields + "</x>")
    answer(hecate, hecate.iq("set", f"<query xmlns='{OWNER}'>{filled}</query>", coven))
    found = answer(hecate, hecate.iq("get", f"<query xmlns='{OWNER}'/>", coven))
    assert "n0" in [v.text for v in found.iter("{jabber:x:data}value")]


@pytest.mark.parametrize("rsm", [
    "<max>99999999999999999999</max>", "<max/>", "<max>1e3</max>", "<after/>",
    "<before>x</before><after>y</after>", "<max>0</max>", f"<after>{'f' * 5000}</after>",
])
def test_absurd_pages(coven, witches, rsm):
    _, hag = witches
    ident = hag.iq("set", f"<query xmlns='{MAM}'><set xmlns='http://jabber.org/protocol/rsm'>{rsm}"
                   "</set></query>", coven)
    while hag.next().get("id") != ident:
        pass


def test_absurd_ranges(coven, witches):
    """Of times and of ids: nothing, or refused; never all."""
    hecate, hag = witches
    coven.tell(hecate, "firstwitch", "x", hag)

    def asked(**fields):
        filled = form(MAM, {k: v for k, v in fields.items()})
        filled = filled.replace("urn:xmpp:mam:2_", "")
        ident = hag.iq("set", f"<query xmlns='{MAM}'>{filled}</query>", coven)
        found = 0
        while (element := hag.next()).get("id") != ident:
            found += 1
        return found, element.get("type")

    assert asked(start="2100-01-01T00:00:00Z", end="2000-01-01T00:00:00Z") == (0, "result")
    assert asked(start="0001-01-01T00:00:00Z") in ((0, "error"), (1, "result"))
    assert asked(end="9999-12-31T23:59:59Z") in ((0, "error"), (1, "result"))
    assert asked(start="2000-99-99T99:99:99Z") == (0, "error")
    assert asked(ids=["f" * 32] * 500) == (0, "error")


def test_form_with_thousands_of_people(coven, witches):
    """More than the room may know: refused as a whole, and at once."""
    hecate, hag = witches
    people = [f"w{n}@coven.example" for n in range(5500)]
    hecate.refused("set", coven.configuration({"roomadmins": people}), "resource-constraint",
                   to=coven)
    answer(hecate, hecate.iq("set", coven.configuration({"roomadmins": people[:4000]}), coven))
    quiet(hag, coven)
    answer(hecate, hecate.iq("set", coven.configuration({"roomadmins": people[1:4001]}), coven))
    assert len(coven.list(hecate, affiliation="admin")) == 4000


def test_bombs(coven, witches):
    """Subjects, statuses and nicknames that are too much."""
    hecate, hag = witches
    hecate.send(f"<message to='{coven}' type='groupchat' id='s'><subject>{'x' * 9000}</subject>"
                "</message>")
    hecate.expect_error("s", "not-acceptable", name="message")
    hag.send(f"<presence to='{coven / ('n' * 1000)}' id='n'/>")
    hag.expect_error("n", "not-acceptable|jid-malformed", name="presence")


def test_history_is_bounded(server, coven, witches):
    """In messages, and in bytes."""
    hecate, hag = witches
    for n in range(40):
        hecate.send(coven.say(f"{n} " + "x" * 7000))
    for n in range(40):
        hecate.expect("<message type='groupchat'/>")
    entry = coven.enter(server.client("paris", "hall"), "count")
    assert [b.split()[0] for b in entry.bodies()] == [str(n) for n in range(30, 40)]


def test_owner_gives_all_away(coven, witches):
    """In one form: the room is another's, and who is named in it stays."""
    hecate, hag = witches
    answer(hecate, hecate.iq("set", coven.configuration(
        {"persistentroom": 0, "membersonly": 1, "roomowners": [hag.bare]}), coven))
    quiet(hag, coven)
    assert [i.get("jid") for i in coven.list(hag, affiliation="owner")] == [hag.bare]
    assert [i.get("jid") for i in coven.list(hag, affiliation="admin")] == [hecate.bare]
    coven.tell(hag, "thirdwitch", "Mine")
