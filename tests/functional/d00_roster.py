# SPDX-License-Identifier: MIT
"""The roster: fetched, changed, pushed, versioned (RFC 6121 §2)."""

import pytest
from kit import Client, deviates, needs_linnet, only_linnet

NS = "jabber:iq:roster"


def item(jid, more="", inner=""):
    return f"<query xmlns='{NS}'><item jid='{jid}'{more}>{inner}</item></query>"


def push(jid, **attrs):
    more = "".join(f" {k}='{v}'" for k, v in attrs.items())
    return f"<iq type='set' id='*'><query xmlns='{NS}'><item jid='{jid}'{more}/></query></iq>"


def change(client, query):
    """A set that succeeds; the push that comes before or after its result is returned."""
    ident = client.iq("set", query)
    got = client.expect_all(f"<iq type='result' id='{ident}'/>",
                            f"<iq type='set'><query xmlns='{NS}'><item/></query></iq>")
    return next(e for e in got if e.get("type") == "set")


def groups(item_):
    return sorted(g.text for g in item_.iter(f"{{{NS}}}group"))


# --- get and set ---------------------------------------------------------------------


def test_empty(juliet):
    assert juliet.roster() == {}


def test_add(juliet):
    """§2.3: a new item has no subscription."""
    juliet.roster()
    got = change(juliet, item("romeo@montague.example", " name='Romeo'",
                              "<group>Friends</group><group>Verona</group>"))
    assert got.get("from") in (None, juliet.bare) and got.get("to") in (None, str(juliet))
    new = got.find(f".//{{{NS}}}item")
    assert (new.get("name"), new.get("subscription"), groups(new)) == \
        ("Romeo", "none", ["Friends", "Verona"])
    assert new.get("ask") is None
    stored = juliet.roster()["romeo@montague.example"]
    assert (stored.get("name"), stored.get("subscription"), groups(stored)) == \
        ("Romeo", "none", ["Friends", "Verona"])


def test_change(juliet):
    """§2.4: name and groups are replaced."""
    juliet.roster()
    change(juliet, item("a@b.example", " name='A'", "<group>One</group>"))
    change(juliet, item("a@b.example", " name='B'", "<group>Two</group><group>Three</group>"))
    stored = juliet.roster()["a@b.example"]
    assert (stored.get("name"), groups(stored)) == ("B", ["Three", "Two"])
    change(juliet, item("a@b.example"))
    stored = juliet.roster()["a@b.example"]
    assert (stored.get("name") or "", groups(stored)) == ("", [])


def test_remove(juliet):
    """§2.5."""
    juliet.roster()
    change(juliet, item("a@b.example"))
    got = change(juliet, item("a@b.example", " subscription='remove'"))
    assert got.find(f".//{{{NS}}}item").get("subscription") == "remove"
    assert juliet.roster() == {}


@deviates("prosody", "takes it")
def test_remove_what_is_not_there(juliet):
    """§2.5.3."""
    juliet.refused("set", item("a@b.example", " subscription='remove'"), "item-not-found", "cancel")


@pytest.mark.parametrize("wrong", ["both", "to", "from", "none", "nonsense"])
@pytest.mark.parametrize("ask", ["", " ask='subscribe'", " approved='true'"])
def test_client_cannot_subscribe_itself(juliet, wrong, ask):
    """§2.1.2.5: subscription, ask and approved of a client are ignored, but for 'remove'."""
    juliet.iq("set", item("a@b.example", f" subscription='{wrong}'{ask}"))
    answer = juliet.next()
    if answer.get("type") == "error":
        return
    stored = juliet.roster()["a@b.example"]
    assert stored.get("subscription") == "none"
    assert stored.get("ask") is None and stored.get("approved") is None


def test_survives_the_session(server, juliet):
    juliet.set(item("a@b.example", " name='A'"))
    assert "a@b.example" in Client(server, juliet.user).login().roster()


def test_address_is_prepared(juliet):
    """One contact, however it is spelled; and bare."""
    juliet.roster()
    change(juliet, item("Romeo@Montague.EXAMPLE"))
    change(juliet, item("romeo@montague.example", " name='R'"))
    roster = juliet.roster()
    assert list(roster) == ["romeo@montague.example"]


# --- errors (§2.3.3) --------------------------------------------------------------------

ITEM = "<item jid='a@b.example'>{}</item>"
BAD = {
    "no-item": ("", "bad-request", "modify"),
    "two-items": (ITEM.format("") + "<item jid='c@d.example'/>", "bad-request", "modify"),
    "no-jid": ("<item name='A'/>", "bad-request", "modify"),
    "empty-jid": ("<item jid=''/>", "jid-malformed|bad-request", "modify"),
    "bad-jid": ("<item jid='@@'/>", "jid-malformed|bad-request", "modify"),
    "same-group-twice": (ITEM.format("<group>F</group><group>F</group>"), "bad-request", "modify"),
    "long-name": (f"<item jid='a@b.example' name='{'x' * 1100}'/>", "not-acceptable|bad-request",
                  "modify"),
    "long-group": (ITEM.format(f"<group>{'x' * 1100}</group>"), "not-acceptable|bad-request",
                   "modify"),
    "many-groups": (ITEM.format("".join(f"<group>{n}</group>" for n in range(65))),
                    "not-acceptable|bad-request", "modify"),
    "large-groups": (ITEM.format("".join(f"<group>{str(n) * 1000}</group>" for n in range(9))),
                     "not-acceptable|bad-request", "modify"),
    "empty-group": (ITEM.format("<group/>"), "not-acceptable", "modify"),
}
PROSODY = {"same-group-twice", "long-name", "long-group", "empty-group", "two-items",
           "many-groups", "large-groups"}


@pytest.mark.parametrize("name", BAD)
def test_refused(juliet, name):
    if name in PROSODY:
        needs_linnet("takes it")
    inner, condition, error_type = BAD[name]
    juliet.roster()
    juliet.refused("set", f"<query xmlns='{NS}'>{inner}</query>", condition, error_type)
    assert juliet.roster() == {}


def test_ones_own_address(juliet):
    """Nobody is his own contact: refused (§2.3.3 leaves the word open)."""
    needs_linnet("takes it")
    juliet.refused("set", item(juliet.bare), "not-allowed|not-acceptable|conflict")


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("to", ["bare", "full"])
def test_of_somebody_else(juliet, romeo, kind, to):
    """§2.1.5, §2.3.3: forbidden, and no word about what is in it."""
    if to == "full":
        pytest.skip("his client's matter")
    juliet.refused(kind, item("a@b.example") if kind == "set" else f"<query xmlns='{NS}'/>",
                   "forbidden|service-unavailable|not-authorized", to=romeo.bare)
    assert romeo.roster() == {}


def test_of_anybody_else(servers):
    """Also where homes are on several threads, which each number their sessions alike."""
    server = servers({"workers": 2})
    crowd = [server.client("one") for _ in range(8)]
    for one in crowd:
        for other in crowd:
            if one is not other:
                one.refused("get", f"<query xmlns='{NS}'/>",
                            "forbidden|service-unavailable|not-authorized", to=other.bare)


def test_to_ones_own_address(juliet):
    """Addressed to one's own bare JID it is the same thing."""
    juliet.set(item("a@b.example"), to=juliet.bare)
    got = juliet.get(f"<query xmlns='{NS}'/>", to=juliet.bare)
    assert [i.get("jid") for i in got[0]] == ["a@b.example"]


def test_pushes_from_others_mean_nothing(juliet, romeo):
    """§2.1.6: a roster push of a stranger reaches the client, never the roster."""
    romeo.roster()
    juliet.iq("set", item("evil@b.example"), to=romeo)
    romeo.expect("<iq type='set'/>")
    assert romeo.roster() == {}


@only_linnet("a limit of ours")
def test_too_many(servers):
    server = servers({"limits": {"roster-items": 5}})
    juliet = server.client("juliet")
    for n in range(5):
        juliet.set(item(f"c{n}@b.example"))
    juliet.refused("set", item("c5@b.example"), "not-acceptable|resource-constraint|not-allowed")
    juliet.set(item("c4@b.example", " name='still'"))


# --- pushes (§2.1.6) ------------------------------------------------------------------------


def test_pushed_to_all_who_asked(juliet):
    """To every resource that has asked for the roster, and to no other."""
    juliet.roster()
    interested, other = juliet.another("interested"), juliet.another("other")
    interested.roster()
    change(juliet, item("a@b.example"))
    interested.expect(push("a@b.example", subscription="none"))
    other.expect_nothing(after=juliet)


def test_not_available_but_interested(juliet):
    """Asking for the roster suffices; presence is not needed (§2.1.6)."""
    juliet.roster()
    change(juliet, item("a@b.example"))


def test_who_changed_it_needs_no_interest(juliet):
    """§2.1.6: pushes go to those who asked, and this one has not."""
    interested = juliet.another("interested")
    interested.roster()
    juliet.set(item("a@b.example"))
    juliet.expect_nothing()
    interested.expect(push("a@b.example"))


def test_answers_to_pushes_are_dropped(juliet):
    juliet.roster()
    got = change(juliet, item("a@b.example"))
    juliet.send(f"<iq type='result' id='{got.get('id')}'/>")
    juliet.sync()


# --- versions (§2.6) ----------------------------------------------------------------------------


def test_versioning_is_announced(juliet):
    assert juliet.features.find("{urn:xmpp:features:rosterver}ver") is not None


def test_version_unchanged(juliet):
    """§2.6.3: an empty result says that nothing has changed."""
    juliet.set(item("a@b.example"))
    juliet.roster("")
    version = juliet.roster_version
    assert version
    assert juliet.another("new").roster(version) is None


def test_version_changed(juliet):
    """Either the whole roster, or what changed as pushes behind an empty result."""
    juliet.set(item("a@b.example"))
    juliet.roster("")
    version = juliet.roster_version
    juliet.send(f"<iq type='set' id='c'>{item('c@d.example')}</iq>")
    juliet.expect_all("<iq type='result' id='c'/>", push("c@d.example"))
    new = juliet.another("new")
    roster = new.roster(version)
    if roster is None:
        new.expect(push("c@d.example"))
    else:
        assert set(roster) == {"a@b.example", "c@d.example"}


@pytest.mark.parametrize("version", ["", "unknown", "0", "99999999999999999999", "x" * 500])
def test_unknown_version(juliet, version):
    """§2.6.2: what we never said gets the whole roster."""
    juliet.set(item("a@b.example"))
    assert set(juliet.roster(version)) == {"a@b.example"}
    assert juliet.roster_version


def test_pushes_carry_versions(juliet):
    """§2.6.2: each another one, and the last is the one of the roster."""
    juliet.roster("")
    seen = [change(juliet, item(f"c{n}@b.example")).find(f"{{{NS}}}query").get("ver")
            for n in range(3)]
    assert len(set(seen)) == 3 and None not in seen
    assert juliet.another("new").roster(seen[-1]) is None


@only_linnet("survives restarts with us")
def test_version_after_restart(servers):
    server = servers()
    juliet = server.client("juliet")
    juliet.set(item("a@b.example"))
    juliet.roster("")
    server.kill()
    server.start()
    again = Client(server, juliet.user).login()
    assert again.roster(juliet.roster_version) in (None,) or \
        set(again.roster("")) == {"a@b.example"}
