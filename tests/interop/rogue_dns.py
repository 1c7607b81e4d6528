# SPDX-License-Identifier: MIT
"""A name server that misbehaves, by the domain that is asked for.

    with RogueDNS() as dns:     # dns.port, UDP and TCP on loopback
        ...
        dns.asked               # [(name, type)]

    python3 rogue_dns.py 5      # as a program: prints its port, answers 5 s late

What it answers is `behave_NAME` for NAME.example and everything below.
"""

import socket
import struct
import sys
import threading
import time

A, CNAME, SRV, AAAA, OPT = 1, 5, 33, 28, 41


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) \
        + b"\0"


def record(owner, kind, data, ttl=60):
    return wire_name(owner) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def address(owner, text="127.0.0.1"):
    return record(owner, A, socket.inet_aton(text))


def srv(owner, port, target, priority=0):
    return record(owner, SRV, struct.pack(">HHH", priority, 0, port) + wire_name(target))


class Question:
    def __init__(self, message):
        self.id, = struct.unpack(">H", message[:2])
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1"))
            at += 1 + message[at]
        self.name = ".".join(labels).lower()
        self.kind, _ = struct.unpack(">HH", message[at + 1:at + 5])
        self.bytes = message[12:at + 5]
        self.tcp = False

    def answer(self, *answers, rcode=0, more=(), truncated=False, number=None):
        flags = 0x8180 | rcode | (0x0200 if truncated else 0)
        return struct.pack(">HHHHHH", self.id if number is None else number, flags, 1,
                           len(answers), 0, len(more)) + self.bytes \
            + b"".join(answers) + b"".join(more)


class RogueDNS:
    def __init__(self):
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.asked, self.delay = [], 0
        for serve in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.udp.close()
        self.tcp.close()

    def _serve_udp(self):
        while True:
            try:
                message, sender = self.udp.recvfrom(4096)
            except OSError:
                return
            threading.Thread(target=self._reply_udp, args=(message, sender), daemon=True).start()

    def _reply_udp(self, message, sender):
        try:
            question = Question(message)
        except (IndexError, struct.error):
            return  # no question
        self.asked.append((question.name, question.kind))
        time.sleep(self.delay)
        for reply in self.replies(question):
            try:
                self.udp.sendto(reply, sender)
            except OSError:
                return

    def _serve_tcp(self):
        while True:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._reply_tcp, args=(sock,), daemon=True).start()

    def _reply_tcp(self, sock):
        with sock:
            sock.settimeout(10)
            try:
                length = sock.recv(2, socket.MSG_WAITALL)
                question = Question(sock.recv(struct.unpack(">H", length)[0],
                                              socket.MSG_WAITALL))
                question.tcp = True
                for reply in self.replies(question):
                    sock.sendall(struct.pack(">H", len(reply)) + reply)
            except (OSError, struct.error):
                return

    def replies(self, question):
        """A list of messages; what is not known does not exist."""
        labels = question.name.split(".")
        behave = getattr(self, f"behave_{labels[-2] if len(labels) > 1 else ''}", None)
        if behave is None:
            return [question.answer(rcode=3)]
        reply = behave(question)
        return reply if isinstance(reply, list) else [reply]

    # --- who misbehaves ------------------------------------------------------------------

    def behave_good(self, q):
        if q.name == "_xmpp-server._tcp.good.example" and q.kind == SRV:
            return q.answer(srv(q.name, 5269, "xmpp.good.example"))
        if q.name == "xmpp.good.example" and q.kind == A:
            return q.answer(address(q.name, "127.7.0.1"))
        return q.answer()

    def behave_garbage(self, q):
        return struct.pack(">H", q.id) + b"\xff" * 200

    def behave_short(self, q):
        """Ends in the middle of a record."""
        return q.answer(srv(q.name, 5269, "xmpp.short.example"))[:-7]

    def behave_silent(self, q):
        return []

    def behave_servfail(self, q):
        return q.answer(rcode=2)

    def behave_refused(self, q):
        return q.answer(rcode=5)

    def behave_loop(self, q):
        other = "b.loop.example" if q.name != "b.loop.example" else "a.loop.example"
        return q.answer(record(q.name, CNAME, wire_name(other)),
                        record(other, CNAME, wire_name(q.name)))

    def behave_endless(self, q):
        """Each alias leads to another one."""
        return q.answer(record(q.name, CNAME, wire_name(f"x{len(self.asked)}.endless.example")))

    def behave_guess(self, q):
        """Somebody guesses our question's number, and is wrong."""
        lie = [q.answer(address(q.name, "6.6.6.6"), number=(q.id + i) & 0xffff)
               for i in range(1, 30)]
        return lie + [q.answer(address(q.name, "127.7.0.2")) if q.kind == A else q.answer()]

    def behave_poison(self, q):
        """Records of another domain beside those that were asked for."""
        return q.answer(address(q.name, "127.7.0.3") if q.kind == A else
                        record(q.name, CNAME, wire_name("xmpp.poison.example")),
                        address("xmpp.good.example", "6.6.6.6"),
                        more=[address("xmpp.good.example", "6.6.6.6")])

    def behave_large(self, q):
        """Does not fit into a datagram: there is TCP."""
        if q.kind != SRV or not q.name.startswith("_xmpp-server"):
            return q.answer(address(q.name, "127.7.0.4")) if q.kind == A else q.answer()
        if not q.tcp:
            return q.answer(truncated=True)
        return q.answer(*(srv(q.name, 5000 + i, f"host{i}.large.example", i) for i in range(60)))

    def behave_names(self, q):
        """Targets that are no host names."""
        if q.kind != SRV or not q.name.startswith("_xmpp-server"):
            return q.answer(address(q.name, "127.7.0.5")) if q.kind == A else q.answer()
        return q.answer(srv(q.name, 1, "a b.names.example"), srv(q.name, 1, "\n\x1b[31m.example"),
                        srv(q.name, 5269, "xmpp.names.example"))


if __name__ == "__main__":
    with RogueDNS() as main:
        main.delay = float(sys.argv[1])
        print(main.port, flush=True)
        threading.Event().wait()
