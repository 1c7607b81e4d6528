# SPDX-License-Identifier: MIT
"""Message carbons (XEP-0280)."""

import pytest
from kit import deviates

from d10_subscription import settle

NS = "urn:xmpp:carbons:2"
CONFIG = {"modules": {"carbons": {}, "offline": {}, "disco": {}}}
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
BODY = "<body>x</body>"


def carbon(direction, owner, to, sender, receiver, ident="m", kind="chat"):
    return (f"<message from='{owner}' to='{to}' type='{kind}'><{direction} xmlns='{NS}'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'>"
            f"<message xmlns='jabber:client' from='{sender}' to='{receiver}' id='{ident}'/>"
            f"</forwarded></{direction}></message>")


def enable(client, name="enable"):
    client.set(f"<{name} xmlns='{NS}'/>")


@pytest.fixture
def stage(server):
    """Romeo at two places, both with carbons; Juliet at one."""
    romeo = server.client("romeo", "orchard")
    street = romeo.another("street")
    for one in (romeo, street):
        enable(one)
        one.online(1 if one is romeo else 0)
    romeo.expect(f"<presence from='{street}'/>")
    street.expect(f"<presence from='{romeo}'/>")
    return server.client("juliet", "balcony").online(), romeo, street


def test_announced(juliet):
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)[0]
    assert NS in {f.get("var") for f in info}


def test_enable_and_disable_at_will(juliet):
    """§9.1."""
    for name in ("enable", "enable", "disable", "disable", "enable"):
        enable(juliet, name)


def test_received_full(stage):
    """§7: what is sent to one resource is copied to the other."""
    juliet, romeo, street = stage
    juliet.send(f"<message to='{romeo}' type='chat' id='m'>{BODY}</message>")
    romeo.expect(f"<message from='{juliet}' to='{romeo}' id='m'/>")
    street.expect(carbon("received", romeo.bare, street, juliet, romeo))
    romeo.expect_nothing(after=juliet)
    street.expect_nothing(after=juliet)
    juliet.expect_nothing()


def test_received_bare(stage):
    """Each gets it once: as it is, or as a copy."""
    juliet, romeo, street = stage
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'>{BODY}</message>")
    for one in (romeo, street):
        got = one.expect("<message/>")
        assert got.get("id") == "m" or got.find(f"{{{NS}}}received") is not None
        one.expect_nothing(after=juliet)


def test_sent(stage):
    """§8: what one resource sends is copied to the other; whether or not the sender has carbons."""
    juliet, romeo, street = stage
    romeo.send(f"<message to='{juliet}' type='chat' id='m'>{BODY}</message>")
    juliet.expect(f"<message from='{romeo}' id='m'/>")
    street.expect(carbon("sent", romeo.bare, street, romeo, juliet))
    romeo.expect_nothing()
    enable(romeo, "disable")
    romeo.send(f"<message to='{juliet}' type='chat' id='n'>{BODY}</message>")
    street.expect(carbon("sent", romeo.bare, street, romeo, juliet, "n"))


def test_not_enabled(stage):
    juliet, romeo, street = stage
    enable(street, "disable")
    juliet.send(f"<message to='{romeo}' type='chat' id='m'>{BODY}</message>")
    romeo.expect("<message id='m'/>")
    romeo.send(f"<message to='{juliet}' type='chat' id='n'>{BODY}</message>")
    street.expect_nothing(after=juliet)
    street.expect_nothing(after=romeo)


@deviates("prosody", "copies to it as well")
def test_to_another_of_ones_own(stage):
    """Between one's own resources: the one it is for has it, once as it is, once copied at most."""
    _, romeo, street = stage
    romeo.send(f"<message to='{street}' type='chat' id='m'>{BODY}</message>")
    street.heap, romeo.heap = [], []
    settle(romeo, street)
    direct = [e for e in street.heap if e.get("id") == "m"]
    copies = [e for e in street.heap if e.get("id") != "m"]
    assert len(direct) == 1 and len(copies) <= 1
    assert not [e for e in romeo.heap if e.get("id") == "m"]


PRIVATE = f"<private xmlns='{NS}'/>"
NO_COPY = "<no-copy xmlns='urn:xmpp:hints'/>"
# name: (type, inside, copied?)        §6.1, §9
RULES = {
    "chat": ("chat", BODY, True),
    "chat-without-body": ("chat", "<x xmlns='urn:example'/>", True),
    "normal-with-body": ("normal", BODY, True),
    "normal-without-body": ("normal", "<x xmlns='urn:example'/>", False),
    "chat-state": ("chat", STATE, True),
    "normal-receipt": ("normal", "<received xmlns='urn:xmpp:receipts' id='1'/>", True),
    "normal-marker": ("normal", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", True),
    "groupchat": ("groupchat", BODY, False),
    "headline": ("headline", BODY, False),
    "private": ("chat", BODY + PRIVATE + NO_COPY, False),
    "private-alone": ("chat", BODY + PRIVATE, False),
    "direct-invitation": ("normal", "<x xmlns='jabber:x:conference' jid='r@c.example'/>", True),
    "muc-private-message": ("chat", BODY + "<x xmlns='http://jabber.org/protocol/muc#user'/>",
                            False),
    "copy-of-a-copy": ("chat", BODY + f"<received xmlns='{NS}'/>", False),
    "copy-of-a-sent-one": ("chat", BODY + f"<sent xmlns='{NS}'/>", False),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("direction", ["received", "sent"])
@deviates("prosody", "rules of its own for some")
def test_rules(stage, rule, direction):
    juliet, romeo, street = stage
    kind, inner, copied = RULES[rule]
    sender, receiver = (juliet, romeo) if direction == "received" else (romeo, juliet)
    sender.send(f"<message to='{receiver}' type='{kind}' id='m'>{inner}</message>")
    receiver.expect("<message id='m'/>")
    if copied:
        street.expect(carbon(direction, romeo.bare, street, sender, receiver, kind=kind))
    street.expect_nothing(after=sender)


@deviates("prosody", "strips it")
def test_error_for_an_eligible_message(stage):
    """§6.1: a bounce concerns whoever saw what was sent."""
    juliet, romeo, street = stage
    romeo.send(f"<message to='{juliet}' type='chat' id='m'>{BODY}</message>")
    juliet.expect("<message id='m'/>")
    street.expect(carbon("sent", romeo.bare, street, romeo, juliet))
    juliet.send(f"<message to='{romeo}' type='error' id='m'>{BODY}<error type='cancel'>"
                "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
    romeo.expect("<message type='error' id='m'/>")


def test_copies_to_the_absent(stage):
    """No copy for a resource that is not there any more, and no error for it either."""
    juliet, romeo, street = stage
    street.abort()
    romeo.expect(f"<presence from='{street}' type='unavailable'/>")
    juliet.send(f"<message to='{romeo}' type='chat' id='m'>{BODY}</message>")
    romeo.expect("<message id='m'/>")
    juliet.expect_nothing()


def test_unavailable_but_enabled(server, stage):
    """§7: to each resource that enabled carbons, by what it asked, not by its priority."""
    juliet, romeo, street = stage
    street.send("<presence><priority>-1</priority></presence>")
    for one in (romeo, street):
        one.expect(f"<presence from='{street}'/>")
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'>{BODY}</message>")
    romeo.expect("<message id='m'/>")
    street.expect(carbon("received", romeo.bare, street, juliet, romeo.bare))


def test_forged_carbon_is_only_a_message(stage):
    """§11: it comes from whom it comes from."""
    juliet, romeo, street = stage
    juliet.send(f"<message to='{romeo}' type='chat' id='f'><received xmlns='{NS}'>"
                "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' "
                "from='nurse@capulet.example'><body>evil</body></message></forwarded></received>"
                "</message>")
    romeo.expect(f"<message from='{juliet}' id='f'/>")


def test_of_somebody_else(juliet, romeo):
    juliet.refused("set", f"<enable xmlns='{NS}'/>", "forbidden|service-unavailable|not-allowed",
                   to=romeo.bare)
