# SPDX-License-Identifier: MIT
"""Runs beside a client, in its session: a hand on the keyboard and the mouse.

What there is on the screen it learns as a screen reader does (AT-SPI).  A line
of JSON on standard input is something to do; it waits until the thing to be
pressed is there.  A line in $HOME/happened says that it was done, or why not.

    ["press", "Next"]           a button, by its label or its tooltip
    ["see", "Sign in"]          waits until a label or a tooltip says so
    ["write", "text"]           into the field that has the focus
    ["key", 36]                 a key by its code, held keys first
    ["copy", "/a/picture.png"]  the picture is in the clipboard
    ["open", "dino-im", ...]    starts a program
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

import gi

gi.require_version("Atspi", "2.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Atspi, Gdk, GdkPixbuf, GLib, Gtk  # noqa: E402

PATIENCE = 25 * float(os.environ.get("LINNET_PATIENCE", "1"))


class Hand:
    def __init__(self, name):
        self.name = name
        self.happened = open(pathlib.Path.home() / "happened", "a", buffering=1, encoding="utf-8")
        self.clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT,
                          GLib.IOCondition.IN | GLib.IOCondition.HUP, self.read)
        self.wait(lambda: list(self.things()), "a window")
        self.say("ready")

    def say(self, event, **more):
        self.happened.write(json.dumps({"event": event, **more}) + "\n")

    def read(self, channel, _condition):
        line = channel.readline()
        if not line:
            Gtk.main_quit()
            return GLib.SOURCE_REMOVE
        what, *words = json.loads(line)
        try:
            getattr(self, f"do_{what}")(*words)
            self.say("done", what=what)
        except Exception:               # whatever it was, the test is to hear of it
            self.say("failed", why=f"{what} {words}: {traceback.format_exc()}")
        return GLib.SOURCE_CONTINUE

    # --- looking -----------------------------------------------------------------------

    def things(self, below=None):
        """Everything on the screen of this program."""
        if below is None:
            desktop = Atspi.get_desktop(0)
            for n in range(desktop.get_child_count()):
                program = desktop.get_child_at_index(n)
                if program and program.get_name() == self.name:
                    yield from self.things(program)
            return
        yield below
        for n in range(below.get_child_count()):
            child = below.get_child_at_index(n)
            if child:
                yield from self.things(child)

    @staticmethod
    def is_(thing, *states):
        return all(thing.get_state_set().contains(state) for state in states)

    def wait(self, find, what):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                found = find()
            except GLib.Error:          # it went away while we looked
                found = None
            if found:
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {what}; there is {self.labels()}")
            time.sleep(0.05)

    def labels(self):
        return sorted({thing.get_name() for thing in self.things()
                       if thing.get_role() in (Atspi.Role.LABEL, Atspi.Role.PUSH_BUTTON)})

    def button(self, label):
        return next((thing for thing in self.things() if self.is_button(thing)
                     and (label in (thing.get_name(), thing.get_description())
                          or any(part.get_role() == Atspi.Role.LABEL and part.get_name() == label
                                 for part in self.things(thing)))), None)

    def is_button(self, thing):
        """One that can be pressed now."""
        return (thing.get_role() == Atspi.Role.PUSH_BUTTON
                and self.is_(thing, Atspi.StateType.SENSITIVE)
                and Atspi.Action.get_n_actions(thing) > 0)

    # --- doing ------------------------------------------------------------------------

    def do_press(self, label):
        Atspi.Action.do_action(self.wait(lambda: self.button(label), f"button {label}"), 0)

    def do_see(self, label):
        self.wait(lambda: any(label in (thing.get_name(), thing.get_description())
                              for thing in self.things()), label)

    def field(self):
        return next((thing for thing in self.things() if thing.get_editable_text_iface()
                     and self.is_(thing, Atspi.StateType.FOCUSED)), None)

    def do_write(self, text):
        field = self.wait(self.field, "field that has the focus")
        assert Atspi.EditableText.set_text_contents(field, text)

    @staticmethod
    def do_key(code, *held):
        for one in held:
            Atspi.generate_keyboard_event(one, None, Atspi.KeySynthType.PRESS)
        Atspi.generate_keyboard_event(code, None, Atspi.KeySynthType.PRESSRELEASE)
        for one in held:
            Atspi.generate_keyboard_event(one, None, Atspi.KeySynthType.RELEASE)

    def do_copy(self, path):
        self.clipboard.set_image(GdkPixbuf.Pixbuf.new_from_file(path))

    @staticmethod
    def do_open(*command):
        subprocess.run(command, check=True, timeout=PATIENCE)


Atspi.init()
hand = Hand(sys.argv[1])
Gtk.main()
