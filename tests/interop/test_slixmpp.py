# SPDX-License-Identifier: MIT
"""Slixmpp as it comes from Debian: its plugins against ours."""

import pytest

from people import IqError, Person, play


@pytest.mark.parametrize("mechanism", [None, "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512",
                                       "PLAIN"])
def test_log_in(server, mechanism):
    async def scene():
        anna = await Person(server, server.user("anna"), mechanism=mechanism).log_in()
        await anna.log_out()
    play(scene())


def test_log_in_where_it_claims_a_binding_it_does_not_have(binding_server):
    """slixmpp 1.8.3 fails with each SCRAM there, and comes to PLAIN in the end."""
    async def scene():
        anna = await Person(binding_server, binding_server.user("anna")).log_in()
        await anna.log_out()
    play(scene())


def test_wrong_password(server):
    async def scene():
        user = server.user("anna")._replace(password="wrong")
        with pytest.raises(ConnectionError, match="refused"):
            await Person(server, user).log_in()
    play(scene())


def test_register_change_password_remove(server):
    """XEP-0077 as its plugin does it: the account is made on the way to logging in."""
    async def scene():
        user = server.user("ben")
        new = user._replace(local="carl", jid=f"carl@{server.host}", password="first")
        carl = Person(server, new, plugins=["xep_0004", "xep_0066", "xep_0077"])

        async def register(form):
            assert form["register"]["instructions"]
            iq = carl.Iq()
            iq["type"] = "set"
            iq["register"]["username"] = new.local
            iq["register"]["password"] = new.password
            await iq.send()

        carl._always_send_everything = True         # 1.8.3 keeps its own request back else
        carl.add_event_handler("register", register)
        await carl.log_in()
        await carl.plugin["xep_0077"].change_password("second", carl.boundjid.host)
        await carl.log_out()

        again = await Person(server, new._replace(password="second"),
                             plugins=["xep_0077"]).log_in()
        gone = again.next("disconnected")
        again.plugin["xep_0077"].cancel_registration(again.boundjid.host, callback=lambda iq: None)
        await gone
        with pytest.raises(ConnectionError, match="refused"):
            await Person(server, new._replace(password="second")).log_in()
    play(scene())


def test_subscribe_chat_leave_return(server):
    async def scene():
        ben_user = server.user("ben")
        anna = await Person(server, server.user("anna")).log_in()
        ben = await Person(server, ben_user).log_in()
        anna_jid, ben_jid = anna.boundjid.bare, ben.boundjid.bare

        # Both accept and ask back by themselves: slixmpp's auto_authorize.
        anna.send_presence_subscription(pto=ben_jid)
        await anna.presence("available", ben_jid)
        await ben.presence("available", anna_jid)
        for person, contact in ((anna, ben_jid), (ben, anna_jid)):
            await person.get_roster()
            assert person.client_roster[contact]["subscription"] == "both"

        anna.say(ben_jid, "Hello")
        got = await ben.message()
        assert (got["body"], got["from"]) == ("Hello", anna.boundjid)
        ben.say(got["from"], "Hello yourself")
        assert (await anna.message())["body"] == "Hello yourself"

        await ben.log_out()
        await anna.presence("unavailable", ben_jid)
        for n in range(20):
            anna.say(ben_jid, f"stored {n}")
        await anna.plugin["xep_0199"].ping(anna.boundjid.host)
        ben = await Person(server, ben_user, plugins=["xep_0203"]).log_in()
        for n in range(20):
            got = await ben.message()
            assert got["body"] == f"stored {n}"
            assert got["delay"]["stamp"] is not None
        await ben.log_out()
        await anna.log_out()
    play(scene())


def test_stream_management_survives_a_broken_connection(server):
    async def scene():
        anna = await Person(server, server.user("anna"), plugins=["xep_0198"]).log_in()
        ben = await Person(server, server.user("ben")).log_in()
        assert anna.plugin["xep_0198"].enabled_in
        me = anna.boundjid.full
        resumed = anna.next("session_resumed")
        anna.abort()
        anna.connect(server.address(), disable_starttls=False)
        await resumed
        assert anna.boundjid.full == me
        ben.say(me, "still there?")
        assert (await anna.message())["body"] == "still there?"
        await anna.log_out()
        await ben.log_out()
    play(scene())


def test_what_the_server_tells_of_itself(server):
    async def scene():
        anna = await Person(server, server.user("anna"),
                            plugins=["xep_0092", "xep_0202", "xep_0012"]).log_in()
        host = anna.boundjid.host
        info = await anna.plugin["xep_0030"].get_info(jid=host)
        assert ("server", "im") in {entry[:2] for entry in info["disco_info"]["identities"]}
        assert "urn:xmpp:ping" in info["disco_info"]["features"]
        version = await anna.plugin["xep_0092"].get_version(host)
        assert version["software_version"]["name"] == "Linnet"
        time = await anna.plugin["xep_0202"].get_entity_time(host)
        # slixmpp 1.8.3 cannot read the element itself.
        assert time.xml.findtext("{urn:xmpp:time}time/{urn:xmpp:time}utc").endswith("Z")
        uptime = await anna.plugin["xep_0012"].get_last_activity(host)
        assert uptime["last_activity"]["seconds"] >= 0
        assert await anna.plugin["xep_0199"].ping(host) >= 0
        with pytest.raises(IqError) as error:
            await anna.plugin["xep_0199"].ping(f"nobody-at-all@{host}")
        assert error.value.condition == "service-unavailable"
        await anna.log_out()
    play(scene())


def test_vcard_and_private_storage(server):
    async def scene():
        anna = await Person(server, server.user("anna"), plugins=["xep_0054"]).log_in()
        ben = await Person(server, server.user("ben"), plugins=["xep_0054"]).log_in()
        card = anna.plugin["xep_0054"].make_vcard()
        card["FN"] = "Anna Ångström"
        await anna.plugin["xep_0054"].publish_vcard(card)
        got = await ben.plugin["xep_0054"].get_vcard(anna.boundjid.bare, cached=False)
        assert got["vcard_temp"]["FN"] == "Anna Ångström"
        await anna.log_out()
        await ben.log_out()
    play(scene())


def test_carbons(server):
    async def scene():
        user = server.user("anna")
        desk = await Person(server, user, plugins=["xep_0280"]).log_in()
        phone = await Person(server, user, plugins=["xep_0280"]).log_in()
        ben = await Person(server, server.user("ben")).log_in()
        await phone.plugin["xep_0280"].enable()
        sent, received = (phone.next(f"carbon_{way}") for way in ("sent", "received"))
        desk.say(ben.boundjid.full, "from my desk")
        assert (await ben.message())["body"] == "from my desk"
        assert (await sent)["carbon_sent"]["body"] == "from my desk"
        ben.say(desk.boundjid.full, "to your desk")
        assert (await received)["carbon_received"]["body"] == "to your desk"
        for person in (desk, phone, ben):
            await person.log_out()
    play(scene())


def test_blocking(server):
    async def scene():
        anna = await Person(server, server.user("anna"), plugins=["xep_0191"]).log_in()
        ben = await Person(server, server.user("ben")).log_in()
        blocking = anna.plugin["xep_0191"]
        await blocking.block(ben.boundjid.bare)
        listed = (await blocking.get_blocked())["blocklist"]["items"]
        assert [jid.bare for jid in listed] == [ben.boundjid.bare]
        ben.say(anna.boundjid.bare, "let me in")
        refused = await ben.message()
        assert (refused["type"], refused["error"]["condition"]) == ("error", "service-unavailable")
        await blocking.unblock(ben.boundjid.bare)
        ben.say(anna.boundjid.bare, "thank you")
        assert (await anna.message())["body"] == "thank you"
        await anna.log_out()
        await ben.log_out()
    play(scene())
