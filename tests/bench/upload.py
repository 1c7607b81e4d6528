#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One long file up and down: the daemon's memory and CPU while it streams.

    /usr/bin/python3 tests/bench/upload.py [MIB]        LINNETD, LINNETCTL as for tests/functional
"""

import os
import pathlib
import shutil
import socket
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "functional"))

from kit import Server  # noqa: E402
from kit.authority import Authority  # noqa: E402

NS = "urn:xmpp:http:upload:0"
BLOCK = b"x" * (1 << 20)


def memory(pid):
    """Resident KiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def cpu(pid):
    """Seconds, of user and kernel."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(pid, name, mib, steps):
    before, used, peak = memory(pid), cpu(pid), 0
    for _ in steps:
        peak = max(peak, memory(pid))
    used = cpu(pid) - used
    print(f"{name}: RSS {before} KiB before, {peak} at most (+{peak - before}); "
          f"CPU {used:.2f} s, {1000 * used / mib:.2f} ms a MiB")


def target(url):
    parts = urllib.parse.urlsplit(url)
    return parts.path + ("?" + parts.query if parts.query else "")


def upload(sock, url, mib):
    sock.sendall(f"PUT {target(url)} HTTP/1.1\r\nHost: a\r\nContent-Length: {mib << 20}\r\n\r\n"
                 .encode())
    for _ in range(mib):
        sock.sendall(BLOCK)
        yield
    assert sock.recv(65536).startswith(b"HTTP/1.1 201 ")
    yield


def download(sock, url, mib):
    sock.sendall(f"GET {target(url)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    got = 0
    while piece := sock.recv(1 << 20):
        got += len(piece)
        yield
    assert got > mib << 20


def main():
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    folder = pathlib.Path(tempfile.mkdtemp(prefix="linnet-bench-"))
    server = Server(folder / "server", Authority(folder), {"modules": {"http_upload": {
        "max-size": f"{mib}M", "daily": "off", "keep-free": 0}}})
    try:
        server.start()
        juliet = server.client("juliet")
        slot = juliet.get(f"<request xmlns='{NS}' filename='long' size='{mib << 20}'/>",
                          "upload." + juliet.domain)[0]
        for name, step, element in (("up", upload, "put"), ("down", download, "get")):
            url = slot.find(f"{{{NS}}}{element}").get("url")
            with socket.create_connection(("127.0.0.1", server.ports["http"])) as sock:
                measured(server.process.pid, name, mib, step(sock, url, mib))
    finally:
        server.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
