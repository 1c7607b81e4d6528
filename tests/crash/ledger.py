# SPDX-License-Identifier: MIT
"""What was sent, acknowledged and received, and what must be true of it.

Every id is sent once, by one sender to one recipient.  A *visit* is a session
of a recipient, from its login to the moment it dies with its server or ends;
one that is resumed is one visit.
"""

import collections


class Visit:
    def __init__(self):
        self.ids = []
        self.settled = 0    # so many of them were acknowledged, and that is known to be on disk


class Claims(dict):
    """Name of a claim -> what contradicts it."""

    def against(self, claim, text):
        self.setdefault(claim, []).append(text)


class Ledger:
    def __init__(self):
        self.sent = {}                                  # id -> recipient
        self.acked = set()                              # ids
        self.refused = []                               # ids that came back as errors
        self.visits = collections.defaultdict(list)     # recipient -> visits

    def visit(self, recipient):
        self.visits[recipient].append(Visit())
        return self.visits[recipient][-1]

    def check(self, claims):
        """Every claim is named, and what contradicts it listed."""
        for claim in ("acknowledged and lost", "stored twice", "came again though done with",
                      "out of order", "refused", "never sent"):
            claims.setdefault(claim, [])
        for ident in self.refused:
            claims.against("refused", ident)
        wanted = collections.defaultdict(set)
        for ident in self.acked:
            wanted[self.sent[ident]].add(ident)
        for recipient in set(wanted) | set(self.visits):
            self._check_one(claims, recipient, wanted[recipient])

    def _check_one(self, claims, recipient, wanted):
        seen, done = set(), set()
        for number, visit in enumerate(self.visits[recipient]):
            where = f"at {recipient}, visit {number}"
            for ident, times in collections.Counter(visit.ids).items():
                if times > 1:
                    claims.against("stored twice", f"{ident} {where}: {times} times")
                if self.sent.get(ident) != recipient:
                    claims.against("never sent", f"{ident} {where}")
            for ident in done.intersection(visit.ids):
                claims.against("came again though done with", f"{ident} {where}")
            self._check_order(claims, visit, where)
            seen.update(visit.ids)
            done.update(visit.ids[:visit.settled])
        for ident in wanted - seen:
            claims.against("acknowledged and lost", f"{ident} at {recipient}")

    @staticmethod
    def _check_order(claims, visit, where):
        last = {}
        for ident in visit.ids:
            sender, _, number = ident.rpartition("-")
            if int(number) < last.get(sender, -1):
                claims.against("out of order", f"{ident} after {last[sender]} {where}")
            last[sender] = int(number)

    def again(self):
        """How many came more than once in all, as promise 1 allows."""
        return sum(len(ids) - len(set(ids)) for ids in
                   ([i for visit in visits for i in visit.ids] for visits in self.visits.values()))
