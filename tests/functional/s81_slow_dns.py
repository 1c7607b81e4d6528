# SPDX-License-Identifier: MIT
"""Name servers that say nothing: a hundred domains wait for them, local chat does not."""

import socket

import pytest
from kit import Server
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


def test_local_chat_goes_on(server, juliet, romeo, nurse):
    """All of it goes through before the first of the hundred has waited long enough."""
    for one in (juliet, romeo, nurse):
        one.online()
    for i in range(100):
        nurse.send(f"<message to='r@n{i}.example' id='{i}' type='chat'><body>?</body></message>")
    for i in range(20):
        juliet.send(f"<message to='{romeo}' type='chat' id='{i}'><body>x</body></message>")
        romeo.expect(f"<message id='{i}'/>")
    nurse.expect_nothing()
    for _ in range(100):
        nurse.expect(f"<message type='error'><error type='wait'><remote-server-timeout "
                     f"xmlns='{STANZAS}'/></error></message>", timeout=30)
