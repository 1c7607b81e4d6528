# SPDX-License-Identifier: MIT
"""A client that waits for nothing: from the header to its requests in one write.

The stream moves to the home of its account in the middle of it (DESIGN section 5).
"""

import base64
import re

import pytest
from kit import Client, only_linnet

HEADER = ("<?xml version='1.0'?><stream:stream to='capulet.example' version='1.0' "
          "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
PINGS = 300


def everything(user):
    message = base64.b64encode(f"\0{user.local}\0{user.password}".encode()).decode()
    return (f"{HEADER}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{message}"
            f"</auth>{HEADER}<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
            "</iq>" + "".join(f"<iq type='get' id='p{n}'><ping xmlns='urn:xmpp:ping'/></iq>"
                              for n in range(PINGS))).encode()


@only_linnet("others want the client to wait")
@pytest.mark.parametrize("size", [1 << 20, 1000, 7], ids=["whole", "pieces", "crumbs"])
def test_everything_at_once(server, size):
    """Bytes that come before, in and after the move are all there, in order."""
    for _ in range(10):
        client = Client(server, server.user("juliet"), port="c2s-tls")
        client.start_tls(server.tls(alpn=["xmpp-client"]), client.domain)
        data = everything(client.user)
        for at in range(0, len(data), size):
            client.send_raw(data[at:at + size])
        assert re.findall(r"id='(b|p\d+)'", read_until(client, "id='p299'")) == \
            ["b"] + [f"p{n}" for n in range(PINGS)]
        client.sock.close()


def read_until(client, last):
    """As text: two streams follow each other in it."""
    text = ""
    while last not in text:
        more = client.sock.recv(65536).decode()
        assert more, f"closed after {text[-500:]}"
        text += more
    return text
