# SPDX-License-Identifier: MIT
"""Uploads and the disk: synced before 201, nothing left of what fails, full disks, memory."""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import socket
import sqlite3
import subprocess

import pytest
from h06_http_hostile import stored, target
from h07_http_slow import open_files, parts, put_head, rest
from h10_upload import ask, put, rows, service, slot
from h11_upload_purpose import ephemeral, files
from kit import only_linnet, until
from kit.server import build_file

pytestmark = only_linnet("options of ours")

MIB = 1 << 20
CONFIG = {"modules": {"disco": {}, "http_upload": {"max-size": "1G", "daily": "off",
                                                   "keep-free": 0}}}


def with_uploads(**options):
    return {"modules": {"disco": {}, "http_upload": CONFIG["modules"]["http_upload"] | options}}


def sanitized():
    """A build whose memory and system calls are not its own."""
    return b"__sanitizer" in pathlib.Path(build_file("linnetd", "LINNETD")).read_bytes()


def begin(server, url, length, body):
    """A PUT that has written some of its body."""
    sock = socket.create_connection(("127.0.0.1", server.ports["http"]), 20)
    sock.sendall(put_head(url, length) + body)
    until(lambda: parts(server) and parts(server)[0].stat().st_size > 0)
    return sock


def nothing_left(server):
    return not parts(server) and not open_files(server)


# --- before 201 -------------------------------------------------------------------------------

@contextlib.contextmanager
def traced(server, calls):
    """Yields a function that ends the trace and returns its lines."""
    out = server.folder / "trace"
    strace = shutil.which("strace")
    if strace is None or sanitized():
        pytest.skip("nobody can trace it")
    tracer = subprocess.Popen([strace, "-f", "-y", "-s", "80", "-e", f"trace={calls}", "-o", out,
                               "-p", str(server.process.pid)], stderr=subprocess.PIPE, text=True)
    try:
        for line in tracer.stderr:
            if "attached" in line:
                break
        else:
            pytest.skip("nobody may trace it")

        def lines():
            tracer.terminate()
            tracer.stderr.read()
            tracer.wait()
            return out.read_text(errors="replace").splitlines()

        yield lines
    finally:
        tracer.kill()
        tracer.wait()
        tracer.stderr.close()


def test_synced_before_201(server, juliet):
    """The file, then its name, then the record: only then is it said to be there."""
    up, down = slot(juliet, size=300000)
    with traced(server, "fsync,fdatasync,link,linkat,write,writev,sendto,sendmsg") as lines:
        assert put(server, up, b"x" * 300000) == 201
        trace = lines()
    ident = down.split("/")[4]
    steps = [rf"fsync\(\d+<[^>]*/{ident}\.part>", rf"link(at)?\(.*/{ident}\"",
             rf"fsync\(\d+<[^>]*/http_upload/{re.escape(ident[0])}>",
             r"f(data)?sync\(\d+<[^>]*/linnet\.db", r"HTTP/1\.1 201 "]
    at = -1
    for step in steps:
        found = [n for n, line in enumerate(trace) if n > at and re.search(step, line)]
        assert found, f"no {step} behind line {at} of\n" + "\n".join(trace)
        at = found[0]
    first = next(n for n, line in enumerate(trace) if "HTTP/1.1 201 " in line)
    assert first == at


# --- what does not come to its end ------------------------------------------------------------

@pytest.mark.parametrize("length", [1, 100000, 2 * MIB])
def test_broken_off(server, juliet, length):
    """Wherever it breaks, no file is left, and nobody fetches half of one."""
    up, down = slot(juliet, size=3 * MIB)
    sock = socket.create_connection(("127.0.0.1", server.ports["http"]), 20)
    sock.sendall(put_head(up, 3 * MIB) + b"x" * length)
    until(lambda: parts(server))
    assert ask(server, "GET", down)[0] == 404
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")     # a reset
    sock.close()
    until(lambda: nothing_left(server))
    assert put(server, up, b"y" * (3 * MIB)) == 201
    assert ask(server, "GET", down)[1] == b"y" * (3 * MIB)


def test_shut_down_in_the_middle(server, juliet):
    """Half a body and an end are no body."""
    up, down = slot(juliet, size=20000)
    sock = socket.create_connection(("127.0.0.1", server.ports["http"]), 20)
    sock.sendall(put_head(up, 20000) + b"x" * 10000)
    sock.shutdown(socket.SHUT_WR)
    assert rest(sock) == b""
    until(lambda: nothing_left(server))
    assert ask(server, "GET", down)[0] == 404


def test_killed_in_the_middle(servers):
    """What a crash leaves of an upload is begun anew by the next try."""
    server = servers(CONFIG)
    juliet = server.client("juliet")
    up, down = slot(juliet, size=2 * MIB)
    sock = begin(server, up, 2 * MIB, b"x" * MIB)
    server.kill()
    sock.close()
    assert parts(server)
    server.start()
    assert put(server, up, b"y" * (2 * MIB)) == 201
    assert nothing_left(server)
    assert ask(server, "GET", down)[1] == b"y" * (2 * MIB)


def test_one_at_a_time(server, juliet):
    """Whoever comes while it is being put is told so, and does no harm."""
    up, down = slot(juliet, size=2 * MIB)
    sock = begin(server, up, 2 * MIB, b"x" * MIB)
    assert put(server, up, b"y" * (2 * MIB)) == 409
    sock.sendall(b"x" * MIB)
    assert sock.recv(65536).startswith(b"HTTP/1.1 201 ")
    assert ask(server, "GET", down)[1] == b"x" * (2 * MIB)
    assert put(server, up, b"y" * (2 * MIB)) == 403
    sock.close()


# --- no room ----------------------------------------------------------------------------------

def test_keep_free(servers):
    """What has to stay free on the disk is asked for before a byte is written."""
    server = servers(with_uploads(**{"keep-free": "1023T"}))
    juliet = server.client("juliet")
    up, down = slot(juliet, size=5)
    assert put(server, up) == 507
    until(lambda: "no room on the disk for uploads" in server.log())
    assert ask(server, "GET", down)[0] == 404 and nothing_left(server)
    server.reload(with_uploads())
    assert put(server, up) == 201


def test_file_that_may_not_grow(servers):
    """A limit of the system's: said, and survived."""
    server = servers(CONFIG)
    juliet = server.client("juliet")
    up, down = slot(juliet, size=9 * MIB)
    pid, kind = server.process.pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (8 * MIB, before[1]))
    assert put(server, up, b"x" * (9 * MIB)) == 507
    until(lambda: nothing_left(server))
    resource.prlimit(pid, kind, before)
    assert put(server, up, b"x" * (9 * MIB)) == 201
    assert len(ask(server, "GET", down)[1]) == 9 * MIB


@pytest.fixture
def small_disk(servers):
    """A server whose uploads have 4 MiB."""
    server = servers(CONFIG, start=False)
    folder = server.folder / "data" / "http_upload"
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder],
                      capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield server.start()
        server.stop()
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_disk_full_in_the_middle(small_disk):
    """507; what was written is given back, and everybody else is served."""
    server = small_disk
    juliet = server.client("juliet")
    kept = stored(server, juliet, b"k" * MIB)
    large, down = slot(juliet, size=5 * MIB)
    assert put(server, large, b"x" * (5 * MIB)) == 507
    assert ask(server, "GET", down)[0] == 404
    until(lambda: nothing_left(server))
    assert ask(server, "GET", kept)[1] == b"k" * MIB
    again = stored(server, juliet, b"y" * (2 * MIB))
    assert ask(server, "GET", again)[1] == b"y" * (2 * MIB)
    juliet.sync()


def test_after_reloads(servers):
    """Files go where they went, and those that are there are found."""
    server = servers(CONFIG)
    juliet = server.client("juliet")
    before = stored(server, juliet)
    for n in range(6):
        server.reload(with_uploads(keep=f"{n + 2}d"))
    after = stored(server, juliet)
    assert files(server) == {url.split("/")[4] for url in (before, after)}
    assert [ask(server, "GET", url)[0] for url in (before, after)] == [200, 200]


# --- the end of files -------------------------------------------------------------------------

def wait_days(server, days):
    """As if they had passed since what is stored was stored."""
    server.kill()
    with contextlib.closing(sqlite3.connect(server.folder / "data" / "linnet.db")) as db, db:
        db.execute("UPDATE http_upload_file SET created = created - ?1, expires = CASE expires"
                   " WHEN 9223372036854775807 THEN expires ELSE expires - ?1 END",
                   [days * 86400 * 1000])
    server.start()


def test_expired(servers):
    """It is no longer there from the moment on; then file and record are deleted."""
    server = servers(with_uploads(keep="2d"))
    juliet = server.client("juliet")
    old = stored(server, juliet)
    waiting, _ = slot(juliet, size=5)
    wait_days(server, 1)
    juliet = juliet.another("later")
    young = stored(server, juliet)
    assert ask(server, "GET", old)[0] == 200
    assert put(server, waiting) == 403      # a slot has five minutes
    wait_days(server, 1.5)
    assert ask(server, "GET", old)[0] == 404
    assert ask(server, "GET", young)[0] == 200
    until(lambda: files(server) == {young.split("/")[4]})
    until(lambda: [r["id"] for r in rows(server, "upload", "list", service(juliet))] ==
          [young.split("/")[4]])


def test_ephemeral(servers):
    """XEP-0363 §5, example 9: gone when the client says, though messages are kept longer."""
    server = servers(with_uploads(keep="30d"))
    juliet = server.client("juliet")
    up, down = slot(juliet, size=5, more=ephemeral(86400))
    assert put(server, up) == 201
    plain = stored(server, juliet)
    age = ask(server, "GET", down)[2].getheader("Cache-Control")
    assert 0 < int(re.search(r"max-age=(\d+)", age)[1]) <= 86400
    wait_days(server, 1)
    assert ask(server, "GET", down)[0] == 404
    assert ask(server, "GET", plain)[0] == 200
    until(lambda: down.split("/")[4] not in files(server))


# --- memory -----------------------------------------------------------------------------------

def resident(server, what="VmRSS"):
    """KiB."""
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(what + r":\s+(\d+)", text)[1])


def high_water(server):
    """From now on VmHWM says what the most was."""
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    return resident(server)


@pytest.mark.skipif(sanitized(), reason="memory is the sanitizer's")
def test_memory_of_long_files(server, juliet):
    """128 MiB pass both ways, and to eight at once, through a few blocks for each."""
    length, block = 128 * MIB, os.urandom(MIB)
    up, down = slot(juliet, size=length)
    stored(server, juliet, b"x" * MIB)      # what the first file costs is no growth
    before = high_water(server)
    sock = socket.create_connection(("127.0.0.1", server.ports["http"]), 20)
    sock.sendall(put_head(up, length))
    for _ in range(128):
        sock.sendall(block)
    assert sock.recv(65536).startswith(b"HTTP/1.1 201 ")
    sock.close()
    assert resident(server, "VmHWM") - before < 4 * 1024
    before = high_water(server)
    get = b"GET " + target(down) + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    socks = [socket.create_connection(("127.0.0.1", server.ports["http"]), 20) for _ in range(8)]
    for sock in socks:
        sock.sendall(get)
    first = socks.pop()
    assert sum(len(p) for p in iter(lambda: first.recv(MIB), b"")) > length
    assert resident(server, "VmHWM") - before < 8 * 2048
    for sock in socks:
        sock.close()
