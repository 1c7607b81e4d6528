# SPDX-License-Identifier: MIT
"""One XML stream over one socket: bytes out, elements in, and nothing clever.

Whoever wants to misbehave works here; Client adds the manners.  Each thing
that comes is one event: the header, an element, the end of the stream, the
end of the connection.  Everything that passes is noted in `transcript`, which
is shown when a test fails (and as it passes, with `-s --xml`).
"""

import socket
import ssl
import sys
import time
from xml.etree import ElementTree

from . import match
from .peer import TIMEOUT, allowed

NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"

HEADER = ("<?xml version='1.0'?><stream:stream {attrs} xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")

LIVE = False            # --xml
transcript = []         # of the test that runs
wires = []              # open ones, closed after the test


class Unexpected(AssertionError):
    """Something else came, or nothing."""


class Closed(Unexpected):
    """The stream or its connection ended where more was expected."""


class Wire:
    def __init__(self, address, name="wire", timeout=None, connect=True):
        self.name, self.address = name, address
        self.timeout = timeout or TIMEOUT
        self.sock = None
        self.raw_in = b""               # all bytes of this stream
        self.restart()
        if connect:
            self.connect()

    def connect(self):
        self.sock = socket.create_connection(self.address, self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wires.append(self)
        return self

    def restart(self):
        """A new stream on the same connection."""
        self._parser = ElementTree.XMLPullParser(("start", "end"))
        self._path, self._events, self._held = [], [], b""
        self.header = None

    # --- out ---------------------------------------------------------------

    def send(self, text):
        self.send_raw(text.encode())

    def send_raw(self, data):
        self._note("->", data)
        self.sock.settimeout(self.timeout)
        self.sock.sendall(data)

    def send_quietly(self, data):
        """As send_raw, for a peer that may have hung up already."""
        try:
            self.send_raw(data)
        except OSError:
            pass

    # --- in ----------------------------------------------------------------

    def event(self, timeout=None):
        """The next ("header"|"element"|"end", element) or ("closed", None)."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self._events:
            self._read(deadline)
        return self._events.pop(0)

    def next(self, timeout=None):
        """The next element; Closed if the stream ends instead."""
        kind, element = self.event(timeout)
        if kind == "element":
            return element
        if kind == "header":
            raise Unexpected(f"{self.name}: a stream header instead of an element")
        raise Closed(f"{self.name}: {kind}")

    def _read(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unexpected(f"{self.name}: nothing came in time")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            return
        except (ConnectionError, ssl.SSLError) as error:
            self._note("--", str(error).encode())
            data = b""
        if not data:
            self._note("--", b"connection closed")
            self._events.append(("closed", None))
            return
        self._note("<-", data)
        self.raw_in += data
        self._parse(data)

    def _parse(self, data):
        # Only whole tags go to expat: what it gets in pieces it may keep for later.
        data = self._held + data
        cut = data.rfind(b">") + 1
        self._held = data[cut:]
        if cut == 0:
            return
        self._parser.feed(data[:cut])
        for kind, element in self._parser.read_events():
            if kind == "start":
                self._path.append(element)
                if len(self._path) == 1:
                    self.header = element
                    self._events.append(("header", element))
                continue
            self._path.pop()
            if len(self._path) == 1:
                self._path[0].remove(element)
                element.tail = None
                self._events.append(("element", element))
            elif not self._path:
                self._events.append(("end", None))

    # --- expectations --------------------------------------------------------

    def expect(self, pattern, timeout=None, only=False):
        """The next element, which must match; returns it."""
        try:
            element = self.next(timeout)
        except Unexpected as error:
            raise type(error)(f"{error}\n  expected: {pattern}") from None
        why = match.mismatch(pattern, element, only)
        if why:
            raise Unexpected(f"{self.name}: {why}\n  expected: {pattern}"
                             f"\n  received: {match.show(element)}")
        return element

    def expect_all(self, *patterns, only=False):
        """The next elements, as many as there are patterns, in any order."""
        got = []
        while len(got) < len(patterns):
            try:
                got.append(self.next())
            except Unexpected as error:
                raise Unexpected(f"{error}; {len(got)} of {len(patterns)} came:\n  expected: "
                                 + "\n  expected: ".join(map(str, patterns)) + "\n  received: "
                                 + "\n  received: ".join(map(match.show, got))) from None
        if not match.assign(patterns, got, only):
            raise Unexpected(f"{self.name}: other elements than expected\n  expected: "
                             + "\n  expected: ".join(map(str, patterns)) + "\n  received: "
                             + "\n  received: ".join(map(match.show, got)))
        return got

    def expect_header(self, **attrs):
        """The server's stream header, with at least these attributes; returns it."""
        kind, element = self.event()
        if kind != "header":
            raise Unexpected(f"{self.name}: {kind} instead of a stream header")
        assert element.tag == f"{{{match.NS_STREAM}}}stream"
        for key, value in attrs.items():
            key = {"from_": "from", "lang": match.XML_LANG}.get(key, key)
            assert element.get(key) == value, f"header: {key}='{element.get(key)}' not '{value}'"
        return element

    def expect_end(self):
        """</stream:stream> and the end of the connection."""
        self.expect_event("end")
        self.expect_closed()

    def expect_closed(self):
        """The end of the connection, whatever the stream says before."""
        while self.event()[0] != "closed":
            pass

    def drain(self):
        """The end of the connection, where no XML is to be expected."""
        self.sock.settimeout(self.timeout)
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionError:
            pass

    def expect_event(self, wanted):
        kind, element = self.event()
        if kind != wanted:
            more = "" if element is None else ": " + match.show(element)
            raise Unexpected(f"{self.name}: {kind} instead of {wanted}{more}")

    def expect_stream_error(self, *conditions, text=None):
        """<stream:error/> with a condition that is `allowed`, then the end; the header if it is missing.

        Features and other elements that were under way before it are passed over.
        """
        while True:
            kind, element = self.event()
            if kind in ("end", "closed"):
                raise Closed(f"{self.name}: {kind}, without the error {' or '.join(conditions)}")
            if kind == "element" and element.tag == f"{{{match.NS_STREAM}}}error":
                break
        assert self.header is not None, "a stream error without a stream header"
        names = [child.tag for child in element]
        assert any(f"{{{NS_STREAMS}}}{c}" in names for c in allowed(conditions)), \
            f"{match.show(element)} instead of {' or '.join(conditions)}"
        if text is not None:
            assert element.findtext(f"{{{NS_STREAMS}}}text") == text
        self.expect_end()
        return element

    # --- stream --------------------------------------------------------------

    def open(self, to, version="1.0", **more):
        """Our header, theirs, and the features; returns the features."""
        attrs = {"to": to, "version": version, **more}
        attrs = {{"from_": "from", "lang": "xml:lang"}.get(k, k): v for k, v in attrs.items()}
        self.send(HEADER.format(attrs=" ".join(
            f"{k}='{v}'" for k, v in attrs.items() if v is not None)))
        self.expect_header()
        return self.expect("<stream:features/>")

    def start_tls(self, context, server_name):
        """The TLS handshake on the socket as it is."""
        self.sock.settimeout(self.timeout)
        self.sock = context.wrap_socket(self.sock, server_hostname=server_name)
        self._note("--", f"{self.sock.version()} {self.sock.cipher()[0]}".encode())
        self.restart()

    def close(self):
        """Say goodbye and wait for the other's."""
        self.send("</stream:stream>")
        while True:
            kind, _ = self.event()
            if kind in ("end", "closed"):
                break
        self.abort()

    def abort(self):
        """Drop the connection: no goodbye."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.sock.close()
            self.sock = None

    def _note(self, arrow, data):
        line = f"{self.name:>10} {arrow} {data.decode('utf-8', 'backslashreplace')}"
        if len(line) > 2000:
            line = f"{line[:2000]}... ({len(data)} bytes)"
        transcript.append(line)
        if LIVE:
            print(line, file=sys.stderr)
