# SPDX-License-Identifier: MIT
"""One server over all kills; the kit is that of tests/functional."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "functional")]

from kit import Server  # noqa: E402
from kit.authority import Authority  # noqa: E402

CONFIG = {
    "log": {"level": "warning"},
    "modules": {"offline": {"limit": 10000000}, "muc": {"messages": "1000000/1s"}},
}


class Doomed:
    """A server whose disk can be told to be slow (builds with --enable-debug)."""

    def __init__(self, folder, authority):
        self.disk = pathlib.Path(folder) / "disk"
        self.slow(0)
        self.server = Server(folder, authority, CONFIG)
        environment = {**self.server.environment(), "LINNET_TEST_VFS": str(self.disk)}
        self.server.environment = lambda: environment

    def slow(self, ms):
        new = self.disk.with_suffix(".new")
        new.write_text(f"slow {ms}\n" if ms else "ok\n", encoding="ascii")
        os.replace(new, self.disk)


@pytest.fixture
def doomed(tmp_path_factory):
    folder = tempfile.mkdtemp(prefix="linnet-")
    one = Doomed(folder, Authority(tmp_path_factory.mktemp("authority")))
    yield one
    one.server.stop()
    shutil.rmtree(folder)


def pytest_terminal_summary(terminalreporter):
    """What the kills gave, as the test noted it."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for _, text in report.user_properties:
                    terminalreporter.write_line(text)
