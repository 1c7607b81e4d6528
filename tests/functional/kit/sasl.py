# SPDX-License-Identifier: MIT
"""The client's side of SASL, and the channel bindings that go with it."""

import base64
import hashlib
import hmac
import os
import struct


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def unb64(text):
    return base64.b64decode(text or "", validate=True)


def plain(user, password, authzid=""):
    return f"{authzid}\0{user}\0{password}".encode()


class Scram:
    """RFC 5802, step by step; a test may change what a step sends.

        first() -> bytes, final(challenge) -> bytes, verify(success)
    """

    HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}

    def __init__(self, mechanism, user, password, binding=None, authzid="", flag=None):
        plus = mechanism.endswith("-PLUS")
        self.hash = self.HASHES[mechanism.removesuffix("-PLUS")]
        self.user, self.password = user, password
        name, self.binding = binding or ("", b"")
        if flag is None:
            flag = f"p={name}" if plus else "n"
        if not flag.startswith("p="):
            self.binding = b""
        escaped = authzid.replace("=", "=3D").replace(",", "=2C")
        self.gs2 = f"{flag},{'a=' + escaped if authzid else ''},"
        self.nonce = b64(os.urandom(18))

    def first(self):
        user = self.user.replace("=", "=3D").replace(",", "=2C")
        self.first_bare = f"n={user},r={self.nonce}"
        return (self.gs2 + self.first_bare).encode()

    def final(self, challenge, **change):
        """The answer to server-first; change={"c": ..., "r": ..., "p": ...} spoils it."""
        server_first = challenge.decode()
        self.fields = dict(part.split("=", 1) for part in server_first.split(","))
        assert self.fields["r"].startswith(self.nonce) and self.fields["r"] != self.nonce
        without_proof = "c={},r={}".format(
            change.get("c", b64(self.gs2.encode() + self.binding)),
            change.get("r", self.fields["r"]))
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(),
                                     unb64(self.fields["s"]), int(self.fields["i"]))
        message = f"{self.first_bare},{server_first},{without_proof}".encode()
        client_key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self.hash, client_key).digest(), message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.expected = self._hmac(self._hmac(salted, b"Server Key"), message)
        return f"{without_proof},p={change.get('p', b64(proof))}".encode()

    def verify(self, success):
        fields = dict(part.split("=", 1) for part in success.decode().split(","))
        assert unb64(fields["v"]) == self.expected, "the server does not know the password"

    def _hmac(self, key, data):
        return hmac.new(key, data, self.hash).digest()


def end_point(sock):
    """tls-server-end-point (RFC 5929); our certificates are signed with SHA-256."""
    return "tls-server-end-point", hashlib.sha256(sock.getpeercert(True)).digest()


def exporter(sock, keylog):
    """tls-exporter (RFC 9266) of TLS 1.3, from the exporter secret in the key log."""
    hash_name = sock.cipher()[0].rsplit("_", 1)[1].lower()
    size = hashlib.new(hash_name).digest_size
    with open(keylog, encoding="ascii") as lines:
        secret = [bytes.fromhex(line.split()[2]) for line in lines
                  if line.startswith("EXPORTER_SECRET")][-1]
    empty = hashlib.new(hash_name).digest()
    derived = _expand_label(secret, b"EXPORTER-Channel-Binding", empty, size, hash_name)
    return "tls-exporter", _expand_label(derived, b"exporter", empty, 32, hash_name)


def _expand_label(secret, label, context, length, hash_name):
    """HKDF-Expand-Label of RFC 8446 §7.1; one block suffices."""
    label = b"tls13 " + label
    info = (struct.pack("!HB", length, len(label)) + label
            + bytes([len(context)]) + context + b"\1")
    return hmac.new(secret, info, hash_name).digest()[:length]
