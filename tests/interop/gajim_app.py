# SPDX-License-Identifier: MIT
"""The real Gajim, on a screen that shows nothing, with the plugin of gajim_plugin/."""

import asyncio
import pathlib
import shutil
import sqlite3

from desktop import MOMENT, App

PLUGIN = pathlib.Path(__file__).parent / "gajim_plugin"

# Gajim's own code writes its first settings, as its preferences would.
SETTINGS = """
import gi
gi.require_version("Gdk", "3.0")
from gajim.common import app, configpaths
configpaths.init()
configpaths.create_paths()
from gajim.common.settings import Settings
app.settings = Settings()
app.settings.init()
app.settings.set_plugin_setting("linnet_test", "active", True)
app.settings.set_app_setting("use_keyring", False)
app.settings.set_app_setting("check_for_update", False)
app.settings.shutdown()
"""


class GajimApp(App):
    async def start(self):
        self.screen.name = ":none"
        self.run_once("/usr/bin/python3", "-c", SETTINGS)
        shutil.copytree(PLUGIN, self.home / ".local/share/gajim/plugins/linnet_test",
                        ignore=shutil.ignore_patterns("__pycache__"))
        self.own(self.home)
        self.launch("gajim", "-v")
        await self.event("ready")
        return self

    async def log_in(self, user):
        self.do("log_in", user.local, user.domain, user.password)
        await self.event("signed-in")

    async def remembers(self, nick, text):
        """That its history has these words."""
        await self.until(lambda: (nick, text) in self._history(), f"{nick}: {text}")

    def _history(self):
        path = self.home / ".local/share/gajim/logs.db"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as history:
            return history.execute("SELECT contact_name, message FROM logs").fetchall()

    def downloads(self):
        return self.files(".local/share/gajim/downloads")

    async def quit(self):
        """As from its menu; it ends by itself."""
        self.do("quit")
        self.process.stdin.close()
        await asyncio.to_thread(self.process.wait, MOMENT)
        self.screen.stop()

    async def launch_again(self):
        self.launch("gajim", "-v")
        await self.event("signed-in")
