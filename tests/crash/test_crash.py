# SPDX-License-Identifier: MIT
"""SIGKILL under load, LINNET_KILLS times, with one database (promise 1 of doc/architecture.md).

What is asserted, and why:

* Acknowledged is stored.  Each id that an `<a h/>` or `<resumed h/>` covered
  reaches its recipient: offline, reading (with XEP-0198, without, resuming in
  the middle), silent, hibernating.  Senders that resume send again what
  `<resumed h/>` does not cover: it waits until nothing is under way, so that
  this is no second copy.
* Sent once is stored once.  In one session of a recipient (a resumed one is one
  session) no id comes twice, however often the server was killed before.
* What was not acknowledged may come once more.  A recipient that had read a
  message when the server died may be given it again, with the same id: that is
  counted, not refused.  But the writer commits in the order of submission, so
  once something that the recipient asked for *after* its acknowledgement is
  confirmed (here a roster set), the row is gone for good: such an id must not
  come again.
  Clients that acknowledge late do it while their rows are being written.
* Without XEP-0198 the kernel stands for the client: what it took counts as
  acknowledged.  The readers here read on until the connection ends, so they
  too miss nothing.
* From one sender to one recipient the order is kept, in every session.
* The result of a roster set, and the acknowledgement of a subscription request,
  survive: the set in the roster of who asked, the request in both.

* What was acknowledged to somebody who spoke in a persistent room is in its
  archive, once and in order.

Slow disks (a sync takes up to 0.2 s longer) take turns with fast ones.

    LINNET_KILLS=100 LINNET_CRASH_SEED=7 /usr/bin/python3 -m pytest tests/crash
"""

import os
import random
import threading
import time

from kit import wire
from kit.server import User
from ledger import Claims, Ledger
from players import (Dawdler, Kernel, Player, Reader, Resender, Resumer, Sender, Silent, Sleeper,
                     Suitor, Talker)

KILLS = int(os.environ.get("LINNET_KILLS", "20"))
SEED = int(os.environ.get("LINNET_CRASH_SEED", str(random.randrange(10 ** 6))))
LIFE = 0.1, 1.1         # seconds of load before a kill
SLOW = (0, 0, 0, 20, 60, 200)
SUITS = 3               # subscription requests in one life

CAST = {"sender": (Sender, 3), "resender": (Resender, 2), "reader": (Reader, 2),
        "kernel": (Kernel, 1), "resumer": (Resumer, 2), "dawdler": (Dawdler, 1),
        "silent": (Silent, 1), "sleeper": (Sleeper, 1), "suitor": (Suitor, 1),
        "talker": (Talker, 2)}
ROOM = "forum"
READ = ("reader", "kernel", "resumer", "dawdler", "silent", "sleeper")
OFFLINE = 2
MAM, RSM = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"


class Stage:
    def __init__(self, doomed):
        self.doomed, self.server = doomed, doomed.server
        self.rng = random.Random(SEED)
        self.ledger, self.claims = Ledger(), Claims()
        self.claims["roster result and lost"] = []
        self.claims["subscription acknowledged and lost"] = []
        self.rosters, self.courted = {}, set()
        self.life, self.killed = 0, threading.Event()
        self.room = f"{ROOM}@conference.{self.server.host}"
        names = [f"{role}{n}" for role, (_, count) in CAST.items() for n in range(count)]
        names += [f"away{n}" for n in range(OFFLINE)] + ["herald"]
        names += [f"target{n}" for n in range(SUITS * KILLS)]
        self.users = {name: User(name, name, self.server.host, "pencil",
                                 f"{name}@{self.server.host}") for name in names}
        self.audience = [user for name, user in self.users.items()
                         if name.rstrip("0123456789") in READ + ("away",)]

    def targets(self):
        first = SUITS * (self.life - 1)
        return [self.users[f"target{n}"] for n in range(first, first + SUITS)]

    def import_users(self):
        file = self.server.folder / "users"
        file.write_text("".join(f"{user.jid} {user.password}\n" for user in self.users.values()),
                        encoding="ascii")
        self.server.ctl("user", "import", str(file))
        self.server.ctl("muc", "create", self.room, self.users["herald"].jid)

    def live(self):
        """One life of the server, from its start to its end."""
        self.life += 1
        self.killed.clear()
        parts = [role(self, self.users[f"{name}{n}"], random.Random(self.rng.random()))
                 for name, (role, count) in CAST.items() for n in range(count)]
        for part in parts:
            part.start()
        self.doomed.slow(self.rng.choice(SLOW))
        time.sleep(self.rng.uniform(*LIFE))     # the moment is to be any moment
        self.server.check()
        self.killed.set()
        self.server.kill()
        for part in parts:
            part.join(20)
            assert not part.is_alive(), f"{part.user.name} plays on"
        for part in parts:
            if part.trouble is not None:
                raise part.trouble
        wire.wires.clear()

    # --- the end: everyone comes and collects ------------------------------------

    def collect(self, herald, user):
        """All that is stored for a user, in one visit; it is acknowledged."""
        client = Player(self.server, user).login("last")
        client.visit = visit = self.ledger.visit(user.jid)
        client.enable()
        client.online()
        visit.ids += [element.get("id") for kind, element in client._events_later
                      if element.tag.endswith("message")]
        herald.send(f"<message to='{user.jid}' type='chat' id='end-0'><body>end</body></message>")
        while not visit.ids or visit.ids[-1] != "end-0":
            client.pump(5)
        visit.ids.pop()
        client.ack()
        client.sync()
        client.close()
        visit.settled = len(visit.ids)

    def collect_all(self):
        herald = Player(self.server, self.users["herald"]).login()
        for user in self.audience:
            self.collect(herald, user)
            self.collect(herald, user)
        herald.close()

    def collect_room(self):
        """All that the archive of the room has, page by page."""
        client = Player(self.server, self.users["herald"]).login()
        visit, after, complete = self.ledger.visit(self.room), "", False
        while not complete:
            client.send(f"<iq type='set' id='mam' to='{self.room}'><query xmlns='{MAM}'>"
                        f"<set xmlns='{RSM}'><max>100</max>{after}</set></query></iq>")
            fin = None
            while fin is None:
                for element in client.pump(5):
                    visit.ids += [m.get("id") for m in element.iter("{jabber:client}message")
                                  if m is not element]
                    fin = element.find(f"{{{MAM}}}fin") if fin is None else fin
            complete = fin.get("complete") == "true"
            last = fin.findtext(f"{{{RSM}}}set/{{{RSM}}}last")
            after = f"<after>{last}</after>" if last else ""
        client.close()

    def check_courtship(self):
        """In the suitor's roster; and whom he asked is asked."""
        for suitor, target in sorted(self.courted):
            user = next(u for u in self.users.values() if u.jid == target)
            client = Player(self.server, user).login()
            client.online()
            came = [element for _, element in client._events_later] or client.pump(1)
            if [e.get("from") for e in came if e.get("type") == "subscribe"] != [suitor]:
                self.claims.against("subscription acknowledged and lost", f"{target} was not asked")
            client.abort()
        client = Player(self.server, self.users["suitor0"]).login()
        roster = client.roster()
        for suitor, target in self.courted:
            if target not in roster or roster[target].get("ask") != "subscribe":
                self.claims.against("subscription acknowledged and lost", f"{suitor}: no {target}")
        client.close()


def report(stage, seconds):
    ledger = stage.ledger
    good = sum(not found for found in stage.claims.values())
    yield (f"{stage.life} kills in {seconds:.0f} s, seed {SEED}: {len(ledger.sent)} messages sent, "
           f"{len(ledger.acked)} acknowledged, {ledger.again()} given again before they were "
           f"acknowledged; {sum(c.count for c in stage.rosters.values())} roster sets, "
           f"{len(stage.courted)} subscriptions")
    for claim, found in stage.claims.items():
        yield f"  {len(found)} {claim}"
    yield f"{stage.life} kills: {good} passed, {len(stage.claims) - good} failed"


def test_kills(doomed, record_property):
    stage, began = Stage(doomed), time.monotonic()
    stage.server.start()
    stage.import_users()
    for _ in range(KILLS):
        stage.live()
        stage.server.start()
    doomed.slow(0)
    stage.collect_all()
    stage.collect_room()
    stage.check_courtship()
    stage.ledger.check(stage.claims)
    for line in report(stage, time.monotonic() - began):
        record_property("crash", line)
    wrong = {claim: found[:5] for claim, found in stage.claims.items() if found}
    assert not wrong, wrong
