# SPDX-License-Identifier: MIT
"""Runs inside Gajim: a line of JSON on standard input is something to do, as a person
would with the windows; a line in the file $HOME/happened is something that happened."""

import json
import os
import pathlib
import sys

from gajim.common import app, ged
from gajim.common.client import Client
from gajim.common.structs import OutgoingMessage
from gajim.plugins import GajimPlugin
from gi.repository import GLib
from nbxmpp.protocol import JID

ACCOUNT = "localhost"
EVENTS = ("signed-in", "message-sent", "message-received", "gc-message-received",
          "http-upload-started", "http-upload-error", "muc-added", "password-required",
          "plain-connection", "account-disconnected")


class Driver(GajimPlugin):
    def init(self):
        self.happened = open(pathlib.Path.home() / "happened", "a", buffering=1, encoding="utf-8")
        self.events_handlers = {name: (ged.POSTCORE, self.tell) for name in EVENTS}
        for name, sign in (("stanza-sent", ">"), ("stanza-received", "<")):
            self.events_handlers[name] = (ged.POSTCORE, lambda event, sign=sign:
                                          print(sign, event.stanza, file=sys.stderr, flush=True))

    def activate(self):
        GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT,
                          GLib.IOCondition.IN, self.read)
        GLib.idle_add(lambda: self.say("ready"))

    def read(self, channel, _condition):
        line = channel.readline()
        if not line:
            return GLib.SOURCE_REMOVE
        what, *words = json.loads(line)
        print("do", what, words, file=sys.stderr, flush=True)
        getattr(self, f"do_{what}")(*words)
        return GLib.SOURCE_CONTINUE

    def say(self, name, **more):
        json.dump({"event": name, **more}, self.happened)
        self.happened.write("\n")

    def tell(self, event):
        fields = {name: str(getattr(event, name)) for name in ("jid", "error_msg", "message")
                  if getattr(event, name, None)}
        text = getattr(event, "msgtxt", None)
        self.say(event.name, **fields, **({"body": text} if text else {}))

    # --- what a test says ------------------------------------------------------------

    @staticmethod
    def client() -> Client:
        return app.get_client(ACCOUNT)

    def contact(self, room):
        contact = self.client().get_module("Contacts").get_contact(room, groupchat=True)
        return contact

    def watch(self, room):
        """A room's own signals say when one is in it."""
        contact = self.client().get_module("Contacts").add_contact(room, groupchat=True)
        contact.multi_connect({name: self.on_room for name in (
            "room-joined", "room-join-failed", "room-config-finished", "room-config-failed",
            "room-creation-failed", "room-kicked", "user-joined", "room-subject")})

    def on_room(self, contact, name, *_):
        self.say(name, jid=str(contact.jid))

    def do_log_in(self, user, domain, password):
        app.app.create_account(ACCOUNT, user, domain, password, None, None)
        app.app.enable_account(ACCOUNT)

    def do_create(self, room):
        self.watch(room)
        self.client().get_module("MUC").create(room, {})

    def do_join(self, room):
        self.watch(room)
        self.client().get_module("MUC").join(room)

    def do_invite(self, room, jid):
        self.client().get_module("MUC").invite(JID.from_string(room), JID.from_string(jid))

    def do_say(self, room, text):
        self.client().send_message(OutgoingMessage(
            account=ACCOUNT, contact=self.contact(room), message=text, type_="groupchat"))

    def do_send_file(self, room, path):
        self.client().get_module("HTTPUpload").send_file(self.contact(room), pathlib.Path(path))

    def do_quit(self):
        app.app.start_shutdown(message="Good bye")  # the menu would ask about unread messages


assert os.geteuid() != 0
