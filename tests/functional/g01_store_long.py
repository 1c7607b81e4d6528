# SPDX-License-Identifier: MIT
"""A disk that fails for long: stalls without an error, clocks that stand, and the server's end."""

import pytest
from kit import Client, only_linnet

from g00_store import REFUSED, Disk, came_back, chat

CONFIG = {"modules": {"offline": {}}, "stream-management": {"resume": "2s"}}
pytestmark = only_linnet("a promise of ours")


@pytest.fixture
def disks(servers):
    def make(stall_ms=400):
        disk = Disk(servers(CONFIG, start=False), stall_ms)
        disk.server.start()
        return disk

    return make


def test_a_disk_that_hangs(disks):
    """No error comes, only no answer: after 5 s that is a stall too."""
    disk = disks(None)
    juliet, away = disk.server.client("juliet"), disk.server.user("romeo")
    juliet.enable()
    disk.say("stop 9000")
    chat(juliet, away.jid, "m")
    juliet.sync()
    assert disk.state() == "ok"
    disk.until("stalled")
    assert disk.stat("stalled") == 1
    chat(juliet, away.jid, "n")
    juliet.expect_error("n", *REFUSED, name="message")
    disk.until("ok")
    while juliet.request_ack() < 3:
        pass
    came_back(disk.server, away, "m")


@pytest.mark.parametrize("what", ["fail", "stop 4000"], ids=["broken", "hanging"])
def test_hibernation_does_not_run_out(disks, what):
    """While the store is failing the clocks stand: 2 s here, and the disk is away for longer."""
    disk = disks()
    juliet, romeo = disk.server.client("juliet"), disk.server.client("romeo", "orchard")
    away = disk.server.user("away")
    romeo.enable(resume=True)
    romeo.online()
    disk.say(what)
    chat(juliet, away.jid, "m")
    disk.until("stalled")
    romeo.abort()
    if what == "fail":
        wait_out(juliet, 3)
        disk.say("ok")
    disk.until("ok")
    new = Client(disk.server, romeo.user).negotiate()
    new.resume(romeo)


def wait_out(client, seconds):
    """Time passes at the server: while something waits for it, an <r/> is answered after 1 s."""
    client.enable()
    for _ in range(seconds):
        client.request_ack()


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_the_end_of_the_server(disks, end):
    """Killed or stopped while the disk fails: what was acknowledged is there, the rest may be."""
    disk = disks()
    server = disk.server
    juliet, away = server.client("juliet"), server.user("romeo")
    juliet.enable()
    chat(juliet, away.jid, "kept")
    while juliet.request_ack() < 1:
        pass
    disk.say("fail")
    chat(juliet, away.jid, "unknown")
    assert juliet.request_ack() == 1
    getattr(server, end)()
    disk.say("ok")
    server.start()
    came_back(server, away, "kept")
