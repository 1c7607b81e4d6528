# SPDX-License-Identifier: MIT
"""Servers that meet: two of ours, or one of ours and a rogue that plays another.

    world = World(authority, s2s={"trust": "dialback"})
    a, b = world.server("a.example"), world.server("b.example")
    rogue = world.rogue("rogue.example")    # listens; nothing is answered by itself
    world.start()                           # each knows the way to all others

A rogue's streams are `Peer`s: wires of jabber:server. `rogue.accept()` is one
that the server opened, `rogue.connect(a)` one that it opens itself.

For files whose fixture `world` has a server `world.a`, a.example: `juliet` is
there, chat() and expect_returned() speak of r@DOMAIN, and `incident` is what
the operator reads of it:

    def test_closed_port(juliet, incident):
        chat(juliet, "closed.example")
        expect_returned(juliet, "closed.example", "remote-server-not-found")
        incident("closed.example", "no link", "refused")
"""

import functools
import hashlib
import hmac
import re
import shutil
import socket
import ssl
import tempfile
import time

import pytest

from .peer import TIMEOUT
from .server import Server, merge
from .wire import Wire, wires

NS_DB = "jabber:server:dialback"
NS_EXTERNAL = "urn:ietf:params:xml:ns:xmpp-sasl"
SERVER_HEADER = ("<?xml version='1.0'?><stream:stream {attrs} xmlns='jabber:server' "
                 "xmlns:db='jabber:server:dialback' "
                 "xmlns:stream='http://etherx.jabber.org/streams'>")


STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
ERROR_TYPES = {"remote-server-timeout": "wait", "resource-constraint": "wait"}
# What the log says of others who do nothing wrong, and of connections that a test cuts at its end.
ORDINARY = ("has proven itself", "accepted by", "stream broke", "link ended")


@pytest.fixture
def juliet(world):
    """Somebody who is online at a.example."""
    one = world.a.client("juliet", "balcony")
    one.online()
    return one


def chat(client, domain, id="m", type="chat"):
    client.send(f"<message to='r@{domain}' type='{type}' id='{id}'><body>{id}</body></message>")


def expect_returned(client, domain, condition, id="m", timeout=None):
    """The message did not get there."""
    return client.expect(
        f"<message type='error' id='{id}' from='r@{domain}'>"
        f"<error type='{ERROR_TYPES.get(condition, 'cancel')}'><{condition} xmlns='{STANZAS}'/>"
        "</error></message>", timeout)


def prove(world, rogue, bidi=False, domain=None, tls=False):
    """A stream of the rogue's that has proven its domain; `.back`: the server's own to it."""
    peer = rogue.connect(world.a)
    if tls:
        peer.starttls("a.example", certificate=False)
    if bidi:
        assert peer.features.find("{urn:xmpp:features:bidi}bidi") is not None
        peer.send("<bidi xmlns='urn:xmpp:bidi'/>")
    peer.ask("a.example", domain=domain)
    peer.back = rogue.accept().offer_tls() if tls else rogue.answer()
    peer.back.verify()
    peer.expect_result("valid", "a.example", domain=domain)
    return peer


def incident_of(server, domain, *words, begin=0, count=1):
    """The log says of this domain what happened, in one line (level info or above) that has these
    words; `begin`: bytes of the log that are left out."""
    left_out = [one for one in ORDINARY if one not in words]
    name = re.compile(rf"(?<![\w.-]){re.escape(domain)}(?![\w.-])")

    def lines():
        with open(server.folder / "log", encoding="utf-8", errors="replace") as log:
            log.seek(begin)
            return [line for line in log.read().splitlines()
                    if name.search(line) and line.split()[1] in ("info", "warning", "error")
                    and not any(one in line for one in left_out)]

    deadline = time.monotonic() + TIMEOUT
    while len(found := lines()) < count and time.monotonic() < deadline:
        time.sleep(0.02)    # a thread of its own writes the log: there is no event
    assert len(found) == count and all(word in line for line in found for word in words), \
        found or "no line"


@pytest.fixture
def incident(world):
    """incident(domain, words ...): incident_of(), at a.example in this test."""
    begin = (world.a.folder / "log").stat().st_size
    return functools.partial(incident_of, world.a, begin=begin)


class World:
    def __init__(self, authority, s2s=None, config=None):
        self.authority = authority
        self.s2s, self.config = s2s or {}, config or {}
        self.servers, self.rogues, self.routes = [], [], {}

    def server(self, host, config=None, way="starttls", also=()):
        """`way`: how the others begin TLS with it: starttls, direct or off; `also`: more domains
        that are there."""
        one = Server(tempfile.mkdtemp(prefix="linnet-"), self.authority, config or {},
                     hosts=(host, "second." + host), more_services=("s2s", "s2s-tls"))
        one.way, one.also = way, tuple(also)
        self.servers.append(one)
        return one

    def rogue(self, *domains, tls=None, certificate=None):
        one = Rogue(self, domains, tls, certificate)
        self.rogues.append(one)
        return one

    def way(self, domain, port, tls="starttls"):
        self.routes[domain] = {"address": f"127.0.0.1:{port}", "tls": tls}

    def start(self):
        from .server import free_ports
        for one in self.servers:
            one.ports = free_ports(one.SERVICES + one.more_services)
            service = "s2s-tls" if one.way == "direct" else "s2s"
            for host in (one.host, one.host2, *one.also):
                self.way(host, one.ports[service], one.way)
        for one in self.servers:
            theirs = one.config
            one.config = merge(merge({
                "tls": {"authorities": str(self.authority.ca)},
                "s2s": {**self.s2s, "routes": self.routes},
            }, self.config), theirs)
            one.start()
        return self

    def stop(self):
        while wires:
            wires.pop().abort()
        for one in self.rogues:
            one.stop()
        for one in self.servers:
            one.stop()
            shutil.rmtree(one.folder)


class Rogue:
    """A listening socket that stands for some domains."""

    def __init__(self, world, domains, tls, certificate=None):
        self.world, self.domain, self.domains = world, domains[0], domains
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.secret = "s3cr3t"
        self.folder = tempfile.mkdtemp(prefix="rogue-")
        self.certificate = certificate or world.authority.certificate(*domains, folder=self.folder)
        for domain in domains:
            world.way(domain, self.port, tls or "starttls")

    def accept(self, timeout=None):
        """A stream that a server opens to us; its header was read."""
        self.listener.settimeout(timeout or TIMEOUT)
        sock, _ = self.listener.accept()
        peer = Peer(self, name=f"{self.domain}<")
        peer.take(sock)
        peer.header_in = peer.expect_header()
        return peer

    def answer(self, timeout=None, features="", **more):
        """The same, with our header and features, dialback among them."""
        peer = self.accept(timeout)
        peer.answer(features, **more)
        return peer

    def accept_tls(self, timeout=None):
        """The same for direct TLS."""
        self.listener.settimeout(timeout or TIMEOUT)
        sock, _ = self.listener.accept()
        peer = Peer(self, name=f"{self.domain}<")
        peer.take(sock)
        peer.wrap()
        peer.header_in = peer.expect_header()
        return peer

    def connect(self, server, domain=None, to=None, service="s2s", **more):
        """A stream of ours, up to the features."""
        peer = self.wire(server, service, domain)
        if service == "s2s-tls":
            peer.start_tls(self.context(), to or server.host)
        peer.open(to or server.host, from_=peer.domain, **more)
        return peer

    def wire(self, server, service="s2s", domain=None):
        """A connection of ours on which nothing was said."""
        peer = Peer(self, server.address(service), name=f"{domain or self.domain}>")
        peer.domain = domain or self.domain
        return peer

    def context(self, certificate=True):
        return self.world.authority.context(
            alpn=["xmpp-server"], certificate=self.certificate if certificate else None)

    def key(self, receiving, stream_id, originating=None):
        return dialback_key(self.secret, receiving, originating or self.domain, stream_id)

    def server_context(self):
        """To be the server of a handshake; a certificate is asked for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.certificate))
        context.load_verify_locations(str(self.world.authority.ca))
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["xmpp-server"])
        return context

    def silence(self):
        """Nobody connects: what waits in the listener's queue is none."""
        self.listener.settimeout(0.3)
        try:
            self.listener.accept()[0].close()
        except TimeoutError:
            return True
        return False

    def stop(self):
        self.listener.close()
        shutil.rmtree(self.folder)


class Peer(Wire):
    """A stream between servers, seen from the rogue."""

    def __init__(self, rogue, address=None, name="rogue", **more):
        self.rogue, self.domain = rogue, rogue.domain
        super().__init__(address, name, connect=address is not None, **more)

    def take(self, sock):
        self.sock = sock
        wires.append(self)

    def expect(self, pattern, timeout=None, only=False):
        """Stanzas are jabber:server here."""
        pattern = re.sub(r"^<(message|presence|iq)\b", r"<\1 xmlns='jabber:server'", pattern)
        return super().expect(pattern, timeout, only)

    def answer(self, features="", id="rogue1", version="1.0", dialback=True):
        attrs = f"id='{id}' from='{self.domain}' to='{self.header_in.get('from')}'"
        if version:
            attrs += f" version='{version}'"
        self.id = id
        self.send(SERVER_HEADER.format(attrs=attrs))
        if version:
            offer = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
            self.send(f"<stream:features>{offer if dialback else ''}{features}</stream:features>")

    def open(self, to, version="1.0", **more):
        attrs = {"to": to, "version": version, **more}
        attrs = {{"from_": "from"}.get(k, k): v for k, v in attrs.items()}
        self.restart()
        self.send(SERVER_HEADER.format(attrs=" ".join(
            f"{k}='{v}'" for k, v in attrs.items() if v is not None)))
        self.id = self.expect_header().get("id")
        self.features = self.expect("<stream:features/>") if version else None
        return self.features

    def starttls(self, to, certificate=True):
        """As the one that connects."""
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.start_tls(self.rogue.context(certificate), to)
        return self.open(to, from_=self.domain)

    def offer_tls(self, **more):
        """As the one connected to: header, STARTTLS, and what follows on TLS."""
        self.answer("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>")
        self.expect("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.send("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.wrap()
        self.header_in = self.expect_header()
        self.answer(id="rogue2", **more)
        return self

    def wrap(self):
        self.sock.settimeout(self.timeout)
        self.sock = self.rogue.server_context().wrap_socket(self.sock, server_side=True)
        self.restart()

    def ask(self, to, key=None, domain=None):
        """<db:result/> with our key."""
        domain = domain or self.domain
        key = key or self.rogue.key(to, self.id, domain)
        self.send(f"<db:result from='{domain}' to='{to}'>{key}</db:result>")

    def expect_result(self, type, from_, domain=None):
        return self.expect(f"<result xmlns='{NS_DB}' type='{type}' from='{from_}' "
                           f"to='{domain or self.domain}'/>")

    def verify(self, type=None):
        """Answers a <db:verify/> as the authoritative server; by default truly."""
        asked = self.expect(f"<verify xmlns='{NS_DB}'/>")
        known = self.rogue.key(asked.get("from"), asked.get("id"), asked.get("to"))
        if type is None:
            type = "valid" if (asked.text or "").strip() == known else "invalid"
        self.send(f"<db:verify from='{asked.get('to')}' to='{asked.get('from')}' "
                  f"id='{asked.get('id')}' type='{type}'/>")
        return asked

    def allow(self, type="valid"):
        """Answers a <db:result/>."""
        asked = self.expect(f"<result xmlns='{NS_DB}'/>")
        self.send(f"<db:result from='{asked.get('to')}' to='{asked.get('from')}' "
                  f"type='{type}'/>")
        return asked


def dialback_key(secret, receiving, originating, stream_id):
    """XEP-0185"""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return hmac.new(digest.encode(), f"{receiving} {originating} {stream_id}".encode(),
                    hashlib.sha256).hexdigest()
