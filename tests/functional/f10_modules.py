# SPDX-License-Identifier: MIT
"""The module author's guide: its programs, taken from the text, built, loaded and talked to."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from kit import only_linnet
from kit.server import CHECKOUT, build_file

pytestmark = only_linnet("modules of ours")
GUIDE = (CHECKOUT / "doc" / "modules.md").read_text(encoding="utf-8")
HELLO = "<hello xmlns='urn:example:hello'/>"


def program(name):
    """The one listing of the guide that begins with this module's name."""
    found = [code for code in re.findall(r"^```c\n(.*?)^```", GUIDE, re.M | re.S)
             if re.match(rf"/\*\s*(\* )?mod_{name} ", code)]
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A build tree with the guide's modules beside our own."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "src").mkdir()
    (folder / "modules").mkdir()
    build = pathlib.Path(build_file("linnetd", "LINNETD")).resolve().parent.parent
    for one in ("linnetd", "linnetctl"):
        shutil.copy2(build / "src" / one, folder / "src")
    for one in (build / "modules").glob("*.so"):
        (folder / "modules" / one.name).symlink_to(one)
    for name in ("hello", "flood"):
        build_module(folder, name)
    return folder


def build_module(folder, name):
    """As the guide says, and without a warning."""
    source = folder / f"mod_{name}.c"
    source.write_text(program(name), encoding="utf-8")
    command = re.search(r"^    (cc .* -o hello\.so mod_hello\.c)$", GUIDE, re.M)[1]
    command = command.replace("linnet/src", str(CHECKOUT / "src")).replace("hello", name)
    words = command.split()
    words[0] = os.environ.get("CC", "cc")
    done = subprocess.run(words + ["-Wall", "-Wextra", "-Werror"], cwd=folder,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.move(folder / f"{name}.so", folder / "modules")


@pytest.fixture
def serving(servers, tree, monkeypatch):
    monkeypatch.setenv("LINNETD", str(tree / "src" / "linnetd"))
    monkeypatch.setenv("LINNETCTL", str(tree / "src" / "linnetctl"))
    return lambda modules: servers({"modules": modules})


def test_the_first_one_is_short():
    assert len(program("hello").splitlines()) <= 32


def test_hello(serving):
    server = serving({"hello": {}, "disco": {}})
    juliet = server.client("juliet")
    assert juliet.get(HELLO, juliet.domain)[0].text == f"Welcome to {server.host}!"
    info = juliet.get("<query xmlns='http://jabber.org/protocol/disco#info'/>", juliet.domain)[0]
    assert "urn:example:hello" in [f.get("var") for f in info]
    server.reload({"modules": {"hello": {"greeting": "Good day."}}})
    assert juliet.get(HELLO, juliet.domain)[0].text == "Good day."
    server.reload({})
    juliet.refused("get", HELLO, "service-unavailable", to=juliet.domain)


def test_hello_is_documented(serving):
    server = serving({"hello": {"greeting": "Good day."}})
    assert "greeting" in server.ctl("module", "show", "hello").stdout
    assert "Good day." in server.ctl("config", "explain", "hello.greeting").stdout


def test_a_mistake_in_its_options(serving):
    server = serving({"hello": {}})
    server.config = {"modules": {"hello": {"greting": "Good day."}}}
    server.configure()
    done = server.ctl("config", "check", check=False)
    assert done.returncode == 1 and "greeting" in done.stdout + done.stderr


def test_flood(serving):
    server = serving({"flood": {"burst": 2, "refill": "1h"}})
    juliet, romeo = server.client("juliet"), server.client("romeo")
    for n in range(3):
        juliet.send(f"<message to='{romeo}' type='chat' id='m{n}'><body>{n}</body></message>")
    juliet.expect_error("m2", "resource-constraint", "wait", name="message")
    for n in range(2):
        romeo.expect(f"<message id='m{n}'/>")
    romeo.expect_nothing()
    assert "message_sent" in server.ctl("hooks", "message_sent").stdout


def test_every_event_is_listed():
    events = re.findall(r"^LN_HOOK\((\w+)", (CHECKOUT / "src/linnet/hooks.def").read_text(), re.M)
    assert [event for event in events if f"`{event}`" not in GUIDE] == []
