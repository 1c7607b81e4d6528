# SPDX-License-Identifier: MIT
"""Last activity (XEP-0012)."""

from kit import deviates, only_linnet

from d10_subscription import bring

CONFIG = {"modules": {"last": {}}}
NS = "jabber:iq:last"
ASK = f"<query xmlns='{NS}'/>"


def pair(server):
    both = server.client("juliet", "balcony"), server.client("romeo", "orchard")
    for one in both:
        one.roster()
        one.online()
        one.heap = []
    return both


@deviates("prosody", "mod_uptime")
def test_of_the_host(juliet):
    """§4: how long it has been up."""
    assert int(juliet.get(ASK, juliet.domain)[0].get("seconds")) >= 0


def test_of_a_friend_who_is_away(server):
    """§3: how long, and his last words."""
    juliet, romeo = pair(server)
    bring((juliet, romeo), "To")
    romeo.send("<presence type='unavailable'><status>Heading home</status></presence>")
    juliet.expect(f"<presence from='{romeo}' type='unavailable'/>")
    romeo.close()
    query = juliet.get(ASK, romeo.bare)[0]
    assert 0 <= int(query.get("seconds")) < 60
    assert query.text == "Heading home"


def test_of_a_friend_who_is_there(server):
    """§3: zero."""
    juliet, romeo = pair(server)
    bring((juliet, romeo), "To")
    assert juliet.get(ASK, romeo.bare)[0].get("seconds") == "0"


@deviates("prosody", "another condition")
def test_of_a_stranger(server, juliet, romeo):
    """§3: only for those who may see his presence."""
    juliet.refused("get", ASK, "forbidden|service-unavailable", to=romeo.bare)


@deviates("prosody", "another condition")
def test_of_nobody(server, juliet):
    juliet.refused("get", ASK, "service-unavailable|forbidden", to=server.nobody())


@only_linnet("passes it on")
def test_of_a_strangers_client(juliet, romeo):
    """A full address is his client's to answer, if we may see him at all."""
    juliet.refused("get", ASK, "forbidden|service-unavailable", to=romeo)
    romeo.expect_nothing(after=juliet)
