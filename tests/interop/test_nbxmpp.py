# SPDX-License-Identifier: MIT
"""Gajim's library as Debian has it: what Gajim does with a server."""

import hashlib
import itertools
import ssl
import urllib.request

import pytest

pytest.importorskip("nbxmpp", reason="Debian's python3-nbxmpp is not installed")

from gajim import Gajim, until  # noqa: E402
from nbxmpp.const import AvatarState, ConnectionType, InviteType  # noqa: E402
from nbxmpp.errors import StanzaError  # noqa: E402
from nbxmpp.modules.vcard_temp import VCard  # noqa: E402
from nbxmpp.namespaces import Namespace  # noqa: E402
from nbxmpp.protocol import JID  # noqa: E402
from nbxmpp.simplexml import Node  # noqa: E402
from nbxmpp.structs import BookmarkData  # noqa: E402
from nbxmpp.util import compute_caps_hash  # noqa: E402

_numbers = itertools.count(1)
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
                    "0000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082")


@pytest.fixture
def cast(server):
    """cast(name): a person who has logged in; all log out at the end."""
    people = []

    def make(name, user=None, **more):
        people.append(Gajim(server, user or server.user(name), **more).log_in())
        return people[-1]

    yield make
    for person in people:
        if person.client.state.name == "ACTIVE":
            person.log_out()


@pytest.fixture
def anna(cast):
    return cast("anna")


@pytest.fixture
def ben(cast):
    return cast("ben")


@pytest.mark.parametrize("kind", [ConnectionType.START_TLS, ConnectionType.DIRECT_TLS])
@pytest.mark.parametrize("mechanism", [None, "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                       "PLAIN"])
def test_log_in(server, kind, mechanism):
    anna = Gajim(server, server.user("anna"), kind, mechanism and {mechanism}).log_in()
    assert anna.client.is_stream_secure and anna.jid.bare == anna.bare
    assert anna.client.features.has_roster_version() and anna.client.sm_supported
    anna.log_out()


def test_wrong_password(server):
    anna = Gajim(server, server.user("anna")._replace(password="wrong"))
    anna.client.connect()
    anna.signal("disconnected")
    assert anna.client.get_error()[1] == "not-authorized"


def test_other_name_in_the_certificate(server):
    """GnuTLS tells our names from others; the connection ends before a word was said."""
    anna = Gajim(server, server.user("anna")._replace(domain="elsewhere.example"))
    anna.client.connect()
    anna.signal("disconnected", "connection-failed")
    assert not anna.client.is_stream_authenticated


def test_roster_versions(server):
    """What was kept from last time is not sent again; a change is."""
    user = server.user("anna")
    anna = Gajim(server, user).connect()
    first = anna.ask("Roster", "request_roster")
    assert first.items == [] and first.version
    anna.ask("Roster", "set_item", "ben@elsewhere.example", "Ben", ["Friends", "Work & play"])
    push = anna.next("iq", lambda stanza, properties: properties.roster)[1].roster
    assert (push.item.jid, push.item.name) == ("ben@elsewhere.example", "Ben")
    assert set(push.item.groups) == {"Friends", "Work & play"}
    anna.log_out()
    again = Gajim(server, user).connect()
    assert again.ask("Roster", "request_roster", push.version).items is None
    items = again.ask("Roster", "request_roster", first.version).items
    assert items is None or [item.name for item in items] == ["Ben"]
    assert [item.name for item in again.ask("Roster", "request_roster").items] == ["Ben"]
    again.ask("Roster", "delete_item", "ben@elsewhere.example")
    gone = again.next("iq", lambda stanza, properties: properties.roster)[1].roster
    assert gone.item.subscription == "remove"
    with pytest.raises(StanzaError) as error:
        again.ask("Roster", "delete_item", "ben@elsewhere.example")
    assert error.value.condition == "item-not-found"
    again.log_out()


def test_subscribe_chat_leave_return(server, anna):
    user = server.user("ben")
    ben = Gajim(server, user).log_in()
    anna.module("BasePresence").subscribe(ben.bare, status="Hello, it is Anna", nick="Anna")
    asked, properties = ben.presence(anna.bare, "subscribe")
    assert (properties.status, properties.nickname) == ("Hello, it is Anna", "Anna")
    ben.module("BasePresence").subscribed(anna.bare)
    anna.presence(ben.bare, "subscribed")
    anna.presence(str(ben.jid))
    ben.present(show="away", status="Tea")
    anna.next("presence", lambda stanza, properties: stanza.getShow() == "away")
    anna.say(ben.bare, "Hello\u00a0☕ <&>\"'")
    assert ben.message("Hello\u00a0☕ <&>\"'")[0].getFrom() == anna.jid
    ben.log_out()
    anna.presence(ben.bare, "unavailable")
    for n in range(20):
        anna.say(ben.bare, f"stored {n}")
    anna.ask("Ping", "ping", anna.user.domain)
    ben = Gajim(server, user).log_in()
    for n in range(20):
        assert ben.message(f"stored {n}")[1].timestamp is not None
    ben.log_out()


def test_resumed(server, anna, ben):
    """Gajim's own queue and ours agree: everything once, in order."""
    old = anna.jid
    until(lambda: anna.client.resumeable, "resumption")
    ben.say(anna.bare, "before")
    anna.message("before")
    anna.break_off()
    for n in range(5):
        ben.say(str(old), f"meanwhile {n}")
    anna.client.connect()
    assert anna.signal("resume-successful", "resume-failed", "connected") == "resume-successful"
    assert anna.jid == old
    for n in range(5):
        anna.message(f"meanwhile {n}")
    anna.say(str(ben.jid), "back again")
    ben.message("back again")
    anna.ask("Ping", "ping", anna.user.domain)
    bodies = [stanza.getBody() for stanza, _ in anna.stanzas if stanza.getName() == "message"]
    assert not bodies, "twice"


def test_resumption_refused(server, anna):
    """An unknown session: Gajim binds anew on the same stream."""
    until(lambda: anna.client.resumeable, "resumption")
    anna.client._smacks._session_id = "nonesuch"
    anna.break_off()
    anna.client.connect()
    assert anna.signal("resume-failed") == "resume-failed"
    anna.signal("connected")
    anna.ask("Ping", "ping", anna.user.domain)


def test_carbons(server, cast, ben):
    user = server.user("anna")
    desk, phone = cast("anna", user), cast("anna", user)
    assert phone.iq("set", "enable", Namespace.CARBONS).getType() == "result"
    desk.say(ben.bare, "from my desk")
    sent = phone.message("from my desk")[1]
    assert sent.is_carbon_message and sent.carbon.is_sent
    ben.say(str(desk.jid), "to your desk")
    received = phone.message("to your desk")[1]
    assert received.is_carbon_message and received.carbon.is_received


def test_blocking(server, cast, ben):
    user = server.user("anna")
    anna, phone = cast("anna", user), cast("anna", user)
    assert phone.ask("Blocking", "request_blocking_list") == set()
    anna.ask("Blocking", "request_blocking_list")
    anna.ask("Blocking", "block", [JID.from_string(ben.bare)], report="spam")
    pushed = phone.next("iq", lambda stanza, properties: properties.blocking)[1].blocking
    assert {str(jid) for jid in pushed.block} == {ben.bare}
    assert {str(jid) for jid in anna.ask("Blocking", "request_blocking_list")} == {ben.bare}
    ben.say(anna.bare, "let me in")
    error = ben.next("message", lambda stanza, properties: stanza.getType() == "error")[1].error
    assert error.condition == "service-unavailable"
    anna.ask("Blocking", "unblock", [JID.from_string(ben.bare)])
    ben.say(anna.bare, "thank you")
    anna.message("thank you")


def test_vcard_and_avatar(anna, ben):
    """XEP-0054, and XEP-0153: the picture's hash goes with presence."""
    card = VCard({"FN": "Anna Ångström", "N": {"GIVEN": "Anna", "FAMILY": "Ångström"},
                  "EMAIL": [{"HOME": "", "USERID": "anna@example.org"}]})
    card.set_avatar(PNG, "image/png")
    anna.ask("VCardTemp", "set_vcard", card)
    got = ben.ask("VCardTemp", "request_vcard", anna.bare)
    assert got.data["FN"] == "Anna Ångström" and got.data["N"]["FAMILY"] == "Ångström"
    assert got.get_avatar() == (PNG, hashlib.sha1(PNG).hexdigest())
    assert anna.ask("VCardTemp", "request_vcard").data["FN"] == "Anna Ångström"
    ben.module("BasePresence").subscribe(anna.bare)
    anna.presence(ben.bare, "subscribe")
    anna.module("BasePresence").subscribed(ben.bare)
    ben.presence(anna.bare, "subscribed")
    update = Node("x", attrs={"xmlns": Namespace.VCARD_UPDATE})
    update.addChild("photo").setData(hashlib.sha1(PNG).hexdigest())
    anna.present(payload=[update])
    advertised = ben.next("presence", lambda stanza, properties: properties.avatar_state
                          == AvatarState.ADVERTISED)[1]
    assert advertised.avatar_sha == hashlib.sha1(PNG).hexdigest()
    with pytest.raises(StanzaError) as error:
        anna.ask("VCardTemp", "request_vcard", f"nobody-at-all@{anna.user.domain}")
    assert error.value.condition in ("service-unavailable", "item-not-found")


def test_discovery_and_caps(anna, ben):
    """Server, own account and services; the host's hash of XEP-0115 is right."""
    domain = anna.user.domain
    info = anna.ask("Discovery", "disco_info", domain)
    assert ("server", "im") in {(one.category, one.type) for one in info.identities}
    for feature in (Namespace.CARBONS, Namespace.BLOCKING, Namespace.PING, Namespace.VCARD):
        assert info.supports(feature), feature
    own = anna.ask("Discovery", "disco_info", anna.bare)
    assert ("account", "registered") in {(one.category, one.type) for one in own.identities}
    caps = anna.client.features.getTag("c", namespace=Namespace.CAPS)
    info = anna.ask("Discovery", "disco_info", domain, f"{caps['node']}#{caps['ver']}")
    assert compute_caps_hash(info, compare=False) == caps["ver"]
    services = {str(item.jid) for item in anna.ask("Discovery", "disco_items", domain).items}
    assert {f"conference.{domain}", f"upload.{domain}"} <= services
    with pytest.raises(StanzaError) as error:
        anna.ask("Discovery", "disco_info", f"{anna.bare}/nobody-is-here")
    assert error.value.condition == "service-unavailable"


def test_caps_of_a_contact(anna, ben):
    """What Gajim says of itself in presence, asked for with an IQ from client to client."""
    caps = Node("c", attrs={"xmlns": Namespace.CAPS, "hash": "sha-1",
                            "node": "https://gajim.org", "ver": "QgayPKawpkPSDYmwT/WM94uAlu0="})
    anna.module("BasePresence").subscribe(ben.bare)
    ben.presence(anna.bare, "subscribe")
    ben.module("BasePresence").subscribed(anna.bare)
    ben.present(payload=[caps])
    got = anna.next("presence", lambda stanza, properties: properties.entity_caps)[1].entity_caps
    assert (got.node, got.hash) == ("https://gajim.org", "sha-1")
    with pytest.raises(StanzaError) as error:       # ben's nbxmpp itself refuses
        anna.ask("Discovery", "disco_info", str(ben.jid))
    assert error.value.condition == "item-not-found"


def test_small_questions(anna):
    """Private storage with bookmarks, time, version, last activity."""
    domain = anna.user.domain
    room = JID.from_string(f"tea@conference.{domain}")
    assert anna.ask("PrivateBookmarks", "request_bookmarks") == []
    anna.ask("PrivateBookmarks", "store_bookmarks",
             [BookmarkData(jid=room, name="Tea", nick="anna", autojoin=True)])
    kept, = anna.ask("PrivateBookmarks", "request_bookmarks")
    assert (kept.jid, kept.name, kept.nick, kept.autojoin) == (room, "Tea", "anna", True)
    assert anna.ask("Annotations", "request_annotations") == []
    assert anna.ask("SoftwareVersion", "request_software_version", domain).name == "Linnet"
    assert anna.ask("EntityTime", "request_entity_time", domain)
    assert anna.ask("LastActivity", "request_last_activity", domain).seconds >= 0


def test_bytes_nobody_expects(anna, ben):
    """Gajim sends IQs with namespaces that we do not know, to ourselves too."""
    for to in (None, anna.bare, anna.user.domain, ben.bare):
        answer = anna.iq("get", "query", "urn:example:unheard-of", to=to)
        assert answer.getType() == "error"
        assert answer.getTag("error").getTag("service-unavailable") is not None, str(answer)


# --- rooms ------------------------------------------------------------------------------------

def enter(person, room, nick, **history):
    """Returns the presence of oneself."""
    muc_x = Node(f"{Namespace.MUC} x")
    if history:
        muc_x.setTag("history", attrs=history)
    person.present(to=f"{room}/{nick}", payload=[muc_x])
    return person.next("presence", lambda stanza, properties: properties.muc_status_codes
                       and properties.is_muc_self_presence)[1]


@pytest.fixture
def room(anna):
    """One that anna made, and configured by its form to be persistent and with an archive."""
    room = f"tea{next(_numbers)}@conference.{anna.user.domain}"
    mine = enter(anna, room, "anna")
    assert mine.is_new_room and mine.affiliation.is_owner
    form = anna.ask("MUC", "request_config", room).form
    for name, value in (("muc#roomconfig_roomname", "Tea & cake"),
                        ("muc#roomconfig_persistentroom", True)):
        form[name].value = value
    form.type_ = "submit"
    anna.ask("MUC", "set_config", room, form)
    return room


def test_room(anna, ben, room):
    info = ben.ask("MUC", "request_info", room).info
    assert info.muc_name == "Tea & cake" and info.muc_is_persistent
    assert info.has_mam_2
    enter(ben, room, "ben")
    subject = ben.next("message", lambda stanza, properties: properties.is_muc_subject)[1]
    assert subject.muc_subject.text in ("", None)
    ben.say(room, "Hello, all", "groupchat")
    got = anna.message("Hello, all")[1]
    assert got.type.is_groupchat and str(got.jid) == f"{room}/ben"
    assert got.stanza_ids and got.occupant_id
    anna.module("MUC").set_subject(room, "Earl Grey")
    ben.next("message", lambda stanza, properties: properties.is_muc_subject
             and properties.muc_subject.text == "Earl Grey")
    anna.ask("MUC", "set_affiliation", room, {ben.bare: {"affiliation": "member"}})
    members = anna.ask("MUC", "get_affiliation", room, "member").users
    assert {str(jid) for jid in members} == {ben.bare}
    anna.ask("MUC", "set_role", room, "ben", "none", "enough")
    kicked = ben.presence(f"{room}/ben", "unavailable")[1]
    assert kicked.is_kicked and kicked.muc_user.reason == "enough"
    anna.ask("MUC", "set_affiliation", room, {ben.bare: {"affiliation": "outcast"}})
    ben.present(to=f"{room}/ben", payload=[Node(f"{Namespace.MUC} x")])
    refused = ben.next("presence", lambda stanza, properties: stanza.getType() == "error")[1]
    assert refused.error.condition == "forbidden"
    anna.ask("MUC", "destroy", room, "over")
    stanza, gone = anna.presence(f"{room}/anna", "unavailable")
    assert gone.is_muc_destroyed
    # nbxmpp 4.2.2 looks for the reason one element too high.
    assert stanza.getTag("x").getTag("destroy").getTagData("reason") == "over"


def test_invited(anna, ben, room):
    anna.module("MUC").invite(room, ben.bare, None, reason="there is cake")
    got = ben.next("message", lambda stanza, properties: properties.muc_invite)[1].muc_invite
    assert got.type == InviteType.MEDIATED and got.reason == "there is cake"
    assert (str(got.muc), got.from_.bare) == (room, anna.bare)
    ben.module("MUC").decline(room, anna.bare, reason="no time")
    got = anna.next("message", lambda stanza, properties: properties.muc_decline)[1].muc_decline
    assert got.reason == "no time"


def test_voice_request(anna, ben, room):
    form = anna.ask("MUC", "request_config", room).form
    form["muc#roomconfig_moderatedroom"].value = True
    form.type_ = "submit"
    anna.ask("MUC", "set_config", room, form)
    assert enter(ben, room, "ben").role.is_visitor
    ben.module("MUC").request_voice(room)
    asked = anna.next("message", lambda stanza, properties: properties.voice_request)[1]
    assert asked.voice_request.nick == "ben" and asked.voice_request.jid == ben.jid
    anna.module("MUC").approve_voice_request(room, asked.voice_request)
    given = ben.next("presence", lambda stanza, properties: properties.is_muc_self_presence)[1]
    assert given.role.is_participant


def test_room_archive(anna, ben, room):
    """As Gajim reads it: by date first, then after the last id it knows, page by page."""
    for n in range(10):
        anna.say(room, f"said {n}", "groupchat")
        anna.message(f"said {n}")
    enter(ben, room, "ben", maxstanzas=0)
    seen, after = [], None
    while True:
        page = ben.ask("MAM", "make_query", room, queryid="page", after=after, max_=4)
        found = [properties for stanza, properties in ben.stanzas
                 if stanza.getName() == "message" and properties.is_mam_message]
        seen += [one.body for one in found]
        ben.stanzas.clear()
        if page.complete:
            break
        assert len(found) == 4
        after = page.rsm.last
    assert [body for body in seen if body] == [f"said {n}" for n in range(10)]
    with pytest.raises(StanzaError) as error:
        ben.ask("MAM", "make_query", room, after="nonesuch")
    assert error.value.condition == "item-not-found"


def test_moderated_message(anna, ben, room):
    """XEP-0425: Gajim shows who took it back, and why."""
    enter(ben, room, "ben")
    ben.say(room, "buy cheap tea", "groupchat")
    said = anna.message("buy cheap tea")[1]
    ident = next(one.id for one in said.stanza_ids if str(one.by) == room)
    anna.ask("Moderation", "send_retract_request", JID.from_string(room), ident, "an advert")
    gone = ben.next("message", lambda stanza, properties: properties.moderation)[1].moderation
    assert gone.stanza_id == ident and gone.reason == "an advert"


# --- files ------------------------------------------------------------------------------------

def test_upload(server, anna):
    service = f"upload.{anna.user.domain}"
    info = anna.ask("Discovery", "disco_info", service)
    assert info.httpupload_max_file_size and info.supports(Namespace.HTTPUPLOAD_0)
    slot = anna.ask("HTTPUpload", "request_slot", service, "Tee & Torte.png", len(PNG),
                    "image/png")
    trust = ssl.create_default_context(cafile=str(server.authority.ca))
    trust.check_hostname = False            # the address is a number here

    def send(method, url, body=None):
        port = server.ports["https"]
        here = url.replace(f"https://{anna.user.domain}:5443/", f"https://127.0.0.1:{port}/")
        request = urllib.request.Request(here, data=body, method=method, headers={
            "Content-Type": "image/png", "Host": anna.user.domain, **slot.headers})
        return urllib.request.urlopen(request, context=trust, timeout=20)

    assert send("PUT", slot.put_uri, PNG).status == 201
    got = send("GET", slot.get_uri)
    assert got.read() == PNG and got.headers["Content-Type"] == "image/png"
    with pytest.raises(StanzaError) as error:
        anna.ask("HTTPUpload", "request_slot", service, "big", 1 << 40, "image/png")
    assert error.value.condition == "not-acceptable"
    assert error.value.get_max_file_size() == info.httpupload_max_file_size
