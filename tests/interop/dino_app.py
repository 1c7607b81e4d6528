# SPDX-License-Identifier: MIT
"""The real Dino, on a screen that shows nothing; hand.py presses its buttons."""

import pathlib
import shlex
import sqlite3

from desktop import App

HAND = pathlib.Path(__file__).parent / "hand.py"
CONTROL, RETURN, V = 37, 36, 55     # keys of a PC's keyboard in X


class DinoApp(App):
    async def start(self):
        hand = self.give("hand.py", HAND.read_bytes())
        self.launch("sh", "-c", "dino-im --print-xmpp=all < /dev/null & "
                    f"exec /usr/bin/python3 -W ignore {shlex.quote(str(hand))} dino-im")
        await self.event("ready")

    async def hand(self, *words):
        """Something to do, until it is done."""
        self.do(*words)
        event = await self.event("done", "failed")
        assert event["event"] == "done", event["why"]

    async def log_in(self, user):
        await self.hand("press", "Set up account")
        await self.hand("see", "Sign in")
        await self.hand("write", user.jid)
        await self.hand("press", "Next")
        await self.hand("see", f"Sign in to {user.jid}")
        await self.hand("write", user.password)
        await self.hand("press", "Connect")
        await self.hand("press", "Finish")

    async def join(self, room):
        await self.hand("open", "dino-im", f"xmpp:{room}?join")
        await self.hand("see", "Join Channel")
        await self.hand("press", "Join")

    async def say(self, text):
        await self.hand("write", text)
        await self.hand("key", RETURN)

    async def send_picture(self, path):
        await self.hand("copy", str(path))
        await self.hand("write", "")
        await self.hand("key", V, CONTROL)
        await self.hand("press", "Send")

    async def bookmarked(self):
        """That it has asked for the room to be entered next time, too: it prints its stanzas."""
        log = self.folder / "log"
        await self.until(lambda: "autojoin='true'" in log.read_text(
            encoding="utf-8", errors="replace"), "the bookmark")

    async def remembers(self, text):
        """That its history has these words."""
        await self.until(lambda: (text,) in self._history(), text)

    def _history(self):
        path = self.home / ".local/share/dino/dino.db"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as history:
            return history.execute("SELECT body FROM message").fetchall()
