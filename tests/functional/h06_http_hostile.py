# SPDX-License-Identifier: MIT
"""HTTP as attackers speak it: smuggling, slow clients, paths and names that lead elsewhere."""

import re
import socket
import time
import urllib.parse

import pytest
from h00_http import raw
from h10_upload import ask, put, slot
from kit import only_linnet

pytestmark = only_linnet("HTTP of ours")

CONFIG = {"modules": {"disco": {}, "http_upload": {"max-size": "8M", "daily": "off",
                                                   "keep-free": 0}}}
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def statuses(answer):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


def target(url):
    parts = urllib.parse.urlsplit(url)
    return (parts.path + ("?" + parts.query if parts.query else "")).encode()


def stored(server, client, body=b"0123456789", name="a.txt"):
    up, down = slot(client, name=name, size=len(body))
    assert put(server, up, body) == 201
    return down


@pytest.mark.parametrize("head", [
    b"Content-Length: 0\r\nTransfer-Encoding: chunked", b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5, 5", b"Content-Length: 5\r\n Transfer-Encoding: chunked",
    b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"X: \0", b"X: a\nY: b",
    b"X: a\rContent-Length: 5", b"\0: x", b"Content-Length: 5\x00"])
def test_two_ways_to_read_it(server, head):
    """One answer, and the connection ends: nobody's request is behind it."""
    answer = raw(server, b"POST /x HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n0\r\n\r\n" + NEXT)
    assert statuses(answer) == [400]


@pytest.mark.parametrize("head", [b"Transfer-Encoding: gzip, chunked",
                                  b"Transfer-Encoding: chunked, identity",
                                  b"Transfer-Encoding: xchunked"])
def test_codings_that_are_not_known(server, head):
    assert statuses(raw(server, b"POST /x HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + NEXT)) \
        == [501]


def test_a_body_that_nobody_reads(server):
    """Its bytes are no request."""
    for method in (b"GET", b"POST", b"OPTIONS"):
        head = method + b" /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(NEXT)
        assert statuses(raw(server, head + NEXT)) == [404]


def test_lines_that_end_in_lf(server):
    """They are no lines; nothing after them is looked at."""
    answer = raw(server, b"GET / HTTP/1.1\nHost: a\n\n" + NEXT)
    assert statuses(answer) in ([400], [])


@pytest.mark.parametrize("path", [
    b"/upload/../../etc/passwd", b"/upload/%2e%2e/%2e%2e/etc/passwd", b"/upload/..%2f..%2fetc",
    b"/upload/%c0%ae%c0%ae/x", b"/upload/%00", b"/upload//etc/passwd", b"/upload/..\\..\\x",
    b"/upload/%5c..%5cx", b"/upload/%e0%80%ae", b"/%2e/x", b"/upload/AAAA%0d%0aX:%20y"])
def test_paths_that_lead_elsewhere(server, path):
    assert statuses(raw(server, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")) == [400]


@pytest.mark.parametrize("name, disposed", [
    ("a&quot;b.txt", "a%22b.txt"), ("a;filename=x.exe", "a%3Bfilename%3Dx.exe"),
    ("a b%.txt", "a%20b%25.txt"), ("\u202etxt.exe", "%E2%80%AEtxt.exe"),
    ("a%0d%0aX: y.txt", "a%250d%250aX%3A%20y.txt"), ("x" * 251 + ".txt", "x" * 251 + ".txt")])
def test_names_that_would_be_headers(server, juliet, name, disposed):
    down = stored(server, juliet, name=name)
    answer = ask(server, "GET", down)[2]
    assert answer.getheader("Content-Disposition") == "inline; filename*=UTF-8''" + disposed
    assert answer.getheader("X") is None


@pytest.mark.parametrize("kind, shown", [
    ("image/svg+xml", "attachment"), ("text/html", "attachment"), ("TEXT/HTML", "attachment"),
    ("application/xhtml+xml", "attachment"), ("text/xml", "attachment"), ("image/png", "inline")])
def test_types_that_run(server, juliet, kind, shown):
    up, down = slot(juliet, name="x", size=5, kind=kind)
    assert put(server, up, Content_Type=kind) == 201
    answer = ask(server, "GET", down)[2]
    assert answer.getheader("Content-Disposition").startswith(shown + ";")
    assert "sandbox" in answer.getheader("Content-Security-Policy")
    assert answer.getheader("X-Content-Type-Options") == "nosniff"


@pytest.mark.parametrize("range_, status, body", [
    ("bytes=0-0", 206, b"0"), ("bytes=8-", 206, b"89"), ("bytes=8-99", 206, b"89"),
    ("bytes=-3", 206, b"789"), ("bytes=-99", 206, b"0123456789"), ("bytes=-0", 416, None),
    ("bytes=10-", 416, None), ("bytes=10-12", 416, None), ("bytes=5-2", 200, b"0123456789"),
    ("bytes=0-1,2-3", 200, b"0123456789"), ("bytes=" + "0-,1-," * 500, 200, b"0123456789"),
    ("bytes=x", 200, b"0123456789"), ("lines=0-1", 200, b"0123456789"),
    ("bytes=99999999999999999999-", 416, None)])
def test_ranges(server, juliet, range_, status, body):
    """Many parts are answered whole: nothing is multiplied."""
    down = stored(server, juliet)
    got, answer, headers = ask(server, "GET", down, Range=range_)
    assert got == status and body in (answer, None)
    if status == 416:
        assert headers.getheader("Content-Range") == "bytes */10"


def test_conditions(server, juliet):
    """RFC 9110 §13."""
    down = stored(server, juliet)
    first = ask(server, "GET", down)[2]
    etag, modified = first.getheader("ETag"), first.getheader("Last-Modified")
    old, future = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    for status, headers in (
            (304, {"If_None_Match": etag}), (304, {"If_None_Match": f'"x", W/{etag}'}),
            (304, {"If_None_Match": "*"}), (200, {"If_None_Match": '"x"'}),
            (200, {"If_None_Match": '"x"', "If_Modified_Since": modified}),
            (304, {"If_Modified_Since": modified}), (304, {"If_Modified_Since": future}),
            (200, {"If_Modified_Since": old}), (200, {"If_Modified_Since": "yesterday"}),
            (412, {"If_Unmodified_Since": old}), (200, {"If_Unmodified_Since": modified}),
            (412, {"If_Match": '"x"'}), (200, {"If_Match": etag}), (200, {"If_Match": "*"}),
            (206, {"Range": "bytes=1-2", "If_Range": etag}),
            (206, {"Range": "bytes=1-2", "If_Range": modified}),
            (200, {"Range": "bytes=1-2", "If_Range": '"x"'}),
            (200, {"Range": "bytes=1-2", "If_Range": old})):
        assert ask(server, "GET", down, **headers)[0] == status, headers


def test_head_is_what_get_says(server, juliet):
    down = stored(server, juliet)
    for path in (down, "https://a/nothing"):
        get, head = ask(server, "GET", path)[2], ask(server, "HEAD", path)
        assert head[1] == b""
        assert {k: v for k, v in get.getheaders() if k != "Date"} == \
            {k: v for k, v in head[2].getheaders() if k != "Date"}


def test_refused_before_the_body(server, juliet):
    """Expect: 100-continue: the client is told before it sends what nobody wants."""
    up, _ = slot(juliet, size=5)
    for path, length, status in ((target(up), 6, b"413"), (target(up)[:-1] + b"!", 5, b"403"),
                                 (b"/nothing", 5, b"404")):
        with socket.create_connection(("127.0.0.1", server.ports["http"]), 20) as sock:
            sock.sendall(b"PUT " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n"
                         b"Expect: 100-continue\r\n\r\n" % length)
            answer = sock.recv(65536)
        assert answer.startswith(b"HTTP/1.1 " + status) and b"Connection: close" in answer
    assert put(server, up) == 201


def test_a_put_and_more_behind_it(server, juliet):
    """Pipelined: each is answered in turn, the body is the first's alone."""
    up, down = slot(juliet, size=5)
    get = b"GET " + target(down) + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = raw(server, b"PUT " + target(up) + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                 b"\r\nhello" + get + b"HEAD " + get[4:] + get)
    assert statuses(answer) == [201, 200, 200, 200]
    assert answer.count(b"\r\n\r\nhello") == 2


def test_two_puts_at_once(server, juliet):
    """One of them is stored, whole."""
    up, down = slot(juliet, size=100000)
    socks = []
    for fill in b"ab":
        sock = socket.create_connection(("127.0.0.1", server.ports["http"]), 20)
        sock.sendall(b"PUT " + target(up) + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n"
                     b"Connection: close\r\n\r\n" + bytes([fill]) * 50000)
        socks.append((sock, bytes([fill]) * 50000))
    for sock, rest in socks:
        try:
            sock.sendall(rest)
        except ConnectionError:
            pass
    got = sorted(statuses(b"".join(iter(lambda sock=sock: sock.recv(65536), b"")))[0]
                 for sock, _ in socks)
    assert got[0] == 201 and got[1] in (403, 409, 500)
    assert ask(server, "GET", down)[1] in (b"a" * 100000, b"b" * 100000)


def test_forwarded_by_nobody(server):
    """Who is not a trusted proxy names himself alone."""
    raw(server, b"GET /forged HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.7\r\n"
                b"X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n")
    deadline = time.monotonic() + 10
    while "path=/forged" not in server.log():
        assert time.monotonic() < deadline
    line = next(x for x in server.log().splitlines() if "path=/forged" in x)
    assert "client=127.0.0.1 " in line


def test_who_does_not_read(server, juliet):
    """An answer waits for its client; everybody else is served."""
    down = stored(server, juliet, b"x" * (4 << 20))
    get = b"GET " + target(down) + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", server.ports["http"]), 20) for _ in range(20)]
    for sock in slow:
        sock.sendall(get)
    assert ask(server, "GET", down)[1] == b"x" * (4 << 20)
    for sock in slow:
        sock.close()
    juliet.sync()


def test_heads_that_do_not_end(server, juliet):
    """They hold nothing up, and do not last."""
    slow = [socket.create_connection(("127.0.0.1", server.ports["http"]), 30) for _ in range(50)]
    for sock in slow:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
    assert ask(server, "GET", "https://a/")[0] == 404
    juliet.sync()
    assert statuses(raw(server, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 65 + b"Host: a\r\n\r\n")) \
        == [431]
    for sock in slow:
        sock.close()
