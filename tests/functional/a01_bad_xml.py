# SPDX-License-Identifier: MIT
"""XML that ends a stream, before and after login (RFC 6120 §4.9.3, §11)."""

import pytest
from kit import PEER, needs_linnet

# Of several, the first is ours: the more specific one (RFC 6120 §4.9.3.1).
NWF = ("not-well-formed",)
RESTRICTED = ("restricted-xml", "not-well-formed")
ENCODING = ("unsupported-encoding", "not-well-formed", "bad-format")

TABLE = {
    # §4.9.3.13: not well-formed, or not namespace-well-formed
    "crossed-tags": (b"<message><body></message></body>", NWF),
    "attribute-twice": (b"<message to='a' to='b'/>", NWF),
    "unquoted-attribute": (b"<message to=a/>", NWF),
    "less-in-attribute": (b"<message to='<'/>", NWF),
    "ampersand": (b"<message><body>a & b</body></message>", NWF),
    "control-character": (b"<message><body>\x01</body></message>", NWF),
    "nul": (b"<message><body>\x00</body></message>", NWF),
    "control-reference": (b"<message><body>&#1;</body></message>", NWF),
    "surrogate-reference": (b"<message><body>&#xD800;</body></message>", NWF),
    "cdata-end": (b"<message><body>]]></body></message>", NWF),
    "undeclared-prefix": (b"<foo:message/>", NWF),
    "undeclared-attribute-prefix": (b"<message foo:id='1'/>", NWF),
    "same-attribute-by-two-prefixes": (b"<message xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>", NWF),
    "prefix-undeclared-again": (b"<message xmlns:a=''/>", NWF),
    "no-name": (b"< message/>", NWF),
    "declaration-inside": (b"<?xml version='1.0'?><message/>", NWF + RESTRICTED),
    # §11.1: never in XMPP
    "comment": (b"<!-- but soft --><message/>", RESTRICTED[:1]),
    "comment-inside": (b"<message><!-- what light --></message>", RESTRICTED[:1]),
    "instruction": (b"<?php echo 1 ?><message/>", RESTRICTED[:1]),
    "instruction-inside": (b"<message><?x y?></message>", RESTRICTED[:1]),
    "dtd-too-late": (b"<!DOCTYPE a><message/>", RESTRICTED[::-1]),
    "entity": (b"<message><body>&foo;</body></message>", RESTRICTED),
    "entity-in-attribute": (b"<message id='&foo;'/>", RESTRICTED),
    # §11.6: UTF-8 alone
    "latin1": (b"<message><body>\xe9t\xe9</body></message>", ENCODING),
    "overlong": (b"<message><body>\xc0\x80</body></message>", ENCODING),
    "overlong-slash": (b"<message><body>\xe0\x80\xaf</body></message>", ENCODING),
    "surrogate": (b"<message><body>\xed\xa0\x80</body></message>", ENCODING),
    "beyond-unicode": (b"<message><body>\xf4\x90\x80\x80</body></message>", ENCODING),
    "lone-continuation": (b"<message><body>\x80</body></message>", ENCODING),
    "cut-sequence": (b"<message><body>\xe2\x82</body></message>", ENCODING),
    "no-character": (b"<message><body>\xef\xbf\xbf</body></message>", NWF + ENCODING),
    "name-in-latin1": (b"<m\xe9ssage/>", ENCODING),
    # §11.7: only white space between stanzas
    "text-between": (b"hello<message/>", ("bad-format", "invalid-xml", "not-well-formed")),
    "cdata-between": (b"<![CDATA[hello]]><message/>",
                      ("bad-format", "invalid-xml", "not-well-formed", "restricted-xml")),
}

# What Prosody ignores between stanzas, or calls by another name.
PROSODY = {"cdata-between", "text-between", "comment", "comment-inside", "instruction",
           "instruction-inside"}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("stage", ["before", "after"])
def test_ends_the_stream(server, stage, name):
    if name in PROSODY:
        needs_linnet("another condition")
    data, conditions = TABLE[name]
    if stage == "after":
        victim = server.client("juliet").online()
    else:
        victim = server.wire()
        victim.open("capulet.example")
    victim.send_raw(data)
    victim.send_quietly(b"</stream:stream>")
    victim.expect_stream_error(*(conditions[:1] if PEER == "linnet" else conditions))


@pytest.mark.parametrize("prologue", [
    "<!DOCTYPE stream>",
    "<!DOCTYPE stream [<!ENTITY a 'aaaa'>]>",
    "<!DOCTYPE stream SYSTEM 'http://capulet.example/stream.dtd'>",
    "<!DOCTYPE stream [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>"
    "<!ENTITY c '&b;&b;&b;&b;&b;&b;'>]>",
    "<?instruction?>", "<!-- comment -->",
], ids=["dtd", "entity", "external", "laughs", "instruction", "comment"])
def test_before_the_header(wire_, prologue):
    wire_.send("<?xml version='1.0'?>" + prologue)
    wire_.send_quietly(b"<stream:stream to='capulet.example' version='1.0' xmlns='jabber:client' "
                       b"xmlns:stream='http://etherx.jabber.org/streams'>")
    wire_.expect_stream_error("restricted-xml", "not-well-formed")


def test_what_is_allowed(juliet, romeo):
    """The five entities, character references, CDATA, any quotes and prefixes."""
    romeo.online()
    juliet.send(f"<message to=\"{romeo}\"   id = 'a&apos;b'\n><body><![CDATA[<&>]]>&lt;&amp;&gt;"
                "&quot;&apos;&#x41;&#66;</body></message  >")
    got = romeo.expect("<message id=\"a'b\"/>")
    assert got.findtext("{jabber:client}body") == "<&><&>\"'AB"
    juliet.send(f"<c:message xmlns:c='jabber:client' to='{romeo}'><c:body>prefixed</c:body>"
                "<x:x xmlns:x='urn:example' x:y='z'/></c:message>")
    romeo.expect("<message><body>prefixed</body><x xmlns='urn:example' xmlns:x='urn:example' "
                 "x:y='z'/></message>")


@pytest.mark.parametrize("text", [
    "Wherefore art thou?", "  leading and trailing  ", "tab\tand\nnewline",
    "ünïcödé", "☃", "𝄞 and 👩‍👩‍👧", "quotes ' and \"", "]]&gt;", "\u202eright to left",
    "&lt;body&gt;", "\u00a0", "e\u0301 is not \u00e9",
], ids=lambda t: t.encode("unicode_escape").decode()[:20])
def test_text_arrives_as_it_was(juliet, romeo, text):
    juliet.send(f"<message to='{romeo}'><body>{text}</body></message>")
    want = text.replace("&lt;", "<").replace("&gt;", ">")
    assert romeo.expect("<message/>").findtext("{jabber:client}body") == want


def test_in_pieces(juliet, romeo):
    """Where TCP cuts the bytes changes nothing."""
    romeo.online()
    for byte in f"<message to='{romeo}' id='bytes'><body>é 👍</body></message>".encode():
        juliet.send_raw(bytes([byte]))
    romeo.expect("<message id='bytes'><body>é 👍</body></message>")


def test_others_are_not_disturbed(server, juliet, romeo):
    romeo.online()
    victim = server.client("tybalt")
    victim.send("<<<")
    victim.expect_stream_error("not-well-formed")
    juliet.send(f"<message to='{romeo}' id='still'><body>here</body></message>")
    romeo.expect("<message id='still'/>")
