# SPDX-License-Identifier: MIT
"""As much of STUN and TURN (RFC 8489, RFC 8656) as a call needs: allocate, permit, send, receive.

    relay = Relay(sock, username, password)     # UDP, TCP or TLS, connected to the service
    relay.allocate()                            # raises Refused(401) for who may not
    relay.permit(other.relayed)
    relay.send(other.relayed, b"..."); other.receive()
"""

import hashlib
import hmac
import os
import socket
import struct

COOKIE = 0x2112A442
BINDING, ALLOCATE, PERMISSION = 0x001, 0x003, 0x008
SEND, DATA_INDICATION = 0x0016, 0x0017
USERNAME, INTEGRITY, ERROR, PEER, DATA = 0x0006, 0x0008, 0x0009, 0x0012, 0x0013
REALM, NONCE, RELAYED, LIFETIME, TRANSPORT = 0x0014, 0x0015, 0x0016, 0x000d, 0x0019


class Refused(Exception):
    def __init__(self, code, attributes):
        super().__init__(code)
        self.code, self.attributes = code, attributes


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def address(where):
    """Of IPv4, as it is hidden from those who rewrite addresses."""
    host, port = where
    number = int.from_bytes(socket.inet_aton(host), "big")
    return struct.pack("!BBHI", 0, 1, port ^ COOKIE >> 16, number ^ COOKIE)


def read_address(value):
    _, family, port, number = struct.unpack("!BBHI", value[:8])
    assert family == 1
    return socket.inet_ntoa(struct.pack("!I", number ^ COOKIE)), port ^ COOKIE >> 16


def read(message):
    """Its type, its transaction, its attributes."""
    kind, length, cookie, ident = struct.unpack("!HHI12s", message[:20])
    assert cookie == COOKIE and len(message) == 20 + length
    at, attributes = 20, {}
    while at < len(message):
        name, size = struct.unpack("!HH", message[at:at + 4])
        attributes.setdefault(name, message[at + 4:at + 4 + size])
        at += 4 + size + -size % 4
    return kind, ident, attributes


class Relay:
    def __init__(self, sock, username="", password=""):
        self.sock, self.username, self.password = sock, username, password
        self.realm = self.nonce = None
        self.relayed = None
        self.waiting = []       # data that came between

    def _write(self, kind, body, signed=False, ident=None):
        ident = ident or os.urandom(12)
        if signed:
            body += attribute(USERNAME, self.username.encode()) + attribute(REALM, self.realm) \
                + attribute(NONCE, self.nonce)
            key = hashlib.md5(b":".join((self.username.encode(), self.realm,
                                         self.password.encode()))).digest()
            head = struct.pack("!HHI12s", kind, len(body) + 24, COOKIE, ident)
            body += attribute(INTEGRITY, hmac.new(key, head + body, hashlib.sha1).digest())
        self.sock.sendall(struct.pack("!HHI12s", kind, len(body), COOKIE, ident) + body)
        return ident

    def _read(self):
        if self.sock.type == socket.SOCK_DGRAM:
            return read(self.sock.recv(65536))
        head = self._exactly(20)
        return read(head + self._exactly(struct.unpack("!H", head[2:4])[0]))

    def _exactly(self, count):
        got = b""
        while len(got) < count:
            piece = self.sock.recv(count - len(got))
            assert piece, "the service has hung up"
            got += piece
        return got

    def ask(self, method, body=b"", signed=True):
        ident = self._write(method, body, signed)
        while True:
            kind, answered, attributes = self._read()
            if kind == DATA_INDICATION:
                self.waiting.append(attributes)
            elif answered == ident:
                break
        if kind & 0x110 == 0x110:
            code = attributes[ERROR]
            raise Refused(code[2] * 100 + code[3], attributes)
        return attributes

    def bind(self):
        """Whether it answers at all."""
        return self.ask(BINDING, signed=False)

    def allocate(self):
        """As everybody does: asked without a name first, to be told the realm."""
        body = attribute(TRANSPORT, b"\x11\0\0\0")      # UDP, to the other side
        try:
            self.ask(ALLOCATE, body, signed=False)
            raise AssertionError("relays for anybody")
        except Refused as refused:
            assert refused.code == 401
            self.realm, self.nonce = (refused.attributes[name] for name in (REALM, NONCE))
        got = self.ask(ALLOCATE, body)
        self.relayed = read_address(got[RELAYED])
        return int.from_bytes(got[LIFETIME], "big")

    def permit(self, peer):
        self.ask(PERMISSION, attribute(PEER, address(peer)))

    def send(self, peer, data):
        self._write(SEND, attribute(PEER, address(peer)) + attribute(DATA, data))

    def receive(self):
        """Who sent it, and what."""
        while not self.waiting:
            kind, _, attributes = self._read()
            if kind == DATA_INDICATION:
                self.waiting.append(attributes)
        got = self.waiting.pop(0)
        return read_address(got[PEER]), got[DATA]
