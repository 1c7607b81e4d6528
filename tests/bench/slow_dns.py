#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Local chat while a hundred domains wait for name servers that take five seconds.

    LINNET_BUILD=BUILD LINNET_BENCH=BUILD/bench/load tests/bench/slow_dns.py [ROUNDS]

xmppload, which `make bench` has built there, sends 2,000 messages a second among 200
users, in turn with nothing else going on and with somebody who writes to a hundred
domains all the time; each round prints the 99th percentile of both, in milliseconds,
and their ratio.
"""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "functional"))

from kit import Server  # noqa: E402
from kit.authority import Authority  # noqa: E402

USERS, DOMAINS, DELAY = 200, 100, 5
LOAD = ["--users", str(USERS), "--rate", "2000", "--warmup", "2", "--duration", "15"]


def name_server(sock):
    """SERVFAIL to everything, DELAY seconds late."""
    def answer(data, peer):
        sock.sendto(data[:2] + b"\x81\x82" + data[4:6] + bytes(6) + data[12:], peer)

    while True:
        data, peer = sock.recvfrom(4096)
        threading.Timer(DELAY, answer, (data, peer)).start()


def write_to_domains(client, stop):
    """Each domain gets another message when the last one has come back."""
    for i in range(DOMAINS):
        send(client, i)
    while not stop.is_set():
        send(client, int(client.next(timeout=60).get("id")))


def send(client, i):
    client.send(f"<message to='r@n{i}.{time.monotonic_ns()}.example' id='{i}' type='chat'>"
                "<body>?</body></message>")


def chat(server):
    load = pathlib.Path(os.environ["LINNET_BENCH"]) / "xmppload"
    done = subprocess.run([load, "chat", "--host", "127.0.0.1", "--port",
                           str(server.address()[1]), "--domain", server.host, "--server-pid",
                           str(server.process.pid), *LOAD], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["p99_ms"]


def disturbed(server):
    nurse, stop = server.client("nurse"), threading.Event()
    nurse.online()
    writer = threading.Thread(target=write_to_domains, args=(nurse, stop), daemon=True)
    writer.start()
    try:
        return chat(server)
    finally:
        stop.set()
        writer.join()
        nurse.abort()


def main(rounds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    threading.Thread(target=name_server, args=(sock,), daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        server = Server(folder, Authority(folder), {
            "dns": {"servers": [f"127.0.0.1:{sock.getsockname()[1]}"], "trust-anchor": "none"},
            "log": {"level": "warning"}, "s2s": {"trust": "dialback"}}, more_services=("s2s",))
        server.start()
        users = folder / "users"
        users.write_text("".join(f"u{i}@{server.host} secret\n" for i in range(USERS)))
        server.ctl("user", "import", users)
        ratios = []
        for _ in range(rounds):
            alone, beside = chat(server), disturbed(server)
            ratios.append(beside / alone)
            print(f"alone {alone:.2f} ms, beside {beside:.2f} ms: {ratios[-1]:.2f}", flush=True)
        print(f"median {statistics.median(ratios):.2f}")
        server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
