# SPDX-License-Identifier: MIT
"""A database that cannot be used is refused at start, with a sentence, and is not harmed."""

import hashlib
import subprocess

import pytest
from kit import Client, only_linnet
from kit.disk import Disk
from kit.peer import TIMEOUT

CONFIG = {"modules": {"offline": {}}}
pytestmark = only_linnet("the database is ours")


@pytest.fixture
def disk(servers):
    """A server that was there before: one account, one message, and it has ended."""
    disk = Disk(servers(CONFIG, start=False))
    disk.server.start()
    juliet, disk.away = disk.server.client("juliet"), disk.server.user("romeo")
    juliet.send(f"<message to='{disk.away.jid}' type='chat' id='m'><body>x</body></message>")
    juliet.sync(disk.away.jid)
    juliet.close()
    disk.server.stop()
    return disk


def refused(disk, *words):
    """It does not start, in good time, with status 1 and one sentence that has the words."""
    server = disk.server
    done = subprocess.run(server.command(), capture_output=True, text=True, cwd=server.folder,
                          env=server.environment(), timeout=2 * TIMEOUT, check=False)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr
    return done.stderr


def starts(disk):
    disk.server.start()
    romeo = Client(disk.server, disk.away).login().online()
    romeo.expect("<message id='m'/>")
    romeo.expect_nothing()


def digest(disk):
    return hashlib.sha256(disk.database.read_bytes()).hexdigest()


@pytest.mark.parametrize("what, words", [("readonly", "cannot be written to"),
                                         ("full 0", "full"), ("fail", "linnet.db")])
def test_a_disk_that_fails(disk, what, words):
    disk.say(what)
    refused(disk, words)
    disk.say("ok")
    starts(disk)


def test_locked_by_another_program(disk):
    other = disk.connect()
    other.execute("BEGIN EXCLUSIVE")
    refused(disk, "locked by another program")
    other.execute("ROLLBACK")
    other.close()
    starts(disk)


def test_in_use_by_another_daemon(disk):
    """One daemon a directory; the lock goes with its process, however that ends."""
    disk.server.start()
    process = disk.server.process
    other = disk.server.folder / "other.yaml"
    text = disk.server.conf.read_text(encoding="utf-8")
    for port in disk.server.ports.values():
        text = text.replace(f":{port}", ":0")
    other.write_text(text.replace("control.sock", "other.sock"), encoding="utf-8")
    done = subprocess.run([disk.server.command()[0], "-c", other], capture_output=True, text=True,
                          timeout=TIMEOUT, check=False)
    assert done.returncode == 1
    assert f"in use by another linnetd (process {process.pid})" in done.stderr
    disk.server.kill()
    starts(disk)


@pytest.mark.parametrize("text, words", [
    (b"This is a letter, and no database.\n" * 200, "is no database"),
    (b"\0" * 8192, "is no database"),
])
def test_no_database(disk, text, words):
    good = disk.database.read_bytes()
    disk.database.write_bytes(text)
    before = digest(disk)
    refused(disk, "linnet.db", words)
    assert digest(disk) == before
    disk.database.write_bytes(good)
    starts(disk)


def test_of_another_program(disk):
    good = disk.database.read_bytes()
    disk.database.unlink()
    other = disk.connect()
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    refused(disk, "database of another program")
    disk.database.write_bytes(good)
    starts(disk)


def test_damaged(disk):
    """Half of it gone, and its schema unreadable."""
    good = disk.database.read_bytes()
    bad = bytearray(good)
    bad[100:4096] = b"\x7f" * 3996
    disk.database.write_bytes(bad)
    refused(disk, "linnet.db", "damaged")
    disk.database.write_bytes(good)
    starts(disk)


def test_cut_short(disk):
    good = disk.database.read_bytes()
    disk.database.write_bytes(good[:len(good) // 2])
    refused(disk, "linnet.db", "damaged")
    disk.database.write_bytes(good)
    starts(disk)


def test_newer_than_the_program(disk):
    other = disk.connect()
    steps = other.execute("SELECT MAX(step) FROM schema WHERE module = 'linnet'").fetchone()[0]
    other.execute("INSERT INTO schema VALUES ('linnet', 'base', ?, 'x')", (steps + 1,))
    other.close()
    refused(disk, "newer than this program", f"known here are {steps}", "restore a backup")
    other = disk.connect()
    other.execute("DELETE FROM schema WHERE checksum = 'x'")
    other.close()
    starts(disk)


def test_a_step_that_was_changed(disk):
    other = disk.connect()
    where = "WHERE module = 'linnet' AND step = 1"
    (good,) = other.execute(f"SELECT checksum FROM schema {where}").fetchone()
    other.execute(f"UPDATE schema SET checksum = 'x' {where}")
    refused(disk, "linnet.base", "was changed after it had been applied")
    other.execute(f"UPDATE schema SET checksum = ? {where}", (good,))
    other.close()
    starts(disk)


def test_nothing_there(disk):
    """The directory that holds it may be missing; only its last part is made."""
    conf = disk.server.conf
    conf.write_text(conf.read_text(encoding="utf-8").replace(
        str(disk.server.folder / "data"), str(disk.server.folder / "no" / "such")),
        encoding="utf-8")
    refused(disk, "no/such", "No such file or directory")
