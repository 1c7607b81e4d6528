# SPDX-License-Identifier: MIT
"""A session is taken up on a new connection (XEP-0198 §5)."""

import socket

import pytest
from kit import Client, deviates, only_linnet
from kit.client import NS_SM

from e00_enable import failed

CONFIG = {"modules": {"offline": {}}}
MISSED = 70


@pytest.fixture
def romeo(server):
    """Present, with a session that can be resumed."""
    one = server.client("romeo", "orchard")
    one.enable(resume=True)
    one.online()
    one.ack()
    return one


def again(old):
    """A new connection of the same user, ready to resume."""
    return Client(old.server, old.user, name=old.name + "'").negotiate()


def say(sender, to, *texts, kind="chat"):
    for text in texts:
        sender.send(f"<message to='{to}' type='{kind}' id='{text}'><body>{text}</body></message>")
    sender.sync()


def test_nothing_missed(romeo):
    romeo.abort()
    new = again(romeo)
    assert new.resume(romeo) == 1
    new.sync()


def test_counters_go_on(romeo):
    """§5: they are carried over."""
    romeo.abort()
    new = again(romeo)
    new.resume(romeo)
    assert new.request_ack() == 1
    new.sync()
    assert new.request_ack() == 2


def test_presence_is_kept(server, romeo):
    """To others nothing has happened."""
    watcher = romeo.another("watch").online()
    watcher.expect(f"<presence from='{romeo}'/>")
    romeo.expect(f"<presence from='{watcher}'/>")
    romeo.abort()
    new = again(romeo)
    new.resume(romeo)
    watcher.expect_nothing(after=new)


@pytest.mark.parametrize("to", ["bare", "full"])
def test_sent_while_away(juliet, romeo, to):
    """It comes on resumption, in order, and only once."""
    address = romeo.bare if to == "bare" else str(romeo)
    romeo.abort()
    say(juliet, address, "a", "b", "c")
    new = again(romeo)
    new.resume(romeo)
    for text in "abc":
        new.expect(f"<message from='{juliet}' id='{text}'><body>{text}</body></message>")
    new.expect_nothing(after=juliet)
    assert new.handled == 1 + 3 + 2     # two stanzas of expect_nothing


def test_sent_and_not_read(juliet, romeo):
    """What went down with the connection comes again, with its id."""
    say(juliet, romeo, "a", "b", "c")
    romeo.expect("<message id='a'/>")
    romeo.abort()                       # it counted one message, b and c it never saw
    new = again(romeo)
    new.resume(romeo)
    new.expect(f"<message from='{juliet}' id='b'/>")
    new.expect(f"<message from='{juliet}' id='c'/>")
    new.expect_nothing(after=juliet)


def test_acknowledged_is_not_sent_again(juliet, romeo):
    say(juliet, romeo, "a", "b")
    romeo.expect("<message id='a'/>")
    romeo.expect("<message id='b'/>")
    romeo.ack()
    romeo.abort()
    new = again(romeo)
    new.resume(romeo)
    new.expect_nothing(after=juliet)


def test_h_of_the_server_says_what_was_received(juliet, romeo):
    """The client learns what it need not send again."""
    for n in range(5):
        romeo.send(f"<message to='{juliet}' id='r{n}' type='chat'><body>{n}</body></message>")
    for n in range(5):
        juliet.expect(f"<message id='r{n}'/>")
    romeo.abort()
    assert again(romeo).resume(romeo) == 1 + 5


def test_all_kinds_are_resent_in_order(juliet, romeo):
    romeo.abort()
    juliet.send(f"<message to='{romeo}' id='1'><body>x</body></message>"
                f"<presence to='{romeo}' id='2'><show>away</show></presence>"
                f"<iq to='{romeo}' id='3' type='get'><x xmlns='urn:example'/></iq>"
                f"<message to='{romeo}' id='4' type='headline'><body>y</body></message>")
    juliet.sync()
    new = again(romeo)
    new.resume(romeo)
    for name, ident in (("message", 1), ("presence", 2), ("iq", 3), ("message", 4)):
        new.expect(f"<{name} from='{juliet}' id='{ident}'/>")


@deviates("prosody", "other timing")
def test_old_connection_still_there(romeo):
    """§5: the new one wins; the old one is told."""
    new = again(romeo)
    new.resume(romeo)
    romeo.expect_stream_error("conflict")
    new.sync()


def test_several_times(juliet, romeo):
    one = romeo
    for n in range(5):
        one.abort()
        say(juliet, romeo, f"m{n}")
        new = again(one)
        new.resume(one)
        new.expect(f"<message id='m{n}'/>")
        one = new
    one.expect_nothing(after=juliet)


def test_resent_twice_if_need_be(juliet, romeo):
    """Until it is acknowledged it comes again."""
    romeo.abort()
    say(juliet, romeo, "a")
    first = again(romeo)
    first.resume(romeo)
    first.expect("<message id='a'/>")
    first.abort()
    second = again(romeo)
    second.resume(romeo)                # with the counter of the very first
    second.expect("<message id='a'/>")
    second.expect_nothing(after=juliet)


# --- refused --------------------------------------------------------------------------


@pytest.mark.parametrize("previd", ["", "nonsense", "x" * 3000, "&lt;'".replace("'", "&apos;")])
def test_item_not_found(romeo, previd):
    new = again(romeo)
    new.send(f"<resume xmlns='{NS_SM}' previd='{previd}' h='0'/>")
    failed(new, "item-not-found")
    new.bind("other")           # §5: without starting over
    new.enable(resume=True)


def test_somebody_elses(server, romeo):
    """Knowing the id is not enough."""
    romeo.abort()
    tybalt = Client(server, server.user("tybalt")).negotiate()
    tybalt.send(f"<resume xmlns='{NS_SM}' previd='{romeo.sm_id}' h='0'/>")
    failed(tybalt, "item-not-found")
    tybalt.bind()
    again(romeo).resume(romeo)


def test_after_a_proper_goodbye(romeo):
    """§6: a stream that was closed is over."""
    romeo.close()
    new = again(romeo)
    new.send(f"<resume xmlns='{NS_SM}' previd='{romeo.sm_id}' h='0'/>")
    failed(new, "item-not-found")
    new.bind()


@deviates("prosody", "bounces the presence that was not acknowledged")
def test_not_resumable(server, juliet):
    """Enabled without resume: gone with its connection."""
    juliet.enable()
    watcher = juliet.another("watch").online()
    juliet.online()
    watcher.expect(f"<presence from='{juliet}'/>")
    juliet.abort()
    watcher.expect(f"<presence from='{juliet}' type='unavailable'/>")


def test_after_bind(romeo):
    """Too late: this stream has a session of its own."""
    romeo.abort()
    new = again(romeo).bind()
    new.send(f"<resume xmlns='{NS_SM}' previd='{romeo.sm_id}' h='0'/>")
    failed(new, "unexpected-request")


@pytest.mark.parametrize("attrs", ["previd='{id}'", "h='0'", "previd='{id}' h='x'",
                                   "previd='{id}' h='-1'", ""])
@deviates("prosody", "lenient, or closes")
def test_bad_request(romeo, attrs):
    romeo.abort()
    new = again(romeo)
    new.send(f"<resume xmlns='{NS_SM}' {attrs.format(id=romeo.sm_id)}/>")
    failed(new, "bad-request", "item-not-found", "unexpected-request")
    new.resume(romeo)


@deviates("prosody", "takes it")
def test_h_too_high(romeo):
    """§7, on resumption: no session, or no stream."""
    romeo.abort()
    new = again(romeo)
    new.send(f"<resume xmlns='{NS_SM}' previd='{romeo.sm_id}' h='{romeo.handled + 5}'/>")
    kind, got = new.event()
    assert kind == "element"
    if got.tag != f"{{{NS_SM}}}failed":
        assert got.find(f"{{{NS_SM}}}handled-count-too-high") is not None


@only_linnet("an option of ours")
def test_resume_where_the_same_resource_was_bound(romeo):
    """A new session at the same address replaces the sleeping one."""
    romeo.abort()
    new = again(romeo).bind("orchard")
    assert str(new) == str(romeo)
    late = again(romeo)
    late.send(f"<resume xmlns='{NS_SM}' previd='{romeo.sm_id}' h='0'/>")
    failed(late, "item-not-found")


@only_linnet("limits of ours")
def test_more_than_may_be_unsent(servers):
    """14 MB that were missed come on resumption: nobody has left them unread."""
    server = servers({"modules": {"offline": {"bytes": "off"}}, "limits": {"c2s-rate": "off"}})
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.enable(resume=True)
    romeo.online()
    romeo.abort()
    text = "&amp;" * 40000      # much more on the wire than in memory
    for n in range(MISSED):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{n}'><body>{text}</body>"
                    "</message>")
        juliet.sync()
    new = again(romeo)
    new.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # the kernel takes little
    new.resume(romeo)
    new.send("<presence/>")
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{MISSED}'><body>new</body></message>")
    juliet.sync(romeo.bare)
    for n in range(MISSED + 1):
        new.expect(f"<message id='m{n}'/>")
        new.raw_in = b""
        if n == MISSED - 1:
            new.expect(f"<presence from='{new}'/>")
    new.expect_nothing()


@only_linnet("what is not sent cannot be acknowledged")
def test_acknowledging_what_was_not_sent_again(servers):
    """XEP-0198 §4: what waits for its turn counts as not sent."""
    server = servers(CONFIG)
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.enable(resume=True)
    romeo.online()
    romeo.abort()
    for n in range(5):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{n}'><body>{'x' * 200000}"
                    "</body></message>")
        juliet.sync()
    new = again(romeo)
    new.answers_r = False
    new.resume(romeo)
    new.expect("<message id='m0'/>")
    new.ack(new.handled + 4)
    new.expect_all("<message id='m1'/>")
    new.expect_stream_error("undefined-condition")
