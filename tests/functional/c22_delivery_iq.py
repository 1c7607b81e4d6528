# SPDX-License-Identifier: MIT
"""Where requests and their answers go (RFC 6121 §8.5)."""

import pytest

UNKNOWN = "<query xmlns='urn:example:unknown'/>"


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("to", ["{nobody}", "{nobody}/orchard", "{offline}", "{offline}/gone",
                                "{online}", "{online}/gone"])
def test_refused(server, juliet, to, kind):
    """Bare: the server answers for the account; full without match: service-unavailable."""
    romeo = server.client("romeo", "orchard").online()
    to = to.format(nobody=server.nobody(), offline=server.user("romeo").jid, online=romeo.bare)
    error = juliet.refused(kind, UNKNOWN, "service-unavailable", "cancel", to=to)
    assert error.get("from") == to
    romeo.expect_nothing(after=juliet)


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("answer", ["result", "error"])
@pytest.mark.parametrize("present", [True, False])
def test_full_match(juliet, romeo, kind, answer, present):
    """§8.5.3.1: to that resource, and its answer back."""
    if present:
        romeo.online()
    ident = juliet.iq(kind, UNKNOWN, romeo)
    romeo.expect(f"<iq type='{kind}' id='{ident}' from='{juliet}' to='{romeo}'>{UNKNOWN}</iq>")
    inner = ("<x xmlns='urn:example'>fine</x>" if answer == "result" else
             "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    romeo.send(f"<iq type='{answer}' id='{ident}' to='{juliet}'>{inner}</iq>")
    juliet.expect(f"<iq type='{answer}' id='{ident}' from='{romeo}'>{inner}</iq>")


@pytest.mark.parametrize("kind", ["result", "error"])
@pytest.mark.parametrize("to", ["bare", "full", "gone"])
def test_unasked_answer(juliet, romeo, kind, to):
    """One's own matter at the full address; ignored elsewhere."""
    romeo.online()
    address = {"bare": romeo.bare, "full": romeo, "gone": f"{romeo.bare}/gone"}[to]
    inner = "" if kind == "result" else (
        "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    juliet.send(f"<iq type='{kind}' id='unasked' to='{address}'>{inner}</iq>")
    if to == "full":
        romeo.expect(f"<iq type='{kind}' id='unasked' from='{juliet}'/>")
    romeo.expect_nothing(after=juliet)
    juliet.expect_nothing()


def test_many_at_once(juliet, romeo):
    """Answers find their requests whatever the order."""
    idents = [juliet.iq("get", UNKNOWN, romeo) for _ in range(20)]
    asked = [romeo.expect("<iq type='get'/>").get("id") for _ in idents]
    assert asked == idents
    for ident in reversed(asked):
        romeo.send(f"<iq type='result' id='{ident}' to='{juliet}'/>")
    for ident in reversed(idents):
        juliet.expect(f"<iq type='result' id='{ident}' from='{romeo}'/>")
