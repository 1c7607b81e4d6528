#!/bin/sh
# The quickstart from nothing, twice; the account it makes logs in with
# Profanity; then it is stopped.  Everything is in a directory that goes away.
#
# SPDX-License-Identifier: MIT
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
QUICKSTART_DIR=$(mktemp -d)
QUICKSTART_PORT=$(/usr/bin/python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export QUICKSTART_DIR QUICKSTART_PORT
trap 'sh "$top/contrib/quickstart.sh" stop; rm -rf "$QUICKSTART_DIR"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$QUICKSTART_DIR"

sh "$top/contrib/quickstart.sh"
sh "$top/contrib/quickstart.sh" > "$QUICKSTART_DIR/again"
grep -q 'runs already' "$QUICKSTART_DIR/again"
PYTHONPATH=$top/tests/interop /usr/bin/python3 - << 'END'
import os
import pathlib
import types

from profanity import Profanity

folder = pathlib.Path(os.environ["QUICKSTART_DIR"])
port = int(os.environ["QUICKSTART_PORT"])
server = types.SimpleNamespace(address=lambda: ("127.0.0.1", port))
for line in (folder / "accounts").read_text().splitlines():
    jid, password = line.split()
    with Profanity(folder / jid) as person:
        person.connect(server, types.SimpleNamespace(jid=jid, password=password))
    print(f"{jid} logged in")
END
