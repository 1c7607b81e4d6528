# SPDX-License-Identifier: MIT
"""Stanza ids: what lasts is stamped by the account, and nobody else can (XEP-0359)."""

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("removes and stamps none without an archive")
NS = "urn:xmpp:sid:0"
CONFIG = {"modules": {"offline": {}, "carbons": {}, "disco": {}}}


def ids(message):
    return [(e.get("by"), e.get("id")) for e in message.iter(f"{{{NS}}}stanza-id")]


def stamp(message, by):
    """The id that this address stamped: one, unpredictable, nothing else in the element."""
    mine = [e for e in message.iter(f"{{{NS}}}stanza-id") if e.get("by") == by]
    assert len(mine) == 1 and len(mine[0].get("id")) >= 16
    assert len(mine[0]) == 0 and not mine[0].text and set(mine[0].attrib) == {"by", "id"}
    return mine[0].get("id")


def chat(to, more="", ident="m"):
    return f"<message to='{to}' type='chat' id='{ident}'><body>x</body>{more}</message>"


def claim(by, ident="forged"):
    return f"<stanza-id xmlns='{NS}' by='{by}' id='{ident}'/>"


# --- stamping ------------------------------------------------------------------------------


def test_stamped_by_the_account(juliet, romeo):
    """§4: for messages between two the account assigns it; each another."""
    romeo.online()
    juliet.send(chat(romeo.bare))
    juliet.send(chat(romeo, ident="n"))
    first, second = (stamp(romeo.expect(f"<message id='{i}'/>"), romeo.bare) for i in "mn")
    assert first != second


def test_one_id_in_all_copies(juliet, romeo):
    """§3.1: unique and stable; at two resources, and in a carbon."""
    other, third = romeo.another("other"), romeo.another("third")
    third.set("<enable xmlns='urn:xmpp:carbons:2'/>")
    for one in (romeo, other, third):
        one.online(priority=-1 if one is third else 1)
    juliet.send(chat(romeo.bare))
    juliet.sync(romeo.bare)
    seen = [stamp(m, romeo.bare) for one in (romeo, other, third) for m in messages(one)]
    assert len(seen) == 3 and len(set(seen)) == 1


def test_the_same_after_waiting(servers):
    """What was given to one resource and waits for another comes with the id it had."""
    server = servers(CONFIG)
    juliet, romeo = server.client("juliet"), server.user("romeo")
    juliet.enable()
    juliet.send(chat(romeo.jid))
    while juliet.request_ack() < 1:
        pass
    server.kill()
    server.start()
    one = Client(server, romeo).login()
    one.enable(resume=True)
    one.online()
    first = one.expect("<message id='m'/>")
    one.handled = 0                             # it is not acknowledged
    one.abort()
    again = Client(server, romeo).negotiate()
    again.resume(one, h=0)
    assert stamp(first, romeo.jid) in [stamp(m, romeo.jid) for m in messages(again)]


def messages(client):
    """Those that come up to the answer to a question."""
    ident = client.iq("get", "<query xmlns='urn:example:nothing'/>", client.bare)
    while True:
        element = client.next()
        if element.get("id") == ident:
            return
        if element.tag.endswith("message"):
            yield element


@pytest.mark.parametrize("stanza", [
    "<message to='{0}' type='chat' id='m'><composing xmlns='http://jabber.org/protocol/chatstates'/>"
    "</message>",
    "<message to='{0}' type='headline' id='m'><body>x</body></message>",
    "<message to='{0}' type='chat' id='m'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>",
    "<presence to='{0}' id='m'/>"], ids=["state", "headline", "no-store", "presence"])
def test_what_does_not_last_is_not(juliet, romeo, stanza):
    romeo.online()
    juliet.online()
    juliet.send(stanza.format(romeo))
    got = romeo.next()
    assert got.get("id") == "m" and ids(got) == []


def test_announced(juliet):
    """§6"""
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.bare)[0]
    assert NS in [f.get("var") for f in info]


# --- forging -------------------------------------------------------------------------------


def test_forged(juliet, romeo):
    """§4: by the recipient's account, or his server, nobody else may say."""
    romeo.online()
    juliet.send(chat(romeo.bare, claim(romeo.bare) + claim(romeo.domain)))
    got = romeo.expect("<message id='m'/>")
    assert "forged" not in [i for _, i in ids(got)]
    stamp(got, romeo.bare)


def test_forged_in_another_spelling(juliet, romeo):
    romeo.online()
    juliet.send(chat(romeo.bare, claim(romeo.bare.upper())))
    assert "forged" not in [i for _, i in ids(romeo.expect("<message id='m'/>"))]


def test_forged_in_what_does_not_last(juliet, romeo):
    romeo.online()
    juliet.send(f"<message to='{romeo}' id='m' type='headline'><body>x</body>"
                f"{claim(romeo.bare)}</message>")
    assert ids(romeo.expect("<message id='m'/>")) == []


@pytest.mark.parametrize("by", ["", " by='@@@'"], ids=["nobody", "no-address"])
def test_by_nobody(juliet, romeo, by):
    """§3: `by` is an address; what has none might be taken for anybody's."""
    romeo.online()
    juliet.send(chat(romeo.bare, f"<stanza-id xmlns='{NS}' id='forged'{by}/>"))
    assert "forged" not in [i for _, i in ids(romeo.expect("<message id='m'/>"))]


def test_in_the_sender_s_own_name(juliet, romeo):
    """§4: his account stamps it or nobody; neither the recipient nor his other clients see it."""
    romeo.online()
    other = juliet.another("other")
    other.set("<enable xmlns='urn:xmpp:carbons:2'/>")
    juliet.send(chat(romeo.bare, claim(juliet.bare)))
    for got in (romeo.expect("<message id='m'/>"),
                other.expect("<message><sent xmlns='urn:xmpp:carbons:2'/></message>")):
        assert juliet.bare not in [by for by, _ in ids(got)]


def test_of_others_is_kept(juliet, romeo):
    romeo.online()
    juliet.send(chat(romeo.bare, claim("room@conference.verona.example", "theirs")
                     + f"<origin-id xmlns='{NS}' id='mine'/>"))
    got = romeo.expect(f"<message id='m'><origin-id xmlns='{NS}' id='mine'/></message>")
    assert ("room@conference.verona.example", "theirs") in ids(got)
