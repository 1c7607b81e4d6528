# SPDX-License-Identifier: MIT
"""What the dialogues stand on: servers, clients, and patterns to compare stanzas with."""

from .client import Client
from .match import matches, show
from .peer import PEER, TIMEOUT, deviates, needs_linnet, only_linnet, until
from .server import Server
from .wire import Closed, Unexpected, Wire

__all__ = [
    "Client", "Closed", "PEER", "Server", "TIMEOUT", "Unexpected", "Wire",
    "deviates", "matches", "needs_linnet", "only_linnet", "show", "until",
]
