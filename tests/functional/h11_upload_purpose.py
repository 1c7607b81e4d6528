# SPDX-License-Identifier: MIT
"""What an upload is for (XEP-0363 §5): how long it stays, and the quotas of each purpose."""

import datetime
import re
import socket
import time
import urllib.parse

import pytest
from h10_upload import NS, ask, put, refused, request, rows, service, slot
from kit import only_linnet, until

pytestmark = only_linnet("options of ours")

PURPOSE = "urn:xmpp:http:upload:purpose:0"
CONFIG = {"modules": {"disco": {}, "http_upload": {
    "max-size": "64k", "daily": "1M", "keep-free": 0,
    "profile": {"max-size": "1k", "quota": "2k"},
    "permanent": {"max-size": "2k", "quota": "3k"}}}}


def purpose(name, **attrs):
    attrs = "".join(f" {k.replace('_', '-')}='{v}'" for k, v in attrs.items())
    return f"<{name} xmlns='{PURPOSE}'{attrs}/>"


def stamp(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def ephemeral(seconds):
    return purpose("ephemeral", expire_before=stamp(seconds))


def store(server, client, more="", size=5):
    up, down = slot(client, size=size, more=more)
    assert put(server, up, b"x" * size) == 201
    return down


def features(client):
    info = client.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", service(client))[0]
    return {f.get("var").partition("#")[2] for f in info if (f.get("var") or "")
            .startswith(PURPOSE + "#")}


def row(server, client, down):
    ident = down.split("/")[4]
    return next(r for r in rows(server, "upload", "list", service(client), client.bare)
                if r["id"] == ident)


def test_announced(juliet):
    assert features(juliet) == {"message", "profile", "ephemeral", "permanent"}


@pytest.mark.parametrize("name", ["message", "profile", "permanent"])
def test_stored(server, juliet, name):
    """Examples 7, 8 and 10."""
    down = store(server, juliet, purpose(name))
    assert ask(server, "GET", down)[1] == b"xxxxx"
    got = row(server, juliet, down)
    assert got["purpose"] == name and bool(got["expires"]) == (name == "message")


def test_message_is_the_default(server, juliet):
    assert row(server, juliet, store(server, juliet))["purpose"] == "message"


def test_ephemeral(server, juliet):
    """Example 9: it has the end that the client gives it; h12_upload_disk.py sees it come."""
    down = store(server, juliet, ephemeral(3600))
    status, body, answer = ask(server, "GET", down)
    assert (status, body) == (200, b"xxxxx")
    assert 0 < int(re.search(r"max-age=(\d+)", answer.getheader("Cache-Control"))[1]) <= 3600
    assert row(server, juliet, down)["expires"] <= stamp(3600)


def test_ephemeral_is_not_longer_than_a_message(server, juliet):
    long, plain = store(server, juliet, ephemeral(10 * 365 * 86400)), store(server, juliet)
    assert row(server, juliet, long)["expires"][:10] == row(server, juliet, plain)["expires"][:10]


def test_bad_requests(juliet):
    for more, condition in ((purpose("ephemeral"), "bad-request"),
                            (purpose("ephemeral", expire_before="tomorrow"), "bad-request"),
                            (purpose("message") + purpose("profile"), "bad-request"),
                            (ephemeral(-60), "not-acceptable")):
        refused(juliet, condition, "modify", more=more)
    refused(juliet, "feature-not-implemented", "cancel", more=purpose("decoration"))


def test_sizes(juliet):
    """A purpose has its longest file."""
    error = refused(juliet, "not-acceptable", "modify", size=1025, more=purpose("profile"))
    assert error.find(f".//{{{NS}}}max-file-size").text == "1024"
    slot(juliet, size=1025)


def test_the_oldest_of_a_profile_goes(server, juliet, romeo):
    """As many as are over the quota, before 201 is said: of the owner and of the purpose alone."""
    message, his = store(server, juliet, size=1000), store(server, romeo, purpose("profile"), 1000)
    urls = [store(server, juliet, purpose("profile"), 1000) for _ in range(4)]
    assert [ask(server, "GET", url)[0] for url in urls] == [404, 404, 200, 200]
    large = store(server, juliet, purpose("profile"), 1024)
    assert [ask(server, "GET", url)[0] for url in urls] == [404, 404, 404, 200]
    assert [ask(server, "GET", url)[0] for url in (message, his, large)] == [200] * 3
    names = {url.split("/")[4] for url in urls[:3]}
    until(lambda: not names & files(server))
    listed = rows(server, "upload", "list", service(juliet), juliet.bare)
    assert not names & {r["id"] for r in listed}


def test_the_newest_of_a_profile_stays(servers):
    """A quota that has become smaller takes the old ones when the next is put, never that one."""
    server = servers(with_profile(**{"max-size": "1k", "quota": "4k"}))
    juliet = server.client("juliet")
    urls = [store(server, juliet, purpose("profile"), 1000) for _ in range(3)]
    server.reload(with_profile(**{"max-size": "1k", "quota": "1k"}))
    assert [ask(server, "GET", url)[0] for url in urls] == [200] * 3
    last = store(server, juliet, purpose("profile"), 1024)
    assert [ask(server, "GET", url)[0] for url in (*urls, last)] == [404, 404, 404, 200]


def with_profile(**options):
    return {"modules": {"disco": {}, "http_upload": {"keep-free": 0, "profile": options}}}


def test_what_is_kept_for_good(server, juliet, romeo):
    store(server, juliet, purpose("permanent"), 2000)
    error = refused(juliet, "resource-constraint", "wait", size=2000, more=purpose("permanent"))
    assert error.find(f".//{{{NS}}}retry") is None
    slot(juliet, size=2000)
    slot(romeo, size=2000, more=purpose("permanent"))


def test_not_offered(servers):
    server = servers({"modules": {"disco": {}, "http_upload": {"profile": {"quota": 0}}}})
    juliet = server.client("juliet")
    assert features(juliet) == {"message", "ephemeral"}
    for name in ("profile", "permanent"):
        refused(juliet, "feature-not-implemented", "cancel", more=purpose(name))


def files(server):
    return {p.name for p in (server.folder / "data" / "http_upload").glob("*/*")}


def test_gone_with_the_account(server, juliet, romeo):
    """At once, and they count for nothing."""
    mine, his = store(server, juliet), store(server, romeo)
    waiting, _ = slot(juliet)
    server.ctl("user", "del", juliet.bare)
    assert ask(server, "GET", mine)[0] == 404
    assert put(server, waiting) == 403
    assert ask(server, "GET", his)[0] == 200
    until(lambda: mine.split("/")[4] not in files(server))
    assert his.split("/")[4] in files(server)
    stats = rows(server, "upload", "stats", service(romeo))
    assert juliet.bare not in {r["owner"] for r in stats}


def test_account_is_deleted_while_its_file_comes(server, juliet):
    """What was half put is not there afterwards, and the client is told."""
    up, down = slot(juliet, size=5)
    parts = urllib.parse.urlsplit(up)
    with socket.create_connection(("127.0.0.1", server.ports["http"]), 20) as sock:
        sock.sendall(f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: a\r\n"
                     "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"he")
        server.ctl("user", "del", juliet.bare)
        sock.sendall(b"llo")
        assert not sock.recv(100).startswith(b"HTTP/1.1 2")
    assert ask(server, "GET", down)[0] == 404


def test_mistakes(servers):
    server = servers({"modules": {"http_upload": {"profile": {"max-size": "2M", "quota": "1M"}}}},
                     start=False)
    with pytest.raises(AssertionError, match=r"linnet\.yaml:\d+:\d+: .*`quota`"):
        server.start()
