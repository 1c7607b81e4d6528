# SPDX-License-Identifier: MIT
"""Which server is under test, and how patient the tests are.

LINNET_PEER=prosody runs the dialogues against Prosody: a check of the
dialogues, not of Prosody.  Where it leaves the specification, or does not know
a thing, the test says so with `deviates` or `only_linnet`.
"""

import os
import time

import pytest

PEER = os.environ.get("LINNET_PEER", "linnet")

# Seconds to wait for one thing.  Sanitizers need more: LINNET_PATIENCE=5.
PATIENCE = float(os.environ.get("LINNET_PATIENCE", "1"))
TIMEOUT = 5 * PATIENCE


def deviates(peer, why):
    """Skip for a peer that does it otherwise."""
    return pytest.mark.skipif(PEER == peer, reason=f"{peer}: {why}")


def only_linnet(why):
    """Skip for every peer but ours: the test is about our own options or promises."""
    return pytest.mark.skipif(PEER != "linnet", reason=f"{PEER}: {why}")


def allowed(conditions):
    """Where the text leaves several conditions open: the first is ours, any of them a peer's."""
    return conditions[:1] if PEER == "linnet" else conditions


def needs_linnet(why="Linnet's own"):
    if PEER != "linnet":
        pytest.skip(f"{PEER}: {why}")


def until(attempt):
    """What it returns when it succeeds, where there is no event to wait for."""
    deadline = time.monotonic() + 4 * TIMEOUT
    while not (got := attempt()):
        assert time.monotonic() < deadline, "not in time"
    return got
