# SPDX-License-Identifier: MIT
"""A root that is signed and trusted, and domains of one's own network that it denies.

The resolver of such a network answers for them, as dnsmasq and routers do; the
root's proof that there is no such domain is as good as any.  `dns: insecure`
is what makes them known all the same, with a list of usual names by default.
"""

import json

import pytest
from kit.server import merge

from test_federation import wanted


@pytest.fixture(scope="module")
def net(internet):
    internet.zone(".")
    internet.host("xmpp.town", "127.3.1.1")
    internet.srv("town", "xmpp.town", 5269)
    internet.record("_5269._tcp.xmpp.town", f"TLSA 3 1 1 {'ab' * 32}")
    internet.ours = internet.linnet("home.town", announce=False)
    internet.announce("home.town", internet.ours.ports, direct=False)
    for domain in ("office.lan", "office.verona"):  # a usual name, and one of somebody's own
        one = internet.linnet(domain, announce=False)
        internet.local(domain.split(".")[1], f"xmpp.{domain}. A 127.0.0.1",
                       f"_xmpp-server._tcp.{domain}. SRV 0 0 {one.ports['s2s']} xmpp.{domain}.")
    # libunbound would say by itself that there is nothing here
    internet.local("onion", "xmpp.office.onion. A 127.3.1.2",
                   "_xmpp-server._tcp.office.onion. SRV 0 0 5269 xmpp.office.onion.")
    internet.start()
    return internet


@pytest.fixture
def ours(net):
    config = net.ours.config
    yield net.ours
    net.ours.reload(config)


def lookup(server, domain):
    done = server.ctl("--json", "dns", "lookup", domain, check=False)
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    return done, rows["rows"] if isinstance(rows, dict) else rows


def insecure(server, domains):
    server.reload(merge(server.config, {"dns": {"insecure": domains}}))


def is_denied(server, domain):
    """The answer is not believed; or the root's proof, if it is in the cache, is answer enough."""
    done, _ = lookup(server, domain)
    says = done.stdout + done.stderr
    return done.returncode != 0 and any(
        word in says for word in ("DNSSEC", "validation", "does not exist"))


def is_known(server, domain):
    done, rows = lookup(server, domain)
    assert done.returncode == 0, done.stdout + done.stderr
    return [(row["host"], row["dnssec"], row["tlsa"]) for row in rows] == [
        (f"xmpp.{domain}", False, "-")]


def test_what_the_root_holds_is_proven(ours):
    _, (only,) = lookup(ours, "town")
    assert only["dnssec"] and only["tlsa"].startswith("3 1 1 abab")


def test_what_it_denies_does_not_exist(ours):
    done, _ = lookup(ours, "nobody.village")
    assert done.returncode != 0 and "does not exist" in done.stderr


def test_usual_names_are_excepted(ours):
    assert is_known(ours, "office.lan")
    assert is_denied(ours, "office.verona")


def test_names_of_ones_own(ours):
    """The list stands in the place of the usual ones; what is signed stays so."""
    insecure(ours, ["verona"])
    assert is_known(ours, "office.verona")
    assert is_denied(ours, "office.lan")
    assert lookup(ours, "town")[1][0]["dnssec"]


def test_names_that_are_reserved(ours):
    """A list opens them, too."""
    insecure(ours, ["onion"])
    assert is_known(ours, "office.onion")


def test_none(ours):
    insecure(ours, [])
    assert is_denied(ours, "office.lan") and is_denied(ours, "office.verona")


@pytest.mark.parametrize("domain", ["office.lan", "office.verona"])
def test_chat(net, ours, domain):
    """Both ways: the other server knows us by the root."""
    insecure(ours, ["lan", "verona"])
    there = next(one for one in net.servers if one.host == domain)
    juliet, romeo = ours.client("juliet", "balcony"), there.client("romeo", "orchard")
    for one in (juliet, romeo):
        one.online()
    juliet.send(f"<message to='{romeo}' type='chat' id='1'><body>Hi</body></message>")
    wanted(romeo, "message", id="1", from_=str(juliet))
    romeo.send(f"<message to='{juliet}' type='chat' id='2'><body>Hi</body></message>")
    wanted(juliet, "message", id="2", from_=str(romeo))


def test_chat_is_refused_without(ours):
    insecure(ours, [])
    juliet = ours.client("juliet", "balcony")
    juliet.online()
    ours.ctl("s2s", "close", "office.verona", check=False)
    juliet.send("<message to='r@office.verona' type='chat' id='1'><body>Hi</body></message>")
    error = wanted(juliet, "message", id="1", type="error")
    conditions = {one.tag.split("}")[1] for one in error.find("{jabber:client}error")}
    assert conditions & {"remote-server-timeout", "remote-server-not-found"}
