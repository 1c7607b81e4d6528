# SPDX-License-Identifier: MIT
"""Commands for administrators (XEP-0050, XEP-0133): discovery, permission, announcements."""

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("commands of ours")

COMMANDS = "http://jabber.org/protocol/commands"
ADMIN = "http://jabber.org/protocol/admin#"
DATA = "{jabber:x:data}"
CONFIG = {"modules": {"commands": {}, "announce": {}, "disco": {}, "offline": {}},
          "hosts": {"capulet.example": {"admins": ["escalus@capulet.example"]}}}


@pytest.fixture(scope="module")
def prince(server):
    return server.user("escalus", numbered=False)


@pytest.fixture
def admin(server, prince):
    return Client(server, prince).login()


def execute(client, node, action="execute", session=None, form=""):
    session = f" sessionid='{session}'" if session else ""
    return client.set(
        f"<command xmlns='{COMMANDS}' node='{node}' action='{action}'{session}>{form}</command>",
        client.domain)[0]


def submit(**fields):
    inner = "".join(f"<field var='{k.replace('_', '-')}'>"
                    + "".join(f"<value>{line}</value>" for line in v.split("\n")) + "</field>"
                    for k, v in fields.items())
    return (f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
            f"<value>http://jabber.org/protocol/admin</value></field>{inner}</x>")


def nodes(client):
    got = client.get(f"<query xmlns='http://jabber.org/protocol/disco#items' node='{COMMANDS}'/>",
                     client.domain)[0]
    return {item.get("node") for item in got}


def test_listed_for_the_admin(admin, juliet):
    """XEP-0050 §2.2; others do not see what they may not do."""
    assert ADMIN + "announce" in nodes(admin)
    assert ADMIN + "announce" not in nodes(juliet)


def test_feature(juliet):
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)[0]
    assert COMMANDS in {f.get("var") for f in info}


def test_forbidden(juliet):
    """XEP-0133 §6."""
    juliet.refused("set", f"<command xmlns='{COMMANDS}' node='{ADMIN}announce'/>", "forbidden",
                   "auth|cancel", to=juliet.domain)


def test_unknown(admin):
    """XEP-0050 §4."""
    admin.refused("set", f"<command xmlns='{COMMANDS}' node='urn:example:none'/>",
                  "item-not-found", "cancel", to=admin.domain)


def test_form(admin):
    """§2.4: a form, a session, what may be done next."""
    command = execute(admin, ADMIN + "announce")
    assert command.get("status") == "executing" and command.get("sessionid")
    form = command.find(f"{DATA}x")
    assert form.get("type") == "form"
    assert {f.get("var") for f in form.iter(f"{DATA}field")} >= {"announcement"}


def test_announce(server, admin, juliet):
    """XEP-0133 §4.23: to all who are there."""
    romeo = server.client("romeo").online()
    juliet.online()
    session = execute(admin, ADMIN + "announce").get("sessionid")
    done = execute(admin, ADMIN + "announce", "complete", session,
                   submit(announcement="The gates close\nat nine."))
    assert done.get("status") == "completed"
    for one in (romeo, juliet):
        got = one.expect("<message/>")
        assert got.get("from") == server.host
        assert got.findtext("{jabber:client}body") == "The gates close\nat nine."


def test_cancel(admin):
    """§2.4.3."""
    session = execute(admin, ADMIN + "announce").get("sessionid")
    assert execute(admin, ADMIN + "announce", "cancel", session).get("status") == "canceled"


@pytest.mark.parametrize("action", ["nonsense", "prev"])
def test_bad_action(admin, action):
    session = execute(admin, ADMIN + "announce").get("sessionid")
    admin.refused("set", f"<command xmlns='{COMMANDS}' node='{ADMIN}announce' action='{action}' "
                         f"sessionid='{session}'/>", "bad-request", to=admin.domain)


def test_unknown_session(admin):
    admin.refused("set", f"<command xmlns='{COMMANDS}' node='{ADMIN}announce' action='complete' "
                         f"sessionid='none'>{submit(announcement='x')}</command>",
                  "bad-request|item-not-found|not-allowed", to=admin.domain)


def test_incomplete_form(admin):
    session = execute(admin, ADMIN + "announce").get("sessionid")
    ident = admin.iq("set", f"<command xmlns='{COMMANDS}' node='{ADMIN}announce' "
                            f"action='complete' sessionid='{session}'>{submit()}</command>",
                     admin.domain)
    answer = admin.next()
    assert answer.get("id") == ident
    assert answer.get("type") == "error" or answer[0].get("status") == "executing"


def test_motd(server, admin):
    """XEP-0133 §4.24: once to everybody, to those who come later too."""
    session = execute(admin, ADMIN + "set-motd").get("sessionid")
    execute(admin, ADMIN + "set-motd", "complete", session, submit(motd="Welcome to Verona"))
    paris = server.client("paris", "a")
    paris.send("<presence/>")
    paris.expect_all("<presence/>",
                     f"<message from='{server.host}'><body>Welcome to Verona</body></message>")
    paris.close()
    again = Client(server, paris.user).login("b").online()
    again.expect_nothing()
    assert execute(admin, ADMIN + "delete-motd").get("status") == "completed"
    server.client("paris").online().expect_nothing()
