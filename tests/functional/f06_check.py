# SPDX-License-Identifier: MIT
"""linnetctl check: with a server and without one."""

import json
import socket
import sqlite3

import pytest
from kit import only_linnet

pytestmark = only_linnet("linnetctl")


def check(server, wrong=()):
    """The findings; what is wrong must be in one of these parts, and fails the verb."""
    done = server.ctl("--json", "check", check=False)
    rows = json.loads(done.stdout)["rows"]
    assert {row["part"] for row in rows if row["verdict"] == "wrong"} == set(wrong)
    assert done.returncode == (1 if wrong else 0)
    return rows


def finding(rows, part, subject):
    return next(row for row in rows if row["part"] == part and subject in row["subject"])


@pytest.fixture
def idle(servers):
    """One that has run, and has a database."""
    server = servers()
    server.stop()
    return server


def test_running(server):
    """Its ports are its own; nothing is wrong."""
    rows = check(server)
    ports = [row for row in rows if row["part"] == "ports"]
    assert len(ports) >= 4
    assert {row["finding"] for row in ports} == {"the running server's"}
    assert "sound" in finding(rows, "database", "linnet.db")["finding"]


def test_idle(idle):
    rows = check(idle)
    assert {row["finding"] for row in rows if row["part"] == "ports"} == {"free"}


def test_before_the_first_start(servers):
    server = servers(start=False)
    server.ports = {service: port for port, service in enumerate(server.SERVICES, 50000)}
    server.configure()
    rows = json.loads(server.ctl("--json", "check", check=False).stdout)["rows"]
    assert finding(rows, "database", "data")["verdict"] == "ok"


def test_for_people(idle):
    """A table and a last line; --json may stand at the end, too."""
    text = idle.ctl("check").stdout
    assert text.startswith("PART") and "0 wrong" in text.splitlines()[-1]
    assert json.loads(idle.ctl("check", "--json").stdout)["ok"] is True


def test_configuration(idle):
    idle.conf.write_text(idle.conf.read_text(encoding="utf-8") + "\nlisen: {}\n",
                         encoding="utf-8")
    rows = check(idle, wrong=["configuration"])
    assert "lisen" in rows[0]["finding"] and ":" in rows[0]["subject"]


def test_port_of_another(idle):
    with socket.socket() as other:
        other.bind(("127.0.0.1", idle.ports["c2s"]))
        other.listen()
        rows = check(idle, wrong=["ports"])
        row = finding(rows, "ports", str(idle.ports["c2s"]))
        assert row["finding"] == "another program listens on it"


def test_foreign_address(idle):
    idle.config = {"listen": {"component": ["192.0.2.1:5347"]}}
    idle.configure()
    assert "no such address" in finding(check(idle, wrong=["ports"]), "ports",
                                        "component")["finding"]


def reissue(server, *names, **more):
    server.crt, server.key = server.authority.certificate(*names, folder=server.folder,
                                                          name="other", **more)
    server.configure()


def test_certificate_of_another(idle):
    """RFC 6125: it must speak for the host it is given to."""
    reissue(idle, "other.example", "*.capulet.example")
    rows = [row for row in check(idle, wrong=["certificates"]) if row["verdict"] == "wrong"]
    assert len(rows) == 2 and all("speaks for" in row["finding"] for row in rows)


def test_certificate_wildcard(idle):
    """One label, and the first alone."""
    idle.config = {"hosts": {"a.capulet.example": {"certificate": idle.crt, "key": idle.key}}}
    idle.configure()
    check(idle)
    idle.config = {"hosts": {"a.b.capulet.example": {"certificate": idle.crt, "key": idle.key}}}
    idle.configure()
    check(idle, wrong=["certificates"])


def test_issuer_is_not_known(idle):
    row = next(row for row in check(idle) if "will not trust" in row["finding"])
    assert row["verdict"] == "note"


def test_key_for_everybody(idle):
    key = idle.folder / "server.key"
    key.chmod(0o644)
    assert "can read this key" in next(
        row["finding"] for row in check(idle, wrong=["certificates"])
        if row["verdict"] == "wrong")


def test_damaged_database(idle):
    database = idle.folder / "data" / "linnet.db"
    with open(database, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    check(idle, wrong=["database"])


def test_no_database(idle):
    (idle.folder / "data" / "linnet.db").write_text("not a database " * 100, encoding="utf-8")
    check(idle, wrong=["database"])


def test_newer_database(idle):
    """One that a later version has changed is not to be touched."""
    with sqlite3.connect(idle.folder / "data" / "linnet.db") as database:
        database.execute("INSERT INTO schema VALUES ('linnet', 'base', 99, 'x')")
    database.close()
    rows = check(idle, wrong=["database"])
    assert "newer than this program" in finding(rows, "database", "linnet.db")["finding"]


def test_nothing_is_changed(idle):
    """A look leaves the database as it was."""
    database = idle.folder / "data" / "linnet.db"
    before = database.read_bytes()
    check(idle)
    assert database.read_bytes() == before
    idle.start()
