# SPDX-License-Identifier: MIT
"""host-meta (XEP-0156, XEP-0487): what is announced to those who cannot ask DNS, and to whom."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from h00_http import ask
from kit import only_linnet

pytestmark = only_linnet("options of ours")

REL = "urn:xmpp:alt-connections:"
XRD = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"
PATH = "/.well-known/host-meta"
WS, BOSH = "wss://web.example.com:443/ws", "https://web.example.com:5280/bosh?a=1&b='2'"
TLS = {"rel": "tls", "port": 443, "ips": ["192.0.2.4", "fd00:feed:dad:beef::1"],
       "priority": 5, "weight": 50, "ech": "eG1wcC1jbGllbnQ="}
CONFIG = {"modules": {"host_meta": {"links": [{"rel": "bosh", "href": BOSH},
                                              {"rel": "websocket", "href": WS}]}}}
PIN = "4/mggdlVx8A3pvHAWW5sD+qJyMtUHgiRuPjVC48N0XQ="


def test_xrd(server):
    """§2.3, the first example."""
    status, body, answer = ask(server, "GET", PATH)
    assert (status, answer.getheader("Content-Type")) == (200, "application/xrd+xml")
    assert answer.getheader("Access-Control-Allow-Origin") == "*"
    assert body.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n")
    document = ET.fromstring(body)
    assert document.tag == XRD + "XRD"
    assert [(link.tag, link.attrib) for link in document] == [
        (XRD + "Link", {"rel": REL + "xbosh", "href": BOSH}),
        (XRD + "Link", {"rel": REL + "websocket", "href": WS})]


def test_jrd(server):
    """§2.3, the second example: no top level member that would stand for XEP-0487."""
    status, body, answer = ask(server, "GET", PATH + ".json")
    assert (status, answer.getheader("Content-Type")) == (200, "application/json")
    assert answer.getheader("Access-Control-Allow-Origin") == "*"
    assert json.loads(body) == {"links": [{"rel": REL + "xbosh", "href": BOSH},
                                          {"rel": REL + "websocket", "href": WS}]}


@pytest.mark.parametrize("path", [PATH, PATH + ".json"])
def test_methods(server, path):
    got = ask(server, "GET", path)
    status, body, answer = ask(server, "HEAD", path)
    assert (status, body, answer.getheader("Content-Length")) == (200, b"", str(len(got[1])))
    status, _, answer = ask(server, "OPTIONS", path)
    assert status == 204 and "GET" in answer.getheader("Access-Control-Allow-Methods")
    assert ask(server, "POST", path)[0] == 405
    assert ask(server, "GET", path + "/x")[0] == 404


def test_other_hosts(server):
    """A host tells of itself alone, under whatever port."""
    assert ask(server, "GET", PATH, Host=server.host + ":5443")[0] == 200
    assert ask(server, "GET", PATH, Host=server.host.upper())[0] == 200
    assert ask(server, "GET", PATH, Host="elsewhere.example")[0] == 404


def test_hosts_of_their_own(servers, authority):
    """Each host has its links; an A-label is the host's name too."""
    server = servers({"modules": {"host_meta": {}}}, start=False)
    crt, key = authority.certificate("xn--zrich-kva.example", folder=server.folder)
    server.config["hosts"] = {"zürich.example": {
        "certificate": crt, "key": key,
        "modules": {"host_meta": {"links": [{"rel": "websocket", "href": WS}]}}}}
    server.start()
    assert ask(server, "GET", PATH)[0] == 404
    _, body, _ = ask(server, "GET", PATH + ".json", Host="xn--zrich-kva.example")
    assert json.loads(body)["links"][0]["href"] == WS


def test_parameters(servers):
    """XEP-0487: with a ttl it is whole; a link without href is not for XRD."""
    server = servers({"modules": {"host_meta": {"ttl": "50m", "pins": [PIN], "links": [
        TLS, {"rel": "websocket", "href": WS, "ips": ["192.0.2.4"], "sni": "other.example"}]}}})
    assert json.loads(ask(server, "GET", PATH + ".json")[1]) == {
        "xmpp": {"ttl": 3000, "public-key-pins-sha-256": [PIN]},
        "links": [TLS | {"rel": REL + "tls", "sni": server.host},
                  {"rel": REL + "websocket", "href": WS, "ips": ["192.0.2.4"], "priority": 10,
                   "weight": 10, "sni": "other.example"}]}
    assert len(ET.fromstring(ask(server, "GET", PATH)[1])) == 1


@pytest.mark.parametrize("config, said", [
    ({"links": [{"rel": "websocket", "href": "ws://a/"}]}, "begins with wss://"),
    ({"links": [{"rel": "bosh", "href": "http://a/"}]}, "begins with https://"),
    ({"links": [{"rel": "bosh"}]}, "begins with https://"),
    ({"links": [{"rel": "tls", "href": "https://a/", "port": 1, "ips": ["::1"]}]}, "no `href`"),
    ({"links": [TLS | {"ips": ["300.0.2.1"]}]}, "`300.0.2.1` is no IP address"),
    ({"ttl": "1h", "links": [{"rel": "websocket", "href": WS}]}, "has `ips`"),
    ({"ttl": "1h", "pins": ["AAAA"]}, "no SHA-256"),
    ({"pins": [PIN]}, "with a `ttl`"),
    ({"links": [{"rel": "gopher"}]}, "websocket"),
])
def test_mistakes(servers, config, said):
    server = servers({"modules": {"host_meta": config}}, start=False)
    with pytest.raises(AssertionError, match=rf"linnet\.yaml:\d+:\d+: .*{re.escape(said)}"):
        server.start()
