# SPDX-License-Identifier: MIT
"""Requests between occupants, ghosts, limits, pictures, commands (XEP-0045 §17.4, XEP-0410)."""

import hashlib

import pytest
from kit.room import USER, Room, answer, assemble, codes, coven, item, quiet
CONFIG = {"modules": {"muc": {}, "disco": {}, "vcard": {}}}
PING = "<ping xmlns='urn:xmpp:ping'/>"


@pytest.fixture
def witches(server, coven):
    return assemble(server, coven, persistentroom=1)


# --- requests ---------------------------------------------------------------------------------


def test_request(coven, witches):
    """§17.4: there and back, and nobody learns an address."""
    hecate, hag = witches
    ident = hag.iq("get", "<query xmlns='jabber:iq:version'/>", coven / "firstwitch")
    asked = hecate.expect(f"<iq type='get' from='{coven / 'thirdwitch'}' to='{hecate}'>"
                          "<query xmlns='jabber:iq:version'/></iq>")
    assert str(hag) not in asked.get("id")
    hecate.send(f"<iq type='result' id='{asked.get('id')}' to='{coven / 'thirdwitch'}'>"
                "<query xmlns='jabber:iq:version'><name>Broom</name></query></iq>")
    hag.expect(f"<iq type='result' id='{ident}' from='{coven / 'firstwitch'}' to='{hag}'>"
               "<query xmlns='jabber:iq:version'><name>Broom</name></query></iq>")


def test_request_of_one_of_two_clients(coven, witches):
    hecate, hag = witches
    other = hag.another("mobile")
    coven.enter(other, "thirdwitch")
    ident = other.iq("get", "<query xmlns='jabber:iq:version'/>", coven / "firstwitch")
    asked = hecate.expect("<iq type='get'/>")
    hecate.send(f"<iq type='result' id='{asked.get('id')}' to='{coven / 'thirdwitch'}'/>")
    other.expect(f"<iq type='result' id='{ident}'/>")
    hag.expect_nothing(hecate)


def test_vcard_of_occupant(coven, witches):
    """It is the account that answers."""
    hecate, hag = witches
    hecate.set("<vCard xmlns='vcard-temp'><FN>Hecate</FN></vCard>")
    found = hag.get("<vCard xmlns='vcard-temp'/>", coven / "firstwitch")
    assert found.findtext("{vcard-temp}vCard/{vcard-temp}FN") == "Hecate"
    assert found.get("from") == coven / "firstwitch"


def test_request_refused(server, coven, witches):
    _, hag = witches
    paris = server.client("paris", "hall")
    paris.refused("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "bad-request",
                  to=coven / "firstwitch")
    paris.refused("get", PING, "not-acceptable", to=coven / "firstwitch")
    hag.refused("get", PING, "item-not-found", to=coven / "nobody")


def test_forged_answer(server, coven, witches):
    """An answer from outside reaches nobody."""
    hecate, hag = witches
    paris = server.client("paris", "hall")
    paris.send(f"<iq type='result' id='{'0' * 16}x' to='{coven / 'thirdwitch'}'/>")
    hag.expect_nothing(paris, at=coven)


def test_self_ping(server, coven, witches):
    """XEP-0410: the room answers itself."""
    _, hag = witches
    hag.answers = False
    assert hag.get(PING, coven / "thirdwitch").get("from") == coven / "thirdwitch"
    coven.leave(hag, "thirdwitch")
    hag.refused("get", PING, "not-acceptable", to=coven / "thirdwitch")


def test_room_ping(coven, witches):
    witches[1].get(PING, coven)


# --- ghosts -------------------------------------------------------------------------------------


def test_ghost(coven, witches):
    """§15.6.2, §11.1: an error that says that the client is gone takes it out, with 333."""
    hecate, hag = witches
    hag.send(f"<message to='{coven}' type='error'><error type='cancel'><gone "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
    seen = hecate.expect(f"<presence from='{coven / 'thirdwitch'}' type='unavailable'/>")
    assert codes(seen) == {"333"}
    assert codes(hag.expect("<presence type='unavailable'/>")) == {"110", "333"}


def test_other_errors(coven, witches):
    hecate, hag = witches
    hag.send(f"<message to='{coven}' type='error'><error type='modify'><not-acceptable "
             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
    hecate.expect_nothing(hag, at=coven)


# --- limits ---------------------------------------------------------------------------------------


def test_too_fast(servers):
    server = servers({"modules": {"muc": {"messages": "3/1h", "presence": "2/1h", "joins": "2/1h",
                                          "rooms": "1/1d"}}})
    coven, hecate = Room(server), server.client("hecate", "broom")
    coven.create(hecate, "firstwitch")
    for n in range(3):
        coven.tell(hecate, "firstwitch", str(n))
    hecate.send(coven.say("4", "m4"))
    hecate.expect_error("m4", "resource-constraint", "wait", name="message")
    for n in range(2):
        hecate.send(f"<presence to='{coven / 'firstwitch'}'><status>{n}</status></presence>")
        hecate.expect(f"<presence><status>{n}</status></presence>")
    hecate.send(f"<presence to='{coven / 'other'}' id='p'/>")
    hecate.expect_error("p", "resource-constraint", "wait", name="presence")
    Room(server).refused(hecate, "firstwitch", "resource-constraint", "wait")
    coven.leave(hecate, "firstwitch")
    coven.refused(hecate, "firstwitch", "resource-constraint", "wait")


# --- pictures ------------------------------------------------------------------------------------------


def test_picture(server, coven, witches):
    """XEP-0153, XEP-0486: status 104, the hash in presence and disco."""
    hecate, hag = witches
    card = ("<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>\nUElD\nVFVSRQ==\n"
            "</BINVAL></PHOTO></vCard>")
    digest = hashlib.sha1(b"PICTURE").hexdigest()
    hag.refused("set", card, "forbidden", to=coven)
    answer(hecate, hecate.iq("set", card, coven))
    update = f"<x xmlns='vcard-temp:x:update'><photo>{digest}</photo></x>"
    hag.expect(f"<presence from='{coven}'>{update}</presence>")
    assert codes(hag.expect(f"<message from='{coven}'/>")) == {"104"}
    paris = server.client("paris", "hall")
    coven.enter(paris, "count")
    paris.expect(f"<presence from='{coven}'>{update}</presence>")
    assert paris.get("<vCard xmlns='vcard-temp'/>", coven).findtext(
        "{vcard-temp}vCard/{vcard-temp}PHOTO/{vcard-temp}TYPE") == "image/png"
    info = paris.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", coven)
    assert digest in [v.text for v in info.iter("{jabber:x:data}value")]


# --- commands -------------------------------------------------------------------------------------------


def test_commands(server, coven, witches):
    hecate, hag = witches

    def run(*words, status=0):
        done = server.ctl("muc", *words, check=False)
        assert bool(done.returncode) == bool(status), done.stderr + done.stdout
        return done.stdout

    assert str(coven) in run("list", f"conference.{server.host}")
    assert str(hag) in run("info", str(coven))
    run("config", str(coven), "roomname", "A", "Dark", "Cave")
    assert codes(hag.expect(f"<message from='{coven}'/>")) == {"104"}
    assert "A Dark Cave" in run("config", str(coven))
    run("affiliation", str(coven), hag.bare, "admin")
    assert item(hag.expect("<presence/>")).get("affiliation") == "admin"
    assert item(hag.expect("<presence/>")).get("jid") == str(hecate)    # now he sees it
    run("affiliation", str(coven), hecate.bare, "none", status=1)
    run("kick", str(coven), "thirdwitch", "enough")
    assert "307" in codes(hag.expect("<presence type='unavailable'/>"))
    made = Room(server)
    run("create", str(made), hag.bare)
    assert item(made.enter(hag, "thirdwitch").own).get("affiliation") == "owner"
    run("create", str(made), hag.bare, status=1)
    run("destroy", str(made), "all", "over")
    hag.expect(f"<presence type='unavailable'><x xmlns='{USER}'><destroy><reason>all over</reason>"
               "</destroy></x></presence>")
    run("info", str(made), status=1)
    run("info", f"nobody@{server.host}", status=1)
    assert str(made) not in run("list", f"conference.{server.host}")
