# SPDX-License-Identifier: MIT
"""Stanza ids: what claims to come from us and does not is taken out (XEP-0359 §4)."""

from kit import only_linnet

pytestmark = only_linnet("removes none without an archive")
NS = "urn:xmpp:sid:0"


def ids(message):
    return [(e.get("by"), e.get("id")) for e in message.iter(f"{{{NS}}}stanza-id")]


def test_forged(juliet, romeo):
    """§4: by the recipient's account, or his server, nobody else may say."""
    romeo.online()
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body>"
                f"<stanza-id xmlns='{NS}' by='{romeo.bare}' id='forged'/></message>")
    assert "forged" not in [i for _, i in ids(romeo.expect("<message id='m'/>"))]


def test_forged_in_another_spelling(juliet, romeo):
    romeo.online()
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body>"
                f"<stanza-id xmlns='{NS}' by='{romeo.bare.upper()}' id='forged'/></message>")
    assert "forged" not in [i for _, i in ids(romeo.expect("<message id='m'/>"))]


def test_of_others_is_kept(juliet, romeo):
    romeo.online()
    juliet.send(f"<message to='{romeo.bare}' type='chat' id='m'><body>x</body>"
                f"<stanza-id xmlns='{NS}' by='room@conference.verona.example' id='theirs'/>"
                f"<origin-id xmlns='{NS}' id='mine'/></message>")
    got = romeo.expect(f"<message id='m'><origin-id xmlns='{NS}' id='mine'/></message>")
    assert ("room@conference.verona.example", "theirs") in ids(got)
