# SPDX-License-Identifier: MIT
"""In-band registration and change of password (XEP-0077)."""

import itertools
import sqlite3
import time

import pytest
from conftest import one_server
from kit import TIMEOUT, Client, deviates, only_linnet, sasl
from kit.client import check_error
from kit.server import User

from d10_subscription import bring

NS = "jabber:iq:register"
CONFIG = {"modules": {"register": {"allow": "on", "per-address": "1000/1m"}}}
DATA = "{jabber:x:data}"
_names = itertools.count(1)


def query(**fields):
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in fields.items())
    return f"<query xmlns='{NS}'>{inner}</query>"


def submit(**fields):
    inner = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in fields.items())
    return (f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>{NS}</value>"
            f"</field>{inner}</x>")


def fresh(server):
    name = f"nobleman{next(_names)}"
    return User("nobleman", name, server.host, "secret", f"{name}@{server.host}")


@pytest.fixture
def stranger(server):
    """Connected, features read."""
    one = Client(server, fresh(server))
    one.features = one.open(one.domain)
    return one


def test_announced(stranger):
    """§8: a stream feature."""
    assert stranger.features.find("{http://jabber.org/features/iq-register}register") is not None


def test_form(stranger):
    """§3.1."""
    got = stranger.get(query())[0]
    assert got.find(f"{{{NS}}}username") is not None and got.find(f"{{{NS}}}password") is not None
    assert got.find(f"{{{NS}}}registered") is None


@deviates("prosody", "no form")
def test_form_of_data_forms(server, stranger):
    """§4: a form beside the fields; it is the form that counts."""
    form = stranger.get(query(), stranger.domain)[0].find(f"{DATA}x[@type='form']")
    assert [f.get("var") for f in form.iter(f"{DATA}field")] == ["FORM_TYPE", "username",
                                                                 "password"]
    stranger.set(f"<query xmlns='{NS}'><username>other</username><password>other</password>"
                 f"{submit(username=stranger.local, password='secret')}</query>")
    stranger.authenticate()
    stranger.bind()


def test_register_and_log_in(server, stranger):
    stranger.set(query(username=stranger.local, password="secret"))
    stranger.authenticate()
    stranger.bind().online()
    Client(server, stranger.user).login("again")


def test_taken(server, stranger):
    """§3.1: conflict, in whatever spelling."""
    taken = server.user("juliet")
    for name in (taken.local, taken.local.upper()):
        stranger.refused("set", query(username=name, password="secret"), "conflict", "cancel")
    stranger.set(query(username=stranger.local, password="secret"))


@pytest.mark.parametrize("fields, condition", [
    ({"username": "{new}"}, "not-acceptable"),
    ({"password": "x"}, "not-acceptable"),
    ({"username": "{new}", "password": ""}, "not-acceptable"),
    ({"username": "", "password": "x"}, "not-acceptable"),
    ({"username": "a b", "password": "x"}, "jid-malformed"),
    ({"username": "a@b", "password": "x"}, "jid-malformed"),
    ({"username": "x" * 1024, "password": "x"}, "jid-malformed"),
], ids=["no-password", "no-name", "empty-password", "empty-name", "space", "at", "long"])
def test_incomplete(stranger, fields, condition):
    fields = {k: v.format(new=stranger.local) for k, v in fields.items()}
    """§3.1; errors have the old code too (§9), and hold no password."""
    error = stranger.refused("set", query(**fields), condition, "modify")
    assert error.find("{jabber:client}error").get("code") in ("400", "406")
    assert error.find(f"{{{NS}}}query") is None


@only_linnet("a stream error otherwise")
def test_remove_before_login(stranger):
    """§3.2: nobody is registered here."""
    stranger.refused("set", f"<query xmlns='{NS}'><remove/></query>", "unexpected-request")


@only_linnet("what else there is before login")
@pytest.mark.parametrize("stanza", [
    "<iq type='set' id='1' to='juliet@{0}'>{1}</iq>", "<iq type='set' id='1' to='x.{0}'>{1}</iq>",
    "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>",
    "<iq type='result' id='1'>{1}</iq>", "<message>{1}</message>", "<presence/>"],
    ids=["account", "host", "namespace", "result", "message", "presence"])
def test_nothing_else_before_login(stranger, stanza):
    """RFC 6120 §7.1."""
    stranger.send(stanza.format(stranger.domain, query(username="x", password="y")))
    stranger.expect_stream_error("not-authorized")


@only_linnet("a limit of ours")
def test_requests_before_login_are_counted(stranger):
    for _ in range(10):
        stranger.get(query())
    stranger.iq("get", query())
    stranger.expect_stream_error("policy-violation")


@only_linnet("rate-limited otherwise")
def test_one_account_a_connection(server, stranger):
    """§3.1.1: a second identity is refused."""
    stranger.set(query(username=stranger.local, password="secret"))
    stranger.refused("set", query(username=fresh(server).local, password="secret"),
                     "not-acceptable", "modify")
    stranger.authenticate()


# --- with an account ---------------------------------------------------------------------


@deviates("prosody", "another module")
def test_already_registered(juliet):
    """§3.1: <registered/>, and the name."""
    got = juliet.get(query())[0]
    assert got.find(f"{{{NS}}}registered") is not None
    assert got.findtext(f"{{{NS}}}username") == juliet.local
    assert got.findtext(f"{{{NS}}}password") == ""


@deviates("prosody", "another module")
def test_change_password(server, juliet):
    """§3.3."""
    juliet.set(query(username=juliet.local, password="new secret"), juliet.domain)
    juliet.close()
    old = Client(server, juliet.user)
    old.open(old.domain)
    old.scram("SCRAM-SHA-1")
    old.expect_failure("not-authorized")
    Client(server, juliet.user._replace(password="new secret")).login().online()


@deviates("prosody", "another module")
def test_change_password_without_to(server, juliet):
    juliet.set(query(username=juliet.local, password="other"))
    Client(server, juliet.user._replace(password="other")).login()


@deviates("prosody", "another module")
def test_change_password_by_form(server, juliet):
    """§3.3: the form's username is a whole address."""
    juliet.set(f"<query xmlns='{NS}'>{submit(username=juliet.bare, password='other')}</query>",
               juliet.domain)
    Client(server, juliet.user._replace(password="other")).login()


@pytest.mark.parametrize("fields", [{"username": "{me}", "password": ""}, {"username": "{me}"}])
@deviates("prosody", "other errors")
def test_change_to_nothing(server, juliet, fields):
    fields = {k: v.format(me=juliet.local) for k, v in fields.items()}
    juliet.refused("set", query(**fields), "bad-request", "modify")
    Client(server, juliet.user).login()


@only_linnet("a limit of ours")
def test_changes_are_bounded(juliet):
    """Ten a minute: each costs the server a hash."""
    idents = [juliet.iq("set", query(username=juliet.local, password=f"secret{n}"))
              for n in range(20)]
    answers = {}
    while len(answers) < len(idents):
        element = juliet.next()
        answers[element.get("id")] = element
    refused = [one for one in answers.values() if one.get("type") == "error"]
    assert 0 < len(refused) <= 10
    for one in refused:
        check_error(one, "resource-constraint", "wait")


@deviates("prosody", "takes the name for nothing")
def test_change_of_somebody_elses(server, juliet, romeo):
    """§3.3: only one's own."""
    juliet.refused("set", query(username=romeo.local, password="mine"),
                   "forbidden", "auth")
    Client(server, romeo.user).login()


@only_linnet("hosts of ours")
def test_at_another_address(server, juliet, romeo):
    """Nobody is registered with another host, and nobody acts for another account."""
    for to in (server.host2, romeo.bare):
        for kind in ("get", "set"):
            juliet.refused(kind, query(username=juliet.local, password="x"),
                           "service-unavailable", "cancel", to)
    Client(server, juliet.user).login()


@deviates("prosody", "another module")
def test_remove_and_more(server, juliet):
    """§3.2: <remove/> is alone."""
    juliet.refused("set", f"<query xmlns='{NS}'><remove/><username>x</username></query>",
                   "bad-request", "modify")
    Client(server, juliet.user).login()


@deviates("prosody", "another module")
def test_remove(server, juliet):
    """§3.2: the account is gone; its streams are told."""
    other = juliet.another("other")
    juliet.set(f"<query xmlns='{NS}'><remove/></query>")
    juliet.expect_stream_error("not-authorized")
    other.expect_stream_error("not-authorized")
    old = Client(server, juliet.user)
    old.open(old.domain)
    state_fails(old)


def state_fails(client):
    client.auth("SCRAM-SHA-1", sasl.Scram("SCRAM-SHA-1", client.local, client.password).first())
    got = client.next()
    if got.tag.endswith("challenge"):
        client.response(b"c=biws,r=x,p=AAAA")
        client.expect_failure("not-authorized", "malformed-request")
    else:
        assert got.tag.endswith("failure")


@only_linnet("tombstones of ours")
def test_removed_name_stays_taken(server, juliet, stranger):
    """Whoever comes next must not get what was meant for the one before."""
    juliet.iq("set", f"<query xmlns='{NS}'><remove/></query>")
    juliet.expect_closed()
    stranger.refused("set", query(username=juliet.local, password="mine"), "conflict", "cancel")


@deviates("prosody", "another module")
def test_friends_of_a_removed_account(server, juliet, romeo):
    """Subscriptions end."""
    for one in (juliet, romeo):
        one.roster()
        one.online()
        one.heap = []
    bring((juliet, romeo), "Both")
    juliet.iq("set", f"<query xmlns='{NS}'><remove/></query>")
    juliet.expect_closed()
    seen = set()
    while not {"unsubscribe", "unsubscribed"} <= seen:
        seen.add(romeo.next().get("type"))


# --- off, and limits ---------------------------------------------------------------------------


@only_linnet("options of ours")
@pytest.mark.parametrize("config", [{}, {"modules": {"register": {}}},
                                    {"modules": {"register": {"allow": "off"}}}],
                         ids=["no-module", "default", "off"])
def test_off(servers, config):
    """Nobody registers unless the operator said so."""
    server = servers(config)
    one = Client(server, fresh(server))
    one.features = one.open(one.domain)
    assert one.features.find("{http://jabber.org/features/iq-register}register") is None
    one.iq("set", query(username=one.local, password="secret"))
    kind, element = one.event()
    if element.tag.endswith("iq"):
        check_error(element, "service-unavailable")     # §3.1
    else:
        assert config == {} and element.tag.endswith("error")
    again = Client(server, one.user)
    again.open(again.domain)
    state_fails(again)


@only_linnet("options of ours")
def test_off_still_changes_passwords(servers):
    server = servers({"modules": {"register": {"allow": "off"}}})
    juliet = server.client("juliet")
    juliet.set(query(username=juliet.local, password="other"))
    Client(server, juliet.user._replace(password="other")).login()


@pytest.fixture(scope="module")
def strict(request, authority):
    yield from one_server(request, authority,
                          {"modules": {"register": {"allow": "on", "per-address": "2/1h"}}})


@only_linnet("options of ours")
def test_per_address(strict):
    for n in range(3):
        one = Client(strict, fresh(strict))
        one.open(one.domain)
        ident = one.iq("set", query(username=one.local, password="secret"))
        if n < 2:
            one.answer(ident)
        else:
            one.expect_error(ident, "not-acceptable", "wait")


@only_linnet("options of ours")
def test_names_are_kept_for_a_while(servers):
    """As long as the option says; an operator gives them away at once."""
    server = servers({"modules": {"register": {"allow": "on", "keep-names": "0s"}}})
    first, second = server.client("juliet"), server.client("romeo")
    for one in (first, second):
        server.ctl("user", "del", one.bare)     # returns when all of it is deleted
    again = Client(server, first.user)
    again.open(again.domain)
    again.set(query(username=first.local, password="secret"))
    server.reload({"modules": {"register": {"allow": "on"}}})
    again = Client(server, second.user)
    again.open(again.domain)
    again.refused("set", query(username=second.local, password="secret"), "conflict")
    server.ctl("user", "add", second.bare, second.password)
    Client(server, second.user).login()


@only_linnet("required TLS")
def test_not_in_the_clear(servers):
    """Where TLS is required a password does not travel without."""
    server = servers({**CONFIG, "c2s": {"tls": "required"}})
    one = Client(server, fresh(server))
    one.features = one.open(one.domain)
    assert one.features.find("{http://jabber.org/features/iq-register}register") is None
    one.starttls()
    one.set(query(username=one.local, password="secret"))
    one.authenticate()
    clear = Client(server, fresh(server))
    clear.open(clear.domain)
    clear.iq("set", query(username=clear.local, password="secret"))
    clear.expect_stream_error("not-authorized")


@only_linnet("looks into the database")
def test_deletion_goes_on_after_a_crash(servers):
    """Killed between the death of an account and the deletion of its rows."""
    server = servers(CONFIG)
    juliet, romeo = server.client("juliet"), server.client("romeo")
    for one in (juliet, romeo):
        one.roster()
        one.online()
        one.heap = []
    bring((juliet, romeo), "Both")
    server.stop()
    database = sqlite3.connect(server.folder / "data" / "linnet.db")
    with database:
        database.execute("UPDATE entity SET status = 2 WHERE jid = ?", (juliet.bare,))
    server.start()
    deadline = time.monotonic() + TIMEOUT
    while database.execute("SELECT 1 FROM entity WHERE jid = ?", (juliet.bare,)).fetchone():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert database.execute("SELECT 1 FROM released WHERE jid = ?", (juliet.bare,)).fetchone()
    database.close()
    item = Client(server, romeo.user).login().roster()[juliet.bare]
    assert item.get("subscription") == "none"
