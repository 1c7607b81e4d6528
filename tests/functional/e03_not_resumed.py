# SPDX-License-Identifier: MIT
"""What becomes of unacknowledged stanzas when nobody resumes (XEP-0198 §4, XEP-0160, RFC 6121 §8)."""

import pytest
from kit import Client, only_linnet
from kit.client import NS_SM, check_error

from e00_enable import failed

CONFIG = {"modules": {"offline": {}}, "stream-management": {"resume": "1s"}}
DELAY = "<delay xmlns='urn:xmpp:delay' stamp='*'/>"
pytestmark = only_linnet("hibernation of a second")


@pytest.fixture
def romeo(server):
    one = server.client("romeo", "orchard")
    one.enable(resume=True)
    one.online()
    one.ack()
    return one


def gone(romeo, how):
    """Romeo's session ends; returns once it has (seen by another session of his)."""
    watch = romeo.another("watch").online(-1)
    watch.expect(f"<presence from='{romeo}'/>")
    romeo.expect(f"<presence from='{watch}'/>")
    romeo.ack()
    return watch


def ended(watch, romeo):
    watch.expect(f"<presence from='{romeo}' type='unavailable'/>")
    watch.close()


@pytest.mark.parametrize("how", ["abort", "close"])
def test_chat_becomes_offline(server, juliet, romeo, how):
    """Sent, perhaps read, not acknowledged: it is there on return, with the time it was sent."""
    watch = gone(romeo, how)
    for n in range(3):
        juliet.send(f"<message to='{romeo.bare}' type='chat' id='m{n}'><body>{n}</body></message>")
        romeo.expect(f"<message id='m{n}'/>")
    getattr(romeo, how)()
    ended(watch, romeo)
    back = Client(server, romeo.user).login("back").online()
    for n in range(3):
        back.expect(f"<message from='{juliet}' id='m{n}'><body>{n}</body>{DELAY}</message>")
    back.expect_nothing(after=juliet)
    juliet.expect_nothing()


def test_acknowledged_does_not_come_back(server, juliet, romeo):
    watch = gone(romeo, "close")
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body></message>")
    romeo.expect("<message id='m'/>")
    romeo.ack()
    romeo.close()
    ended(watch, romeo)
    back = Client(server, romeo.user).login("back").online()
    back.expect_nothing(after=juliet)


def test_another_resource_takes_over(server, juliet, romeo):
    """§4: "delivery to an alternate resource"."""
    street = romeo.another("street")
    street.enable()
    street.online(-1)
    street.expect(f"<presence from='{romeo}'/>")
    romeo.expect(f"<presence from='{street}'/>")
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body></message>")
    romeo.expect("<message id='m'/>")
    street.online(1)
    romeo.abort()
    street.expect_all(f"<presence from='{romeo}' type='unavailable'/>",
                      f"<message from='{juliet}' id='m'><body>x</body></message>")


@pytest.mark.parametrize("kind", ["headline", "error", "groupchat"])
def test_what_is_not_kept(server, juliet, romeo, kind):
    """Types that XEP-0160 does not store are gone, or refused; never do they come late."""
    watch = gone(romeo, "abort")
    juliet.send(f"<message to='{romeo}' type='{kind}' id='m'><body>x</body></message>")
    romeo.expect("<message id='m'/>")
    romeo.abort()
    ended(watch, romeo)
    back = Client(server, romeo.user).login("orchard").online()
    back.expect_nothing()


def test_request_is_refused(server, juliet, romeo):
    """An IQ request that nobody answered gets its error."""
    watch = gone(romeo, "abort")
    ident = juliet.iq("get", "<x xmlns='urn:example'/>", romeo)
    romeo.abort()
    ended(watch, romeo)
    error = juliet.expect(f"<iq type='error' id='{ident}'/>")
    check_error(error, "service-unavailable|recipient-unavailable|remote-server-timeout")


def test_sent_while_asleep(server, juliet, romeo):
    """What came for the sleeping session is not lost with it."""
    watch = gone(romeo, "abort")
    romeo.abort()
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body></message>")
    ended(watch, romeo)
    back = Client(server, romeo.user).login("back").online()
    back.expect(f"<message from='{juliet}' id='m'><body>x</body>{DELAY}</message>")


def test_without_offline_it_bounces(servers):
    server = servers({"stream-management": {"resume": "1s"}})
    juliet = server.client("juliet", "balcony")
    romeo = server.client("romeo", "orchard")
    romeo.enable(resume=True)
    romeo.online()
    romeo.ack()
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body></message>")
    romeo.expect("<message id='m'/>")
    romeo.abort()
    juliet.expect_error("m", "service-unavailable|recipient-unavailable", name="message")


def test_failed_says_h(server, juliet, romeo):
    """§5: after the time-out the server may still know what it had received; ours does."""
    watch = gone(romeo, "abort")
    romeo.send(f"<message to='{juliet}' id='m'><body>x</body></message>")
    juliet.expect("<message id='m'/>")
    count = romeo.request_ack()
    romeo.abort()
    ended(watch, romeo)
    new = Client(server, romeo.user).negotiate()
    new.send(f"<resume xmlns='{NS_SM}' previd='{romeo.sm_id}' h='0'/>")
    assert failed(new, "item-not-found").get("h") == str(count)
    new.bind()


def test_without_stream_management(server, juliet):
    """No acknowledgement: what the kernel took counts as read; what it did not is stored."""
    romeo = server.client("romeo", "orchard").online()
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body></message>")
    romeo.expect("<message id='m'/>")
    romeo.close()
    back = Client(server, romeo.user).login("back").online()
    back.expect_nothing(after=juliet)
