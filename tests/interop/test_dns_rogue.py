# SPDX-License-Identifier: MIT
"""Name servers that misbehave: every look-up ends in time, none is believed too much."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

from kit import Client, Server
from kit.authority import Authority
from kit.federation import incident_of
import rogue_dns
from rogue_dns import RogueDNS

# Nothing is to be had from these: they are failures, not domains without records.
FAILURES = ("garbage", "short", "silent", "servfail", "refused", "loop", "endless")


@pytest.fixture(scope="module")
def rogue():
    with RogueDNS() as one:
        yield one


@pytest.fixture(scope="module")
def ours(rogue, tmp_path_factory):
    folder = tempfile.mkdtemp(prefix="linnet-")
    one = Server(folder, Authority(tmp_path_factory.mktemp("authority")),
                 {"dns": {"servers": [f"127.0.0.1:{rogue.port}"], "trust-anchor": "none"}},
                 more_services=("s2s",))
    one.start()
    yield one
    one.stop()
    shutil.rmtree(folder)


def lookup(server, domain):
    done = server.ctl("--json", "dns", "lookup", domain, check=False)
    rows = json.loads(done.stdout) if done.stdout.strip() else []
    return (rows["rows"] if isinstance(rows, dict) else rows), done


def test_one_that_behaves(ours):
    (only,), _ = lookup(ours, "good.example")
    assert (only["host"], only["addresses"]) == ("xmpp.good.example", "127.7.0.1")


@pytest.mark.parametrize("kind", FAILURES)
def test_what_cannot_be_found_out(ours, kind):
    _, done = lookup(ours, f"{kind}.example")
    assert done.returncode != 0 and "cannot be looked up" in done.stderr, done.stdout + done.stderr


def test_answers_to_other_questions(ours):
    (only,), _ = lookup(ours, "guess.example")
    assert only["addresses"] == "127.7.0.2"


def test_records_that_nobody_asked_for(ours):
    lookup(ours, "poison.example")
    ours.ctl("dns", "lookup", "xmpp.good.example", check=False)
    (only,), _ = lookup(ours, "good.example")
    assert only["addresses"] == "127.7.0.1"


def test_a_large_answer_comes_by_tcp(ours):
    rows, _ = lookup(ours, "large.example")
    assert [row["port"] for row in rows] == [5000 + i for i in range(16)]


def test_names_that_are_none(ours):
    (only,), done = lookup(ours, "names.example")
    assert only["host"] == "xmpp.names.example"
    assert "\x1b" not in done.stdout


def test_messages_to_what_cannot_be_found_out(ours):
    """Each sender is told in time that it may work later, and the log has one line for each."""
    juliet = Client(ours, ours.user("juliet")).login("balcony")
    for kind in FAILURES:
        juliet.send(f"<message to='r@{kind}.example' id='{kind}'><body>Hi</body></message>")
    juliet.send("<message to='r@nobody.example' id='nobody'><body>Hi</body></message>")
    conditions = {}
    for _ in range(len(FAILURES) + 1):
        error = juliet.expect("<message type='error'/>", timeout=15)
        conditions[error.get("id")] = error.find("{*}error")[0].tag.split("}")[1]
    assert conditions == {**{kind: "remote-server-timeout" for kind in FAILURES},
                          "nobody": "remote-server-not-found"}
    for kind, condition in conditions.items():
        incident_of(ours, f"{kind}.example", "no link", f"condition={condition}")


def test_name_servers_that_hand_on_no_signatures(ours, rogue):
    """`auto` finds out, says it once, and names are looked up all the same."""
    ours.reload({**ours.config, "dns": {"servers": [f"127.0.0.1:{rogue.port}"]}})
    (only,), _ = lookup(ours, "good.example")
    assert only["addresses"] == "127.7.0.1" and not only["dnssec"]
    lookup(ours, "large.example")
    assert ours.log().count("DNSSEC is off") == 1
    assert "are not validated" in ours.ctl("check", "dns", check=False).stdout


@pytest.fixture
def late():
    """The port of a name server that answers five seconds late, in a process of its own."""
    program = subprocess.Popen([sys.executable, str(pathlib.Path(rogue_dns.__file__)), "5"],
                               stdout=subprocess.PIPE, text=True)
    yield int(program.stdout.readline())
    program.kill()
    program.wait()


def test_slow_names_do_not_slow_local_chat(ours, late):
    """A hundred domains whose names are not known for five seconds are being tried: chat goes on
    meanwhile. What it costs, tests/bench/slow_dns.py measures."""
    juliet = Client(ours, ours.user("juliet")).login("balcony")
    romeo = Client(ours, ours.user("romeo")).login("orchard")
    juliet.online()
    romeo.online()
    ours.reload({**ours.config, "dns": {"servers": [f"127.0.0.1:{late}"], "trust-anchor": "none"}})
    for i in range(100):
        juliet.send(f"<message to='x@d{i}.silent.example' id='s{i}'><body>x</body></message>")
    for i in range(100):
        juliet.send(f"<message to='{romeo}' type='chat' id='{i}'><body>x</body></message>")
        romeo.expect(f"<message type='chat' id='{i}'/>")
        romeo.send(f"<message to='{juliet}' type='chat' id='{i}'><body>x</body></message>")
        juliet.expect(f"<message type='chat' id='{i}'/>")       # and nothing came back yet
    for _ in range(100):
        juliet.expect("<message type='error'/>", timeout=15)
