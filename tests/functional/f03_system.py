# SPDX-License-Identifier: MIT
"""What the service manager and the log are told: ready, alive, and the last line."""

import os
import signal
import socket

import pytest
from kit import TIMEOUT, only_linnet
from kit.server import SANITIZER, build_file

pytestmark = only_linnet("the daemon itself")


@pytest.fixture
def notified(servers):
    """A server that reports to a manager, whose socket is `manager`."""
    with open(build_file("linnetd", "LINNETD"), "rb") as program:
        if b"libsystemd" not in program.read():
            pytest.skip("a build without libsystemd")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        server = servers(start=False)
        path = str(server.folder / "notify")
        manager.bind(path)
        manager.settimeout(TIMEOUT)
        environment = server.environment
        server.environment = lambda: {**environment(), "NOTIFY_SOCKET": path,
                                      "WATCHDOG_USEC": "300000"}
        server.manager = manager
        yield server.start()


def told(server, word):
    while word not in server.manager.recv(4096).decode().split("\n"):
        pass


def test_ready_and_alive(notified):
    """Ready once; alive again and again, also through a reload; then stopping."""
    told(notified, "READY=1")
    told(notified, "WATCHDOG=1")
    told(notified, "WATCHDOG=1")
    notified.reload({"modules": {"version": {}}})
    told(notified, "RELOADING=1")
    told(notified, "READY=1")
    told(notified, "WATCHDOG=1")
    notified.stop()
    told(notified, "STOPPING=1")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
@pytest.mark.parametrize("form", ["text", "json"])
def test_last_line(servers, number, form):
    """A fatal signal leaves a line, and is fatal."""
    server = servers({"log": {"to": "stderr", "format": form}})
    server.process.send_signal(number)
    status = server.process.wait(TIMEOUT)
    log = (server.folder / "log").read_text()
    server.process = None
    assert status == -number or SANITIZER.search(log), log
    name = signal.Signals(number).name
    last = [line for line in log.splitlines() if "fatal" in line][0]
    if form == "text":
        assert f" error server fatal signal={name} thread=" in last
    else:
        assert f'"event":"fatal","signal":"{name}","thread":"' in last


def test_last_line_in_the_file(servers):
    """It goes where the log goes."""
    server = servers(start=False)
    server.config = {"log": {"to": str(server.folder / "linnet.log")}}
    server.start()
    os.kill(server.process.pid, signal.SIGSEGV)
    server.process.wait(TIMEOUT)
    server.process = None
    assert "fatal signal=SIGSEGV" in (server.folder / "linnet.log").read_text()
