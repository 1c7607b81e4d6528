# SPDX-License-Identifier: MIT
"""linnetctl: accounts, sessions, configuration, what scripts rely on."""

import json
import os
import pty
import sqlite3

import pytest
from kit import Client, only_linnet
from kit.server import build_file

pytestmark = only_linnet("linnetctl")


def test_status_before_during_after(servers):
    """status: 0 once clients are accepted, 1 before."""
    server = servers(start=False)
    server.ports = {service: port for port, service in enumerate(server.SERVICES, 1)}
    server.configure()
    assert server.ctl("status", check=False).returncode == 1
    server.ports = {}
    server.start()
    assert server.ctl("status").returncode == 0
    server.stop()
    assert server.ctl("status", check=False).returncode == 1


def test_version(server):
    assert "linnet" in server.ctl("version").stdout.lower()


# --- user ------------------------------------------------------------------------------


def test_user_life(server):
    jid = f"paris@{server.host}"
    assert server.ctl("user", "exists", jid, check=False).returncode == 1
    server.ctl("user", "add", jid, "first")
    assert server.ctl("user", "exists", jid).returncode == 0
    assert jid in server.ctl("user", "list", server.host).stdout
    user = server.user("ignored")._replace(local="paris", jid=jid, password="first")
    Client(server, user).login()
    server.ctl("user", "passwd", jid, "second")
    Client(server, user._replace(password="second")).login().online()
    old = Client(server, user)
    old.open(old.domain)
    old.scram("SCRAM-SHA-1")
    old.expect_failure("not-authorized")
    server.ctl("user", "del", jid)
    assert server.ctl("user", "exists", jid, check=False).returncode == 1


def test_deleted_user_is_logged_out(server, juliet):
    server.ctl("user", "del", juliet.bare)
    juliet.expect_closed()


@pytest.mark.parametrize("jid", ["nobody", "@", "paris@unknown.example", "paris@capulet.example/x",
                                 "a b@capulet.example"])
def test_bad_address(server, jid):
    done = server.ctl("user", "add", jid, "secret", check=False)
    assert done.returncode in (1, 2) and done.stderr


def test_add_twice(server, juliet):
    done = server.ctl("user", "add", juliet.bare, "other", check=False)
    assert done.returncode == 1 and "exists" in done.stderr
    Client(server, juliet.user).login()


def test_password_from_standard_input(server):
    server.ctl("user", "add", f"abram@{server.host}", input="from a pipe\n")
    user = server.user("ignored")._replace(local="abram", password="from a pipe")
    Client(server, user).login()


def test_import(server, tmp_path):
    """Lines of JID PASSWORD; thousands in a row."""
    users = tmp_path / "users"
    users.write_text("".join(f"guest{n}@{server.host} pass word{n}\n" for n in range(200)),
                     encoding="utf-8")
    server.ctl("user", "import", users)
    user = server.user("ignored")._replace(local="guest199", password="pass word199")
    Client(server, user).login()


def test_import_names_the_line(server, tmp_path):
    users = tmp_path / "users"
    users.write_text(f"sampson@{server.host} x\nnot an address\n", encoding="utf-8")
    done = server.ctl("user", "import", users, check=False)
    assert done.returncode == 1 and "2" in done.stdout + done.stderr


def listed(server, *args):
    answer = json.loads(server.ctl("--json", "user", "list", *args).stdout)
    return [row["jid"] for row in answer["rows"]]


def test_list_of_any_length(servers):
    """It is read page by page; `after` and `limit` take a part."""
    server = servers()
    server.stop()
    names = sorted(f"guest{n}@{server.host}" for n in range(10500))
    with sqlite3.connect(server.folder / "data" / "linnet.db") as database:
        database.executemany("INSERT INTO entity (kind, jid, host, status, created)"
                             " VALUES (1, ?, ?, 1, 0)", ((name, server.host) for name in names))
    database.close()
    server.start()
    assert listed(server) == names
    some = listed(server, server.host, names[1999], "1500")
    assert some == names[2000:3500]


def test_no_password_in_the_database(servers):
    """Passwords are stored as SCRAM keys only."""
    server = servers()
    server.user("juliet", password="Wherefore-art-thou")
    server.stop()
    for file in (server.folder / "data").iterdir():
        if file.is_file():
            assert b"Wherefore-art-thou" not in file.read_bytes()
    assert "Wherefore-art-thou" not in server.log(100000)


# --- sessions --------------------------------------------------------------------------------


def test_session_list_and_kick(server, juliet):
    assert str(juliet) in server.ctl("session", "list").stdout
    server.ctl("session", "kick", juliet.bare)
    juliet.expect_closed()
    assert str(juliet) not in server.ctl("session", "list").stdout
    Client(server, juliet.user).login()


@pytest.mark.parametrize("verb", [("session", "list"), ("user", "list", "capulet.example"),
                                  ("module", "list"), ("stats",), ("status",),
                                  ("version",), ("config", "check"), ("hooks",),
                                  ("user", "count"), ("session", "count", "capulet.example")])
def test_json(server, juliet, verb):
    json.loads(server.ctl("--json", *verb).stdout)


def test_modules(server):
    assert "sasl_scram" in server.ctl("module", "list").stdout
    assert server.ctl("module", "show", "ping").stdout
    assert server.ctl("module", "show", "nonsense", check=False).returncode != 0


def test_kick_one_resource(server, juliet):
    other = Client(server, juliet.user).login("other")
    server.ctl("session", "kick", juliet.bare, "other")
    other.expect_closed()
    juliet.sync()


def test_password_at_a_terminal(server):
    """It is asked for, and not shown."""
    jid = f"benedick@{server.host}"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(build_file("linnetctl", "LINNETCTL"),
                 ["linnetctl", "-c", str(server.conf), "user", "add", jid])
    shown = os.read(terminal, 100)
    assert b"assword" in shown
    os.write(terminal, b"much ado\n")
    try:
        while piece := os.read(terminal, 100):
            shown += piece
    except OSError:     # the other side has ended
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"much ado" not in shown
    user = server.user("ignored")._replace(local="benedick", password="much ado")
    Client(server, user).login()


def test_hooks(server):
    server.ctl("hooks")
    assert server.ctl("hooks", "nonsense", check=False).returncode == 1


def test_stats(server, juliet):
    rows = json.loads(server.ctl("--json", "stats").stdout)["rows"]
    counted = {(row["part"], row["name"]): row["value"] for row in rows}
    assert 1 <= counted["session", "sessions"] <= counted["session", "bound_total"]


def test_log_level(server):
    server.ctl("log", "level", "info")
    server.ctl("log", "level", "debug")
    assert server.ctl("log", "level", "loud", check=False).returncode in (1, 2)


def test_unknown_verb(server):
    done = server.ctl("frobnicate", check=False)
    assert done.returncode == 2 and done.stderr


def test_first_word_of_several(server):
    """What could follow is listed: as help if asked for, else as an error."""
    done = server.ctl("user", check=False)
    assert done.returncode == 2 and "user add jid" in done.stderr and not done.stdout
    assert "muc" not in done.stderr and "session list" not in done.stderr
    assert "user add jid" in server.ctl("help", "user").stdout


def test_backup(server, juliet, tmp_path):
    """A copy that can be opened, made while the server runs."""
    target = tmp_path / "copy.db"
    server.ctl("backup", target)
    with sqlite3.connect(target) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_backup_replaces_an_older_one(server, tmp_path):
    target = tmp_path / "copy.db"
    server.ctl("backup", target)
    server.ctl("backup", target)
    with sqlite3.connect(tmp_path / "others.db") as other:
        other.execute("CREATE TABLE t (a)")
    done = server.ctl("backup", tmp_path / "others.db", check=False)
    assert done.returncode == 1 and "it is there, and is no backup" in done.stderr


@pytest.mark.parametrize("target, why", [
    ("{data}/linnet.db", "that is the database itself"),
    ("{tmp}/link", "that is the database itself"),
    ("{data}/linnet.db-wal", "it is there, and is no backup"),
    ("{tmp}/letter", "it is there, and is no backup"),
    ("{tmp}", "Is a directory"),
    ("copy.db", "write the whole path"),
])
def test_backup_replaces_nothing_else(server, juliet, tmp_path, target, why):
    """A slip of the hand loses no file: not the operator's, not what is being copied."""
    (tmp_path / "letter").write_text("Dear Romeo", encoding="utf-8")
    (tmp_path / "link").symlink_to(server.folder / "data" / "linnet.db")
    before = os.stat(server.folder / "data" / "linnet.db").st_ino
    done = server.ctl("backup", target.format(data=server.folder / "data", tmp=tmp_path),
                      check=False)
    assert done.returncode == 1 and why in done.stderr
    assert os.stat(server.folder / "data" / "linnet.db").st_ino == before
    assert (tmp_path / "letter").read_text(encoding="utf-8") == "Dear Romeo"


# --- the daemon itself -----------------------------------------------------------------------


def test_second_daemon_on_the_same_data(servers):
    """The lock file: one owner of the data."""
    server = servers()
    other = servers(start=False)
    other.config = {"data": server.folder / "data"}
    with pytest.raises(AssertionError, match="does not start"):
        other.start()
    server.client("juliet").online()


def test_broken_configuration_does_not_start(servers):
    server = servers(start=False)
    server.config = {"lisen": {}}
    with pytest.raises(AssertionError, match=r"linnet\.yaml:\d+:\d+: "):
        server.start()


def test_drain(servers):
    """SIGTERM: what was sent is delivered or kept, clients are told, status 0."""
    server = servers({"modules": {"offline": {}}})
    juliet, away = server.client("juliet"), server.user("romeo")
    for n in range(100):
        juliet.send(f"<message to='{away.jid}' type='chat' id='m{n}'><body>{n}</body></message>")
    juliet.sync()
    server.stop()
    juliet.expect_stream_error("system-shutdown")
    server.start()
    romeo = Client(server, away).login().online()
    for n in range(100):
        romeo.expect(f"<message id='m{n}'/>")
