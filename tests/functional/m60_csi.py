# SPDX-License-Identifier: MIT
"""Client state indication (XEP-0352)."""

import pytest
from kit import Client, deviates, only_linnet

NS = "urn:xmpp:csi:0"
CONFIG = {"modules": {"csi": {}}}
ACTIVE, INACTIVE = f"<active xmlns='{NS}'/>", f"<inactive xmlns='{NS}'/>"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"


def show(sender, to, what):
    sender.send(f"<presence to='{to}'><show>{what}</show></presence>")


def test_announced(server):
    juliet = Client(server, server.user("juliet")).negotiate()
    assert juliet.features.find(f"{{{NS}}}csi") is not None


def test_nothing_is_answered(juliet):
    """§5: there is no answer, however often."""
    juliet.online()
    for what in (INACTIVE, INACTIVE, ACTIVE, ACTIVE, INACTIVE):
        juliet.send(what)
    juliet.sync()


@only_linnet("a policy of ours")
def test_presence_is_held_and_the_newest_is_given(juliet, romeo):
    """§6: of each sender the last one, when the client looks again."""
    romeo.online()
    romeo.send(INACTIVE)
    for what in ("away", "xa", "dnd"):
        show(juliet, romeo, what)
    juliet.sync(romeo.bare)     # his account has them; his client was not told
    romeo.send(ACTIVE)
    romeo.expect(f"<presence from='{juliet}'><show>dnd</show></presence>")
    romeo.expect_nothing(after=juliet)


def test_messages_come_at_once(juliet, romeo):
    romeo.online()
    romeo.send(INACTIVE)
    romeo.sync()
    juliet.send(f"<message to='{romeo}' type='chat' id='m'><body>x</body></message>")
    romeo.expect("<message id='m'/>")


@only_linnet("a policy of ours")
def test_order(juliet, romeo):
    """RFC 6120 §10.1: what was held comes before what came later."""
    romeo.online()
    romeo.send(INACTIVE)
    romeo.sync()
    show(juliet, romeo, "away")
    juliet.send(f"<message to='{romeo}' type='chat' id='m'><body>x</body></message>")
    romeo.expect(f"<presence from='{juliet}'/>")
    romeo.expect("<message id='m'/>")


@only_linnet("a policy of ours")
def test_chat_states_are_dropped(juliet, romeo):
    romeo.online()
    romeo.send(INACTIVE)
    romeo.sync()
    juliet.send(f"<message to='{romeo}' type='chat' id='s'>{STATE}</message>")
    juliet.send(f"<message to='{romeo}' type='chat' id='m'><body>x</body>{STATE}</message>")
    romeo.expect("<message id='m'/>")
    romeo.send(ACTIVE)
    romeo.expect_nothing(after=juliet)


@pytest.mark.parametrize("payload", ["<presence type='subscribe' to='{romeo.bare}'/>",
                                     "<iq type='get' id='i' to='{romeo}'><x xmlns='urn:e'/></iq>"])
def test_what_needs_an_answer_comes_at_once(juliet, romeo, payload):
    romeo.online()
    romeo.send(INACTIVE)
    romeo.sync()
    juliet.send(payload.format(romeo=romeo))
    romeo.next()


@only_linnet("a policy of ours")
def test_gone_is_seen_in_the_end(juliet, romeo):
    romeo.online()
    juliet.online()
    show(juliet, romeo, "chat")
    romeo.expect(f"<presence from='{juliet}'/>")
    romeo.send(INACTIVE)
    romeo.sync()
    juliet.close()
    romeo.send(ACTIVE)
    romeo.expect(f"<presence from='{juliet}' type='unavailable'/>")


@only_linnet("a policy of ours")
def test_resumption(server, juliet):
    """§5: a resumed session is active again; XEP-0198 counts what is sent, not what is held."""
    romeo = server.client("romeo", "orchard")
    romeo.enable(resume=True)
    romeo.online()
    romeo.send(INACTIVE)
    show(juliet, romeo, "away")
    juliet.sync()
    romeo.abort()
    new = Client(server, romeo.user).negotiate()
    new.resume(romeo)
    new.expect(f"<presence from='{juliet}'/>")


@deviates("prosody", "ignores it")
def test_before_login(server):
    juliet = Client(server, server.user("juliet"))
    juliet.open(juliet.domain)
    juliet.send(ACTIVE)
    juliet.expect_stream_error("unsupported-stanza-type", "not-authorized")

