# SPDX-License-Identifier: MIT
"""Clients with windows, as Debian has them, in front of the quickstart's server.

    with Place(folder) as place:        # a network of its own: this thread moves into it
        place.start()                   # contrib/quickstart.sh, on its usual ports
        app = App(place, "anna")
        app.launch("gajim"); ...; app.stop()

Port 5222 of localhost is free in the network of its own; that is where a client
looks that was told nothing but an address.  A client sees a screen (Xvfb), a
session bus and a home of its own, and trusts what the system trusts and the
quickstart's certificate: as on a machine whose owner has installed that.
"""

import asyncio
import ctypes
import fcntl
import json
import os
import pathlib
import pwd
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import time
import types

import pytest

from internet import Program
from kit.server import CHECKOUT
from people import PATIENCE

MOMENT, ACT = 30 * PATIENCE, 180 * PATIENCE     # for one thing, for a whole scene
CLONE_NEWNET = 0x40000000
BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
TOOLS = ("Xvfb", "dbus-run-session", "unshare", "setpriv")
LETTER = "Good night, good night! ☕\n".encode() * 1000
PICTURE = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
                        "0000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082")
_libc = ctypes.CDLL(None, use_errno=True)


def needs_desktop(client):
    missing = [tool for tool in (*TOOLS, client) if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    allowed = not os.geteuid() and subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"],
        check=False, capture_output=True).returncode == 0
    if not allowed:
        pytest.skip("only root may make networks and mounts of its own")


class Place:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        self.port, self.host = 5222, "localhost"
        self.certificate = self.folder / "certs/localhost.crt"
        self.authority = types.SimpleNamespace(ca=self.certificate)     # for people.Person

    def address(self):
        return "127.0.0.1", self.port

    def __enter__(self):
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if _libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        with socket.socket() as sock:
            request = struct.pack("16sh14x", b"lo", 0x41)   # IFF_UP | IFF_RUNNING
            fcntl.ioctl(sock, 0x8914, request)              # SIOCSIFFLAGS
        return self

    def __exit__(self, *_):
        self.stop()
        _libc.setns(self.before, CLONE_NEWNET)
        os.close(self.before)

    def start(self):
        build = pathlib.Path(os.environ.get("LINNET_BUILD", CHECKOUT / "build"))
        (self.folder / "build").symlink_to(build)
        self.said = self.quickstart()
        self.users = {}
        for line in (self.folder / "accounts").read_text(encoding="utf-8").splitlines():
            jid, password = line.split()
            local, domain = jid.split("@")
            self.users[local] = types.SimpleNamespace(jid=jid, local=local, domain=domain,
                                                      password=password)
        return self

    def quickstart(self, *words):
        done = subprocess.run(["sh", CHECKOUT / "contrib/quickstart.sh", *words], text=True,
                              env={**os.environ, "QUICKSTART_DIR": str(self.folder)},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout
        return done.stdout

    async def restart(self):
        await asyncio.to_thread(self.quickstart, "stop")
        await asyncio.to_thread(self.quickstart)

    def stop(self):
        if (self.folder / "linnetd.pid").exists():
            self.quickstart("stop")

    def log(self):
        return (self.folder / "linnetd.log").read_text(encoding="utf-8", errors="replace")


class Screen(Program):
    """An X server that shows nothing."""

    def start(self):
        reader, writer = os.pipe()
        with open(reader, "rb") as numbers:
            try:
                with open(self.folder / "log", "ab") as log:
                    self.process = subprocess.Popen(
                        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24",
                         "-nolisten", "tcp", "-noreset"], pass_fds=[writer],
                        stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
            finally:
                os.close(writer)
            number = numbers.readline().decode().strip()
        assert number, self.log()
        self.name = f":{number}"
        return self


class App(Program):
    """A client of an unprivileged user; what it stores is in `home`."""

    def __init__(self, place, name):
        super().__init__(place.folder / name)
        self.place, self.home = place, self.folder / "home"
        self.owner = pwd.getpwnam("nobody")
        for folder in (self.home, self.home / "run"):
            folder.mkdir(mode=0o700)
            os.chown(folder, self.owner.pw_uid, self.owner.pw_gid)
        (self.folder / "trusted.pem").write_bytes(BUNDLE.read_bytes()
                                                  + place.certificate.read_bytes())
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="utf-8")
        self.screen = Screen(self.folder / "screen")
        self.told = 0

    def words(self, *command):
        """How a program is run as this user, alone with what it starts."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.home, "LC_ALL": "C.UTF-8",
                       "XDG_RUNTIME_DIR": self.home / "run", "DISPLAY": self.screen.name,
                       "NO_AT_BRIDGE": "1", "LINNET_PATIENCE": PATIENCE,
                       "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo",
                       "GSETTINGS_BACKEND": "memory", "GIO_USE_VFS": "local",
                       "XDG_SESSION_TYPE": "x11"}
        inside = ["setpriv", f"--reuid={self.owner.pw_uid}", f"--regid={self.owner.pw_gid}",
                  "--clear-groups", "env", "-i",
                  *(f"{name}={value}" for name, value in environment.items()), *command]
        mounts = [["mount", "--bind", self.folder / "trusted.pem", BUNDLE],
                  ["mount", "--bind", self.folder / "resolv.conf", "/etc/resolv.conf"]]
        script = " && ".join(shlex.join(map(str, words)) for words in
                             [*mounts, ["cd", self.home], ["exec", *inside]])
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                "sh", "-c", script]

    def launch(self, *command):
        self.screen.start()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.words("dbus-run-session", "--", *command), stdin=subprocess.PIPE,
                stdout=log, stderr=log, text=True, bufsize=1, start_new_session=True)
        return self

    def do(self, what, *words):
        """Tells what runs inside the session what to do: a plugin, or hand.py."""
        self.process.stdin.write(json.dumps([what, *words]) + "\n")

    async def event(self, *names, **fields):
        """The next event of one of these names with these fields; those before are forgotten."""
        def found():
            path = self.home / "happened"
            lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
            for n, line in enumerate(lines[self.told:], self.told + 1):
                event = json.loads(line)
                if event["event"] in names and fields.items() <= event.items():
                    self.told = n
                    return event
            return None
        return await self.until(found, f"{' or '.join(names)} {fields or ''}")

    def run_once(self, *command):
        """Another program of the same user, to its end."""
        subprocess.run(self.words(*command), check=True, capture_output=True,
                       timeout=MOMENT)

    def give(self, path, content):
        """A file in the home of the user."""
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.own(self.home)
        return path

    def own(self, folder):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def files(self, folder):
        """What there is now below a folder of the home, by its content."""
        return [path.read_bytes() for path in (self.home / folder).rglob("*") if path.is_file()]

    async def until(self, found, what):
        """Asks until found() is true: a file tells nobody that it has changed."""
        deadline = time.monotonic() + MOMENT
        while True:
            result = found()
            if result:
                return result
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"waiting for {what}:\n{self.log()}")
            await asyncio.sleep(0.05)

    def stop(self, number=signal.SIGTERM):
        super().stop(number)
        self.screen.stop()
