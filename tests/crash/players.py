# SPDX-License-Identifier: MIT
"""Who plays while the server is killed: each a thread that ends with its connection."""

import select
import threading
import time

from kit import Closed
from kit.client import A, NS_SM, R, STANZAS, Client

MESSAGE, IQ = "{jabber:client}message", "{jabber:client}iq"
WINDOW = 150            # messages a sender leaves unacknowledged
CONTACTS = 20           # in the roster of a reader


class Player(Client):
    """A client of the kit that takes what comes in batches and can take up its session."""

    def __init__(self, server, user, **more):
        self.out = []                   # stanzas sent since <enabled/>
        self.visit = None               # where ids of messages are noted
        super().__init__(server, user, **more)

    def _note(self, arrow, data):
        """No transcript: there is too much of it."""

    def stanza(self, text):
        self.out.append(text)
        self.send(text)

    def pump(self, wait):
        """What has come, without what belongs to XEP-0198; waits so long for the first of it."""
        if not self._events and select.select([self.sock], [], [], wait)[0]:
            self._read(time.monotonic() + 1)
            self.raw_in = b""
        got = []
        while self._events:
            kind, element = self._events[0]
            if kind != "element":
                if got:
                    break
                raise Closed(f"{self.name}: {kind}")
            self._events.pop(0)
            self._take(element, got)
        return got

    def _take(self, element, got):
        if self.sm_on and element.tag in STANZAS:
            self.handled += 1
        if element.tag == A:
            self.acked = int(element.get("h"))
        elif element.tag == R:
            if self.answers_r:
                self.send_quietly(f"<a xmlns='{NS_SM}' h='{self.handled}'/>".encode())
        else:
            if element.tag == MESSAGE and element.get("type") != "error" and self.visit:
                self.visit.ids.append(element.get("id"))
            got.append(element)

    def again(self):
        """Drops the connection and takes the session up on a new one; sends what got lost."""
        self.abort()
        new = Player(self.server, self.user)
        new.visit, new.answers_r = self.visit, self.answers_r
        new.negotiate()
        self.acked = new.acked = new.resume(self)
        new.out = self.out
        for text in new.out[new.acked:]:
            new.send(text)
        return new


class Part(threading.Thread):
    """One role for one life of the server.  `trouble` is what ended it but the server's death."""

    def __init__(self, stage, user, rng):
        super().__init__(daemon=True)
        self.stage, self.user, self.rng = stage, user, rng
        self.trouble, self.client = None, None

    def run(self):
        try:
            self.play()
        except Exception as error:      # noqa: BLE001: all are looked at by the stage
            if not self.stage.killed.is_set():
                # The kill itself may be seen here first.
                if not self.stage.killed.wait(0.3):
                    self.trouble = error
        finally:
            if self.client is not None:
                self.client.abort()

    def log_in(self, **more):
        self.client = Player(self.stage.server, self.user, **more)
        self.client.login("crash")
        return self.client


class Sender(Part):
    """Sends each id once, asks often, notes what is acknowledged; may lose its connection."""

    resumes = False

    def enter(self, client):
        """What comes before the messages."""

    def play(self):
        client = self.log_in()
        client.enable(resume=self.resumes)
        self.ids, self.known, number = [], 0, 0     # an id for each stanza; None: no message
        self.enter(client)
        name = f"{self.user.local}.{self.stage.life}"
        while True:
            self.note_acked()
            if len(self.ids) - self.known < WINDOW:
                for _ in range(self.rng.randint(1, 8)):
                    number += 1
                    self.say(f"{name}-{number}", self.rng.choice(self.stage.audience))
                self.client.send(f"<r xmlns='{NS_SM}'/>")
            for element in self.client.pump(0.004):
                if element.get("type") == "error":
                    self.stage.ledger.refused.append(element.get("id"))
            if self.resumes and self.rng.random() < 0.02:
                self.client = self.client.again()

    def say(self, ident, recipient):
        self.stage.ledger.sent[ident] = recipient.jid
        self.ids.append(ident)
        self.client.stanza(f"<message to='{recipient.jid}' type='chat' id='{ident}'>"
                           f"<body>{ident}</body></message>")

    def note_acked(self):
        if (self.client.acked or 0) > self.known:
            self.stage.ledger.acked.update(filter(None, self.ids[self.known:self.client.acked]))
            self.known = self.client.acked


class Resender(Sender):
    resumes = True


class Talker(Sender):
    """Speaks in a room; its archive is the recipient."""

    def enter(self, client):
        self.ids.append(None)
        client.stanza(f"<presence to='{self.stage.room}/{self.user.local}'>"
                      "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
                      "</presence>")

    def say(self, ident, recipient):
        self.stage.ledger.sent[ident] = self.stage.room
        self.ids.append(ident)
        self.client.stanza(f"<message to='{self.stage.room}' type='groupchat' id='{ident}'>"
                           f"<body>{ident}</body></message>")


class Reader(Part):
    """Reads, acknowledges, and changes its roster: whose result says that all before is on disk."""

    acks, resumes, patience = True, False, 0

    def play(self):
        client = self.log_in()
        client.answers_r = not self.patience
        roster = {jid: item.get("name") for jid, item in client.roster().items()}
        self.contacts = self.stage.rosters.setdefault(self.user.jid, Contacts())
        self.contacts.check(roster, self.stage.claims, self.user)
        client.visit = self.stage.ledger.visit(self.user.jid)
        if self.acks:
            client.enable(resume=self.resumes)
        client.stanza("<presence/>")
        mark, due = None, 0
        while True:
            if mark is None and time.monotonic() >= due:
                mark, due = len(client.visit.ids), time.monotonic() + self.patience
                self.change()
            for element in client.pump(0.02):
                if element.tag == IQ and element.get("id") == self.contacts.ident:
                    self.contacts.confirm()
                    client.visit.settled, mark = mark, None
            if self.resumes and self.rng.random() < 0.05:
                client = self.client = client.again()

    def change(self):
        if self.acks:
            self.client.ack()
        ident, item = self.contacts.next(self.rng)
        self.client.stanza(f"<iq type='set' id='{ident}'><query xmlns='jabber:iq:roster'>"
                           f"{item}</query></iq>")


class Kernel(Reader):
    """Without XEP-0198: what the kernel took counts as read (DESIGN section 5)."""

    acks = False


class Resumer(Reader):
    resumes = True


class Dawdler(Reader):
    """Acknowledges late, so that what it acknowledges has been, or is being, written."""

    patience = 0.3


class Silent(Part):
    """Is there, has XEP-0198, and never reads nor answers."""

    def play(self):
        client = self.log_in()
        client.answers_r = False
        client.enable(resume=True)
        client.send("<presence/>")
        self.stage.killed.wait()


class Sleeper(Part):
    """Loses its connection at once; its session waits for it."""

    def play(self):
        client = self.log_in()
        client.answers_r = False
        client.enable(resume=True)
        client.online()
        client.abort()


class Suitor(Part):
    """Asks for subscriptions; what is acknowledged is in both rosters."""

    def play(self):
        client = self.log_in()
        client.enable()
        asked, known = [], 0
        for target in self.stage.targets():
            asked.append((self.user.jid, target.jid))
            client.stanza(f"<presence type='subscribe' to='{target.jid}'/>")
            client.send(f"<r xmlns='{NS_SM}'/>")
            for _ in range(self.rng.randint(0, 10)):
                client.pump(0.02)
                self.stage.courted.update(asked[known:client.acked or 0])
                known = client.acked or 0
        while True:
            client.pump(0.1)
            self.stage.courted.update(asked[known:client.acked or 0])
            known = client.acked or 0


class Contacts:
    """A roster as its owner knows it: what was confirmed, and the change under way."""

    def __init__(self):
        self.names, self.count = {}, 0
        self.ident = self.jid = self.name = None

    def next(self, rng):
        self.count += 1
        self.ident = f"set{self.count}"
        self.jid = f"c{rng.randrange(CONTACTS)}@verona.example"
        gone = self.jid in self.names and rng.random() < 0.3
        self.name = None if gone else str(self.count)
        more = "subscription='remove'" if gone else f"name='{self.name}'"
        return self.ident, f"<item jid='{self.jid}' {more}/>"

    def confirm(self):
        if self.name is None:
            self.names.pop(self.jid, None)
        else:
            self.names[self.jid] = self.name
        self.ident = self.jid = self.name = None

    def check(self, found, claims, user):
        """After a kill: all that was confirmed; the change under way may be there or not."""
        for jid in set(found) | set(self.names):
            if found.get(jid) == self.names.get(jid):
                continue
            if jid == self.jid and found.get(jid) == self.name:
                continue
            claims.against("roster result and lost", f"{user.jid}: {jid} is {found.get(jid)}, "
                           f"was {self.names.get(jid)}, {self.jid} was to be {self.name}")
        self.names = dict(found)
        self.ident = self.jid = self.name = None
