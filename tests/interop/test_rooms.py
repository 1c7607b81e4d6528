# SPDX-License-Identifier: MIT
"""Rooms, with slixmpp and Profanity as they come from Debian."""

import asyncio
import itertools

from people import TIMEOUT, IqError, Person, play
from profanity import Profanity

_names = itertools.count(1)


def new_room(server):
    return f"coven{next(_names)}@conference.{server.host}"


async def guest(server, name):
    one = await Person(server, server.user(name), plugins=["xep_0045", "xep_0249"]).log_in()
    one.in_rooms = asyncio.Queue()
    one.add_event_handler("groupchat_presence", one.in_rooms.put_nowait)
    return one


async def gone(person, room, nick):
    """The presence with which an occupant left."""
    while True:
        got = await asyncio.wait_for(person.in_rooms.get(), TIMEOUT)
        if got["type"] == "unavailable" and got["from"] == f"{room}/{nick}":
            return got


async def said(person, room, nick, body):
    while True:
        message = await person.message()
        if message["from"] == f"{room}/{nick}" and message["body"] == body:
            return message


def test_slixmpp(server):
    """Makes a room, talks, changes the subject, kicks, bans, destroys."""
    async def scene():
        room = new_room(server)
        anna, ben = await guest(server, "anna"), await guest(server, "ben")
        muc = anna.plugin["xep_0045"]
        await muc.join_muc_wait(room, "anna", timeout=TIMEOUT)
        form = await muc.get_room_config(room)
        form["type"] = "submit"
        form.get_fields()["muc#roomconfig_roomname"]["value"] = "The coven"
        await muc.set_room_config(room, form)
        await ben.plugin["xep_0045"].join_muc_wait(room, "ben", timeout=TIMEOUT)
        assert set(muc.get_roster(room)) >= {"anna"}
        ben.send_message(room, "Hello, all", mtype="groupchat")
        await said(anna, room, "ben", "Hello, all")
        anna.send_message(f"{room}/ben", "Hello, you", mtype="chat")
        await said(ben, room, "anna", "Hello, you")
        await muc.set_affiliation(room, "member", jid=ben.boundjid.bare)
        assert await muc.get_affiliation_list(room, "member") == [ben.boundjid.bare]
        await muc.set_role(room, "ben", "none", reason="enough")
        presence = await gone(ben, room, "ben")
        assert 307 in presence["muc"]["status_codes"]
        await muc.set_affiliation(room, "outcast", jid=ben.boundjid.bare)
        try:
            await ben.plugin["xep_0045"].join_muc_wait(room, "ben", timeout=TIMEOUT)
            raise AssertionError("he was let in")
        except Exception as error:      # slixmpp 1.8.3 has PresenceError, others XMPPError
            assert getattr(error, "condition", None) == "forbidden", error
        await muc.destroy(room, reason="over")
        try:
            await muc.get_room_config(room)
            raise AssertionError("it is still there")
        except (IqError, ValueError):
            pass
        for one in (anna, ben):
            await one.log_out()
    play(scene())


def test_profanity(server, tmp_path):
    """Two people meet in a room that one of them makes."""
    room = new_room(server)
    with Profanity(tmp_path / "anna") as anna, Profanity(tmp_path / "ben") as ben:
        anna.connect(server, server.user("anna"))
        ben.connect(server, server.user("ben"))
        anna.type(f"/join {room} nick anna")
        anna.sees("Room requires configuration|requires configuration")
        anna.type("/room accept")
        anna.sees("unlocked|accepted|now available|Room unlocked")
        ben.type(f"/join {room} nick ben")
        anna.sees(r"\bben\b")
        ben.type("Hello, all")
        anna.sees("ben: .*Hello, all")
        anna.type("Hello yourself")
        ben.sees("anna: .*Hello yourself")
        anna.type("/subject set The coven")
        ben.sees("The coven")
        anna.type("/kick ben")
        ben.sees(f"Kicked from {room} by anna")


