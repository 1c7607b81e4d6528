# SPDX-License-Identifier: MIT
"""Accounts that are disabled and enabled again (XEP-0133 §4.3, §4.4), and who is active or idle."""

import json

import pytest
from kit import Client, only_linnet
from kit.sasl import plain
from d10_subscription import bring
from m70_admin import ADMIN, COMMANDS, CONFIG, execute
from m72_admin_users import nodes, refused, run, values

pytestmark = only_linnet("commands of ours")
assert CONFIG   # the server of these dialogues


@pytest.fixture(scope="module")
def prince(server):
    return server.user("escalus", numbered=False)


@pytest.fixture
def admin(server, prince):
    return Client(server, prince).login()


def knock(server, user, mechanism, condition):
    """A try to log in that fails so."""
    one = Client(server, user)
    one.features = one.open(one.domain)
    one.starttls()
    if mechanism == "PLAIN":
        one.auth("PLAIN", plain(one.local, one.password))
    else:
        one.scram(mechanism)
    one.expect_failure(condition)


def listed(server, *arguments):
    rows = json.loads(server.ctl("--json", *arguments, server.host).stdout)["rows"]
    return [row["jid"] for row in rows]


def test_all_of_them_are_listed(admin):
    assert nodes(admin) >= {ADMIN + name for name in (
        "disable-user", "reenable-user", "get-disabled-users-num", "get-disabled-users-list",
        "get-active-users-num", "get-active-users", "get-idle-users-num", "get-idle-users")}


def test_sessions_end(admin, juliet):
    """A stream error for each; the user is gone for his contacts."""
    run(admin, "disable-user", accountjids=juliet.bare)
    juliet.expect_stream_error("not-authorized")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_login(server, mechanism):
    """RFC 6120 §6.5.1, to who knows the password and to nobody else."""
    user = server.user("juliet")
    server.ctl("user", "disable", user.jid)
    knock(server, user, mechanism, "account-disabled")
    knock(server, user._replace(password="wrong"), mechanism, "not-authorized")
    server.ctl("user", "enable", user.jid)
    Client(server, user).login()


def test_from_a_client(server, admin):
    user, nobody = server.user("juliet"), server.nobody()
    done = run(admin, "disable-user", accountjids=f"{user.jid}\n{nobody}")
    notes = done.findall(f"{{{COMMANDS}}}note")
    assert [note.get("type") for note in notes] == ["error"] and nobody in notes[0].text
    knock(server, user, "PLAIN", "account-disabled")
    run(admin, "reenable-user", accountjids=user.jid)
    Client(server, user).login()
    refused(admin, "disable-user", "item-not-found", accountjids=nobody)
    refused(admin, "disable-user", "forbidden", accountjids=f"romeo@{server.host2}")


def test_what_comes_is_kept(server, romeo):
    """As for a user who is away (RFC 6121 §8.5.2.2)."""
    juliet = server.client("juliet").online()
    server.ctl("user", "disable", juliet.bare)
    juliet.expect_stream_error("not-authorized")
    romeo.send(f"<message to='{juliet.bare}' type='chat'><body>Art thou there?</body></message>")
    romeo.refused("get", "<ping xmlns='urn:xmpp:ping'/>", "service-unavailable",
                  to=juliet.jid)
    server.ctl("user", "enable", juliet.bare)
    again = Client(server, juliet.user).login()
    again.send("<presence/>")
    again.expect_all("<presence/>", "<message><body>Art thou there?</body></message>")


def test_contacts_are_told(server):
    juliet, romeo = server.client("juliet"), server.client("romeo")
    for one in (juliet, romeo):
        one.roster()
        one.online()
        one.heap = []
    bring((juliet, romeo), "Both")
    server.ctl("user", "disable", juliet.bare)
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")


def test_durable(servers):
    """It survives a kill; a new password changes nothing."""
    server = servers(CONFIG)
    user = server.user("juliet")
    server.ctl("user", "disable", user.jid)
    server.kill()
    server.start()
    knock(server, user, "SCRAM-SHA-256", "account-disabled")
    server.ctl("user", "passwd", user.jid, "new")
    knock(server, user._replace(password="new"), "PLAIN", "account-disabled")
    server.ctl("user", "enable", user.jid)
    server.kill()
    server.start()
    Client(server, user._replace(password="new")).login()


def test_deleted_and_made_again(server):
    user = server.user("juliet")
    server.ctl("user", "disable", user.jid)
    server.ctl("user", "del", user.jid)
    assert user.jid not in listed(server, "user", "list", "--disabled")
    server.ctl("user", "add", user.jid, user.password)
    Client(server, user).login()


def test_lists(server, admin):
    """§4.14, §4.19."""
    one, two, other = server.user("one"), server.user("two"), server.user("other")
    for user in (one, two, two):
        server.ctl("user", "disable", user.jid)
    assert {one.jid, two.jid} <= set(listed(server, "user", "list", "--disabled"))
    assert other.jid in listed(server, "user", "list")
    told = values(run(admin, "get-disabled-users-list", max_items="none"), "disableduserjids")
    assert {one.jid, two.jid} <= set(told) and other.jid not in told
    number = values(execute(admin, ADMIN + "get-disabled-users-num"), "disabledusersnum")
    assert number == [str(len(told))]
    counted = json.loads(server.ctl("--json", "user", "count", "--disabled", server.host).stdout)
    assert counted["rows"] == [{"users": len(told)}]


def test_active_and_idle(server, admin, juliet):
    """§4.16, §4.17, §4.21, §4.22: no form, the answer at once."""
    active = values(execute(admin, ADMIN + "get-active-users"), "activeuserjids")
    assert {admin.bare, juliet.bare} <= set(active)
    assert not values(execute(admin, ADMIN + "get-idle-users"), "activeuserjids")
    number = values(execute(admin, ADMIN + "get-active-users-num"), "activeusersnum")
    assert number == [str(len(active))]
    assert values(execute(admin, ADMIN + "get-idle-users-num"), "idleusersnum") == ["0"]
    assert juliet.bare in listed(server, "session", "users", "--active")
    assert juliet.bare not in listed(server, "session", "users", "--idle")


@pytest.mark.parametrize("node", ["restart", "shutdown", "edit-admin", "edit-blacklist"])
def test_left_out(admin, node):
    """§6: known, and not supported."""
    ask = f"<command xmlns='{COMMANDS}' node='{ADMIN}{node}'/>"
    admin.refused("set", ask, "feature-not-implemented", to=admin.domain)
