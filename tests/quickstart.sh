#!/bin/sh
# The quickstart from nothing, twice; the account it makes logs in with
# Profanity; then it is stopped.  Everything is in a directory that goes away.
#
# SPDX-License-Identifier: MIT
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
QUICKSTART_DIR=$(mktemp -d)
set -- $(PYTHONPATH=$top/tests/functional /usr/bin/python3 -c '
from kit.server import free_ports
print(*free_ports(["c2s", "web"]).values())')
QUICKSTART_PORT=$1
QUICKSTART_WEB=$2
export QUICKSTART_DIR QUICKSTART_PORT QUICKSTART_WEB
trap 'sh "$top/contrib/quickstart.sh" stop; rm -rf "$QUICKSTART_DIR"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$QUICKSTART_DIR"

sh "$top/contrib/quickstart.sh"
sh "$top/contrib/quickstart.sh" > "$QUICKSTART_DIR/again"
grep -q 'runs already' "$QUICKSTART_DIR/again"
PYTHONPATH=$top/tests/interop /usr/bin/python3 - << 'END'
import os
import pathlib
import re
import ssl
import types
import urllib.request

from profanity import Profanity

folder = pathlib.Path(os.environ["QUICKSTART_DIR"])
port = int(os.environ["QUICKSTART_PORT"])
server = types.SimpleNamespace(address=lambda: ("127.0.0.1", port))
users = [types.SimpleNamespace(jid=jid, password=password) for jid, password in
         (line.split() for line in (folder / "accounts").read_text().splitlines())]
room = "garden@conference.localhost"
with Profanity(folder / "anna") as anna:
    anna.connect(server, users[0])
    with Profanity(folder / "ben") as ben:
        ben.connect(server, users[1])
        print("both logged in")
        anna.type(f"/join {room}")
        anna.sees("Room locked")
        anna.type("/room accept")
        anna.sees("Room unlocked")
        ben.type(f"/join {room}")
        anna.sees(r" ben\b")
        ben.type("Shall we meet here?")
        anna.sees("Shall we meet here")
        print("they meet in a room")
        (folder / "letter.txt").write_text("Good night, good night!")
        anna.type(f"/sendfile {folder}/letter.txt")
        url = re.sub(r"\s", "", ben.sees(r"https://localhost:\d+/upload/[\w-]{24}/\s*letter\.txt")[0])
    with urllib.request.urlopen(url, context=ssl._create_unverified_context()) as got:
        assert got.read() == b"Good night, good night!"
    print("a file was sent and fetched")
END
