# SPDX-License-Identifier: MIT
"""What a user keeps on the server: vCard (XEP-0054) and private XML (XEP-0049)."""

import pytest
from kit import Client, deviates, only_linnet
from kit.match import show

CONFIG = {"modules": {"vcard": {}, "private": {}}}
CARD = ("<vCard xmlns='vcard-temp'><FN>Juliet Capulet</FN><N><FAMILY>Capulet</FAMILY>"
        "<GIVEN>Juliet</GIVEN></N><DESC>&lt;3 &amp; ünïcödé</DESC></vCard>")
ASK_CARD = "<vCard xmlns='vcard-temp'/>"
PRIVATE = "<query xmlns='jabber:iq:private'>{}</query>"


# --- vCard ---------------------------------------------------------------------------


@deviates("prosody", "converts it")
def test_store_and_fetch(juliet):
    juliet.set(CARD)
    assert show(juliet.get(ASK_CARD)[0]) == CARD.replace("&lt;", "<").replace("&amp;", "&")
    assert juliet.get(ASK_CARD, juliet.bare)[0].findtext("{vcard-temp}FN") == "Juliet Capulet"


@pytest.mark.parametrize("present", [True, False])
def test_of_somebody_else(server, juliet, romeo, present):
    """§3.3: anybody may read it, whether he is there or not."""
    juliet.set(CARD)
    if not present:
        juliet.close()
    assert romeo.get(ASK_CARD, juliet.bare)[0].findtext("{vcard-temp}FN") == "Juliet Capulet"


@deviates("prosody", "leaves mixed traces")
def test_replaced_as_a_whole(juliet):
    juliet.set(CARD)
    juliet.set("<vCard xmlns='vcard-temp'><NICKNAME>J</NICKNAME></vCard>")
    assert [child.tag for child in juliet.get(ASK_CARD)[0]] == ["{vcard-temp}NICKNAME"]


@deviates("prosody", "another answer")
def test_none_yet(server, juliet):
    """§3.1: empty to oneself; §3.3: to others the same as where there is no account."""
    assert len(juliet.get(ASK_CARD)[0]) == 0
    for to in (server.user("romeo").jid, server.nobody()):
        juliet.refused("get", ASK_CARD, "service-unavailable", "cancel", to=to)


def test_of_somebody_else_cannot_be_changed(juliet, romeo):
    """§3.2."""
    juliet.refused("set", CARD, "forbidden|not-allowed|not-authorized|service-unavailable",
                   to=romeo.bare)
    ident = romeo.iq("get", ASK_CARD)
    answer = romeo.next()
    assert answer.get("id") == ident
    assert answer.get("type") == "error" or len(answer[0]) == 0


@only_linnet("an option of ours")
def test_card_size(servers):
    server = servers({"modules": {"vcard": {"max-size": "4k"}}})
    juliet = server.client("juliet")
    big = f"<vCard xmlns='vcard-temp'><DESC>{'x' * 8000}</DESC></vCard>"
    juliet.refused("set", big, "not-acceptable|policy-violation|resource-constraint")
    juliet.set(CARD)


def test_large_card(juliet):
    """A photograph."""
    photo = "A" * 60000
    juliet.set(f"<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>{photo}</BINVAL>"
               "</PHOTO></vCard>")
    assert juliet.get(ASK_CARD)[0].findtext("{vcard-temp}PHOTO/{vcard-temp}BINVAL") == photo


# --- private XML ------------------------------------------------------------------------


def test_private_store_and_fetch(server, juliet):
    document = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>"
    juliet.set(PRIVATE.format(document))
    again = Client(server, juliet.user).login()
    got = again.get(PRIVATE.format("<exodus xmlns='exodus:prefs'/>"))[0]
    assert got[0].findtext("{exodus:prefs}defaultnick") == "Hamlet"


def test_private_none_yet(juliet):
    """§3: what was never stored comes back as it was asked for, empty."""
    got = juliet.get(PRIVATE.format("<storage xmlns='storage:bookmarks'/>"))[0]
    assert got[0].tag == "{storage:bookmarks}storage" and len(got[0]) == 0


def test_private_by_name_and_namespace(juliet):
    juliet.set(PRIVATE.format("<a xmlns='urn:one'>1</a>"))
    juliet.set(PRIVATE.format("<a xmlns='urn:two'>2</a>"))
    juliet.set(PRIVATE.format("<b xmlns='urn:one'>3</b>"))
    for name, ns, text in (("a", "urn:one", "1"), ("a", "urn:two", "2"), ("b", "urn:one", "3")):
        assert juliet.get(PRIVATE.format(f"<{name} xmlns='{ns}'/>"))[0][0].text == text


def test_private_is_private(juliet, romeo):
    """§3: nobody else's."""
    juliet.set(PRIVATE.format("<a xmlns='urn:one'>secret</a>"))
    for kind in ("get", "set"):
        romeo.refused(kind, PRIVATE.format("<a xmlns='urn:one'/>"),
                      "forbidden|service-unavailable|not-allowed", to=juliet.bare)
    assert juliet.get(PRIVATE.format("<a xmlns='urn:one'/>"))[0][0].text == "secret"


@pytest.mark.parametrize("kind", ["get", "set"])
@deviates("prosody", "bad-format")
def test_private_without_document(juliet, kind):
    """§4."""
    juliet.refused(kind, PRIVATE.format(""), "bad-request|not-acceptable", "modify")


@deviates("prosody", "takes it")
def test_private_reserved_namespace(juliet):
    """§4: jabber:client and its like are not for storing."""
    juliet.refused("set", PRIVATE.format("<message xmlns='jabber:client'/>"),
                   "not-acceptable|bad-request", "modify")


@only_linnet("an option of ours")
def test_private_size(servers):
    server = servers({"modules": {"private": {"max-size": "4k"}}})
    juliet = server.client("juliet")
    juliet.refused("set", PRIVATE.format(f"<a xmlns='urn:one'>{'x' * 8000}</a>"),
                   "not-acceptable|policy-violation|resource-constraint")
