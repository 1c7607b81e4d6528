# SPDX-License-Identifier: MIT
"""A disk that does what it is told to, under a server (builds with --enable-debug).

    disk = Disk(servers(config, start=False))
    disk.server.start()
    disk.say("full 0"); disk.say("ok")  # what there is: src/store/testvfs.h
    disk.until("stalled")               # what `linnetctl status` says of the store
"""

import json
import os
import pathlib
import sqlite3
import time

from .peer import TIMEOUT
from .server import Failed


class Disk:
    def __init__(self, server, stall_ms=None):
        self.server = server
        self.file = pathlib.Path(server.folder) / "disk"
        self.database = pathlib.Path(server.folder) / "data" / "linnet.db"
        self.say("ok")
        self.environment(LINNET_TEST_VFS=str(self.file))
        if stall_ms is not None:
            self.environment(LINNET_TEST_STALL=str(stall_ms))

    def environment(self, **more):
        """What the server's next start finds in its environment."""
        environment = {**self.server.environment(), **more}
        self.server.environment = lambda: environment

    def say(self, what):
        new = self.file.with_suffix(".new")
        new.write_text(what + "\n", encoding="ascii")
        os.replace(new, self.file)

    def state(self):
        """ "ok", "failing" or "stalled"."""
        return self._ask("status")[0]["store"]

    def until(self, *states):
        deadline = time.monotonic() + 3 * TIMEOUT
        while (state := self.state()) not in states:
            if time.monotonic() > deadline:
                raise Failed(f"the store is {state}, not {' or '.join(states)}")

    def stat(self, name):
        """A figure of the store's, as `linnetctl stats` has it."""
        return next(row["value"] for row in self._ask("stats")
                    if row["part"] == "store" and row["name"] == name)

    def _ask(self, verb):
        return json.loads(self.server.ctl("--json", verb).stdout)["rows"]

    def connect(self):
        """Another program's connection to the database."""
        return sqlite3.connect(self.database, isolation_level=None, timeout=0)
