# SPDX-License-Identifier: MIT
"""Several domains in one server."""

from kit import Client, deviates


def test_accounts_are_apart(server):
    """The same name at two hosts is two people."""
    here = server.user("paris", host=server.host, password="one", numbered=False)
    there = server.user("paris", host=server.host2, password="two", numbered=False)
    first, second = Client(server, here).login("a"), Client(server, there).login("a")
    assert first.bare == "paris@capulet.example" and second.bare == "paris@montague.example"
    first.send(f"<message to='{second}'><body>Good morrow</body></message>")
    second.expect(f"<message from='{first}'><body>Good morrow</body></message>")
    first.expect_nothing(after=second)


def test_password_of_the_other_host(server):
    server.user("balthasar", host=server.host, password="one", numbered=False)
    there = server.user("balthasar", host=server.host2, password="two", numbered=False)
    stranger = Client(server, there)
    stranger.open(stranger.domain)
    state = stranger.scram("SCRAM-SHA-1", password="one")
    stranger.expect_failure("not-authorized")
    assert state


def test_presence_between_hosts(server):
    romeo = Client(server, server.user("romeo", host=server.host2)).login("a")
    juliet = server.client("juliet", "b").online()
    romeo.send(f"<presence to='{juliet}'><show>chat</show></presence>")
    juliet.expect(f"<presence from='{romeo}' to='{juliet}'><show>chat</show></presence>")


def test_host_answers_for_itself(juliet):
    for host in ("capulet.example", "montague.example"):
        result = juliet.get("<ping xmlns='urn:xmpp:ping'/>", to=host)
        assert result.get("from") == host


@deviates("prosody", "tries another server")
def test_a_domain_that_is_not_ours(juliet):
    juliet.refused("get", "<ping xmlns='urn:xmpp:ping'/>",
                   "remote-server-not-found|remote-server-timeout|service-unavailable",
                   to="verona.example")
