# SPDX-License-Identifier: MIT
"""Blocking (XEP-0191)."""

import pytest
from kit import Client, deviates, only_linnet

from d10_subscription import bring

NS = "urn:xmpp:blocking"
CONFIG = {"modules": {"blocking": {}, "offline": {}, "disco": {}}}
UNKNOWN = "<query xmlns='urn:example:unknown'/>"


def block(*jids, name="block"):
    items = "".join(f"<item jid='{jid}'/>" for jid in jids)
    return f"<{name} xmlns='{NS}'>{items}</{name}>"


def blocked(client):
    """The list; from now on the client is told of changes."""
    ident = client.iq("get", f"<blocklist xmlns='{NS}'/>")
    answer = client.next()
    while answer.get("id") != ident:
        answer = client.next()
    return {item.get("jid") for item in answer[0]}


def change(client, payload):
    """A change of one who has asked for the list: its result and its push."""
    ident = client.iq("set", payload)
    client.expect_all(f"<iq type='result' id='{ident}'/>", f"<iq type='set'>{payload}</iq>")


@pytest.fixture
def pair(server):
    both = server.client("juliet", "balcony"), server.client("romeo", "orchard")
    for one in both:
        one.roster()
        one.online()
        one.heap = []
    return both


# --- the list -----------------------------------------------------------------------------


def test_list(server, juliet):
    assert blocked(Client(server, server.user("juliet")).login()) == set()
    juliet.set(block("romeo@montague.example", "verona.example", "paris@verona.example/x"))
    assert blocked(juliet) == {"romeo@montague.example", "verona.example",
                               "paris@verona.example/x"}
    juliet2 = Client(server, juliet.user).login()
    juliet2.set(block("verona.example", name="unblock"))
    assert blocked(juliet2) == {"romeo@montague.example", "paris@verona.example/x"}
    change(juliet2, block(name="unblock"))
    assert blocked(juliet2) == set()


@pytest.mark.parametrize("payload, condition", [
    (block(), "bad-request"),
    (f"<block xmlns='{NS}'><item/></block>", "bad-request|jid-malformed"),
    (block("@@@"), "jid-malformed|bad-request"),
    (block("romeo@montague.example", "@@@"), "jid-malformed|bad-request"),
    (f"<blocklist xmlns='{NS}'/>", "service-unavailable|bad-request|feature-not-implemented"
                                   "|not-allowed"),
], ids=["empty", "no-jid", "bad-jid", "one-bad", "set-list"])
def test_refused(juliet, payload, condition):
    juliet.refused("set", payload, condition)
    assert blocked(juliet) == set()


def test_address_is_prepared(juliet):
    juliet.set(block("Romeo@MONTAGUE.example"))
    assert blocked(juliet) == {"romeo@montague.example"}
    change(juliet, block("romeo@montague.example", name="unblock"))


def test_pushes(juliet):
    """§3.3, §3.4, §3.5: to all resources that asked for the list, and to no other."""
    blocked(juliet)
    other, deaf = juliet.another("other"), juliet.another("deaf")
    blocked(other)
    for payload in (block("romeo@montague.example"),
                    block("romeo@montague.example", name="unblock"), block(name="unblock")):
        change(juliet, payload)
        other.expect(f"<iq type='set'>{payload}</iq>")
        deaf.expect_nothing(after=juliet)


def test_of_somebody_else(juliet, romeo):
    juliet.refused("get", f"<blocklist xmlns='{NS}'/>", "forbidden|service-unavailable|not-allowed",
                   to=romeo.bare)
    juliet.refused("set", block("a@b.example"), "forbidden|service-unavailable|not-allowed",
                   to=romeo.bare)


# --- what comes from the blocked (§3.3) ---------------------------------------------------------


@pytest.mark.parametrize("form", ["{romeo.bare}", "{romeo}", "{romeo.domain}"])
@pytest.mark.parametrize("to", ["bare", "full"])
@deviates("prosody", "drops it")
def test_messages(pair, form, to):
    juliet, romeo = pair
    if form == "{romeo.domain}":
        pytest.skip("both are at home there")
    juliet.set(block(form.format(romeo=romeo)))
    address = juliet.bare if to == "bare" else juliet
    romeo.send(f"<message to='{address}' type='chat' id='m'><body>x</body></message>")
    romeo.expect_error("m", "service-unavailable", "cancel", name="message")
    juliet.expect_nothing()


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("to", ["bare", "full"])
def test_requests(pair, kind, to):
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    error = romeo.refused(kind, UNKNOWN, "service-unavailable", "cancel",
                          to=juliet.bare if to == "bare" else juliet)
    assert error.find("{jabber:client}error/{urn:xmpp:blocking:errors}blocked") is None
    juliet.expect_nothing()


@pytest.mark.parametrize("kind", ["result", "error"])
def test_answers(pair, kind):
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    romeo.send(f"<iq type='{kind}' id='x' to='{juliet}'/>")
    romeo.expect_nothing()
    juliet.expect_nothing()


@pytest.mark.parametrize("kind", ["", "unavailable", "subscribe", "subscribed", "unsubscribe",
                                  "unsubscribed", "probe"])
def test_presence(pair, kind):
    """No answer, no error, nothing seen."""
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    address = juliet.bare if kind not in ("", "unavailable") else juliet
    romeo.send(f"<presence to='{address}' id='p'" + (f" type='{kind}'/>" if kind else "/>"))
    ident = romeo.iq("get", UNKNOWN, romeo.bare)
    got = romeo.next()
    while got.get("id") != ident:       # a push of his own roster
        assert not got.tag.endswith("presence")
        got = romeo.next()
    juliet.expect_nothing()


@pytest.mark.parametrize("kind", ["error", "headline", "groupchat"])
def test_other_messages(pair, kind):
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    inner = "<error type='cancel'/>" if kind == "error" else "<body>x</body>"
    romeo.send(f"<message to='{juliet}' type='{kind}' id='m'>{inner}</message>")
    juliet.expect_nothing()
    if kind == "error":
        romeo.expect_nothing()


def test_offline_messages(server, juliet, romeo):
    """A blocked sender is not stored either."""
    juliet.set(block(romeo.bare))
    juliet.close()
    romeo.send(f"<message to='{juliet.bare}' type='chat' id='m'><body>x</body></message>")
    romeo.expect_error("m", "service-unavailable", "cancel", name="message")
    Client(server, juliet.user).login().online().expect_nothing()


# --- what goes to the blocked ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["message", "iq"])
def test_outbound(pair, name):
    """§3.3: not-acceptable, and <blocked/>."""
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    juliet.send(f"<{name} to='{romeo}' id='1'" + (f" type='get'>{UNKNOWN}</iq>" if name == "iq"
                                                  else "><body>x</body></message>"))
    error = juliet.expect_error("1", "not-acceptable", "cancel", name=name)
    assert error.find("{jabber:client}error/{urn:xmpp:blocking:errors}blocked") is not None
    romeo.expect_nothing()


@deviates("prosody", "lets it pass")
def test_outbound_presence(pair):
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    juliet.send(f"<presence to='{romeo}' id='1'/>")
    juliet.send("<presence><show>away</show></presence>")
    juliet.heap = []
    ident = juliet.iq("get", UNKNOWN, juliet.bare)
    while juliet.next().get("id") != ident:
        pass
    romeo.expect_nothing()


@pytest.mark.parametrize("kind", ["subscribe", "subscribed", "unsubscribe", "unsubscribed",
                                  "error"])
@deviates("prosody", "lets it pass")
def test_outbound_subscription(pair, kind):
    """§3.3: not-acceptable, and nothing has changed; an error is never answered."""
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    juliet.send(f"<presence to='{romeo.bare}' type='{kind}' id='1'/>")
    if kind == "error":
        juliet.expect_nothing()
    else:
        error = juliet.expect_error("1", "not-acceptable", "cancel", name="presence")
        assert error.find("{jabber:client}error/{urn:xmpp:blocking:errors}blocked") is not None
    assert not list(juliet.roster())
    romeo.expect_nothing()


@deviates("prosody", "leaves it")
def test_directed_presence_is_taken_back(pair):
    """Who was sent directed presence sees us go when he is blocked, and nothing at the end."""
    juliet, romeo = pair
    juliet.send(f"<presence to='{romeo}'/>")
    romeo.expect(f"<presence from='{juliet}' type='!'/>")
    juliet.set(block(romeo.bare))
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")
    juliet.close()
    romeo.expect_nothing()


def test_blocked_contact_is_not_probed(server, pair):
    """A login does not tell him either."""
    juliet, romeo = pair
    bring(pair, "To")
    juliet.set(block(romeo.bare))
    Client(server, juliet.user).login("other").send("<presence/>")
    romeo.expect_nothing()


@deviates("prosody", "delivers it")
def test_stored_before(server, juliet, romeo):
    """What came before the block is not delivered after it."""
    juliet.close()
    romeo.send(f"<message to='{juliet.bare}' type='chat' id='m'><body>x</body></message>")
    romeo.send(f"<presence to='{juliet.bare}' type='subscribe'/>")
    romeo.sync()
    again = Client(server, juliet.user).login()
    again.set(block(romeo.bare))
    again.online().expect_nothing()


def test_seen_to_go_and_to_come(pair):
    """§3.3, §3.4: a friend who is blocked sees us go; unblocked, he sees us come."""
    juliet, romeo = pair
    bring(pair, "Both")
    ident = juliet.iq("set", block(romeo.bare))
    juliet.expect(f"<iq id='{ident}' type='result'/>")
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")
    juliet.send("<presence><show>away</show></presence>")
    juliet.expect("<presence><show>away</show></presence>")
    romeo.expect_nothing()
    ident = juliet.iq("set", block(romeo.bare, name="unblock"))
    romeo.expect(f"<presence from='{juliet}' type='!'><show>away</show></presence>")


def test_stranger_is_told_nothing(pair):
    """Who may not see us does not learn that he is blocked."""
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    juliet.sync()
    romeo.expect_nothing()
    juliet.set(block(name="unblock"))
    romeo.expect_nothing()


@deviates("prosody", "drops it")
def test_one_resource_alone(pair):
    """§5: a full address blocks that resource, and no other."""
    juliet, romeo = pair
    street = romeo.another("street")
    juliet.set(block(street))
    street.send(f"<message to='{juliet}' id='1'><body>x</body></message>")
    street.expect_error("1", "service-unavailable", name="message")
    romeo.send(f"<message to='{juliet}' id='2'><body>x</body></message>")
    juliet.expect("<message id='2'/>")


@deviates("prosody", "drops it")
def test_domain(server, pair):
    """§5: a domain blocks all who live there."""
    juliet, romeo = pair
    paris = Client(server, server.user("paris", host=server.host2)).login()
    juliet.set(block(server.host2))
    paris.send(f"<message to='{juliet}' id='1'><body>x</body></message>")
    paris.expect_error("1", "service-unavailable", name="message")
    romeo.send(f"<message to='{juliet}' id='2'><body>x</body></message>")
    juliet.expect("<message id='2'/>")


@only_linnet("a limit of ours")
def test_too_many(servers):
    """`max`: of one request, and of all together."""
    juliet = servers({"modules": {"blocking": {"max": 3}}}).client("juliet")
    some = [f"c{n}@verona.example" for n in range(4)]
    juliet.refused("set", block(*some), "not-acceptable")
    juliet.set(block(*some[:2]))
    juliet.refused("set", block(*some[1:]), "not-acceptable")
    assert blocked(juliet) == set(some[:2])
    change(juliet, block(*some[:3]))


@deviates("prosody", "drops it")
def test_not_oneself(juliet):
    """XEP-0016: never between one's own resources."""
    other = juliet.another("other").online()
    juliet.set(block(juliet.bare))
    juliet.send(f"<message to='{other}' id='1'><body>x</body></message>")
    other.expect("<message id='1'/>")


def test_own_server_cannot_be_cut_off(juliet):
    """Blocking one's own host leaves one's own account reachable."""
    juliet.set(block(juliet.domain))
    assert blocked(juliet) == {juliet.domain}
    change(juliet, block(name="unblock"))
    juliet.get("<ping xmlns='urn:xmpp:ping'/>")


def test_after_unblocking(pair):
    juliet, romeo = pair
    juliet.set(block(romeo.bare))
    juliet.set(block(romeo.bare, name="unblock"))
    romeo.send(f"<message to='{juliet}' id='1'><body>x</body></message>")
    juliet.expect("<message id='1'/>")


@only_linnet("a promise of ours")
def test_survives(servers):
    server = servers({"modules": {"blocking": {}}})
    juliet = server.client("juliet")
    juliet.set(block("romeo@montague.example"))
    server.kill()
    server.start()
    assert blocked(Client(server, juliet.user).login()) == {"romeo@montague.example"}


def test_announced(juliet):
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)[0]
    assert NS in {f.get("var") for f in info}

