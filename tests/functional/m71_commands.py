# SPDX-License-Identifier: MIT
"""Ad-hoc commands (XEP-0050) and the server's own under the nodes of XEP-0133."""

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("commands of ours")

COMMANDS = "http://jabber.org/protocol/commands"
ADMIN = "http://jabber.org/protocol/admin#"
NS = "{http://jabber.org/protocol/commands}"
DATA = "{jabber:x:data}"
CONFIG = {"modules": {"commands": {}, "disco": {}, "offline": {}},
          "hosts": {"capulet.example": {"admins": ["escalus@capulet.example"]}}}


@pytest.fixture(scope="module")
def prince(server):
    return server.user("escalus", numbered=False)


@pytest.fixture
def admin(server, prince):
    return Client(server, prince).login()


def command(node, action="execute", session=None, form=""):
    session = f" sessionid='{session}'" if session else ""
    return f"<command xmlns='{COMMANDS}' node='{node}' action='{action}'{session}>{form}</command>"


def execute(client, *arguments):
    return client.set(command(*arguments), client.domain)[0]


def submit(kind="submit", **fields):
    inner = "".join(f"<field var='{var}'>" + "".join(f"<value>{v}</value>" for v in values)
                    + "</field>" for var, values in fields.items())
    return f"<x xmlns='jabber:x:data' type='{kind}'>{inner}</x>"


def run(client, node, **fields):
    session = execute(client, ADMIN + node).get("sessionid")
    return execute(client, ADMIN + node, "complete", session, submit(**fields))


def refused(client, condition, own, *arguments):
    """XEP-0050 §4.5: the RFC's condition and one of its own."""
    error = client.refused("set", command(*arguments), condition, to=client.domain)
    if own:
        assert error.find(f".//{NS}{own}") is not None


def info(client, node):
    return client.get(f"<query xmlns='http://jabber.org/protocol/disco#info' node='{node}'/>",
                      client.domain)[0]


def items(client):
    got = client.get(f"<query xmlns='http://jabber.org/protocol/disco#items' node='{COMMANDS}'/>",
                     client.domain)[0]
    return {item.get("node"): item for item in got}


def test_listed(admin, juliet):
    listed = items(admin)
    assert {ADMIN + "add-user", ADMIN + "delete-user", ADMIN + "get-online-users-list",
            "user-exists"} <= set(listed)
    assert "reload" not in listed and "user-import" not in listed
    assert listed[ADMIN + "add-user"].get("name") == "Make an account"
    assert listed[ADMIN + "add-user"].get("jid") == admin.domain
    assert items(juliet) == {}


def test_info(admin, juliet):
    """XEP-0050 §2.3."""
    got = info(admin, ADMIN + "add-user")
    assert got[0].get("category") == "automation" and got[0].get("type") == "command-node"
    assert {f.get("var") for f in got} >= {COMMANDS, "jabber:x:data"}
    assert info(juliet, COMMANDS)[0].get("type") == "command-list"
    juliet.refused("get", "<query xmlns='http://jabber.org/protocol/disco#info' "
                          f"node='{ADMIN}add-user'/>", "forbidden", to=juliet.domain)


def test_errors(admin, juliet):
    refused(juliet, "forbidden", None, ADMIN + "add-user")
    refused(admin, "item-not-found", None, "urn:example:none")
    refused(admin, "item-not-found", None, "reload-not-there")
    refused(admin, "forbidden", None, "reload")
    refused(admin, "bad-request", "malformed-action", ADMIN + "add-user", "leap")
    refused(admin, "bad-request", "bad-action", ADMIN + "add-user", "next")
    refused(admin, "bad-request", "bad-sessionid", ADMIN + "add-user", "complete", "none")
    session = execute(admin, ADMIN + "add-user").get("sessionid")
    refused(admin, "bad-request", "bad-action", ADMIN + "add-user", "prev", session)
    refused(admin, "bad-request", "bad-sessionid", ADMIN + "delete-user", "complete", session)
    refused(admin, "bad-request", "bad-payload", ADMIN + "add-user", "complete", session)
    refused(admin, "bad-request", "bad-payload", ADMIN + "add-user", "complete", session,
            submit(accountjid=["x@" + admin.domain]))
    assert execute(admin, ADMIN + "add-user", "cancel", session).get("status") == "canceled"
    refused(admin, "not-allowed", "session-expired", ADMIN + "add-user", "cancel", session)


def test_another_ones_session(server, admin, prince):
    session = execute(admin, ADMIN + "add-user").get("sessionid")
    refused(Client(server, prince).login(), "bad-request", "bad-sessionid", ADMIN + "add-user",
            "complete", session, submit(accountjid=["x@capulet.example"], password=["y"]))


def test_form(admin):
    got = execute(admin, ADMIN + "add-user")
    assert got.get("status") == "executing"
    assert got.find(f"{NS}actions").get("execute") == "complete"
    fields = {f.get("var"): f for f in got.iter(f"{DATA}field")}
    assert fields["FORM_TYPE"].findtext(f"{DATA}value") == "http://jabber.org/protocol/admin"
    assert fields["accountjid"].get("type") == "jid-single"
    assert fields["password"].get("type") == "text-private"
    assert fields["password"].find(f"{DATA}required") is not None


def test_add_log_in_and_delete(server, admin):
    """XEP-0133 §4.1, §4.2, §4.5: several in one form; one that fails says so."""
    made = [f"tybalt{n}@{server.host}" for n in range(2)]
    for jid in made:
        done = run(admin, "add-user", accountjid=[jid], password=["secret"])
        assert done.get("status") == "completed" and done.find(f"{NS}note[@type='error']") is None
    session = execute(admin, ADMIN + "add-user").get("sessionid")
    refused(admin, "conflict", None, ADMIN + "add-user", "complete", session,
            submit(accountjid=[made[0]], password=["secret"]))
    user = server.user("paris")._replace(local="tybalt0", jid=made[0], password="secret")
    tybalt = Client(server, user).login().online()
    listed = run(admin, "get-registered-users-list", max_items=["none"])
    field = next(f for f in listed.iter(f"{DATA}field") if f.get("var") == "registereduserjids")
    assert set(made) <= {v.text for v in field}
    done = run(admin, "delete-user", accountjids=[*made, f"nobody@{server.host}"])
    assert len(done.findall(f"{NS}note[@type='error']")) == 1
    tybalt.expect_stream_error("not-authorized")


def test_online_list_runs_at_once(server, admin, juliet):
    got = execute(admin, ADMIN + "get-online-users-list")
    assert got.get("status") == "completed" and got.get("sessionid")


def test_password(server, admin):
    """XEP-0133 §4.6; what is not a password is refused by the command itself."""
    user = server.user("benvolio")
    run(admin, "change-user-password", accountjid=[user.jid], password=["fresh"])
    Client(server, user._replace(password="fresh")).login()
    assert run(admin, "change-user-password", accountjid=[user.jid],
               password=["\u200e"]).find(f"{NS}note[@type='error']") is not None


def test_not_his_host(server, admin):
    """Administrators are those of one host."""
    jid = server.user("mercutio", host=server.host2).jid
    session = execute(admin, ADMIN + "delete-user").get("sessionid")
    refused(admin, "forbidden", None, ADMIN + "delete-user", "complete", session,
            submit(accountjids=[jid]))
