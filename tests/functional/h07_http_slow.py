# SPDX-License-Identifier: MIT
"""HTTP clients that are slow, or wait for ever: each is let go, and what it had is given back.

The times are short; that they pass is seen in what the server does then.
"""

import json
import os
import select
import socket

import pytest
from h06_http_hostile import statuses, stored, target
from h10_upload import ask, put, slot
from kit import only_linnet, until

pytestmark = only_linnet("options of ours")

CONFIG = {"http": {"time-for-head": "1s", "stall": "1s", "idle": "1s"},
          "modules": {"disco": {}, "http_upload": {"max-size": "64M", "daily": "off",
                                                   "keep-free": 0}}}


def dial(server, buffer=None):
    sock = socket.socket()
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.settimeout(20)
    sock.connect(("127.0.0.1", server.ports["http"]))
    return sock


def rest(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


def drip(sock, byte):
    """A byte now and then, until there is an answer."""
    while not select.select([sock], [], [], 0.1)[0]:
        sock.sendall(byte)
    return rest(sock)


def put_head(url, length):
    return (b"PUT " + target(url) + b" HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
            % length)


def open_files(server):
    """What the server has open of uploads."""
    folder = f"/proc/{server.process.pid}/fd"
    found = set()
    for fd in os.listdir(folder):
        try:
            found.add(os.readlink(f"{folder}/{fd}"))
        except FileNotFoundError:
            pass
    return {name for name in found if "/http_upload/" in name}


def parts(server):
    return list((server.folder / "data" / "http_upload").glob("*/*.part"))


def stat(server, name):
    rows = json.loads(server.ctl("--json", "stats").stdout)["rows"]
    return next(r["value"] for r in rows if (r["part"], r["name"]) == ("http", name))


def test_says_nothing(server):
    assert rest(dial(server)) == b""


@pytest.mark.parametrize("head", [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_head_that_stops(server, head):
    sock = dial(server)
    sock.sendall(head)
    answer = rest(sock)
    assert statuses(answer) == [408] and b"Connection: close" in answer


def test_head_that_drips(server):
    """Each byte is progress to no end."""
    sock = dial(server)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    assert statuses(drip(sock, b"y")) == [408]


def test_head_that_drips_behind_another(server):
    """On a connection that is kept, too: its time is not the longer one between two requests."""
    sock = dial(server)
    sock.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b")
    assert statuses(drip(sock, b"c")) == [404, 408]


def test_no_further_request(server):
    sock = dial(server)
    sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert statuses(rest(sock)) == [404]


@pytest.mark.parametrize("drips", [False, True])
def test_body_that_does_not_come(server, juliet, drips):
    """Nothing is left of it, and the slot is there for another try."""
    up, down = slot(juliet, size=20000)
    sock = dial(server)
    sock.sendall(put_head(up, 20000) + b"x" * 100)
    answer = drip(sock, b"x") if drips else rest(sock)
    assert statuses(answer) == [408]
    until(lambda: not parts(server) and not open_files(server))
    assert put(server, up, b"y" * 20000) == 201
    assert ask(server, "GET", down)[1] == b"y" * 20000


def test_chunk_that_does_not_come(server):
    """Where nobody reads it, it is not waited for."""
    sock = dial(server)
    sock.sendall(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
    assert statuses(rest(sock)) == [404]


def test_answer_that_is_not_read(server, juliet):
    """The connection ends and the file is closed, although its client is there."""
    down = stored(server, juliet, b"x" * (16 << 20))
    before = stat(server, "timeouts_total")
    sock = dial(server, 4096)
    sock.sendall(b"GET " + target(down) + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    until(lambda: open_files(server))
    until(lambda: stat(server, "timeouts_total") > before)
    until(lambda: not open_files(server))
    got = 0
    try:
        while piece := sock.recv(1 << 20):
            got += len(piece)
    except ConnectionResetError:
        pass
    assert got < 16 << 20
    assert ask(server, "GET", down)[1] == b"x" * (16 << 20)


def test_many_of_all_kinds(server, juliet):
    """They cost nobody else anything, and are all gone at the end."""
    up, _ = slot(juliet, size=20000)
    down = stored(server, juliet, b"x" * (4 << 20))
    says = [b"", b"GET / HT", put_head(up, 20000), b"GET " + target(down) + b" HTTP/1.1\r\nHost: a"
            b"\r\n\r\n"]
    socks = []
    for n in range(80):
        socks.append(dial(server, 4096))
        socks[-1].sendall(says[n % 4])
    assert ask(server, "GET", down)[1] == b"x" * (4 << 20)
    juliet.sync()
    until(lambda: stat(server, "connections") == 0)
    assert not open_files(server)
    assert put(server, up, b"y" * 20000) == 201
