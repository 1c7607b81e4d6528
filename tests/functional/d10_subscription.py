# SPDX-License-Identifier: MIT
"""Subscriptions: every state and every step between two local users (RFC 6121 §3, appendix A).

A state is the user's side, named as in appendix A; the contact's is its mirror.
Juliet is the user, Romeo the contact.
"""

import pytest
from kit import Client, deviates, needs_linnet, only_linnet

# state: what leads there, as (who, what) from nothing
STATES = {
    "None": (),
    "None + Pending Out": (("juliet", "subscribe"),),
    "None + Pending In": (("romeo", "subscribe"),),
    "None + Pending Out+In": (("juliet", "subscribe"), ("romeo", "subscribe")),
    "To": (("juliet", "subscribe"), ("romeo", "subscribed")),
    "To + Pending In": (("juliet", "subscribe"), ("romeo", "subscribed"), ("romeo", "subscribe")),
    "From": (("romeo", "subscribe"), ("juliet", "subscribed")),
    "From + Pending Out": (("romeo", "subscribe"), ("juliet", "subscribed"),
                           ("juliet", "subscribe")),
    "Both": (("juliet", "subscribe"), ("romeo", "subscribed"), ("romeo", "subscribe"),
             ("juliet", "subscribed")),
}
MIRROR = {
    "None": "None", "None + Pending Out": "None + Pending In",
    "None + Pending In": "None + Pending Out", "None + Pending Out+In": "None + Pending Out+In",
    "To": "From", "To + Pending In": "From + Pending Out", "From": "To",
    "From + Pending Out": "To + Pending In", "Both": "Both",
}

# Appendix A.2 (what the user's server does with what he sends) and A.3 (what the contact's does
# with what arrives), put together: the user's new state, and whether the contact is told.
ROWS = [
    # subscribe
    ("None", "subscribe", "None + Pending Out", True),
    ("None + Pending Out", "subscribe", "None + Pending Out", None),
    ("None + Pending In", "subscribe", "None + Pending Out+In", True),
    ("None + Pending Out+In", "subscribe", "None + Pending Out+In", None),
    ("To", "subscribe", "To", False),
    ("To + Pending In", "subscribe", "To + Pending In", False),
    ("From", "subscribe", "From + Pending Out", True),
    ("From + Pending Out", "subscribe", "From + Pending Out", None),
    ("Both", "subscribe", "Both", False),
    # unsubscribe
    ("None", "unsubscribe", "None", False),
    ("None + Pending Out", "unsubscribe", "None", True),
    ("None + Pending In", "unsubscribe", "None + Pending In", False),
    ("None + Pending Out+In", "unsubscribe", "None + Pending In", True),
    ("To", "unsubscribe", "None", True),
    ("To + Pending In", "unsubscribe", "None + Pending In", True),
    ("From", "unsubscribe", "From", False),
    ("From + Pending Out", "unsubscribe", "From", True),
    ("Both", "unsubscribe", "From", True),
    # subscribed ("pre-approval" where nothing is pending: §3.4)
    ("None", "subscribed", "None", False),
    ("None + Pending Out", "subscribed", "None + Pending Out", False),
    ("None + Pending In", "subscribed", "From", True),
    ("None + Pending Out+In", "subscribed", "From + Pending Out", True),
    ("To", "subscribed", "To", False),
    ("To + Pending In", "subscribed", "Both", True),
    ("From", "subscribed", "From", False),
    ("From + Pending Out", "subscribed", "From + Pending Out", False),
    ("Both", "subscribed", "Both", False),
    # unsubscribed
    ("None", "unsubscribed", "None", False),
    ("None + Pending Out", "unsubscribed", "None + Pending Out", False),
    ("None + Pending In", "unsubscribed", "None", True),
    ("None + Pending Out+In", "unsubscribed", "None + Pending Out", True),
    ("To", "unsubscribed", "To", False),
    ("To + Pending In", "unsubscribed", "To", True),
    ("From", "unsubscribed", "None", True),
    ("From + Pending Out", "unsubscribed", "None + Pending Out", True),
    ("Both", "unsubscribed", "To", True),
]
# Prosody: (state, what) that it passes on, or does otherwise
PROSODY = {("None", "unsubscribe"), ("None + Pending In", "unsubscribe"), ("From", "unsubscribe")}


def drain(client):
    """What has come for the client so far."""
    ident = client.iq("get", "<query xmlns='urn:linnet:test:barrier'/>", client.bare)
    found = []
    while True:
        element = client.next()
        if element.get("id") == ident:
            return found
        found.append(element)


def settle(*clients):
    """All that one has sent has reached the other."""
    first, second = clients
    for sender, receiver in ((first, second), (second, first)):
        ident = sender.new_id()
        sender.send(f"<iq type='get' id='{ident}' to='{receiver}'>"
                    "<query xmlns='urn:linnet:test:barrier'/></iq>")
        while True:
            element = receiver.next()
            if element.get("id") == ident:
                break
            receiver.heap.append(element)
    return first.heap, second.heap


def step(who, what, other):
    who.send(f"<presence to='{other.bare}' type='{what}'/>")


@pytest.fixture
def pair(server):
    juliet, romeo = server.client("juliet", "balcony"), server.client("romeo", "orchard")
    for one in (juliet, romeo):
        one.roster()
        one.online()
        one.heap = []
    return juliet, romeo


def bring(pair, state):
    juliet, romeo = pair
    for who, what in STATES[state]:
        if who == "juliet":
            step(juliet, what, romeo)
        else:
            step(romeo, what, juliet)
        settle(juliet, romeo)
    juliet.heap, romeo.heap = [], []


def item_of(client, other):
    """The roster's item of the other; None if there is none."""
    ident = client.iq("get", "<query xmlns='jabber:iq:roster'/>")
    answer = client.next()
    while answer.get("id") != ident:        # presence of late ones, pushes
        answer = client.next()
    for item in answer.iter("{jabber:iq:roster}item"):
        if item.get("jid") == other.bare:
            return item
    return None


def look(client, other):
    """The state of the client's side, as far as his roster shows it."""
    item = item_of(client, other)
    return ("none", None) if item is None else (item.get("subscription"), item.get("ask"))


def visible(state):
    """What the roster shows of a state (pending in is not shown: A.1)."""
    name = state.split(" ")[0].lower()
    return name, "subscribe" if "Out" in state else None


def pending_in(server, client):
    """Who waits for an answer: told to every resource that becomes available (§3.1.3)."""
    late = Client(server, client.user).login("late").online()
    asked = [e.get("from") for e in drain(late) if e.get("type") == "subscribe"]
    late.close()
    return asked


def check_state(server, client, other, state, before=None):
    assert look(client, other) == visible(state), state
    assert pending_in(server, client) == ([other.bare] if "In" in state else []), state


@pytest.mark.parametrize("state, what, after, told", ROWS,
                         ids=[f"{s}-{w}".replace(" ", "") for s, w, _, _ in ROWS])
def test_step(server, pair, state, what, after, told):
    if (state, what) in PROSODY:
        needs_linnet("passes it on")
    juliet, romeo = pair
    bring(pair, state)
    step(juliet, what, romeo)
    _, heard = settle(juliet, romeo)
    came = [e for e in heard if e.get("type") == what and e.tag.endswith("presence")]
    for presence in came:
        assert presence.get("from") == juliet.bare, "from the bare address (§3.1.2)"
        assert presence.get("to") == romeo.bare
    if told is not None:        # None: asking again may be passed on again
        assert len(came) == told
    check_state(server, juliet, romeo, after)
    check_state(server, romeo, juliet, MIRROR[after])


# --- what comes along -----------------------------------------------------------------------


@deviates("prosody", "an unavailable one in between")
def test_from_nothing_to_both(pair):
    """§3.1: pushes and presence of a whole friendship, seen by both."""
    juliet, romeo = pair
    ns = "jabber:iq:roster"
    step(juliet, "subscribe", romeo)
    juliet.expect(f"<iq type='set'><query xmlns='{ns}'><item jid='{romeo.bare}' "
                  "subscription='none' ask='subscribe'/></query></iq>")
    romeo.expect(f"<presence type='subscribe' from='{juliet.bare}' to='{romeo.bare}'/>")
    romeo.expect_nothing()      # no push: what is pending in is not in the roster (A.1)
    step(romeo, "subscribed", juliet)
    romeo.expect(f"<iq type='set'><query xmlns='{ns}'><item jid='{juliet.bare}' "
                 "subscription='from' ask='!'/></query></iq>")
    juliet.expect_all(
        f"<presence type='subscribed' from='{romeo.bare}'/>",
        f"<iq type='set'><query xmlns='{ns}'><item jid='{romeo.bare}' subscription='to' "
        "ask='!'/></query></iq>",
        f"<presence from='{romeo}' type='!'/>")
    step(romeo, "subscribe", juliet)
    romeo.expect(f"<iq type='set'><query xmlns='{ns}'><item jid='{juliet.bare}' "
                 "subscription='from' ask='subscribe'/></query></iq>")
    juliet.expect(f"<presence type='subscribe' from='{romeo.bare}'/>")
    step(juliet, "subscribed", romeo)
    juliet.expect(f"<iq type='set'><query xmlns='{ns}'><item jid='{romeo.bare}' "
                  "subscription='both'/></query></iq>")
    romeo.expect_all(
        f"<presence type='subscribed' from='{juliet.bare}'/>",
        f"<iq type='set'><query xmlns='{ns}'><item jid='{juliet.bare}' subscription='both' "
        "ask='!'/></query></iq>",
        f"<presence from='{juliet}' type='!'/>")


def test_revoking_sends_unavailable(pair):
    """§3.2.2: who is no longer subscribed sees us go, while he still may."""
    juliet, romeo = pair
    bring(pair, "From")
    step(juliet, "unsubscribed", romeo)
    settle(juliet, romeo)
    seen = [(e.get("type"), e.get("from")) for e in romeo.heap if e.tag.endswith("presence")]
    assert ("unsubscribed", juliet.bare) in seen
    assert ("unavailable", str(juliet)) in seen
    needs_linnet("tells it afterwards")
    assert seen == [("unavailable", str(juliet)), ("unsubscribed", juliet.bare)]


@only_linnet("Prosody tells it afterwards")
def test_removing_sends_unavailable_first(pair):
    """§2.5.2 with §3.2.2"""
    juliet, romeo = pair
    bring(pair, "From")
    juliet.iq("set", "<query xmlns='jabber:iq:roster'>"
                     f"<item jid='{romeo.bare}' subscription='remove'/></query>")
    settle(juliet, romeo)
    seen = [(e.get("type"), e.get("from")) for e in romeo.heap if e.tag.endswith("presence")]
    assert seen == [("unavailable", str(juliet)), ("unsubscribed", juliet.bare)]


@deviates("prosody", "sends none")
def test_unsubscribing_sends_unavailable(pair):
    """§3.3.3: so does who unsubscribed."""
    juliet, romeo = pair
    bring(pair, "To")
    step(juliet, "unsubscribe", romeo)
    settle(juliet, romeo)
    seen = [(e.get("type"), e.get("from")) for e in juliet.heap if e.tag.endswith("presence")]
    assert ("unavailable", str(romeo)) in seen


@pytest.mark.parametrize("state", ["To", "From", "Both", "None + Pending Out"])
def test_removing_ends_both_directions(server, pair, state):
    """§2.5.2: removing an item sends what ends the subscriptions."""
    juliet, romeo = pair
    bring(pair, state)
    juliet.iq("set", "<query xmlns='jabber:iq:roster'>"
                     f"<item jid='{romeo.bare}' subscription='remove'/></query>")
    _, heard = settle(juliet, romeo)
    types = {e.get("type") for e in heard if e.tag.endswith("presence")
             and e.get("from") == juliet.bare}
    assert types == {"To": {"unsubscribe"}, "From": {"unsubscribed"},
                     "Both": {"unsubscribe", "unsubscribed"},
                     "None + Pending Out": {"unsubscribe"}}[state]
    assert item_of(juliet, romeo) is None
    assert look(romeo, juliet) == ("none", None)
    assert pending_in(server, romeo) == []


# --- asking (§3.1) -----------------------------------------------------------------------------


def test_asking_an_offline_contact(server, juliet):
    """§3.1.3: he is asked when he comes, every time, until he answers."""
    user = server.user("romeo")
    juliet.roster()
    juliet.send(f"<presence to='{user.jid}' type='subscribe'><status>Please</status></presence>")
    juliet.expect("<iq type='set'/>")
    for _ in range(2):
        romeo = Client(server, user).login("orchard").online()
        asked = romeo.expect(f"<presence type='subscribe' from='{juliet.bare}'/>")
        assert asked.findtext("{jabber:client}status") in (None, "Please")
        romeo.close()
    romeo = Client(server, user).login("orchard").online()
    romeo.expect("<presence type='subscribe'/>")
    romeo.send(f"<presence to='{juliet.bare}' type='unsubscribed'/>")
    juliet.expect_all("<presence type='unsubscribed'/>",
                      "<iq type='set'><query xmlns='jabber:iq:roster'>"
                      f"<item jid='{user.jid}' subscription='none' ask='!'/></query></iq>")
    romeo.close()
    Client(server, user).login("orchard").online().expect_nothing()


def test_full_address_is_made_bare(juliet, romeo):
    """§3.1.1, §3.1.2: subscriptions are between accounts."""
    romeo.online()
    juliet.send(f"<presence to='{romeo}' type='subscribe'/>")
    romeo.expect(f"<presence type='subscribe' from='{juliet.bare}' to='{romeo.bare}'/>")


def test_asking_nobody(server, juliet):
    """§8.5.1: no account, no answer that tells; the roster remembers that we asked."""
    nobody = server.nobody()
    juliet.roster()
    juliet.send(f"<presence to='{nobody}' type='subscribe'/>")
    juliet.expect_all(*["<iq type='set'/>"])
    for element in drain(juliet):
        assert element.get("type") in ("unsubscribed", "set")
    assert nobody in juliet.roster()


def test_asking_again_after_an_answer_is_answered_by_the_server(pair):
    """§3.1.3: the contact's server knows that he agreed; he is not asked again."""
    juliet, romeo = pair
    bring(pair, "To")
    juliet.iq("set", "<query xmlns='jabber:iq:roster'>"
                     f"<item jid='{romeo.bare}' name='R'/></query>")
    settle(juliet, romeo)
    romeo.heap = []
    step(juliet, "subscribe", romeo)
    settle(juliet, romeo)
    assert not [e for e in romeo.heap if e.get("type") == "subscribe"]
    assert look(juliet, romeo) == ("to", None)


def test_who_asks_again_sees_the_contact(server, pair):
    """§3.1.3: a server that has forgotten the subscription learns of it, and of who is there."""
    juliet, romeo = pair
    bring(pair, "To")
    street = romeo.another("street").online()
    settle(juliet, romeo)
    juliet.heap = []
    step(juliet, "subscribe", romeo)
    settle(juliet, romeo)       # it has reached his home; and what that did has come back:
    settle(romeo, juliet)
    seen = {e.get("from") for e in juliet.heap if e.tag.endswith("presence") and not e.get("type")}
    assert seen == {str(romeo), str(street)}


def test_every_resource_is_asked(server, juliet):
    romeo = server.client("romeo", "orchard").online()
    street = romeo.another("street").online(-1)
    romeo.expect(f"<presence from='{street}'/>")
    street.expect(f"<presence from='{romeo}'/>")
    juliet.send(f"<presence to='{romeo.bare}' type='subscribe'/>")
    for one in (romeo, street):
        one.expect(f"<presence type='subscribe' from='{juliet.bare}'/>")


@only_linnet("Prosody drops it")
@pytest.mark.parametrize("what", ["subscribe", "subscribed", "unsubscribe", "unsubscribed",
                                  "probe"])
def test_to_nobody_in_particular(juliet, what):
    """§3.1.1, RFC 6120 §8.1.1.1: without an address it is the account's own, which says no."""
    juliet.roster()
    juliet.send(f"<presence type='{what}' id='s'/>")
    juliet.expect_error("s", "bad-request", name="presence", from_=juliet.bare)
    assert juliet.roster() == {}


@only_linnet("a limit of ours")
def test_roster_is_full(servers):
    """The user is told; who only asks takes none of his places, and is not heard in the end."""
    server = servers({"limits": {"roster-items": 3}})
    juliet = server.client("juliet").online()
    strangers = [server.client(f"stranger{n}") for n in range(5)]
    for one in strangers:
        one.send(f"<presence to='{juliet.bare}' type='subscribe'/>")
        one.sync(juliet.bare)
    for one in strangers[:3]:
        juliet.expect(f"<presence type='subscribe' from='{one.bare}'/>")
    juliet.expect_nothing()
    for n in range(3):
        juliet.set(f"<query xmlns='jabber:iq:roster'><item jid='c{n}@b.example'/></query>")
    for who in ("c3@b.example", strangers[0].bare):
        for what in ("subscribe", "subscribed"):
            juliet.send(f"<presence to='{who}' type='{what}' id='s'/>")
            juliet.expect_error("s", "not-acceptable", name="presence", from_=who)
    assert set(juliet.roster()) == {f"c{n}@b.example" for n in range(3)}
    strangers[0].roster()
    juliet.send(f"<presence to='{strangers[0].bare}' type='unsubscribed'/>")
    strangers[0].expect_all("<presence type='unsubscribed'/>", "<iq type='set'/>")


@deviates("prosody", "asks oneself")
def test_to_oneself(juliet):
    """One sees one's own presence anyway; nothing is put into the roster."""
    juliet.roster()
    juliet.online()
    juliet.send(f"<presence to='{juliet.bare}' type='subscribe'/>")
    drain(juliet)
    assert juliet.roster().get(juliet.bare) is None


# --- pre-approval (§3.4) -------------------------------------------------------------------------


@deviates("prosody", "no mark in the roster")
def test_pre_approval(server, pair):
    juliet, romeo = pair
    assert juliet.features.find("{urn:xmpp:features:pre-approval}sub") is not None
    step(juliet, "subscribed", romeo)
    juliet.expect("<iq type='set'><query xmlns='jabber:iq:roster'>"
                  f"<item jid='{romeo.bare}' subscription='none' approved='true'/></query></iq>")
    romeo.expect_nothing(after=juliet)
    step(romeo, "subscribe", juliet)
    settle(romeo, juliet)       # it has reached her home; and what that did has come back:
    _, heard = settle(juliet, romeo)
    assert "subscribed" in [e.get("type") for e in heard]
    assert not [e for e in juliet.heap if e.get("type") == "subscribe"], "she was not asked"
    assert look(juliet, romeo)[0] == "from"
    assert look(romeo, juliet) == ("to", None)


@deviates("prosody", "keeps it")
def test_pre_approval_taken_back(server, pair):
    juliet, romeo = pair
    step(juliet, "subscribed", romeo)
    step(juliet, "unsubscribed", romeo)
    settle(juliet, romeo)
    item = item_of(juliet, romeo)
    assert item is None or item.get("approved") in (None, "false")
    step(romeo, "subscribe", juliet)
    settle(juliet, romeo)
    assert [e for e in juliet.heap if e.get("type") == "subscribe"]
