# SPDX-License-Identifier: MIT
"""Where messages go: Table 1 of RFC 6121 §8.5.4.

D deliver to that resource     M to the most available one, or to all that are not negative
A to all that are not negative O store for later, or refuse      S ignore, or refuse
E refuse (service-unavailable) I ignore
"""

import pytest
from kit import Client, deviates, needs_linnet
from kit.client import check_error

CONFIG = {"modules": {"offline": {}}}

TYPES = ("normal", "chat", "groupchat", "headline", "error")

#            address           normal chat groupchat headline error
TABLE = {
    "no account": {
        "bare":               ("S",   "S",   "E",    "S",     "I"),
        "full":               ("S",   "S",   "S",    "S",     "I")},
    "nobody there": {
        "bare":               ("O",   "O",   "E",    "I",     "I"),
        "no match":           ("S",   "O",   "S",    "S",     "I")},
    "connected, not available": {
        "bare":               ("O",   "O",   "E",    "I",     "I"),
        "no match":           ("S",   "O",   "S",    "S",     "I")},
    "negative alone": {
        "bare":               ("O",   "O",   "E",    "I",     "I"),
        "match":              ("D",   "D",   "D",    "D",     "D"),
        "no match":           ("S",   "O",   "S",    "S",     "I")},
    "one": {
        "bare":               ("D",   "D",   "E",    "D",     "I"),
        "match":              ("D",   "D",   "D",    "D",     "D"),
        "no match":           ("S",   "D",   "S",    "S",     "I")},
    "two and a negative": {
        "bare":               ("M",   "M",   "E",    "A",     "I"),
        "match":              ("D",   "D",   "D",    "D",     "D"),
        "no match":           ("S",   "M",   "S",    "S",     "I")},
}
ROWS = [(state, address, kind, wanted)
        for state, addresses in TABLE.items()
        for address, row in addresses.items()
        for kind, wanted in zip(TYPES, row)]

# Prosody delivers these as if to the bare address.
PROSODY = {("one", "no match", "normal"), ("two and a negative", "no match", "normal")}


def stage(server, state):
    """Romeo's sessions as the state wants them: (account or None, {resource: client})."""
    user = server.user("romeo")
    if state == "no account":
        return server.nobody(), {}
    wanted = {"nobody there": {}, "connected, not available": {"mute": None},
              "negative alone": {"orchard": -1}, "one": {"orchard": 0},
              "two and a negative": {"orchard": 5, "street": 1, "watch": -1}}[state]
    clients = {}
    for resource, priority in wanted.items():
        one = clients[resource] = Client(server, user, name=resource).login(resource)
        if priority is not None:
            one.online(priority)
    settle(clients)
    return user.jid, clients


def settle(clients):
    """Read the presence that they have of each other."""
    for one in clients.values():
        ident = one.iq("get", "<query xmlns='urn:linnet:test:barrier'/>", one.bare)
        while one.next().get("id") != ident:
            pass


@pytest.mark.parametrize("state, address, kind, wanted", ROWS,
                         ids=["-".join(row).replace(" ", "_") for row in ROWS])
def test_table(server, juliet, state, address, kind, wanted):
    if (state, address, kind) in PROSODY:
        needs_linnet("delivers it")
    bare, clients = stage(server, state)
    to = {"bare": bare, "full": f"{bare}/orchard", "match": f"{bare}/orchard",
          "no match": f"{bare}/gone"}[address]
    inner = "<body>hear me</body>"
    if kind == "error":
        inner += ("<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                  "</error>")
    juliet.send(f"<message to='{to}' type='{kind}' id='m'>{inner}</message>")
    error = said(juliet, bare)
    reached = who_got(juliet, clients, kind)
    nonnegative = {r for r in clients if r in ("orchard", "street")} - (
        {"orchard"} if state == "negative alone" else set())

    assert error is None or not reached, "delivered, and refused"
    if wanted == "D":
        assert reached == {"orchard"}
    elif wanted == "M":
        assert reached in ({"orchard"}, nonnegative)
    elif wanted == "A":
        assert reached == nonnegative
    else:
        assert not reached
    if wanted in "DMAI":
        assert error is None
    elif wanted == "E":
        assert error is not None
    if error is not None:
        check_error(error, "service-unavailable" if wanted != "E"
                    else "service-unavailable|not-acceptable", "cancel")
        assert error.get("from") == to


def said(client, bare):
    """The error that came for the message, if any; whoever refuses it is asked last."""
    ident = client.iq("get", "<query xmlns='urn:linnet:test:barrier'/>", bare)
    found = None
    got = client.next()
    while got.get("id") != ident:
        assert got.get("id") == "m" and found is None
        found, got = got, client.next()
    return found


def who_got(sender, clients, kind):
    """Which of them have it: a request of the sender reaches each after the message did."""
    reached = set()
    for resource, one in clients.items():
        ident = sender.new_id()
        sender.send(f"<iq type='get' id='{ident}' to='{one}'>"
                    "<query xmlns='urn:linnet:test:barrier'/></iq>")
        got = one.next()
        if got.tag.endswith("message"):
            assert got.get("type", "normal") == kind and got.get("from") == str(sender)
            reached.add(resource)
            got = one.next()
        assert got.get("id") == ident
    return reached


@deviates("prosody", "no order among equals")
def test_available_again(server, juliet):
    """Who goes unavailable, or negative, is passed over from then on."""
    romeo = server.client("romeo", "orchard").online()
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='1'><body>a</body></message>")
    romeo.expect("<message id='1'/>")
    romeo.send("<presence type='unavailable'/>")
    romeo.expect(f"<presence from='{romeo}' type='unavailable'/>")
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='2'><body>b</body></message>")
    romeo.expect_nothing(after=juliet)
    romeo.send("<presence/>")
    romeo.expect_all(f"<presence from='{romeo}'/>", "<message id='2'><body>b</body></message>")
