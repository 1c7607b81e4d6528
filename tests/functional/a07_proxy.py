# SPDX-License-Identifier: MIT
"""The PROXY protocol, version 2: who is behind the proxy."""

import socket
import struct

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("an option of ours")
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(command=1, family=0x11, source="192.0.2.7", port=4711, more=b""):
    body = b""
    if family == 0x11:
        body = (socket.inet_aton(source) + socket.inet_aton("192.0.2.1")
                + struct.pack("!HH", port, 5222))
    elif family == 0x21:
        body = (socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "::1")
                + struct.pack("!HH", port, 5222))
    body += more
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(body)) + body


@pytest.fixture
def behind(servers):
    """A server that expects the header on its port for clients."""
    server = servers(start=False)
    server.ports = {}
    configure = server.configure

    def proxied():
        server.config = {"listen": {"c2s": [{"address": f"127.0.0.1:{server.ports['c2s']}",
                                             "proxy-protocol": "on"}]}}
        configure()

    server.configure = proxied
    return server.start()


def arrive(server, data, user=None):
    one = Client(server, user or server.user("juliet"))
    one.send_raw(data)
    return one


@pytest.mark.parametrize("data, address", [
    (header(), "192.0.2.7"),
    (header(family=0x21, source="2001:db8::7"), "2001:db8::7"),
    (header(more=b"\x04\x00\x05hello"), "192.0.2.7"),
], ids=["ipv4", "ipv6", "tlv"])
def test_address_is_the_real_one(behind, data, address):
    one = arrive(behind, data).login()
    assert address in behind.ctl("--json", "session", "list").stdout
    one.sync()


def test_local(behind):
    """LOCAL: the proxy itself asks whether we live."""
    arrive(behind, header(command=0, family=0)).login()


def test_in_pieces(behind):
    one = Client(behind, behind.user("juliet"))
    for byte in header():
        one.send_raw(bytes([byte]))
    one.login()


@pytest.mark.parametrize("data", [
    b"<?xml version='1.0'?><stream:stream to='capulet.example'>", b"\r\n\r\n\0\r\nQUIX\n" + b"x" * 20,
    SIGNATURE + b"\x11\x11\x00\x0c" + b"x" * 12, SIGNATURE + b"\x21\x11\x00\x02xx",
    SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 3000,
], ids=["xml", "signature", "version", "short", "long"])
def test_refused(behind, data):
    """Nothing but a good header is answered."""
    one = arrive(behind, data)
    one.send_quietly(b" " * 70000)
    one.drain()
    arrive(behind, header()).login()
