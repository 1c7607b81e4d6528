# SPDX-License-Identifier: MIT
"""The other one in the room: a slixmpp client that talks and exchanges files there."""

import asyncio
import ssl
import time
import urllib.request
import xml.etree.ElementTree as ET

from desktop import MOMENT
from people import TIMEOUT, Person, XMPPError

UPLOAD = "{urn:xmpp:http:upload:0}"


class Guest(Person):
    def __init__(self, place, name):
        super().__init__(place, place.users[name], plugins=["xep_0045", "xep_0066", "xep_0249"])
        self.trust = ssl.create_default_context(cafile=str(place.certificate))
        self.host = place.host
        self.in_rooms = asyncio.Queue()
        self.add_event_handler("groupchat_presence", self.in_rooms.put_nowait)

    async def enter(self, room, persistent=False):
        muc = self.plugin["xep_0045"]
        await muc.join_muc_wait(room, self.boundjid.local, timeout=TIMEOUT)
        if persistent:
            form = await muc.get_room_config(room)
            form["type"] = "submit"
            form.get_fields()["muc#roomconfig_persistentroom"]["value"] = True
            await muc.set_room_config(room, form)

    async def enter_once_there(self, room):
        """A room that someone is making is locked until he has: who asks is told that it is not."""
        deadline = time.monotonic() + MOMENT
        while True:
            try:
                return await self.enter(room)
            except XMPPError as error:
                if error.condition != "item-not-found" or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)

    async def hears(self, occupant, body=None):
        """The next words of this occupant, or these words of his."""
        while True:
            message = await asyncio.wait_for(self.messages.get(), MOMENT)
            if message["from"] == occupant and message["body"] and body in (None, message["body"]):
                return message

    async def sees(self, occupant, leaves=False):
        """That he comes, or leaves."""
        while True:
            got = await asyncio.wait_for(self.in_rooms.get(), MOMENT)
            if got["from"] == occupant and (got["type"] == "unavailable") == leaves:
                return got

    async def fetch(self, url):
        return await asyncio.to_thread(self._http, url)

    async def upload(self, name, kind, content):
        """Its URL; slixmpp's own plugin needs a library that Debian's package does not ask for."""
        iq = self.make_iq_get(ito=f"upload.{self.host}")
        iq.xml.append(ET.Element(f"{UPLOAD}request", {"filename": name, "size": str(len(content)),
                                                      "content-type": kind}))
        slot = (await iq.send(timeout=TIMEOUT)).xml.find(f"{UPLOAD}slot")
        await asyncio.to_thread(self._http, slot.find(f"{UPLOAD}put").get("url"), method="PUT",
                                data=content, headers={"Content-Type": kind})
        return slot.find(f"{UPLOAD}get").get("url")

    def _http(self, url, **more):
        request = urllib.request.Request(url, **more)
        with urllib.request.urlopen(request, context=self.trust, timeout=TIMEOUT) as answer:
            return answer.read()

    def share(self, room, url):
        message = self.make_message(room, url, mtype="groupchat")
        message["oob"]["url"] = url
        message.send()
