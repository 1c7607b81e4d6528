# SPDX-License-Identifier: MIT
"""Gajim's library, nbxmpp, as Debian has it: clients that a test can wait for.

GLib's main loop turns only while the test waits, in `until` and `ask`.
"""

import os
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402
from nbxmpp.client import Client  # noqa: E402
from nbxmpp.const import ConnectionProtocol, ConnectionType  # noqa: E402
from nbxmpp.protocol import Iq, Message, Presence  # noqa: E402
from nbxmpp.structs import StanzaHandler  # noqa: E402

TIMEOUT = 10 * float(os.environ.get("LINNET_PATIENCE", "1"))
ENDPOINTS = {ConnectionType.START_TLS: "c2s", ConnectionType.DIRECT_TLS: "c2s-tls"}


def until(found, what):
    """Turns the loop until found() is true, and returns that."""
    deadline = time.monotonic() + TIMEOUT
    tick = GLib.timeout_add(50, lambda: GLib.SOURCE_CONTINUE)
    try:
        while time.monotonic() < deadline:
            result = found()
            if result:
                return result
            GLib.MainContext.default().iteration(True)
    finally:
        GLib.source_remove(tick)
    raise TimeoutError(f"waiting for {what}")


class Gajim:
    """An account of `server` that remembers every stanza that it was sent."""

    def __init__(self, server, user, kind=ConnectionType.START_TLS, mechanisms=None):
        trusted = Gio.TlsFileDatabase.new(str(server.authority.ca))
        Gio.TlsBackend.get_default().set_default_database(trusted)
        self.user, self.signals, self.stanzas = user, [], []
        self.client = Client(log_context=user.local)
        self.client.set_domain(user.domain)
        self.client.set_username(user.local)
        self.client.set_password(user.password)
        if mechanisms:
            self.client.set_mechs(mechanisms)
        self.client.set_custom_host("%s:%s" % server.address(ENDPOINTS[kind]),
                                    ConnectionProtocol.TCP, kind)
        for signal in ("connected", "disconnected", "connection-failed", "resume-failed",
                       "resume-successful"):
            self.client.subscribe(signal, lambda _, name: self.signals.append(name))
        for name in ("message", "presence", "iq"):
            self.client.register_handler(StanzaHandler(name, self._keep, priority=80))

    def _keep(self, _client, stanza, properties):
        self.stanzas.append((stanza, properties))

    @property
    def jid(self):
        return self.client.get_bound_jid()

    @property
    def bare(self):
        return self.user.jid

    def module(self, name):
        return self.client.get_module(name)

    def signal(self, *names):
        """The next of these signals."""
        def first():
            while self.signals:
                name = self.signals.pop(0)
                if name in names:
                    return name
            return None
        return until(first, f"{' or '.join(names)} at {self.user.jid}")

    def connect(self):
        self.client.connect()
        assert self.signal("connected", "disconnected", "connection-failed") == "connected", \
            self.client.get_error()
        return self

    def log_in(self):
        """As Gajim does: the roster first, then presence."""
        self.connect()
        self.ask("Roster", "request_roster")
        self.present()
        return self

    def log_out(self):
        self.client.disconnect()
        self.signal("disconnected")

    def break_off(self):
        """The connection goes, without a word of XMPP."""
        self.client._con.disconnect()
        self.signal("disconnected")

    def ask(self, module, method, *args, **more):
        """The result of one of nbxmpp's requests; an error is raised."""
        results = []

        def done(task):
            try:
                results.append((task.finish(), None))
            except Exception as error:      # nbxmpp's errors have no narrower common class
                results.append((None, error))

        task = getattr(self.module(module), method)(*args, **more)
        task.add_done_callback(done, weak=False)
        until(lambda: results, f"the answer to {method}")
        result, error = results[0]
        if error:
            raise error
        return result

    def iq(self, kind, tag, namespace, to=None, **attrs):
        """The answer to an IQ that nbxmpp has no name for."""
        answers = []
        request = Iq(kind, to=to)
        request.addChild(tag, namespace=namespace, attrs=attrs)
        self.client.send_stanza(request, callback=lambda _, answer: answers.append(answer))
        return until(lambda: answers, f"the answer to {tag}")[0]

    def next(self, name, wanted=lambda stanza, properties: True):
        """The first stanza of this name that is wanted; it and what came before are forgotten."""
        def found():
            for n, (stanza, properties) in enumerate(self.stanzas):
                if stanza.getName() == name and wanted(stanza, properties):
                    del self.stanzas[:n + 1]
                    return stanza, properties
            return None
        return until(found, f"{name} at {self.user.jid}")

    def message(self, body):
        return self.next("message", lambda stanza, properties: properties.body == body)

    def presence(self, sender, kind=None):
        """From this address, or any resource of it."""
        return self.next("presence", lambda stanza, properties: stanza.getType() == kind
                         and (stanza.getFrom() == sender or stanza.getFrom().bare == sender))

    def present(self, **more):
        self.client.send_stanza(Presence(**more))

    def say(self, to, body, kind="chat"):
        self.client.send_stanza(Message(to=to, body=body, typ=kind))
