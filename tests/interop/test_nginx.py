# SPDX-License-Identifier: MIT
"""Files through a real nginx, set up as doc/operating.md says, with curl and slixmpp as clients."""

import io
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

import aiohttp
import pytest
from slixmpp import JID
from slixmpp.plugins.xep_0363.http_upload import FileTooBig

from kit import Server
from kit.server import CHECKOUT, free_ports
from people import Person, play
from stage import staged, until_served

NS = "urn:xmpp:http:upload:0"
MIB = 1 << 20

pytestmark = pytest.mark.skipif(not shutil.which("nginx") or not shutil.which("curl"),
                                reason="no nginx or no curl here")

SETTINGS = """
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/x; uwsgi_temp_path {folder}/x; scgi_temp_path {folder}/x;
    {servers}
}}
"""
VHOST = """
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name upload.capulet.example;
        ssl_certificate {crt};
        ssl_certificate_key {key};
        {location}
    }}
"""


def documented(port):
    """The location of the operator's guide, with a port of ours."""
    text = (CHECKOUT / "doc" / "operating.md").read_text()
    location = re.search(r"^    location /upload/ \{.*?^    \}", text, re.M | re.S)[0]
    assert "http://127.0.0.1:5280;" in location
    return location.replace(":5280;", f":{port};")


class World:
    """nginx with TLS before a server without, once as the guide says, once collecting bodies."""

    def __init__(self, folder, authority):
        self.folder = pathlib.Path(folder)
        self.ca = authority.ca
        self.ports = free_ports(["plain", "collecting"])
        self.server = Server(folder, authority, {
            "c2s": {"tls": "required", "channel-binding": "off"},
            "http": {"trusted-proxies": ["127.0.0.1"]},
            "modules": {"disco": {}, "http_upload": {
                "url": f"https://upload.capulet.example:{self.ports['plain']}/upload",
                "keep-free": 0}}})

    def start(self):
        self.server.start()
        location = documented(self.server.ports["http"])
        collecting = location.replace("buffering off", "buffering on")
        assert collecting.count("buffering on") == 2
        place = {"crt": self.server.crt, "key": self.server.key}
        (self.folder / "nginx").mkdir()
        settings = self.folder / "nginx.conf"
        settings.write_text(SETTINGS.format(folder=self.folder / "nginx", servers="".join((
            VHOST.format(port=self.ports["plain"], location=location, **place),
            VHOST.format(port=self.ports["collecting"], location=collecting, **place)))))
        self.nginx = subprocess.Popen(["nginx", "-p", self.folder / "nginx", "-c", settings])
        until_served(self.nginx, lambda: socket.create_connection(
            ("127.0.0.1", self.ports["plain"]), 20).close())

    def stop(self):
        self.nginx.terminate()
        self.nginx.wait()
        self.server.stop()

    def curl(self, *arguments, port="plain"):
        """The status; what came is in the folder's `got`, its head in `head`."""
        done = subprocess.run([
            "curl", "-sS", "--cacert", self.ca, "--max-time", "50",
            "--connect-to", f"::127.0.0.1:{self.ports[port]}", "-D", self.folder / "head",
            "-w", "%{http_code}", *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return int(done.stdout[-3:])

    def fields(self):
        text = (self.folder / "head").read_text().replace("\r", "")
        last = text.strip().split("\n\n")[-1]
        return {k.lower(): v for k, v in re.findall(r"^([\w-]+): (.*)$", last, re.M)}

    def file(self, name, length):
        (self.folder / name).write_bytes(os.urandom(length))
        return self.folder / name

    def logged(self, ident):
        """The line of the last request for this file."""
        deadline = time.monotonic() + 20
        while True:
            lines = [x for x in self.server.log(2000).splitlines() if f"/upload/{ident}/" in x]
            if lines:
                return lines[-1]
            assert time.monotonic() < deadline


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    yield from staged(World, tmp_path_factory)


@pytest.fixture
def anna(world):
    return world.server.client("anna", tls=True)


def slot(client, length, name="a file.bin", kind="application/octet-stream"):
    got = client.get(f"<request xmlns='{NS}' filename='{name}' size='{length}' "
                     f"content-type='{kind}'/>", f"upload.{client.domain}")[0]
    return got.find(f"{{{NS}}}put").get("url"), got.find(f"{{{NS}}}get").get("url")


OCTETS = ("-H", "Content-Type: application/octet-stream")


@pytest.mark.parametrize("port", ["plain", "collecting"])
@pytest.mark.parametrize("length", [1, 100000, 24 * MIB])
def test_up_and_down(world, anna, port, length):
    """Whole, in parts, and taken up again where it broke off."""
    up, down = slot(anna, length)
    source, got = world.file("source", length), world.folder / "got"
    assert world.curl("-T", source, *OCTETS, up, port=port) == 201
    assert world.curl("-o", got, down, port=port) == 200
    assert got.read_bytes() == source.read_bytes()
    got.write_bytes(source.read_bytes()[:length // 2])
    if length > 1:
        assert world.curl("-C", "-", "-o", got, down, port=port) == 206
        assert got.read_bytes() == source.read_bytes()
        assert world.fields()["content-range"] == f"bytes {length // 2}-{length - 1}/{length}"
    assert world.curl("-I", "-o", os.devnull, down, port=port) == 200
    fields = world.fields()
    assert fields["content-length"] == str(length) and fields["x-content-type-options"] == "nosniff"
    assert world.curl("-o", os.devnull, "-H", f"If-None-Match: {fields['etag']}", down,
                      port=port) == 304


def test_who_it_was(world, anna):
    """The log names the client behind the proxy, whatever that one claims."""
    up, down = slot(anna, 1000)
    forged = ("-H", "X-Forwarded-For: 198.51.100.7", "-H", "X-Forwarded-Proto: http")
    assert world.curl("-T", world.file("source", 1000), *OCTETS, *forged, "--interface",
                      "127.0.0.9", up) == 201
    line = world.logged(down.split("/")[4])
    assert "client=127.0.0.9 " in line and "status=201 " in line


@pytest.mark.parametrize("port, status", [("plain", 411), ("collecting", 201)])
def test_without_a_length(world, anna, port, status):
    """A body in chunks: a proxy that collects it knows how long it is, the other does not."""
    up, _ = slot(anna, 4 * MIB)
    assert world.curl("-T", world.file("source", 4 * MIB), "-H", "Transfer-Encoding: chunked", *OCTETS,
                      "-o", os.devnull, up, port=port) == status


def test_refused(world, anna):
    """What the server refuses before it has read the body reaches the client through nginx."""
    up, down = slot(anna, 5 * MIB)
    source = world.file("source", 6 * MIB)
    assert world.curl("-T", source, *OCTETS, "-o", os.devnull, up) == 413
    assert world.curl("-T", source, *OCTETS, "-o", os.devnull, down) == 403
    assert world.curl("-T", world.file("source", 5 * MIB), "-H", "Content-Type: text/html", "-o",
                      os.devnull, up) == 415
    for path in ("..%2f..%2fetc/passwd", "%2e%2e/%2e%2e/etc/passwd", "x/%00", "A" * 24 + "/x"):
        url = down.split("/upload/")[0] + "/upload/" + path
        assert world.curl("--path-as-is", "-o", os.devnull, url) in (400, 404)
    assert world.curl("-T", world.file("source", 5 * MIB), *OCTETS, up) == 201
    assert world.curl("-X", "POST", "-d", "x", "-o", os.devnull, down) == 405
    assert world.curl("-r", "99999999-", "-o", os.devnull, down) == 416


def test_for_pages(world, anna):
    """What a browser asks before it puts, and may read afterwards."""
    up, _ = slot(anna, 5)
    assert world.curl("-X", "OPTIONS", "-o", os.devnull, "-H", "Origin: https://web.example",
                      "-H", "Access-Control-Request-Method: PUT", up) == 204
    fields = world.fields()
    assert fields["access-control-allow-origin"] == "*"
    assert "PUT" in fields["access-control-allow-methods"]


class Here(aiohttp.abc.AbstractResolver):
    """Every name is this machine's."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET,
                 "proto": 0, "flags": 0}]

    async def close(self):
        pass


def test_slixmpp(world, monkeypatch):
    """Its plugin asks for a slot, puts the file and tells where it is; another client reads it."""
    trust = ssl.create_default_context(cafile=str(world.ca))

    def session(**more):
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=Here(), ssl=trust), **more)

    async def scene():
        ben = await Person(world.server, world.server.user("ben"), plugins=["xep_0363"]).log_in()
        plugin = ben.plugin["xep_0363"]
        # 1.8.3 does not find services under Python 3.11: what it would have found.
        plugin.upload_service = JID(f"upload.{world.server.host}")
        monkeypatch.setattr("slixmpp.plugins.xep_0363.http_upload.ClientSession", session)
        blob = os.urandom(3 * MIB)
        url = await plugin.upload_file("très cool.jpg", input_file=io.BytesIO(blob))
        with pytest.raises(FileTooBig):
            plugin.max_file_size = 4
            await plugin.upload_file("x.jpg", input_file=io.BytesIO(b"12345"))
        async with session() as reader, reader.get(url) as answer:
            assert answer.status == 200 and answer.content_type == "image/jpeg"
            assert await answer.read() == blob
        async with session() as reader, reader.get(url, headers={"Range": "bytes=-5"}) as answer:
            assert answer.status == 206 and await answer.read() == blob[-5:]
        await ben.log_out()
    play(scene())
