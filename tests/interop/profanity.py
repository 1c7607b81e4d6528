# SPDX-License-Identifier: MIT
"""Profanity, a client with a text interface, driven through tmux.

Each has a home of its own and a tmux server of its own, which ends with it.

    with Profanity(folder) as anna:
        anna.connect(server, user)
        anna.type("/msg ben@localhost Hello")
        anna.sees("Hello")
"""

import os
import pathlib
import re
import shlex
import subprocess
import time

PATIENCE = float(os.environ.get("LINNET_PATIENCE", "1"))
TIMEOUT = 15 * PATIENCE


class Profanity:
    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.socket = self.home / "tmux"

    def _tmux(self, *words):
        return subprocess.run(["tmux", "-S", str(self.socket), "-f", "/dev/null", *words],
                              capture_output=True, text=True, check=True, timeout=TIMEOUT).stdout

    def __enter__(self):
        settings = self.home / ".config/profanity"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "profrc").write_text(
            "[ui]\nsplash=false\n[notifications]\nmessage=false\nroom=off\n"
            "[logging]\nchlog=false\n[omemo]\npolicy=manual\n", encoding="utf-8")
        command = shlex.join([
            "env", "-i", "PATH=/usr/bin:/bin", f"HOME={self.home}", "LC_ALL=C.UTF-8",
            "TERM=screen", "profanity"])
        self._tmux("new-session", "-d", "-x", "160", "-y", "45", command)
        self.sees("Profanity")
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"],
                       capture_output=True, check=False, timeout=TIMEOUT)

    def screen(self):
        return self._tmux("capture-pane", "-p", "-S", "-200")

    def type(self, text):
        self._tmux("send-keys", "-l", text)
        self._tmux("send-keys", "Enter")

    def sees(self, pattern, timeout=TIMEOUT):
        """Waits until the screen shows the pattern; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            screen = self.screen()
            match = re.search(pattern, screen)
            if match:
                return match
            if time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} on the screen:\n{screen}")
            time.sleep(0.05)  # a terminal tells nobody that it has changed

    def connect(self, server, user, sees=r"logged in successfully"):
        """Logs in; the server's certificate is not checked."""
        host, port = server.address()
        self.type(f"/connect {user.jid} server {host} port {port} tls trust")
        self.sees("Enter password")
        self.type(user.password)
        self.sees(sees)
