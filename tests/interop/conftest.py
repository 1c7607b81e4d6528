# SPDX-License-Identifier: MIT
"""A server for clients that others wrote; the kit is that of tests/functional."""

import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]

from kit import Server  # noqa: E402
from kit.authority import Authority  # noqa: E402
from desktop import Place, needs_desktop  # noqa: E402
from internet import Internet, needs_internet  # noqa: E402

MODULES = ("offline", "disco", "version", "time", "last", "vcard", "private", "blocking",
           "carbons", "csi", "muc", "http_upload")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file goes to one worker as a whole, for its tests share servers."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


def _serve(tmp_path_factory, **c2s):
    folder = tempfile.mkdtemp(prefix="linnet-")
    authority = Authority(tmp_path_factory.mktemp("authority"))
    one = Server(folder, authority, {"c2s": {"tls": "required", **c2s},
                                     "modules": {**{name: {} for name in MODULES},
                                                 "register": {"allow": "on"}}})
    one.start()
    yield one
    one.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    # Debian's slixmpp knows no binding that we have, yet says that it could bind.
    yield from _serve(tmp_path_factory, **{"channel-binding": "off"})


@pytest.fixture(scope="session")
def binding_server(tmp_path_factory):
    yield from _serve(tmp_path_factory)


@pytest.fixture(scope="module")
def internet(tmp_path_factory):
    """Zones and servers to come; the test file's own fixture adds them and starts it."""
    needs_internet()
    net = Internet(tempfile.mkdtemp(prefix="internet-"),
                   Authority(tmp_path_factory.mktemp("authority")))
    yield net
    net.stop()
    shutil.rmtree(net.folder)


@pytest.fixture(scope="module")
def place(request):
    """The quickstart's server on a network of its own, for the client that the test file names."""
    needs_desktop(request.module.CLIENT)
    folder = tempfile.mkdtemp(prefix="linnet-")
    with Place(folder) as place:
        yield place.start()
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _alive(server):
    yield
    server.check()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the servers say of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    used = getattr(item, "funcargs", {})
    net = used.get("internet") or used.get("net")
    if report.failed and net is not None:
        for one in net.servers:
            report.sections.append((f"log of {one.host}", one.log()))
    if report.failed and "place" in used:
        report.sections.append(("log of the quickstart", used["place"].log()))
