# SPDX-License-Identifier: MIT
"""Where presence goes that has an address (RFC 6121 §8.5)."""

import pytest
from kit import deviates

KINDS = ("", "unavailable")


def presence(to, kind, ident):
    return f"<presence to='{to}' id='{ident}'" + (f" type='{kind}'/>" if kind else "/>")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("to", ["{nobody}", "{nobody}/orchard", "{romeo}", "{romeo}/gone"])
def test_nobody_there(server, juliet, to, kind):
    """§8.5.1, §8.5.2.2.2, §8.5.3.2.2: ignored."""
    to = to.format(nobody=server.nobody(), romeo=server.user("romeo").jid)
    juliet.send(presence(to, kind, "p"))
    juliet.expect_nothing(at=to.split("/")[0])


@pytest.mark.parametrize("kind", KINDS)
def test_bare(server, juliet, kind):
    """§8.5.2.1.2: to every available resource, negative ones too, and to no other."""
    romeo = server.client("romeo", "orchard").online(1)
    watch = romeo.another("watch").online(-1)
    mute = romeo.another("mute")
    romeo.expect(f"<presence from='{watch}'/>")
    watch.expect(f"<presence from='{romeo}'/>")
    juliet.send(presence(romeo.bare, kind, "p"))
    for one in (romeo, watch):
        one.expect(f"<presence from='{juliet}' to='{romeo.bare}' type='{kind or '!'}'/>")
    mute.expect_nothing(after=juliet)


@pytest.mark.parametrize("kind", KINDS)
def test_full(server, juliet, kind):
    """§8.5.3.1: to that one alone."""
    romeo = server.client("romeo", "orchard").online()
    street = romeo.another("street").online()
    romeo.expect(f"<presence from='{street}'/>")
    street.expect(f"<presence from='{romeo}'/>")
    juliet.send(presence(romeo, kind, "p"))
    romeo.expect(f"<presence from='{juliet}' to='{romeo}' type='{kind or '!'}'/>")
    street.expect_nothing(after=juliet)


@pytest.mark.parametrize("kind", KINDS)
def test_no_match(server, juliet, kind):
    romeo = server.client("romeo", "orchard").online()
    juliet.send(presence(f"{romeo.bare}/gone", kind, "p"))
    romeo.expect_nothing(after=juliet)
    juliet.expect_nothing(at=romeo.bare)


@deviates("prosody", "ignores it")
@pytest.mark.parametrize("kind", ["present", "AVAILABLE", "invisible", "available"])
def test_unknown_type(juliet, romeo, kind):
    """RFC 6120 §8.3.3.1: bad-request, and nobody sees it."""
    romeo.online()
    juliet.send(presence(romeo, kind, "p"))
    juliet.expect_error("p", "bad-request", "modify", name="presence")
    romeo.expect_nothing(after=juliet)
