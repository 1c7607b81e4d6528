# SPDX-License-Identifier: MIT
"""A server of ours beside a program of others, as long as a file's tests last."""

import shutil
import tempfile
import time

from kit.authority import Authority


def staged(world, tmp_path_factory):
    """For a fixture: world(folder, authority), which has start() and stop()."""
    folder = tempfile.mkdtemp(prefix="linnet-")
    one = world(folder, Authority(tmp_path_factory.mktemp("authority")))
    try:
        one.start()
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder)


def until_served(process, attempt):
    """Until a program of others answers; it must not end meanwhile."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return attempt()
        except (OSError, AssertionError):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)    # between two questions: there is no event to wait for
