# SPDX-License-Identifier: MIT
"""Resource binding (RFC 6120 §7)."""

import pytest
from kit import Client, deviates, only_linnet
from kit.client import NS_BIND, check_error

BIND = f"<iq type='set' id='b'><bind xmlns='{NS_BIND}'>%s</bind></iq>"


@pytest.fixture
def juliet(server):
    """Authenticated, not bound."""
    return Client(server, server.user("juliet")).negotiate()


@pytest.mark.parametrize("inner", ["", "<resource/>", "<resource></resource>"])
def test_server_makes_it(juliet, inner):
    juliet.send(BIND % inner)
    jid = juliet.expect(f"<iq type='result' id='b'><bind xmlns='{NS_BIND}'><jid>*</jid></bind></iq>"
                        ).findtext(f".//{{{NS_BIND}}}jid")
    bare, resource = jid.split("/", 1)
    assert bare == juliet.bare and len(resource) >= 8


def test_server_makes_it_unpredictably(server):
    user = server.user("juliet")
    made = {Client(server, user).login().resource for _ in range(5)}
    assert len(made) == 5


@pytest.mark.parametrize("resource", ["balcony", "Balcony", "with space", "ünï", "☃", "a/b", "a@b",
                                      "&lt;&amp;", "x" * 1023])
def test_client_chooses(juliet, resource):
    juliet.send(BIND % f"<resource>{resource}</resource>")
    want = resource.replace("&lt;", "<").replace("&amp;", "&")
    jid = juliet.expect("<iq type='result' id='b'/>").findtext(f".//{{{NS_BIND}}}jid")
    assert jid == f"{juliet.bare}/{want}"


@pytest.mark.parametrize("resource", ["x" * 1024, "☃" * 342, "\u0085", "\u007f", "\ufdd0", "a\u0086b"])
@deviates("prosody", "makes one up")
def test_bad_resource(juliet, resource):
    """§7.7.2.1: bad-request; and one may try again."""
    juliet.send(BIND % f"<resource>{resource}</resource>")
    error = juliet.expect("<iq type='error' id='b'/>")
    check_error(error, "bad-request|jid-malformed", "modify")
    juliet.bind("better")


@pytest.mark.parametrize("request_", [
    f"<iq type='get' id='b'><bind xmlns='{NS_BIND}'/></iq>",
], ids=["get"])
@deviates("prosody", "other errors")
def test_bad_request(juliet, request_):
    juliet.send(request_)
    check_error(juliet.expect("<iq type='error' id='b'/>"), "bad-request", "modify")
    juliet.bind("better")


def test_to_the_server(juliet):
    """Some clients address the request to their server."""
    juliet.send(BIND.replace("id='b'", f"id='b' to='{juliet.domain}'") % "")
    juliet.expect("<iq type='result' id='b'/>")


@deviates("prosody", "lets it pass")
def test_a_second_one(juliet):
    """One stream, one resource: not-allowed."""
    juliet.bind("a")
    juliet.send(BIND % "<resource>b</resource>")
    check_error(juliet.expect("<iq type='error' id='b'/>"), "not-allowed", "cancel")
    juliet.online()


def test_conflict(server):
    """§7.7.2.2: whoever wins, one address is one client."""
    user = server.user("juliet")
    first = Client(server, user).login("balcony").online()
    second = Client(server, user).login("balcony")
    if str(second) == str(first):
        first.expect_stream_error("conflict")
    else:
        first.sync()
    second.online()


@only_linnet("a policy of ours")
def test_conflict_ends_the_older(server, romeo):
    """The one that is there now is the one that the user sits at."""
    user = server.user("juliet")
    first = Client(server, user).login("balcony").online()
    second = Client(server, user).login("balcony").online()
    first.expect_stream_error("conflict")
    romeo.send(f"<message to='{second}' id='m'/>")
    second.expect("<message id='m'/>")


def test_resources_compare_exactly(server):
    """RFC 7622 §3.4: OpaqueString keeps case."""
    user = server.user("juliet")
    one, two = Client(server, user).login("a"), Client(server, user).login("A")
    one.sync()
    two.sync()


@only_linnet("a limit of ours")
def test_too_many(server):
    """§7.6.2.1: resource-constraint for the twenty-first."""
    user = server.user("juliet")
    many = [Client(server, user).login(f"r{n}") for n in range(20)]
    late = Client(server, user).negotiate()
    late.send(BIND % "")
    check_error(late.expect("<iq type='error' id='b'/>"), "resource-constraint", "wait")
    many.pop().close()
    many[0].sync()
    late.bind("now")


def test_bound_but_silent_gets_what_is_for_its_full_address(server, juliet):
    """RFC 6121 §8.5.3.1: a connected resource need not be available for an IQ."""
    juliet.bind("silent")
    romeo = server.client("romeo", "orchard")
    ident = romeo.iq("get", "<query xmlns='urn:example'/>", juliet)
    juliet.expect(f"<iq type='get' id='{ident}' from='{romeo}'><query xmlns='urn:example'/></iq>")
    juliet.send(f"<iq type='result' id='{ident}' to='{romeo}'/>")
    romeo.expect(f"<iq type='result' id='{ident}' from='{juliet}'/>")


def test_two_resources_in_one_request(server):
    """The schema of RFC 6120 A.7 has one."""
    juliet = Client(server, server.user("juliet"))
    juliet.negotiate()
    ident = juliet.iq("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>a</resource>"
                             "<resource>b</resource></bind>")
    juliet.expect_error(ident, "bad-request", "modify")
