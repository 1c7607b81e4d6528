# SPDX-License-Identifier: MIT
"""Two clients exchange messages: the simplest thing a server is for."""

from kit import PEER


def test_full_jid(juliet, romeo):
    juliet.send(f"<message to='{romeo}' type='chat' id='m1'><body>Art thou not Romeo?</body></message>")
    stamp = f"<stanza-id xmlns='urn:xmpp:sid:0' by='{romeo.bare}' id='*'/>"
    romeo.expect(f"<message from='{juliet}' to='{romeo}' type='chat' id='m1'>"
                 f"<body>Art thou not Romeo?</body>{stamp if PEER == 'linnet' else ''}</message>",
                 only=True)


def test_order_is_kept(juliet, romeo):
    for n in range(100):
        juliet.send(f"<message to='{romeo}' id='m{n}'><body>{n}</body></message>")
    for n in range(100):
        romeo.expect(f"<message from='{juliet}' id='m{n}'><body>{n}</body></message>")


def test_nothing_comes_of_nothing(juliet, romeo):
    romeo.expect_nothing(after=juliet)


def test_tls(server):
    romeo = server.client("romeo", tls="starttls", mechanism="PLAIN").online()
    juliet = server.client("juliet").online()
    juliet.send(f"<message to='{romeo.bare}' type='chat'><body>Ay me!</body></message>")
    romeo.expect(f"<message from='{juliet}' to='{romeo.bare}'><body>Ay me!</body></message>")
