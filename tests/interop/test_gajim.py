# SPDX-License-Identifier: MIT
"""The real Gajim in front of the quickstart's server: rooms and files, as a newcomer meets them."""

import pytest

from desktop import ACT, LETTER, PICTURE
from gajim_app import GajimApp
from guest import Guest
from people import play

CLIENT = "gajim"


@pytest.fixture
def anna(place, request):
    app = GajimApp(place, request.node.name)
    yield app
    app.stop()


def test_a_room_of_ones_own(place, anna):
    """Gajim makes a room; people talk there; a file goes each way."""
    room = "garden@conference.localhost"

    async def scene():
        await anna.start()
        await anna.log_in(place.users["anna"])
        anna.do("create", room)
        await anna.event("room-config-finished", jid=room)
        anna.do("invite", room, place.users["ben"].jid)
        ben = await Guest(place, "ben").log_in()
        await ben.enter(room)
        await anna.event("user-joined", jid=room)
        anna.do("say", room, "Shall we meet here?")
        await ben.hears(f"{room}/anna", "Shall we meet here?")
        ben.say(room, "I am here ☕", "groupchat")
        await anna.event("gc-message-received", body="I am here ☕")
        await anna.remembers("ben", "I am here ☕")

        anna.do("send_file", room, str(anna.give("letter.txt", LETTER)))
        message = await ben.hears(f"{room}/anna")
        assert message["body"] == message["oob"]["url"] and "/letter.txt" in message["body"]
        assert await ben.fetch(message["body"]) == LETTER

        url = await ben.upload("picture.png", "image/png", PICTURE)
        ben.share(room, url)
        await anna.event("gc-message-received", body=url)
        await anna.until(lambda: PICTURE in anna.downloads(), "the picture among what was fetched")
        await ben.log_out()
    play(scene(), ACT)


def test_a_room_that_another_made(place, anna):
    """Gajim joins, ends, comes back by itself, and knows what was said meanwhile."""
    room = "coven@conference.localhost"

    async def scene():
        ben = await Guest(place, "ben").log_in()
        await ben.enter(room, persistent=True)
        ben.say(room, "When shall we three meet again?", "groupchat")
        await ben.hears(f"{room}/ben")
        await anna.start()
        await anna.log_in(place.users["anna"])
        anna.do("join", room)
        await ben.sees(f"{room}/anna")
        await anna.remembers("ben", "When shall we three meet again?")
        await anna.quit()
        await ben.sees(f"{room}/anna", leaves=True)
        ben.say(room, "When the hurlyburly's done", "groupchat")
        await ben.hears(f"{room}/ben")
        await anna.launch_again()
        await ben.sees(f"{room}/anna")
        await anna.remembers("ben", "When the hurlyburly's done")
        await ben.log_out()
    play(scene(), ACT)


def test_a_restart_of_the_server(place, anna):
    """Gajim comes back into its room, and hears what is said there."""
    room = "heath@conference.localhost"

    async def scene():
        ben = await Guest(place, "ben").log_in()
        await ben.enter(room, persistent=True)
        await anna.start()
        await anna.log_in(place.users["anna"])
        anna.do("join", room)
        await ben.sees(f"{room}/anna")
        await ben.log_out()
        await place.restart()
        ben = await Guest(place, "ben").log_in()
        await ben.enter(room)
        await ben.sees(f"{room}/anna")
        ben.say(room, "Upon the heath", "groupchat")
        await anna.remembers("ben", "Upon the heath")
        await ben.log_out()
    play(scene(), ACT)
