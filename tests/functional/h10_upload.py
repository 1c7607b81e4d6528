# SPDX-License-Identifier: MIT
"""File upload (XEP-0363): slots and their limits, PUT once, GET as it should be, expiry."""

import http.client
import json
import re
import socket
import urllib.parse

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("HTTP of ours")

NS = "urn:xmpp:http:upload:0"
CONFIG = {"modules": {"disco": {}, "http_upload": {"max-size": "64k", "daily": "200k",
                                                    "keep-free": 0, "refuse": ["exe"]}}}


def service(client):
    return "upload." + client.domain


def request(name="a.txt", size=5, kind="text/plain", more=""):
    kind = f" content-type='{kind}'" if kind else ""
    return f"<request xmlns='{NS}' filename='{name}' size='{size}'{kind}>{more}</request>"


def slot(client, **what):
    got = client.get(request(**what), service(client))[0]
    return got.find(f"{{{NS}}}put").get("url"), got.find(f"{{{NS}}}get").get("url")


def refused(client, condition, error_type, **what):
    return client.refused("get", request(**what), condition, error_type, to=service(client))


def ask(server, method, url, body=None, **headers):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=20)
    target = parts.path + ("?" + parts.query if parts.query else "")
    connection.request(method, target, body=body,
                       headers={"Host": parts.hostname} | {k.replace("_", "-"): v
                                                           for k, v in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read(), answer


def put(server, url, body=b"hello", **headers):
    return ask(server, "PUT", url, body, **headers)[0]


def test_discovered(juliet):
    """§3, examples 1 to 4: among the host's items, with its identity and the longest file."""
    items = juliet.get("<query xmlns='http://jabber.org/protocol/disco#items'/>", juliet.domain)[0]
    assert service(juliet) in {item.get("jid") for item in items}
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", service(juliet))[0]
    identities = {(i.get("category"), i.get("type")) for i in info if i.tag.endswith("identity")}
    assert identities == {("store", "file")}
    assert NS in {f.get("var") for f in info}
    form = info.find("{jabber:x:data}x")
    values = {f.get("var"): f.findtext("{jabber:x:data}value") for f in form}
    assert values == {"FORM_TYPE": NS, "max-file-size": "65536"}


def test_put_and_get(server, juliet):
    """§4, examples 5 and 6; §7: 201 means that it can be fetched."""
    up, down = slot(juliet, name="très cool.txt")
    assert re.fullmatch(r"https://capulet\.example:5443/upload/[\w-]{24}/tr%C3%A8s%20cool\.txt",
                        down)
    assert ask(server, "GET", down)[0] == 404
    assert put(server, up, Content_Type="text/plain") == 201
    status, body, answer = ask(server, "GET", down)
    assert (status, body) == (200, b"hello")
    assert answer.getheader("Content-Type") == "text/plain"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
    assert answer.getheader("Content-Disposition") == \
        "inline; filename*=UTF-8''tr%C3%A8s%20cool.txt"
    assert answer.getheader("Access-Control-Allow-Origin") == "*"
    status, body, answer = ask(server, "HEAD", down)
    assert (status, body, answer.getheader("Content-Length")) == (200, b"", "5")
    status, body, answer = ask(server, "GET", down, Range="bytes=1-2")
    assert (status, body, answer.getheader("Content-Range")) == (206, b"el", "bytes 1-2/5")
    assert ask(server, "GET", down, If_None_Match=answer.getheader("ETag"))[0] == 304


def test_once(server, juliet):
    up, down = slot(juliet)
    assert put(server, up) == 201
    assert put(server, up, b"other") == 403
    assert ask(server, "GET", down)[1] == b"hello"


@pytest.mark.parametrize("body, status", [(b"hell", 400), (b"hello!", 413), (b"", 400)])
def test_another_size(server, juliet, body, status):
    """§6: MUST be the size of the slot; the slot can be used afterwards."""
    up, _ = slot(juliet)
    assert put(server, up, body) == status
    assert put(server, up) == 201


def test_another_type(server, juliet):
    up, _ = slot(juliet)
    assert put(server, up, Content_Type="text/html") == 415
    assert put(server, up, Content_Type="text/plain; charset=utf-8") == 201


def test_without_length(server, juliet):
    up, _ = slot(juliet)
    assert ask(server, "PUT", up, iter([b"hel", b"lo"]), Transfer_Encoding="chunked")[0] == 411


def test_a_script_is_not_shown(server, juliet):
    up, down = slot(juliet, name="x.html", kind="text/html")
    assert put(server, up, Content_Type="text/html") == 201
    assert ask(server, "GET", down)[2].getheader("Content-Disposition").startswith("attachment")


def test_without_a_slot(server, juliet):
    up, down = slot(juliet)
    assert put(server, down) == 403
    assert put(server, re.sub("k=.*", "k=" + "A" * 24, up)) == 403
    assert put(server, re.sub("/upload/[^/]*", "/upload/" + "A" * 24, up)) == 403
    for path in ("/upload/", "/upload/x/y", "/upload/../x", "/upload/%2e%2e/x",
                 "/upload/" + "A" * 24 + "%2fx", "/upload/" + "." * 24 + "/x"):
        assert ask(server, "GET", "https://a" + path)[0] in (400, 404)
    assert put(server, up) == 201


def test_cors(server, juliet):
    up, _ = slot(juliet)
    status, _, answer = ask(server, "OPTIONS", up)
    assert status == 204 and "PUT" in answer.getheader("Access-Control-Allow-Methods")
    assert ask(server, "DELETE", up)[0] == 405


def test_broken_off(server, juliet):
    """The slot is there for another try."""
    up, down = slot(juliet)
    parts = urllib.parse.urlsplit(up)
    with socket.create_connection(("127.0.0.1", server.ports["http"]), 20) as sock:
        sock.sendall(f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: a\r\n"
                     "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"he")
    for _ in range(1000):
        if put(server, up) == 201:
            break
    assert ask(server, "GET", down)[1] == b"hello"


@pytest.mark.parametrize("what", [{"size": "x"}, {"size": "0"}, {"size": "-1"}, {"name": ""},
                                  {"name": ".."}, {"name": "a/"}, {"kind": "text"},
                                  {"name": "x" * 256}, {"name": "a&#10;b"}, {"name": "a\\b"},
                                  {"name": "a\x7fb"}])
def test_bad_request(juliet, what):
    refused(juliet, "bad-request", "modify", **what)


def text_of(error):
    return error.findtext(".//{urn:ietf:params:xml:ns:xmpp-stanzas}text")


def test_too_large(juliet):
    """§6, example 11: with the longest that there may be."""
    error = refused(juliet, "not-acceptable", "modify", size=65537)
    assert text_of(error) == "File too large. The maximum file size is 65536 bytes"
    assert error.find(f".//{{{NS}}}request").get("size") == "65537"
    assert error.find(f".//{{{NS}}}file-too-large/{{{NS}}}max-file-size").text == "65536"


def test_refused_ending(juliet):
    refused(juliet, "not-acceptable", "cancel", name="virus.EXE")


def test_daily(server, juliet):
    """§6, example 12: with the time at which to try again; others are not touched by it."""
    for _ in range(3):
        slot(juliet, size=65000)
    error = refused(juliet, "resource-constraint", "wait", size=65000)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z",
                        error.find(f".//{{{NS}}}retry").get("stamp"))
    assert text_of(error) == "Quota reached. You can upload at most 204800 bytes in 24 hours."
    slot(juliet, size=100)
    slot(server.client("romeo"), size=65000)


def test_quota_of_the_host(servers):
    """All together; what is deleted makes room."""
    server = servers({"modules": {"disco": {}, "http_upload": {"quota": "100k", "keep-free": 0}}})
    juliet, romeo = server.client("juliet"), server.client("romeo")
    up, down = slot(juliet, size=60000)
    assert put(server, up, b"x" * 60000) == 201
    error = refused(romeo, "resource-constraint", "wait", size=60000)
    assert text_of(error) == "The service is full."
    assert error.find(f".//{{{NS}}}retry") is None
    slot(romeo, size=40000)
    server.ctl("upload", "delete", service(juliet), urllib.parse.urlsplit(down).path.split("/")[2])
    slot(romeo, size=60000)


def test_not_from_another_host(server, juliet):
    """§6, example 13."""
    stranger = Client(server, server.user("romeo", host=server.host2)).login()
    error = stranger.refused("get", request(), "forbidden", "auth", to=service(juliet))
    assert text_of(error) == "This is for accounts of the server."


def test_survives_a_restart(servers):
    server = servers(CONFIG)
    juliet = server.client("juliet")
    up, down = slot(juliet)
    waiting, _ = slot(juliet, name="later")
    assert put(server, up) == 201
    server.kill()
    server.start()
    assert ask(server, "GET", down)[1] == b"hello"
    assert put(server, waiting) == 201


def rows(server, *arguments):
    return json.loads(server.ctl("--json", *arguments).stdout)["rows"]


def test_commands(server, juliet):
    up, down = slot(juliet)
    assert put(server, up) == 201
    ident = urllib.parse.urlsplit(down).path.split("/")[2]
    assert ident in {r["id"] for r in rows(server, "upload", "list", service(juliet),
                                           juliet.bare)}
    counts = rows(server, "upload", "stats", service(juliet))
    assert next(r for r in counts if r["owner"] == juliet.bare)["files"] == 1
    server.ctl("upload", "delete", service(juliet), ident)
    assert ask(server, "GET", down)[0] == 404


def test_command_of_another_service(server, juliet):
    """A service deletes what is its own."""
    up, down = slot(juliet)
    assert put(server, up) == 201
    for which in (urllib.parse.urlsplit(down).path.split("/")[2], juliet.bare):
        refusal = server.ctl("upload", "delete", f"upload.{server.host2}", which, check=False)
        assert "there is no such file" in refusal.stderr
    assert ask(server, "GET", down)[0] == 200


def test_quota_of_the_host(servers):
    """All files together, those that are still to come included."""
    server = servers({"modules": {"http_upload": {"quota": "10k", "keep-free": 0}}})
    juliet, romeo = server.client("juliet"), server.client("romeo")
    slot(juliet, size=10000)
    error = refused(romeo, "resource-constraint", "wait", size=1000)
    assert text_of(error) == "The service is full."
    slot(romeo, size=240)


def test_many_at_once(server, juliet):
    """Slots are given beside chat, and quotas hold however they come."""
    for n in range(20):
        juliet.send(f"<iq type='get' id='u{n}' to='{service(juliet)}'>{request(size=60000)}</iq>")
    results = [juliet.expect("<iq/>") for _ in range(20)]
    assert sum(r.get("type") == "result" for r in results) <= 3
