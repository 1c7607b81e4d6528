# SPDX-License-Identifier: MIT
"""Requests at the edges of RFC 9110 and 9112, each with the one status that it gets."""

import socket

import pytest
from h00_http import raw
from h06_http_hostile import statuses, stored, target
from h10_upload import ask, put, refused, slot
from kit import only_linnet

pytestmark = only_linnet("HTTP of ours")

CONFIG = {"modules": {"disco": {}, "http_upload": {"max-size": "8M", "daily": "off",
                                                   "keep-free": 0}}}
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


def head(line, *fields):
    return b"\r\n".join((line, *fields, b"", b""))


@pytest.mark.parametrize("line, status", [
    (b"GET / HTTP/1.1", 404), (b"GET / HTTP/1.0", 404), (b"GET / HTTP/1.2", 505),
    (b"GET / HTTP/2.0", 505), (b"GET / HTTP/0.9", 505), (b"GET / HTTP/1.10", 505),
    (b"GET / http/1.1", 400), (b"GET /", 505), (b"GET  / HTTP/1.1", 400),
    (b"GET / HTTP/1.1 ", 505), (b"GET\t/ HTTP/1.1", 501), (b" GET / HTTP/1.1", 400),
    (b"get / HTTP/1.1", 400), (b"GETX / HTTP/1.1", 501), (b"PATCH / HTTP/1.1", 501),
    (b"TRACE / HTTP/1.1", 501), (b"CONNECT a:443 HTTP/1.1", 501), (b"PROPFIND / HTTP/1.1", 501),
    (b"GET a HTTP/1.1", 400), (b"GET * HTTP/1.1", 400), (b"OPTIONS * HTTP/1.1", 404),
    (b"GET http://a/ HTTP/1.1", 404), (b"GET HTTPS://A:5/ HTTP/1.1", 404),
    (b"GET http:/// HTTP/1.1", 400), (b"GET ftp://a/ HTTP/1.1", 400),
    (b"GET /a#b HTTP/1.1", 400), (b"GET /?#b HTTP/1.1", 400), (b"GET /\xff HTTP/1.1", 400), (b"GET /%zz HTTP/1.1", 400),
    (b"GET /" + b"x" * 5000 + b" HTTP/1.1", 414), (b"GET /?" + b"x" * 5000 + b" HTTP/1.1", 414)])
def test_first_line(server, line, status):
    assert statuses(raw(server, head(line, b"Host: a"))) == [status]


@pytest.mark.parametrize("fields, status", [
    ([], 400), ([b"Host: a", b"Host: a"], 400), ([b"Host:"], 404), ([b"Host: a:80"], 404),
    ([b"Host: [::1]:80"], 404), ([b"Host: a b"], 400), ([b"Host: a/b"], 400),
    ([b"Host: a:80x"], 400), ([b"Host: a@b"], 400), ([b"Host: a", b"X"], 400),
    ([b"Host: a", b": x"], 400), ([b"Host: a", b"X y: z"], 400), ([b"Host : a"], 400),
    ([b"Host: a", b" X: folded"], 400), ([b"Host: a", b"X: " + b"y" * 17000], 431),
    ([b"Host: a"] + [b"X: y"] * 64, 431), ([b"Host: a", b"Upgrade: h2c"], 404),
    ([b"Host: a", b"X-HTTP-Method-Override: PUT"], 404),
    ([b"Host: a", b"Expect: 100-continue"], 404), ([b"Host: a", b"Expect: tea"], 417)])
def test_fields(server, fields, status):
    assert statuses(raw(server, head(b"GET / HTTP/1.1", *fields))) == [status]


@pytest.mark.parametrize("length, status", [
    (b"+5", 400), (b"-5", 400), (b"0x5", 400), (b"5 5", 400), (b"", 400), (b"5,5", 400),
    (b"5;", 400), (b"\x0b5", 400), (b"99999999999999999999", 400), (b"5.0", 400)])
def test_lengths(server, length, status):
    """One reading of it, or none; what is behind is nobody's request."""
    got = raw(server, head(b"PUT /x HTTP/1.1", b"Host: a", b"Content-Length: " + length)
              + b"hello" + NEXT)
    assert statuses(got) == [status] and b"Connection: close" in got


@pytest.mark.parametrize("coding, version, status", [
    (b"identity", b"1.1", 501), (b"chunked, chunked", b"1.1", 501), (b"chunked;q=1", b"1.1", 501),
    (b"", b"1.1", 501), (b"chunkedx", b"1.1", 501), (b"\"chunked\"", b"1.1", 501),
    (b"chunked", b"1.0", 400), (b"Chunked", b"1.1", 411), (b"\tchunked\t", b"1.1", 411)])
def test_codings(server, juliet, coding, version, status):
    """An upload says how long it is (411), or is not understood at all."""
    up, _ = slot(juliet, size=5)
    got = raw(server, head(b"PUT " + target(up) + b" HTTP/" + version, b"Host: a",
                           b"Transfer-Encoding: " + coding) + b"5\r\nhello\r\n0\r\n\r\n" + NEXT)
    assert statuses(got) == [status]
    assert put(server, up) == 201


@pytest.mark.parametrize("text", [b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost: a\n\n",
                                  b"GET / HTTP/1.1\nHost: a\r\n"])
def test_lines_that_end_in_lf(server, text):
    """They are no lines: the head ends where the next one's does, and is refused."""
    assert statuses(raw(server, text + NEXT)) == [400]


@pytest.mark.parametrize("method, status, allowed", [
    ("POST", 405, True), ("DELETE", 405, True), ("OPTIONS", 204, None), ("HEAD", 404, None),
    ("GET", 404, None), ("PUT", 403, None), ("PATCH", 501, None)])
def test_methods_of_unknown_files(server, juliet, method, status, allowed):
    got, body, answer = ask(server, method, "https://a/upload/" + "A" * 24 + "/x",
                            b"" if method in ("POST", "PUT") else None)
    assert got == status
    assert not allowed or answer.getheader("Allow") == "GET, HEAD, PUT, OPTIONS"
    assert method != "HEAD" or body == b""


@pytest.mark.parametrize("path", [
    "", "x", "A" * 23, "A" * 25, "A" * 23 + ".", "A" * 23 + "%41/..", "A" * 24, "A" * 24 + "/x/y"])
def test_ids_that_are_none(server, path):
    assert ask(server, "GET", "https://a/upload/" + path)[0] == (400 if ".." in path else 404)


def test_keys(server, juliet):
    """All of the query is the key; of a slot it is that slot's."""
    up, _ = slot(juliet)
    other, _ = slot(juliet)
    key = up.split("?k=")[1]
    for query in ("", "?", "?k=", "?k=" + key[:-1], "?k=" + key + "A", "?k=" + key + "&x=1",
                  "?x=1&k=" + key, "?K=" + key, "?k=" + other.split("?k=")[1], "?k=%41" + key[1:]):
        assert put(server, up.split("?")[0] + query) == 403, query
    assert put(server, up) == 201


@pytest.mark.parametrize("expected", [b"100-continue", b"100-Continue"])
def test_waits_to_be_told(server, juliet, expected):
    """100 comes before 201 where the body is wanted, and never where it is not."""
    up, _ = slot(juliet, size=5)
    fields = [b"Host: a", b"Content-Length: 5", b"Expect: " + expected]
    with socket.create_connection(("127.0.0.1", server.ports["http"]), 20) as sock:
        sock.sendall(head(b"PUT " + target(up) + b" HTTP/1.1", *fields))
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        assert statuses(sock.recv(65536)) == [201]
    answer = raw(server, head(b"PUT " + target(up) + b" HTTP/1.1", *fields))
    assert statuses(answer) == [403]
    answer = raw(server, head(b"PUT " + target(up) + b" HTTP/1.1", b"Host: a",
                              b"Transfer-Encoding: chunked", b"Expect: " + expected))
    assert statuses(answer) == [403]


def test_puts_behind_each_other(server, juliet):
    """Pipelined: two bodies, each of its own; the one that is refused is the last."""
    (one, first), (two, second) = slot(juliet), slot(juliet)

    def request(url, body):
        return head(b"PUT " + target(url) + b" HTTP/1.1", b"Host: a",
                    b"Content-Length: %d" % len(body)) + body

    answer = raw(server, request(one, b"hello") + request(two, b"world") + request(one, b"again")
                 + NEXT)
    assert statuses(answer) == [201, 201, 403]
    assert [ask(server, "GET", url)[1] for url in (first, second)] == [b"hello", b"world"]


@pytest.mark.parametrize("range_, status", [
    ("bytes=0-18446744073709551616", 206), ("bytes=0-9223372036854775807", 206),
    ("bytes=9223372036854775807-", 416), ("bytes=-9223372036854775807", 206),
    ("bytes=0-4,3-9", 200), ("bytes=0-0,-1", 200), ("bytes=", 200), ("bytes=-", 200),
    ("bytes=--1", 200), ("bytes=1-0-", 200), ("bytes =0-1", 200), ("bytes= 0-1", 200),
    ("Bytes=0-1", 206), ("bytes=0-9", 206), ("bytes=9-9", 206), ("bytes=10-10", 416)])
def test_ranges(server, juliet, range_, status):
    """What is no range of ours asks for all of it; nothing overflows."""
    down = stored(server, juliet)
    got, body, answer = ask(server, "GET", down, Range=range_)
    assert got == status
    if status == 206:
        assert answer.getheader("Content-Range").endswith("/10")
        assert int(answer.getheader("Content-Length")) == len(body)
    elif status == 200:
        assert body == b"0123456789" and answer.getheader("Content-Range") is None


def test_ranges_are_of_get(server, juliet):
    down = stored(server, juliet)
    assert ask(server, "HEAD", down, Range="bytes=0-1")[2].getheader("Content-Length") == "10"
    etag = ask(server, "HEAD", down)[2].getheader("ETag")
    assert ask(server, "GET", down, Range="bytes=0-1", If_Range="W/" + etag)[0] == 200


@pytest.mark.parametrize("what", [
    {"name": "a&#13;&#10;X: y"}, {"name": "a&#9;b"}, {"name": "a&#127;"}, {"name": "a\\b"},
    {"kind": "text/plain&#13;&#10;X: y"}, {"kind": "text/plain&#127;"}, {"kind": "/"},
    {"kind": "text/é"}, {"kind": "text/" + "x" * 130}])
def test_slots_that_would_be_headers(juliet, what):
    refused(juliet, "bad-request", "modify", **what)
