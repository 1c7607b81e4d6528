# SPDX-License-Identifier: MIT
"""Administration of accounts from a client: forms and results as XEP-0133 has them."""

import datetime
import time

import pytest
from kit import Client, only_linnet
from m70_admin import ADMIN, COMMANDS, CONFIG, DATA, execute, nodes, submit

pytestmark = only_linnet("commands of ours")
assert CONFIG   # the server of these dialogues

FIELD, VALUE = f"{DATA}field", f"{DATA}value"


@pytest.fixture(scope="module")
def prince(server):
    return server.user("escalus", numbered=False)


@pytest.fixture
def admin(server, prince):
    return Client(server, prince).login()


def run(client, name, **fields):
    """The form, filled in and sent back."""
    session = execute(client, ADMIN + name).get("sessionid")
    done = execute(client, ADMIN + name, "complete", session, submit(**fields))
    assert done.get("status") == "completed"
    return done


def refused(client, name, condition, **fields):
    session = execute(client, ADMIN + name).get("sessionid")
    return client.refused(
        "set", f"<command xmlns='{COMMANDS}' node='{ADMIN}{name}' action='complete' "
               f"sessionid='{session}'>{submit(**fields)}</command>", condition, to=client.domain)


def values(command, name):
    for field in command.iter(FIELD):
        if field.get("var") == name:
            return [value.text for value in field.iter(VALUE)]
    return None


def types(command):
    return {field.get("var"): field.get("type") for field in command.iter(FIELD)}


def test_all_of_them_are_listed(admin):
    assert nodes(admin) >= {ADMIN + name for name in (
        "add-user", "delete-user", "end-user-session", "change-user-password", "get-user-roster",
        "user-stats", "get-registered-users-num", "get-online-users-num",
        "get-registered-users-list", "get-online-users-list", "announce", "set-motd", "edit-motd",
        "delete-motd")}


def test_add_user(server, admin):
    """XEP-0133 §4.1."""
    form = execute(admin, ADMIN + "add-user")
    assert types(form)["accountjid"] == "jid-single"
    assert types(form)["password"] == types(form)["password-verify"] == "text-private"
    made = server.user("ignored")._replace(local="laurence", password="secret",
                                           jid=f"laurence@{server.host}")
    run(admin, "add-user", accountjid=made.jid, password="secret", password_verify="secret")
    Client(server, made).login()
    refused(admin, "add-user", "conflict", accountjid=made.jid, password="x", password_verify="x")
    refused(admin, "add-user", "bad-request", accountjid=f"other@{server.host}", password="x",
            password_verify="y")


def test_the_form_can_be_mended(server, admin):
    """What is wrong is told, and the session goes on."""
    session = execute(admin, ADMIN + "add-user").get("sessionid")
    wrong = submit(accountjid="nobody", password="x", password_verify="x")
    answer = admin.refused(
        "set", f"<command xmlns='{COMMANDS}' node='{ADMIN}add-user' action='complete' "
               f"sessionid='{session}'>{wrong}</command>", "bad-request",
        to=admin.domain)
    assert answer.find(f".//{{{COMMANDS}}}bad-payload") is not None
    done = execute(admin, ADMIN + "add-user", "complete", session,
                   submit(accountjid=f"mended@{server.host}", password="x", password_verify="x"))
    assert done.get("status") == "completed"


def test_change_password(server, admin):
    user = server.user("paris")
    run(admin, "change-user-password", accountjid=user.jid, password="new")
    Client(server, user._replace(password="new")).login()
    refused(admin, "change-user-password", "item-not-found", accountjid=server.nobody(),
            password="new")


def test_delete_users(server, admin):
    """§4.2: several at once; a note for the one that is not there."""
    one, two, nobody = server.user("one"), server.user("two"), server.nobody()
    done = run(admin, "delete-user", accountjids=f"{one.jid}\n{nobody}\n{two.jid}")
    notes = done.findall(f"{{{COMMANDS}}}note")
    assert [note.get("type") for note in notes] == ["error"] and nobody in notes[0].text
    for user in (one, two):
        assert server.ctl("user", "exists", user.jid, check=False).returncode == 1


def test_end_session(admin, juliet):
    run(admin, "end-user-session", accountjids=juliet.bare)
    juliet.expect_closed()


def test_end_one_session(admin, juliet):
    """§4.5: a full JID ends that session and no other."""
    other = juliet.another("chamber")
    run(admin, "end-user-session", accountjids=other.jid)
    other.expect_stream_error("policy-violation")
    juliet.expect_nothing()


def test_roster(server, admin, juliet):
    """§4.8: the roster as clients know it."""
    juliet.set("<query xmlns='jabber:iq:roster'><item jid='nurse@capulet.example' name='Nurse'>"
               "<group>Servants</group><group>Friends</group></item></query>")
    done = run(admin, "get-user-roster", accountjids=juliet.bare)
    item = done.find(".//{jabber:iq:roster}item")
    assert item.get("jid") == "nurse@capulet.example" and item.get("name") == "Nurse"
    assert item.get("subscription") == "none"
    assert sorted(group.text for group in item) == ["Friends", "Servants"]


def test_statistics(admin, juliet):
    """§4.10."""
    done = run(admin, "user-stats", accountjid=juliet.bare)
    assert values(done, "rostersize") == ["0"]
    assert values(done, "onlineresources") == [juliet.resource]
    assert values(done, "ipaddresses") == ["127.0.0.1"]


@pytest.mark.parametrize("way", ["online", "gone", "never"])
def test_last_login(servers, way):
    """§4.9."""
    server = servers({**CONFIG, "modules": {**CONFIG["modules"], "last": {}}})
    admin = Client(server, server.user("escalus", numbered=False)).login()
    user, before = server.user("juliet"), time.time()
    if way != "never":
        juliet = Client(server, user).login().online()
        if way == "gone":
            juliet.close()
    done = run(admin, "get-user-lastlogin", accountjids=user.jid)
    assert values(done, "accountjids") == [user.jid]
    if way == "never":
        assert values(done, "lastlogin") is None
    else:
        stamp = datetime.datetime.fromisoformat(values(done, "lastlogin")[0])
        assert before - 2 < stamp.timestamp() < time.time() + 2


def test_numbers(server, admin, juliet):
    """§4.13, §4.15: no form, the answer at once."""
    done = execute(admin, ADMIN + "get-registered-users-num")
    assert done.get("status") == "completed"
    registered = int(values(done, "registeredusersnum")[0])
    online = int(values(execute(admin, ADMIN + "get-online-users-num"), "onlineusersnum")[0])
    assert 2 <= online <= registered


def test_lists(admin, juliet):
    """§4.18, §4.20: accounts, each once, though one has two sessions."""
    every = values(run(admin, "get-registered-users-list", max_items="none"), "registereduserjids")
    assert juliet.bare in every and admin.bare in every
    online = values(execute(admin, ADMIN + "get-online-users-list"), "onlineuserjids")
    assert juliet.bare in online and len(online) == len(set(online))


def test_other_hosts_are_not_his(server, admin):
    """An administrator of one host is none of another."""
    refused(admin, "delete-user", "forbidden", accountjids=f"romeo@{server.host2}")
    admin.refused("set", f"<command xmlns='{COMMANDS}' node='{ADMIN}announce'/>",
                  "forbidden", to=server.host2)


def test_edit_motd(servers):
    """XEP-0133 §4.25: the form shows the message; who has had it does not get it again; it is
    there after a restart."""
    server = servers(CONFIG)
    admin = Client(server, server.user("escalus", numbered=False)).login()
    run(admin, "set-motd", motd="First line\nsecond line")
    juliet = server.client("juliet")
    juliet.send("<presence/>")
    juliet.expect_all("<presence/>",
                      "<message><body>First line\nsecond line</body></message>")
    juliet.close()
    form = execute(admin, ADMIN + "edit-motd")
    assert values(form, "motd") == ["First line", "second line"]
    execute(admin, ADMIN + "edit-motd", "complete", form.get("sessionid"), submit(motd="Edited"))
    again = Client(server, juliet.user).login("again").online()
    again.expect_nothing()
    server.kill()
    server.start()
    assert server.ctl("motd", "show", server.host).stdout.strip() == "Edited"
    late = server.client("romeo")
    late.send("<presence/>")
    late.expect_all("<presence/>", "<message><body>Edited</body></message>")
    Client(server, juliet.user).login("later").online().expect_nothing()


def test_form_is_in_order(admin):
    """XEP-0004 §8: title and instructions, then the fields."""
    form = execute(admin, ADMIN + "add-user").find(f"{DATA}x")
    names = [child.tag.removeprefix(DATA) for child in form]
    assert names[0] == "title" and set(names[1:]) == {"field"}
    assert form[1].get("var") == "FORM_TYPE"


def test_service_has_its_own(servers):
    """XEP-0133 §3: commands of a service are at the service, and no others."""
    server = servers({**CONFIG, "modules": {**CONFIG["modules"], "muc": {}}})
    admin = Client(server, server.user("escalus", numbered=False)).login()
    rooms = f"conference.{server.host}"
    ask = f"<query xmlns='http://jabber.org/protocol/disco#items' node='{COMMANDS}'/>"
    there = {item.get("node") for item in admin.get(ask, rooms)[0]}
    assert "muc-list" in there and ADMIN + "add-user" not in there
    assert "muc-list" not in nodes(admin) and ADMIN + "add-user" in nodes(admin)
    juliet = server.client("juliet")
    assert not list(juliet.get(ask, rooms)[0])
    command = "<command xmlns='%s' node='muc-list'/>" % COMMANDS
    juliet.refused("set", command, "forbidden", to=rooms)
    done = admin.set(command, rooms)[0]
    while done.get("status") == "executing":
        done = admin.set(f"<command xmlns='{COMMANDS}' node='muc-list' action='complete' "
                         f"sessionid='{done.get('sessionid')}'><x xmlns='jabber:x:data' "
                         "type='submit'/></command>", rooms)[0]
    assert done.get("status") == "completed"


def test_welcome(server, admin):
    """XEP-0133 §4.27, §4.28: to accounts that are made now, when they first come."""
    old = server.user("old")
    form = execute(admin, ADMIN + "set-welcome")
    assert values(form, "welcome") == []
    execute(admin, ADMIN + "set-welcome", "complete", form.get("sessionid"),
            submit(welcome="Make yourself\nat home"))
    assert values(execute(admin, ADMIN + "set-welcome"), "welcome") == ["Make yourself", "at home"]
    new = server.client("new")
    new.send("<presence/>")
    new.expect_all("<presence/>", "<message><body>Make yourself\nat home</body></message>")
    new.close()
    Client(server, new.user).login().online().expect_nothing()
    Client(server, old).login().online().expect_nothing()
    late = server.user("late")
    assert execute(admin, ADMIN + "delete-welcome").get("status") == "completed"
    Client(server, late).login().online().expect_nothing()
