# SPDX-License-Identifier: MIT
"""The list of rooms (XEP-0045 §6.3) and the table behind it: old, damaged, long."""

import json
import sqlite3

import pytest
from kit.room import Room

CONFIG = {"modules": {"muc": {}, "disco": {}}}
ITEMS = "http://jabber.org/protocol/disco#items"
RSM = "http://jabber.org/protocol/rsm"
MANY = 10500


def page(client, to, rsm=None):
    set_ = f"<set xmlns='{RSM}'>{rsm}</set>" if rsm is not None else ""
    found = client.get(f"<query xmlns='{ITEMS}'>{set_}</query>", to)[0]
    return [i.get("jid") for i in found.findall(f"{{{ITEMS}}}item")], found.find(f"{{{RSM}}}set")


def awaited(client, to, shown):
    """What a start reads comes in the background."""
    while len(found := page(client, to)[0]) < len(shown):
        pass
    assert sorted(found) == sorted(shown)


def database(server, *statements):
    """The server's database, between two runs of it or beside it."""
    with sqlite3.connect(server.folder / "data" / "linnet.db") as base:
        done = [base.execute(statement).fetchall() for statement in statements]
    base.close()
    return done


@pytest.fixture
def kept(servers):
    """A server that has stopped; its service, and the rooms that it lists."""
    server = servers(CONFIG)
    hecate = server.client("hecate", "broom")
    rooms = [Room(server) for _ in range(3)]
    for room, public in zip(rooms, (1, 0, 1)):
        room.create(hecate, "firstwitch", persistentroom=1, publicroom=public)
    server.stop()
    return server, f"conference.{server.host}", [str(rooms[0]), str(rooms[2])], hecate


def test_older_than_the_table(kept):
    """Rooms of a version that had no such table are loaded once, and have a row then."""
    server, service, shown, hecate = kept
    database(server, "DROP TABLE muc_directory",
             "DELETE FROM schema WHERE module = 'muc' AND store = 'directory'")
    server.start()
    awaited(hecate.another("broom"), service, shown)
    server.stop()
    rows, = database(server, "SELECT e.jid, d.public FROM muc_directory d"
                     " JOIN entity e ON e.number = d.owner")
    assert len(rows) == 3 and sorted(jid for jid, public in rows if public) == sorted(shown)


def test_read_again(kept):
    """What could not be read at the start is read as soon as it can be."""
    server, service, shown, hecate = kept
    database(server, "ALTER TABLE muc_directory RENAME TO gone")
    server.start()
    client = hecate.another("broom")
    assert page(client, service)[0] == []
    while "the list of rooms could not be read" not in server.log():
        pass
    database(server, "ALTER TABLE gone RENAME TO muc_directory")
    awaited(client, service, shown)


def test_thousands(kept):
    """Listed page by page, and none is loaded for it."""
    server, service, shown, hecate = kept
    made = [f"cave{n:05}@{service}" for n in range(MANY)]
    with sqlite3.connect(server.folder / "data" / "linnet.db") as base:
        base.executemany("INSERT INTO entity (kind, jid, host, status, created)"
                         " VALUES (3, ?, ?, 1, 0)", ((jid, service) for jid in made))
        base.execute("INSERT INTO muc_directory (owner, name, public)"
                     " SELECT number, 'A Cave', 1 FROM entity WHERE jid LIKE 'cave%'")
    base.close()
    server.start()
    client = hecate.another("broom")
    total = MANY + len(shown)
    while int(page(client, service, "<max>0</max>")[1].findtext(f"{{{RSM}}}count")) < total:
        pass
    first, set_ = page(client, service)
    assert len(first) == 1000 and set_.findtext(f"{{{RSM}}}count") == str(total)
    found = first
    while len(found) < total:
        more, set_ = page(client, service, f"<max>1000</max><after>{found[-1]}</after>")
        assert len(more) <= 100 and set_.findtext(f"{{{RSM}}}count") == str(total)
        found += more
    assert sorted(found) == sorted(made + shown)
    figures = json.loads(server.ctl("--json", "stats").stdout)["rows"]
    assert next(int(r["value"]) for r in figures if r["name"] == "entities") < 20
