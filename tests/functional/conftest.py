# SPDX-License-Identifier: MIT
"""Fixtures: the server of a file, and a cast to play on it.

A file may say

    CONFIG = {"modules": {"offline": {}}}       # merged with the kit's own

and gets one server for all its tests (`server`).  Each test brings accounts of
its own, so tests do not meet.  A test that kills, reloads or fills a server
asks for `servers` and makes its own.
"""

import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from kit import Server, wire  # noqa: E402
from kit.authority import Authority  # noqa: E402
from kit.peer import PATIENCE  # noqa: E402
from kit.server import started  # noqa: E402

LONGEST_TEST = 60       # seconds


def pytest_addoption(parser):
    parser.addoption("--xml", action="store_true", help="show what passes, as it passes (with -s)")


def pytest_configure(config):
    wire.LIVE = config.getoption("--xml")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file goes to one worker as a whole, for its tests share a server."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(request, authority):
    """The server that the tests of a file share."""
    yield from one_server(request, authority, getattr(request.module, "CONFIG", {}))


@pytest.fixture
def servers(request, authority):
    """servers(config): a server for this test alone."""
    made = []

    def make(config=None, start=True):
        folder = tempfile.mkdtemp(prefix="linnet-")
        made.append((Server(folder, authority, config), folder))
        request.node.stash.setdefault(SERVERS, []).append(made[-1][0])
        return made[-1][0].start() if start else made[-1][0]

    yield make
    close_wires()
    for one, folder in made:
        one.stop()
        shutil.rmtree(folder)


SERVERS = pytest.StashKey()


def pytest_collection_modifyitems(items):
    """What gaps.txt names is known to fail: it still runs, and says so when it passes."""
    gaps = []
    for line in (pathlib.Path(__file__).parent / "gaps.txt").read_text().splitlines():
        pattern, _, reason = line.partition("  ")
        if pattern and not pattern.startswith("#"):
            gaps.append((pattern, reason.strip()))
    for item in items:
        name = item.nodeid.rpartition("tests/functional/")[2]
        for pattern, reason in gaps:
            if name == pattern or name.startswith(pattern + "[") or name.startswith(pattern + "::"):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=False))


def one_server(request, authority, config):
    """For a fixture: a server, as long as its tests last."""
    folder = tempfile.mkdtemp(prefix="linnet-")
    one = Server(folder, authority, config)
    request.node.stash.setdefault(SERVERS, []).append(one)
    one.start()
    yield one
    close_wires()
    one.stop()
    shutil.rmtree(folder)


@pytest.fixture
def juliet(server):
    """Logged in at balcony, not yet present."""
    return server.client("juliet", "balcony")


@pytest.fixture
def romeo(server):
    return server.client("romeo", "orchard")


@pytest.fixture
def nurse(server):
    return server.client("nurse", "chamber")


@pytest.fixture
def tybalt(server):
    return server.client("tybalt", "street")


@pytest.fixture
def wire_(server):
    """A bare connection."""
    return server.wire()


def close_wires():
    while wire.wires:
        wire.wires.pop().abort()


@pytest.fixture(autouse=True)
def _stage(request):
    """A clean transcript, a bound on time, no connection left, and a server that still lives."""
    wire.transcript.clear()

    def late(*_):
        raise TimeoutError(f"longer than {LONGEST_TEST * PATIENCE} s")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_TEST * PATIENCE)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    close_wires()
    for one in _servers_of(request.node):
        try:
            one.check()
        finally:
            if one in _servers_of(request.node.parent):
                one.revive()


def _servers_of(node):
    found = []
    while node is not None:
        found += node.stash.get(SERVERS, [])
        node = node.parent
    return found


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        if wire.transcript:
            report.sections.append(("XML", "\n".join(wire.transcript[-60:])))
        for one in sorted(started, key=lambda one: one.host):
            if one.log():
                report.sections.append((f"server log of {one.host}", one.log()))
