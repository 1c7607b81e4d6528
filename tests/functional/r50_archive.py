# SPDX-License-Identifier: MIT
"""A room's archive (XEP-0313, XEP-0059) and what is taken back (XEP-0424, XEP-0425)."""

import sqlite3

import pytest
from kit.client import check_error
from kit.room import USER, Room, answer, assemble, coven, of_affiliation, quiet, stanza_id
CONFIG = {"modules": {"muc": {"history": 10}, "disco": {}}}
MAM, RSM = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"
RETRACT, MODERATE = "urn:xmpp:message-retract:1", "urn:xmpp:message-moderate:1"
CLIENT = "{jabber:client}"


@pytest.fixture
def witches(server, coven):
    return assemble(server, coven, persistentroom=1)


@pytest.fixture
def said(coven, witches):
    """Ten messages, and their ids."""
    hecate, hag = witches
    return [coven.tell(*((hag, "thirdwitch", f"m{n}", hecate) if n % 2 else
                         (hecate, "firstwitch", f"m{n}", hag))) for n in range(10)]


def query(rsm="", more="", **fields):
    inner = "".join(f"<field var='{k.replace('_', '-')}'>" + "".join(
        f"<value>{v}</value>" for v in (vs if isinstance(vs, list) else [vs])) + "</field>"
        for k, vs in fields.items())
    inner = (f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>{MAM}</value>"
             f"</field>{inner}</x>") if fields else ""
    rsm = f"<set xmlns='{RSM}'>{rsm}</set>" if rsm else ""
    return f"<query xmlns='{MAM}' queryid='f27'>{inner}{rsm}{more}</query>"


class Page:
    def __init__(self, client, room, *args, **fields):
        ident = client.iq("set", query(*args, **fields), room)
        self.ids, self.messages, self.results = [], [], []
        while True:
            element = client.next()
            if element.get("id") == ident:
                break
            result = element.find(f"{{{MAM}}}result")
            assert result.get("queryid") == "f27" and element.get("from") == str(room)
            self.ids.append(result.get("id"))
            self.results.append(result)
            self.messages.append(result.find(f"{{urn:xmpp:forward:0}}forwarded/{CLIENT}message"))
        assert element.get("type") == "result", element.get("type")
        self.fin = element.find(f"{{{MAM}}}fin")
        self.complete = self.fin.get("complete") == "true"
        self.count = self.fin.findtext(f"{{{RSM}}}set/{{{RSM}}}count")
        first = self.fin.find(f"{{{RSM}}}set/{{{RSM}}}first")
        self.index = first.get("index") if first is not None else None

    def bodies(self):
        return [m.findtext(f"{CLIENT}body") for m in self.messages]


def test_form(coven, witches):
    """§4.1.4"""
    found = witches[1].get(f"<query xmlns='{MAM}'/>", coven)
    assert {f.get("var") for f in found.iter("{jabber:x:data}field")} >= {
        "FORM_TYPE", "start", "end", "with", "before-id", "after-id", "ids"}


def test_all(coven, witches, said):
    hecate, hag = witches
    page = Page(hag, coven)
    assert page.bodies() == [f"m{n}" for n in range(10)] and page.ids == said
    assert page.complete
    assert page.messages[0].get("from") == coven / "firstwitch"
    assert page.messages[0].get("type") == "groupchat" and page.messages[0].get("to") is None
    assert stanza_id(page.messages[3], coven) == said[3]
    set_ = page.fin.find(f"{{{RSM}}}set")
    assert (set_.findtext(f"{{{RSM}}}first"), set_.findtext(f"{{{RSM}}}last")) == (said[0],
                                                                                  said[9])


def test_pages(coven, witches, said):
    _, hag = witches
    seen, after = [], ""
    while True:
        page = Page(hag, coven, f"<max>4</max>{after}")
        seen += page.ids
        if page.complete:
            break
        after = f"<after>{page.ids[-1]}</after>"
    assert seen == said
    last = Page(hag, coven, "<max>3</max><before/>")
    assert last.bodies() == ["m7", "m8", "m9"] and not last.complete
    earlier = Page(hag, coven, f"<max>100</max><before>{last.ids[0]}</before>")
    assert earlier.ids == said[:7] and earlier.complete
    flipped = Page(hag, coven, "<max>3</max><before/>", f"<flip-page xmlns='{MAM}'/>")
    assert flipped.bodies() == ["m9", "m8", "m7"]


def test_count(coven, witches, said):
    """XEP-0059 §2.6, §2.7: of all pages of what was asked for."""
    _, hag = witches
    assert Page(hag, coven, "<max>2</max>").count == "10"
    assert Page(hag, coven, f"<max>2</max><after>{said[5]}</after>").count == "10"
    assert Page(hag, coven, "<max>2</max><before/>").count == "10"
    alone = Page(hag, coven, "<max>0</max>", **{"with": coven / "thirdwitch"})
    assert alone.count == "5" and not alone.ids and not alone.complete
    assert Page(hag, coven, "<max>1</max>", after_id=said[2], before_id=said[5]).count == "2"
    assert Page(hag, coven, ids=[said[1], said[3]]).count == "2"
    nothing = Page(hag, coven, start="2100-01-01T00:00:00Z")
    assert nothing.count == "0" and nothing.complete


def test_index(coven, witches, said):
    """XEP-0059 §2.6: a page by the number of its first message, in what was asked for."""
    _, hag = witches

    def page(rsm, **fields):
        found = Page(hag, coven, rsm, **fields)
        return found.ids, found.index, found.complete

    assert page("<max>3</max><index>4</index>") == (said[4:7], "4", False)
    assert page("<max>3</max><index>0</index>") == (said[:3], "0", False)
    assert page("<max>3</max><index>7</index>") == (said[7:], "7", True)
    assert page("<max>3</max><index>9</index>") == (said[9:], "9", True)
    for beyond in (10, 11, 199_999, 200_000, 200_001, 2**31 - 1, 10**30):
        assert page(f"<max>3</max><index>{beyond}</index>") == ([], None, True)
        assert Page(hag, coven, f"<max>3</max><index>{beyond}</index>").count == "10"
    assert page("<max>0</max><index>3</index>") == ([], None, False)
    hags = {"with": coven / "thirdwitch"}
    assert page("<max>2</max><index>1</index>", **hags) == ([said[3], said[5]], "1", False)
    assert page("<max>9</max><index>1</index>", after_id=said[2],
                before_id=said[6]) == (said[4:6], "1", True)
    assert Page(hag, coven, "<max>2</max><index>3</index>",
                f"<flip-page xmlns='{MAM}'/>").ids == [said[4], said[3]]


def test_long(servers):
    """XEP-0059 §2.6, §2.7: what it would take too long to count is not counted, nor jumped over."""
    server = servers(CONFIG)
    hecate, room = server.client("hecate", "broom"), Room(server)
    room.create(hecate, "firstwitch", persistentroom=1)
    room.tell(hecate, "firstwitch", "x")
    server.stop()
    with sqlite3.connect(f"{server.folder}/data/linnet.db") as database:
        database.execute(
            "WITH RECURSIVE some (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM some WHERE n < 200000)"
            " INSERT INTO archive_message (position, owner, stamp, who, message)"
            " SELECT position + n, owner, stamp, who, message FROM archive_message, some")
    database.close()
    server.start()
    hecate = hecate.another("broom")
    first = Page(hecate, room, "<max>2</max>")
    assert (first.count, first.index, len(first.ids)) == (None, "0", 2)
    last = Page(hecate, room, "<max>2</max><before/>")
    assert (last.count, last.index, last.complete) == (None, None, False)
    far = Page(hecate, room, "<max>2</max><index>200000</index>")
    assert far.ids == last.ids[1:] and (far.index, far.complete) == ("200000", True)
    assert Page(hecate, room, "<max>0</max>").count is None
    hecate.refused("set", query("<index>200001</index>"), "feature-not-implemented", to=room)
    assert Page(hecate, room, "<max>0</max>", after_id=first.ids[0]).count == "200000"
    assert not Page(hecate, room, "<index>200001</index>", after_id=first.ids[0]).ids


def test_index_of_pages(coven, witches, said):
    """XEP-0059 §2.2: the number of the first message is said with every page."""
    _, hag = witches

    def index(rsm, **fields):
        return Page(hag, coven, rsm, **fields).index

    assert index("") == "0" and index("<max>4</max>") == "0"
    assert index(f"<max>4</max><after>{said[3]}</after>") == "4"
    assert index("<max>4</max><before/>") == "6"
    assert index(f"<max>4</max><before>{said[7]}</before>") == "3"
    assert index(f"<max>4</max><before>{said[2]}</before>") == "0"
    assert index(f"<before>{said[7]}</before><after>{said[2]}</after>") == "3"
    assert index("<max>1</max><before/>", **{"with": coven / "thirdwitch"}) == "4"
    assert index(f"<max>1</max><after>{said[1]}</after>", **{"with": coven / "thirdwitch"}) == "1"
    assert index(f"<max>1</max><after>{said[4]}</after>", after_id=said[2]) == "2"
    assert index(f"<after>{said[9]}</after>") is None


def test_pages_of_ids(coven, witches, said):
    """XEP-0313 §4.1.3: what is asked for by ids has pages too."""
    _, hag = witches
    asked = [said[8], said[1], said[5], said[3]]

    def page(rsm):
        found = Page(hag, coven, rsm, ids=asked)
        assert found.count == "4"
        return found.ids, found.index, found.complete

    assert page("") == (asked, "0", True)
    assert page("<max>3</max>") == (asked[:3], "0", False)
    assert page(f"<max>3</max><after>{asked[2]}</after>") == (asked[3:], "3", True)
    assert page("<max>2</max><before/>") == (asked[2:], "2", False)
    assert page(f"<max>2</max><before>{asked[2]}</before>") == (asked[:2], "0", True)
    assert page(f"<before>{asked[0]}</before>") == ([], None, True)
    assert page("<max>2</max><index>1</index>") == (asked[1:3], "1", False)
    assert page("<index>4</index>") == ([], None, True)
    assert page("<max>0</max>") == ([], None, False)
    assert page(f"<after>{asked[2]}</after><before>{asked[1]}</before>") == ([], None, False)
    hag.refused("set", query(f"<after>{said[0]}</after>", ids=asked), "item-not-found", to=coven)


def test_filters(coven, witches, said):
    _, hag = witches
    assert Page(hag, coven, **{"with": coven / "thirdwitch"}).bodies() == ["m1", "m3", "m5", "m7",
                                                                           "m9"]
    assert Page(hag, coven, after_id=said[2], before_id=said[5]).bodies() == ["m3", "m4"]
    assert Page(hag, coven, ids=[said[4], said[1]]).ids == [said[4], said[1]]
    assert not Page(hag, coven, start="2100-01-01T00:00:00Z").ids
    assert len(Page(hag, coven, start="2000-01-01T00:00:00Z",
                    end="2100-01-01T00:00:00Z").ids) == 10


@pytest.mark.parametrize("bad, condition", [
    (query("<after>unknown</after>"), "item-not-found"),
    (query("<after>00000000000000000000000000000000</after>"), "item-not-found"),
    (query(ids=["00000000000000000000000000000000"]), "item-not-found"),
    (query("<max>-1</max>"), "bad-request"), (query("<index>-3</index>"), "bad-request"),
    (query("<index>x</index>"), "bad-request"), (query("<index>1</index><before/>"), "bad-request"),
    (query("<max>1</max><max>2</max>"), "bad-request"),
    (query(start="yesterday"), "bad-request"), (query(**{"with": "@@@"}), "jid-malformed"),
    (query(witchcraft="1"), "feature-not-implemented"),
], ids=["no-id", "other-id", "no-such-id", "max", "index", "no-index", "index-before", "twice",
        "start", "with", "field"])
def test_refused(coven, witches, bad, condition):
    witches[1].refused("set", bad, condition, to=coven)


def test_metadata(coven, witches, said):
    """§5"""
    found = witches[1].get(f"<metadata xmlns='{MAM}'/>", coven)[0]
    assert found.find(f"{{{MAM}}}start").get("id") == said[0]
    assert found.find(f"{{{MAM}}}end").get("id") == said[9]


def test_who_may_read(server, coven, witches, said):
    """§9.1: who might be in the room."""
    hecate, hag = witches
    paris = server.client("paris", "hall")
    assert len(Page(paris, coven).ids) == 10
    coven.change(hecate, of_affiliation(paris.bare, "outcast"))
    paris.refused("set", query(), "forbidden", to=coven)
    coven.change(hecate, of_affiliation(paris.bare, "none"))
    coven.configure(hecate, membersonly=1)
    paris.refused("set", query(), "forbidden", to=coven)


def test_password_guards_the_archive_too(server, coven, witches, said):
    """§9.1: who does not know it could not be in the room; who is in may read."""
    hecate, hag = witches
    coven.configure(hecate, passwordprotectedroom=1, roomsecret="cauldron")
    server.client("paris", "hall").refused("set", query(), "forbidden", to=coven)
    quiet(hag, coven)
    assert len(Page(hag, coven).ids) == 10


def test_page_is_bounded(coven, witches):
    """XEP-0059 §2.1: the page may be smaller than what is asked for."""
    hecate, hag = witches
    for n in range(101):
        coven.tell(hag, "thirdwitch", f"m{n}")
    page = Page(hag, coven, "<max>5000</max>")
    assert len(page.ids) == 100 and not page.complete
    ids = [f"{n:032x}" for n in range(101)]
    hag.refused("set", query(ids=ids), "not-acceptable", to=coven)
    hag.refused("set", query(ids=ids[:100]), "item-not-found", to=coven)


def test_addresses(coven, witches, said):
    """Shown to those who see them in the room."""
    hecate, hag = witches

    def shown(client):
        message = Page(client, coven, "<max>1</max>").messages[0]
        return message.find(f"{{{USER}}}x/{{{USER}}}item")

    assert shown(hecate).get("jid") == str(hecate)
    assert shown(hag) is None


def test_without_archive(server, coven):
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", persistentroom=1, enablelogging=0)
    hecate.refused("set", query(), "service-unavailable", to=coven)


def test_not_kept(coven, witches):
    """Hints (XEP-0334), and what is not worth it."""
    hecate, hag = witches
    hag.send(coven.say("secret", extra="<no-store xmlns='urn:xmpp:hints'/>"))
    hag.send(f"<message to='{coven}' type='groupchat'>"
             "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
    quiet(hag, coven)
    assert not Page(hag, coven).ids


def test_no_history_but_archive(server, coven):
    hecate = server.client("hecate", "broom")
    coven.create(hecate, "firstwitch", persistentroom=1, **{"muc#maxhistoryfetch": "0"})
    coven.tell(hecate, "firstwitch", "x")
    assert Page(hecate, coven).bodies() == ["x"]
    assert not coven.enter(server.client("hag", "pda"), "thirdwitch").history


# --- taken back ------------------------------------------------------------------------------------


def new_form(ident, reason="Ugly"):
    return (f"<moderate xmlns='{MODERATE}' id='{ident}'><retract xmlns='{RETRACT}'/>"
            f"<reason>{reason}</reason></moderate>")


def old_form(ident, reason="Ugly"):
    return (f"<apply-to xmlns='urn:xmpp:fasten:0' id='{ident}'><moderate "
            "xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/>"
            f"<reason>{reason}</reason></moderate></apply-to>")


@pytest.mark.parametrize("make", [new_form, old_form])
def test_moderated(server, coven, witches, said, make):
    """XEP-0425 §4, both forms: told to all; a tombstone is left."""
    hecate, hag = witches
    ident = said[3]
    answer(hecate, hecate.iq("set", make(ident), coven))
    told = hag.expect(f"<message from='{coven}' type='groupchat'><retract xmlns='{RETRACT}' "
                      f"id='{ident}'><moderated xmlns='{MODERATE}' by='{coven / 'firstwitch'}'/>"
                      "<reason>Ugly</reason></retract><apply-to xmlns='urn:xmpp:fasten:0' "
                      f"id='{ident}'/></message>")
    assert stanza_id(told, coven)
    left = Page(hag, coven, ids=[ident]).messages[0]
    assert left.find(f"{CLIENT}body") is None
    assert left.find(f"{{{RETRACT}}}retracted/{{{MODERATE}}}moderated") is not None
    entry = coven.enter(server.client("paris", "hall"), "count")
    assert "m3" not in entry.bodies()
    hecate.expect("<message/>")
    hecate.expect("<presence/>")
    error = answer(hecate, hecate.iq("set", make(ident), coven), "error")
    check_error(error, "item-not-found")


def test_moderated_long_ago(server, coven, witches, said):
    """It is not in the history any more, but in the archive."""
    hecate, hag = witches
    for n in range(12):
        coven.tell(hecate, "firstwitch", f"later {n}", hag)
    answer(hecate, hecate.iq("set", new_form(said[0]), coven))
    hag.expect(f"<message><retract xmlns='{RETRACT}' id='{said[0]}'/></message>")
    assert Page(hag, coven, ids=[said[0]]).messages[0].find(f"{CLIENT}body") is None


def test_moderation_refused(coven, witches, said):
    hecate, hag = witches
    hag.refused("set", new_form(said[3]), "forbidden", to=coven)
    hecate.refused("set", new_form("unknown"), "item-not-found", to=coven)
    hecate.refused("set", new_form("0" * 32), "item-not-found", to=coven)
    hecate.refused("set", f"<moderate xmlns='{MODERATE}' id='{said[3]}'/>", "bad-request",
                   to=coven)


def test_retracted(coven, witches, said):
    """XEP-0424: by the author; others' messages stay."""
    hecate, hag = witches
    for ident in (said[3], said[4]):
        hag.send(f"<message to='{coven}' type='groupchat'><retract xmlns='{RETRACT}' "
                 f"id='{ident}'/></message>")
        hecate.expect(f"<message from='{coven / 'thirdwitch'}'><retract xmlns='{RETRACT}' "
                      f"id='{ident}'/></message>")
    quiet(hag, coven)
    left = Page(hag, coven, ids=[said[3], said[4]]).messages
    assert left[0].find(f"{{{RETRACT}}}retracted") is not None
    assert left[1].findtext(f"{CLIENT}body") == "m4"
