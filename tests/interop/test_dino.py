# SPDX-License-Identifier: MIT
"""The real Dino in front of the quickstart's server: rooms and files, as a newcomer meets them."""

import pytest

from desktop import ACT, PICTURE
from dino_app import DinoApp
from guest import Guest
from people import play

CLIENT = "dino-im"


@pytest.fixture
def anna(place, request):
    app = DinoApp(place, request.node.name)
    yield app
    app.stop()


def test_a_room_of_ones_own(place, anna):
    """Dino makes a room by joining it; people talk there; it sends a picture."""
    room = "garden@conference.localhost"

    async def scene():
        await anna.start()
        await anna.log_in(place.users["anna"])
        ben = await Guest(place, "ben").log_in()
        await anna.join(room)
        await ben.enter_once_there(room)
        await anna.say("Shall we meet here?")
        await ben.hears(f"{room}/anna", "Shall we meet here?")
        ben.say(room, "I am here ☕", "groupchat")
        await anna.remembers("I am here ☕")
        await anna.send_picture(anna.give("picture.png", PICTURE))
        message = await ben.hears(f"{room}/anna")
        assert message["body"] == message["oob"]["url"]
        assert (await ben.fetch(message["body"])).startswith(PICTURE[:16])
        await ben.log_out()
    play(scene(), ACT)


def test_a_room_that_another_made(place, anna):
    """Dino joins, is ended, comes back by itself, and knows what was said meanwhile."""
    room = "coven@conference.localhost"

    async def scene():
        ben = await Guest(place, "ben").log_in()
        await ben.enter(room, persistent=True)
        ben.say(room, "When shall we three meet again?", "groupchat")
        await ben.hears(f"{room}/ben")
        await anna.start()
        await anna.log_in(place.users["anna"])
        await anna.join(room)
        await ben.sees(f"{room}/anna")
        await anna.remembers("When shall we three meet again?")
        await anna.bookmarked()
        await anna.say("In thunder, lightning, or in rain?")
        await ben.hears(f"{room}/anna")
        anna.stop()
        ben.say(room, "When the hurlyburly's done", "groupchat")
        await ben.hears(f"{room}/ben")
        await anna.start()
        await anna.remembers("When the hurlyburly's done")
        await ben.log_out()
    play(scene(), ACT)


def test_a_restart_of_the_server(place, anna):
    """Dino comes back into its room, and hears what is said there."""
    room = "heath@conference.localhost"

    async def scene():
        ben = await Guest(place, "ben").log_in()
        await ben.enter(room, persistent=True)
        await anna.start()
        await anna.log_in(place.users["anna"])
        await anna.join(room)
        await ben.sees(f"{room}/anna")
        await anna.bookmarked()
        await anna.say("Where the place?")
        await ben.hears(f"{room}/anna")
        await ben.log_out()
        await place.restart()
        ben = await Guest(place, "ben").log_in()
        await ben.enter(room)
        await ben.sees(f"{room}/anna")
        ben.say(room, "Upon the heath", "groupchat")
        await anna.remembers("Upon the heath")
        await ben.log_out()
    play(scene(), ACT)
