# SPDX-License-Identifier: MIT
"""Presence: broadcast, probes, directed, and priority (RFC 6121 §4)."""

import pytest
from kit import Client, deviates

from d10_subscription import bring, drain, settle, step


@pytest.fixture
def pair(server):
    juliet, romeo = server.client("juliet", "balcony"), server.client("romeo", "orchard")
    for one in (juliet, romeo):
        one.roster()
        one.online()
        one.heap = []
    return juliet, romeo


@pytest.fixture
def friends(pair):
    """Both subscribed to each other, both present."""
    bring(pair, "Both")
    return pair


# --- broadcast -------------------------------------------------------------------------


def test_to_subscribers(friends, tybalt):
    """§4.2.2, §4.4.2: to those who may see it, as it is; to nobody else."""
    juliet, romeo = friends
    tybalt.online()
    juliet.send("<presence><show>away</show><status>asleep</status><priority>3</priority>"
                "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='y'/>"
                "</presence>")
    romeo.expect(f"<presence from='{juliet}' type='!'><show>away</show><status>asleep</status>"
                 "<priority>3</priority><c xmlns='http://jabber.org/protocol/caps' ver='y'/>"
                 "</presence>")
    juliet.expect(f"<presence from='{juliet}'><show>away</show></presence>")
    tybalt.expect_nothing(after=juliet)


@pytest.mark.parametrize("state, seen", [("None", False), ("None + Pending In", False),
                                         ("None + Pending Out", False), ("To", False),
                                         ("To + Pending In", False), ("From", True),
                                         ("From + Pending Out", True), ("Both", True)])
def test_who_may_see(pair, state, seen):
    juliet, romeo = pair
    bring(pair, state)
    juliet.send("<presence><show>dnd</show></presence>")
    settle(juliet, romeo)
    came = [e for e in romeo.heap if e.get("from") == str(juliet)
            and e.findtext("{jabber:client}show") == "dnd"]
    assert len(came) == seen


def test_initial_presence_brings_that_of_contacts(server, friends):
    """§4.2.2, §4.3: a newly available resource learns who is there."""
    juliet, romeo = friends
    juliet.send("<presence><show>chat</show></presence>")
    settle(juliet, romeo)
    late = Client(server, romeo.user).login("late").online()
    late.expect_all(f"<presence from='{juliet}'><show>chat</show></presence>",
                    f"<presence from='{romeo}'/>")
    late.expect_nothing()


def test_initial_presence_brings_nothing_from_who_only_watches(pair):
    """§4.3.2: who is subscribed to us learns that we are there; we do not see him for that."""
    juliet, romeo = pair
    bring(pair, "To")
    romeo.send("<presence type='unavailable'/>")
    settle(romeo, juliet)
    romeo.heap, juliet.heap = [], []
    romeo.send("<presence/>")
    settle(romeo, juliet)
    settle(juliet, romeo)
    assert str(romeo) in {e.get("from") for e in juliet.heap}
    assert str(juliet) not in {e.get("from") for e in romeo.heap if e.tag.endswith("presence")}


def test_only_initial_presence_probes(friends):
    """§4.4.2: a change does not."""
    juliet, romeo = friends
    juliet.send("<presence><show>away</show></presence>")
    settle(juliet, romeo)
    assert not [e for e in juliet.heap if e.get("from") == str(romeo)]


def test_own_resources_see_each_other(juliet):
    """§4.2.2: nobody needs a subscription to himself."""
    juliet.online()
    other = juliet.another("other").online()
    juliet.expect(f"<presence from='{other}'/>")
    other.expect(f"<presence from='{juliet}'/>")
    juliet.send("<presence><show>xa</show></presence>")
    other.expect(f"<presence from='{juliet}'><show>xa</show></presence>")


def test_not_available_sees_nothing(friends):
    """A resource that has not sent presence gets none."""
    juliet, romeo = friends
    mute = romeo.another("mute")
    juliet.send("<presence><show>away</show></presence>")
    mute.expect_nothing(after=juliet)


@deviates("prosody", "repeats it")
def test_unavailable(friends):
    """§4.5.2, with its status."""
    juliet, romeo = friends
    juliet.send("<presence type='unavailable'><status>good night</status></presence>")
    romeo.expect(f"<presence type='unavailable' from='{juliet}'><status>good night</status>"
                 "</presence>")
    juliet.expect(f"<presence type='unavailable' from='{juliet}'/>")
    juliet.send("<presence type='unavailable'/>")
    romeo.expect_nothing(after=juliet)


@pytest.mark.parametrize("how", ["close", "abort"])
def test_going(friends, how):
    """§4.5.3: the server says it for the client."""
    juliet, romeo = friends
    getattr(juliet, how)()
    romeo.expect(f"<presence type='unavailable' from='{juliet}'/>")


@deviates("prosody", "passes it on")
def test_unavailable_before_available_is_nothing(server, friends):
    juliet, romeo = friends
    mute = juliet.another("mute")
    mute.send("<presence type='unavailable'/>")
    mute.close()
    romeo.expect_nothing(after=juliet)


def test_back_again(friends):
    """Available after unavailable is initial presence again."""
    juliet, romeo = friends
    juliet.send("<presence type='unavailable'/>")
    juliet.expect("<presence type='unavailable'/>")
    romeo.expect("<presence type='unavailable'/>")
    juliet.send("<presence/>")
    juliet.expect_all(f"<presence from='{juliet}' type='!'/>", f"<presence from='{romeo}' type='!'/>")
    romeo.expect(f"<presence from='{juliet}' type='!'/>")


# --- probes (§4.3) ----------------------------------------------------------------------------


def probe(sender, to):
    sender.send(f"<presence type='probe' to='{to}' id='p'/>")


def test_probe_of_a_subscriber(friends):
    """§4.7.1: probes are the servers' business; a client's is answered properly, or not at all."""
    juliet, romeo = friends
    street = romeo.another("street").online(2)
    juliet.expect(f"<presence from='{street}'/>")
    probe(juliet, romeo.bare)
    romeo.heap, juliet.heap = [], []
    settle(juliet, romeo)
    settle(romeo, juliet)
    seen = {e.get("from") for e in juliet.heap if e.tag.endswith("presence")}
    assert seen in (set(), {str(romeo), str(street)})
    assert not [e for e in romeo.heap if e.get("type") == "probe"], "the client never sees it"


def test_probe_of_a_stranger(juliet, romeo):
    """§4.3.2: without a subscription nothing is told (an 'unsubscribed' at most)."""
    romeo.online()
    juliet.online()
    probe(juliet, romeo.bare)
    for element in drain(juliet):
        assert element.get("type") == "unsubscribed"


def test_probe_of_nobody(server, juliet):
    juliet.online()
    probe(juliet, server.nobody())
    for element in drain(juliet):
        assert element.get("type") == "unsubscribed"


@deviates("prosody", "says nothing")
def test_probe_of_one_who_is_away(friends):
    """§4.3.2: unavailable, from the bare address."""
    juliet, romeo = friends
    romeo.close()
    juliet.expect(f"<presence from='{romeo}' type='unavailable'/>")
    probe(juliet, romeo.bare)
    got = drain(juliet)
    assert len(got) <= 1
    for element in got:
        assert element.get("type") == "unavailable"


# --- directed (§4.6) -----------------------------------------------------------------------------


def test_directed_to_a_stranger(juliet, romeo):
    romeo.online()
    juliet.online()
    juliet.send(f"<presence to='{romeo}'><show>dnd</show></presence>")
    romeo.expect(f"<presence from='{juliet}' to='{romeo}'><show>dnd</show></presence>")
    juliet.send("<presence><show>away</show></presence>")
    romeo.expect_nothing(after=juliet)      # no broadcast to him


@pytest.mark.parametrize("how", ["unavailable", "close", "abort"])
@pytest.mark.parametrize("present", [True, False])
def test_directed_is_cleaned_up(juliet, romeo, how, present):
    """§4.6.3: whoever got it learns that we are gone."""
    romeo.online()
    if present:
        juliet.online()
    elif how == "unavailable":
        pytest.skip("nothing to take back")
    juliet.send(f"<presence to='{romeo}'/>")
    romeo.expect(f"<presence from='{juliet}' type='!'/>")
    if how == "unavailable":
        juliet.send("<presence type='unavailable'/>")
    else:
        getattr(juliet, how)()
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")


def test_directed_and_taken_back(juliet, romeo):
    """After a directed 'unavailable' there is nothing to clean up."""
    romeo.online()
    juliet.online()
    juliet.send(f"<presence to='{romeo}'/>")
    romeo.expect(f"<presence from='{juliet}' type='!'/>")
    juliet.send(f"<presence to='{romeo}' type='unavailable'/>")
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")
    juliet.send("<presence type='unavailable'/>")
    romeo.expect_nothing(after=juliet)


def test_directed_to_a_friend_goes_once(friends):
    """Who gets the broadcast gets no second 'unavailable'."""
    juliet, romeo = friends
    juliet.send(f"<presence to='{romeo.bare}'><show>dnd</show></presence>")
    romeo.expect(f"<presence from='{juliet}'><show>dnd</show></presence>")
    juliet.send("<presence type='unavailable'/>")
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")
    romeo.expect_nothing(after=juliet)


@deviates("prosody", "has no such limit")
def test_directed_is_bounded(server, juliet):
    """Whoever was told has to be told again: so many a session, and the next is refused."""
    juliet.online()
    for n in range(1001):
        juliet.send(f"<presence to='nobody{n}@{server.host}/x' id='{n}'/>")
    juliet.expect_error("1000", "resource-constraint", "wait", name="presence")
    juliet.send(f"<presence to='nobody0@{server.host}/x' id='again'/>")
    juliet.expect_nothing()


# --- priority (§4.7.2.3) ---------------------------------------------------------------------------


@pytest.mark.parametrize("priority", ["-128", "-1", "0", "1", "127"])
def test_priority(juliet, priority):
    juliet.online(priority)


@pytest.mark.parametrize("priority", ["128", "-129", "abc", "1.5", "", "99999999999"])
@deviates("prosody", "takes it for zero")
def test_bad_priority(juliet, romeo, priority):
    """An integer from -128 to 127: else bad-request; or it counts as zero, and is passed on."""
    juliet.send(f"<presence id='p'><priority>{priority}</priority></presence>")
    got = juliet.next()
    if got.get("type") == "error":
        return
    juliet.sync()
    romeo.send(f"<message to='{juliet.bare}' type='chat' id='m'><body>x</body></message>")
    juliet.expect("<message id='m'/>")


@pytest.mark.parametrize("show", ["away", "chat", "dnd", "xa"])
def test_show(friends, show):
    juliet, romeo = friends
    juliet.send(f"<presence><show>{show}</show></presence>")
    romeo.expect(f"<presence from='{juliet}'><show>{show}</show></presence>")


def test_many_contacts(server):
    """Broadcast to a crowd keeps its order."""
    juliet = server.client("juliet", "balcony").online()
    juliet.roster()
    crowd = []
    for _ in range(12):
        one = server.client("page", "p").online()
        one.send(f"<presence to='{juliet.bare}' type='subscribe'/>")
        juliet.send(f"<presence to='{one.bare}' type='subscribed'/>")
        crowd.append(one)
    settle_all(juliet, crowd)
    for show in ("away", "xa", "dnd"):
        juliet.send(f"<presence><show>{show}</show></presence>")
    for one in crowd:
        shows = []
        while len(shows) < 3:
            element = one.next()
            show = element.findtext("{jabber:client}show")
            if element.get("from") == str(juliet) and show:
                shows.append(show)
        assert shows == ["away", "xa", "dnd"]


def settle_all(juliet, crowd):
    for one in crowd:
        while True:
            element = one.next()
            if element.get("from") == str(juliet) and element.get("type") is None:
                break


def test_subscription_of_the_absent(server):
    """Who was approved while away sees it on return."""
    juliet = server.client("juliet", "balcony")
    romeo = server.client("romeo", "orchard")
    for one in (juliet, romeo):
        one.roster()
        one.online()
        one.heap = []
    step(juliet, "subscribe", romeo)
    settle(juliet, romeo)
    juliet.close()
    romeo.send(f"<presence to='{juliet.bare}' type='subscribed'/>")
    drain(romeo)
    back = Client(server, juliet.user).login("back")
    assert back.roster()[romeo.bare].get("subscription") == "to"
    back.online()
    back.expect(f"<presence from='{romeo}' type='!'/>")


def test_priority_with_white_space(server, juliet):
    """xs:byte collapses white space, so it is the number."""
    low = server.client("romeo", "low").online(1)
    high = low.another("high")
    high.send("<presence><priority> 5 </priority></presence>")
    high.expect_all(f"<presence from='{high}'/>", f"<presence from='{low}'/>")
    low.expect(f"<presence from='{high}'/>")
    juliet.send(f"<message to='{low.bare}' id='m' type='headline'/>")
    juliet.send(f"<message to='{low.bare}' id='c' type='chat'><body>x</body></message>")
    high.expect("<message id='m'/>")
    high.expect("<message id='c'/>")
