# SPDX-License-Identifier: MIT
"""linnetctl reload: what changes takes effect, and nobody loses his connection."""

import signal

import pytest
from kit import Client, only_linnet

pytestmark = only_linnet("reload")
VERSION = "<query xmlns='jabber:iq:version'/>"


def test_nothing_changed(servers):
    server = servers()
    juliet = server.client("juliet").online()
    server.ctl("reload")
    juliet.sync()


def test_module_on_and_off(servers):
    server = servers()
    juliet = server.client("juliet").online()
    juliet.refused("get", VERSION, "service-unavailable", to=server.host)
    server.reload({"modules": {"version": {}}})
    juliet.get(VERSION, server.host)
    server.reload({})
    juliet.refused("get", VERSION, "service-unavailable", to=server.host)


def test_module_with_state_on(servers):
    """An account that is in memory gets what a new module needs."""
    server = servers()
    juliet = server.client("juliet").online()
    server.reload({"modules": {"private": {}, "blocking": {}}})
    juliet.set("<query xmlns='jabber:iq:private'><a xmlns='urn:one'>1</a></query>")
    assert juliet.get("<query xmlns='jabber:iq:private'><a xmlns='urn:one'/></query>"
                      )[0][0].text == "1"


def test_module_with_state_off_and_on(servers):
    """What is in memory goes with the module; what is stored is there when it comes back."""
    blocking = {"modules": {"blocking": {}, "csi": {}, "carbons": {}}}
    items = "<blocklist xmlns='urn:xmpp:blocking'/>"
    server = servers(start=False)
    server.config = blocking
    server.start()
    juliet, romeo = server.client("juliet").online(), server.client("romeo").online()
    idle = server.client("rosaline").online()
    juliet.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block>")
    idle.close()
    for _ in range(2):
        server.reload({})
        juliet.refused("get", items, "service-unavailable")
        romeo.send(f"<message to='{juliet}' id='through'/>")
        juliet.expect("<message id='through'/>")
        server.reload(blocking)
        assert len(juliet.get(items)[0]) == 1
        romeo.send(f"<message to='{juliet}' id='blocked'/>")
        romeo.expect("<message id='blocked' type='error'/>")


def test_options(servers):
    server = servers({"modules": {"version": {}}})
    juliet = server.client("juliet").online()
    os = "{jabber:iq:version}query/{jabber:iq:version}os"
    assert juliet.get(VERSION, server.host).find(os) is None
    server.reload({"modules": {"version": {"show-os": "on"}}})
    assert juliet.get(VERSION, server.host).find(os) is not None


def test_invalid_changes_nothing(servers):
    """Refused whole, with FILE:LINE:COLUMN."""
    server = servers()
    juliet = server.client("juliet").online()
    server.config = {"modules": {"version": {"show-os": "perhaps"}}}
    server.configure()
    done = server.ctl("reload", check=False)
    assert done.returncode == 1
    assert f"{server.conf}:" in done.stderr + done.stdout
    juliet.refused("get", VERSION, "service-unavailable", to=server.host)


def test_host_added(servers):
    server = servers()
    juliet = server.client("juliet").online()
    server.reload({"hosts": {"verona.example": {"certificate": server.crt, "key": server.key}}})
    escalus = Client(server, server.user("escalus", host="verona.example")).login().online()
    juliet.send(f"<message to='{escalus}' id='m'/>")
    escalus.expect("<message id='m'/>")


def test_host_removed(servers):
    """Streams end with host-gone; data stays."""
    server = servers(start=False)
    server.config = {"hosts": {"verona.example": {"certificate": server.crt, "key": server.key}}}
    server.start()
    user = server.user("escalus", host="verona.example")
    escalus, juliet = Client(server, user).login().online(), server.client("juliet").online()
    server.reload({})
    escalus.expect_stream_error("host-gone")
    server.wire().open(server.host)
    late = server.wire()
    late.send("<stream:stream to='verona.example' version='1.0' xmlns='jabber:client' "
              "xmlns:stream='http://etherx.jabber.org/streams'>")
    late.expect_stream_error("host-unknown")
    juliet.sync()
    server.reload({"hosts": {"verona.example": {"certificate": server.crt, "key": server.key}}})
    Client(server, user).login()


def test_sighup(servers):
    """The signal does the same as the verb."""
    server = servers()
    juliet = server.client("juliet").online()
    server.config = {"modules": {"version": {}}}
    server.configure()
    server.process.send_signal(signal.SIGHUP)
    server.ctl("status")
    for _ in range(100):
        ident = juliet.iq("get", VERSION, server.host)
        if juliet.expect(f"<iq id='{ident}'/>").get("type") == "result":
            return
    pytest.fail("SIGHUP has no effect")


def test_certificate(servers, authority):
    """A renewed certificate serves new connections; the old ones stay."""
    server = servers()
    before = Client(server, server.user("juliet")).login(tls="starttls").online()
    old = before.sock.getpeercert()["serialNumber"]
    authority.certificate(server.host, server.host2, folder=server.folder, name="server")
    server.ctl("reload")
    after = Client(server, server.user("juliet")).login(tls="starttls")
    assert after.sock.getpeercert()["serialNumber"] != old
    before.sync()


def test_under_load(servers):
    """Reloading in the middle of chat loses nothing."""
    server = servers()
    juliet, romeo = server.client("juliet"), server.client("romeo").online()
    for turn in range(5):
        for n in range(100):
            juliet.send(f"<message to='{romeo}' id='m{turn}-{n}'/>")
        server.reload({"modules": {"version": {}}} if turn % 2 else {})
    for turn in range(5):
        for n in range(100):
            romeo.expect(f"<message id='m{turn}-{n}'/>")


def test_log_that_cannot_be_opened(servers):
    """It goes on where it was, and the reload says so."""
    server = servers()
    done = server.reload({"log": {"to": str(server.folder / "nowhere" / "log"), "level": "debug"}})
    assert "the log goes where it went" in done.stdout
    server.stop()
    assert "configuration reloaded" in server.log()
