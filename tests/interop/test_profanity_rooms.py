# SPDX-License-Identifier: MIT
"""Profanity in front of the quickstart's server: who makes a room keeps order; files both ways."""

import re

import pytest

from desktop import LETTER
from profanity import Profanity

CLIENT = "profanity"
URL = r"https://localhost:\d+/upload/[\w-]{24}/\s*letter\.txt"


@pytest.fixture
def cast(place, tmp_path):
    """Anna and Ben in a room of its own for each test, which she has made."""
    room = f"room{tmp_path.name.strip('_').replace('_', '-')}@conference.{place.host}"
    with Profanity(tmp_path / "anna") as anna, Profanity(tmp_path / "ben") as ben:
        for name, person in ("anna", anna), ("ben", ben):
            person.connect(place, place.users[name])
        anna.type(f"/join {room} nick anna")
        anna.sees("Room locked")
        anna.type("/room accept")
        anna.sees("Room unlocked")
        ben.type(f"/join {room} nick ben")
        anna.sees(r" ben\b")
        yield room, anna, ben


def test_order_is_kept(place, cast):
    """Voice, membership, a ban, and the way back in."""
    room, anna, ben = cast
    jid = place.users["ben"].jid
    anna.type("/role set visitor ben")
    ben.sees("role has been changed to: visitor, by: anna")
    anna.type("/role set participant ben")
    ben.sees("role has been changed to: participant, by: anna")
    anna.type(f"/affiliation set member {jid}")
    ben.sees("affiliation has been changed to: member, by: anna")
    anna.type("/affiliation list member")
    anna.sees(rf"Affiliation: member\s+\S+ !   {jid}")
    anna.type(f"/ban {jid} Noise")
    ben.sees("Banned from room.* by anna, reason: Noise")
    ben.type(f"/join {room} nick ben")
    ben.sees("Error joining room .*, reason: forbidden")
    anna.type("/affiliation list outcast")
    anna.sees(rf"Affiliation: outcast\s+\S+ !   {jid}")
    anna.type(f"/affiliation set none {jid}")
    anna.type("/affiliation list outcast")
    anna.sees("No users found with affiliation: outcast")
    ben.type(f"/join {room} nick ben")
    ben.sees("You have joined the room as ben")
    ben.type("I shall be quiet")
    anna.sees("ben: .*I shall be quiet")


@pytest.mark.parametrize("sender", [0, 1])
def test_files(cast, tmp_path, sender):
    """One sends, the other saves what the URL in the room leads to."""
    people = cast[1:]
    (tmp_path / "letter.txt").write_bytes(LETTER)
    people[sender].type(f"/sendfile {tmp_path}/letter.txt")
    url = re.sub(r"\s", "", people[1 - sender].sees(URL)[0])
    people[1 - sender].type(f"/url save {url} {tmp_path}/saved.txt")
    people[1 - sender].sees(r"Downloading '\S+\s*\S*': done")
    assert (tmp_path / "saved.txt").read_bytes() == LETTER
