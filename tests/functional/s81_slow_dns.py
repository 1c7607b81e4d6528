# SPDX-License-Identifier: MIT
"""Name servers that say nothing: a hundred domains wait for them, local chat does not."""

import socket
import time

import pytest
from kit import Server
from kit.peer import PATIENCE
from kit.wire import wires

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    one = Server(tmp_path_factory.mktemp("slow"), authority, {
        "dns": {"servers": [f"127.0.0.1:{silent.getsockname()[1]}"], "trust-anchor": "none"},
        "s2s": {"trust": "dialback"}}, more_services=("s2s",))
    one.start()
    yield one
    while wires:
        wires.pop().abort()
    one.stop()
    silent.close()


def latency(one, other, count=300):
    """The 99th percentile of sending one message, in seconds."""
    took = []
    for i in range(count):
        begun = time.monotonic()
        one.send(f"<message to='{other}' type='chat' id='{i}'><body>x</body></message>")
        other.expect(f"<message id='{i}'/>")
        took.append(time.monotonic() - begun)
    return sorted(took)[count * 99 // 100]


def test_local_chat_goes_on(server, juliet, romeo, nurse):
    for one in (juliet, romeo, nurse):
        one.online()
    undisturbed = latency(juliet, romeo)
    for i in range(100):
        nurse.send(f"<message to='r@n{i}.example' id='{i}' type='chat'><body>?</body></message>")
    # the machine has other things to do, too
    assert latency(juliet, romeo) <= 2 * undisturbed + 0.02 * PATIENCE
    for _ in range(100):
        nurse.expect(f"<message type='error'><error type='wait'><remote-server-timeout "
                     f"xmlns='{STANZAS}'/></error></message>", timeout=30)
