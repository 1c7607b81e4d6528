# SPDX-License-Identifier: MIT
"""A file from one slixmpp client to another through the proxy (XEP-0065)."""

import asyncio
import hashlib
import os
import shutil
import tempfile

import pytest

from kit import Server
from kit.authority import Authority
from kit.server import free_ports
from people import TIMEOUT, Person, play

SIZE = 3 << 20


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    folder = tempfile.mkdtemp(prefix="linnet-")
    server = Server(folder, Authority(tmp_path_factory.mktemp("authority")), {
        "c2s": {"tls": "required", "channel-binding": "off"},
        "modules": {"disco": {}, "proxy65": {"address": "127.0.0.1",
                                             "port": free_ports(["proxy"])["proxy"]}}})
    yield server.start()
    server.stop()
    shutil.rmtree(folder)


async def _person(server, name):
    person = Person(server, server.user(name), plugins=["xep_0065"])
    person.plugin["xep_0065"].auto_accept = True
    return await person.log_in()


def test_a_file(proxied):
    """The proxy is discovered, offered, dialled by both, activated; all bytes come, in order."""
    async def scene():
        anna, ben = await _person(proxied, "anna"), await _person(proxied, "ben")
        blob, got, whole = os.urandom(SIZE), bytearray(), asyncio.Event()

        def take(data):
            got.extend(data)
            if len(got) >= SIZE:
                whole.set()

        ben.add_event_handler("socks5_data", take)
        sock = await anna.plugin["xep_0065"].handshake(ben.boundjid.full, timeout=TIMEOUT)
        assert list(anna.plugin["xep_0065"]._proxies) == [f"proxy.{proxied.host}"]
        for at in range(0, SIZE, 65536):
            await sock.write(blob[at:at + 65536])
        await asyncio.wait_for(whole.wait(), TIMEOUT)
        assert hashlib.sha256(got).digest() == hashlib.sha256(blob).digest()
        for one in (anna, ben):
            await one.log_out()
    play(scene())
