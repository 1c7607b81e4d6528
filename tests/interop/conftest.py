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

MODULES = ("offline", "disco", "version", "time", "last", "vcard", "private", "blocking",
           "carbons", "csi")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    folder = tempfile.mkdtemp(prefix="linnet-")
    authority = Authority(tmp_path_factory.mktemp("authority"))
    one = Server(folder, authority, {"c2s": {"tls": "required"},
                                     "modules": {name: {} for name in MODULES}})
    one.start()
    yield one
    one.stop()
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _alive(server):
    yield
    server.check()
