# SPDX-License-Identifier: MIT
"""What an earlier run, or time, has left in the database goes."""

import time

import pytest
from kit import TIMEOUT, Client, only_linnet
from kit.disk import Disk

CONFIG = {"modules": {"offline": {"limit": 3}}}
pytestmark = only_linnet("the database is ours")


@pytest.fixture
def disk(servers):
    disk = Disk(servers(CONFIG, start=False))
    disk.environment(LINNET_TEST_SWEEP="100")
    disk.server.start()
    return disk


def store(disk, user, *ids):
    """Messages that wait for a user; when we return they are on disk."""
    juliet = disk.server.client("juliet")
    juliet.enable()
    for ident in ids:
        juliet.send(f"<message to='{user.jid}' type='chat' id='{ident}'><body>x</body></message>")
    while juliet.request_ack() < len(ids):
        pass
    return juliet


def change(disk, sql, *arguments):
    """Another program changes the database."""
    other = disk.connect()
    other.execute("PRAGMA busy_timeout = 5000")
    other.execute(sql, arguments)
    other.close()


def until(disk, count, sql, *arguments):
    """Until the query gives this number."""
    deadline = time.monotonic() + TIMEOUT
    other = disk.connect()
    while other.execute(sql, arguments).fetchone()[0] != count:
        assert time.monotonic() < deadline, f"not {count}: {sql}"
    other.close()


def test_a_deletion_that_was_cut_off_goes_on(disk):
    """Killed when the account was marked, and its rows were there: they go, the name is free."""
    away = disk.server.user("romeo")
    store(disk, away, "m")
    disk.server.kill()
    change(disk, "UPDATE entity SET status = 2 WHERE jid = ?", away.jid)
    disk.server.start()
    until(disk, 0, "SELECT COUNT(*) FROM entity WHERE jid = ?", away.jid)
    until(disk, 0, "SELECT COUNT(*) FROM pending")
    disk.server.add_user(away)
    Client(disk.server, away).login().online().expect_nothing()


def test_expired_at_a_start(disk):
    away = disk.server.user("romeo")
    store(disk, away, "m0", "m1", "m2")
    disk.server.kill()
    change(disk, "UPDATE pending SET expires = 1 WHERE CAST(stanza AS TEXT) LIKE '%id=''m1''%'")
    disk.server.start()
    until(disk, 2, "SELECT COUNT(*) FROM pending")
    romeo = Client(disk.server, away).login().online()
    romeo.expect("<message id='m0'/>")
    romeo.expect("<message id='m2'/>")
    romeo.expect_nothing()


def test_expired_while_it_runs(disk):
    """They count no longer: there is room for others."""
    away = disk.server.user("romeo")
    juliet = store(disk, away, "m0", "m1", "m2")
    juliet.send(f"<message to='{away.jid}' type='chat' id='m3'><body>x</body></message>")
    juliet.expect_error("m3", "service-unavailable", name="message")
    change(disk, "UPDATE pending SET expires = 1")
    until(disk, 0, "SELECT COUNT(*) FROM pending")
    for ident in ("m4", "m5", "m6"):
        juliet.send(f"<message to='{away.jid}' type='chat' id='{ident}'><body>x</body></message>")
    juliet.expect_nothing(at=away.jid)
    romeo = Client(disk.server, away).login().online()
    for ident in ("m4", "m5", "m6"):
        romeo.expect(f"<message id='{ident}'/>")
    romeo.expect_nothing()


def test_what_a_session_has_does_not_expire(disk):
    """It was given in time; its row goes with the acknowledgement."""
    away = disk.server.user("romeo")
    store(disk, away, "m0", "m1")
    romeo = Client(disk.server, away).login()
    romeo.answers_r = False
    romeo.enable(resume=True)
    romeo.online()
    change(disk, "UPDATE pending SET expires = 1")
    late = disk.server.user("late")
    store(disk, late, "m2")
    change(disk, "UPDATE pending SET expires = 1 WHERE CAST(stanza AS TEXT) LIKE '%id=''m2''%'")
    until(disk, 2, "SELECT COUNT(*) FROM pending")
    romeo.abort()
    back = Client(disk.server, away).negotiate()
    back.resume(romeo, h=1)
    for ident in ("m0", "m1"):
        back.expect(f"<message id='{ident}'/>")


@pytest.mark.parametrize("count", [1, 250])
def test_many_pages(servers, count):
    disk = Disk(servers({"modules": {"offline": {}}}, start=False))
    disk.server.start()
    away = disk.server.user("romeo")
    store(disk, away, *(f"m{n}" for n in range(count)), "kept")
    disk.server.kill()
    change(disk, "UPDATE pending SET expires = 7 WHERE CAST(stanza AS TEXT) NOT LIKE '%kept%'")
    disk.server.start()
    until(disk, 1, "SELECT COUNT(*) FROM pending")
