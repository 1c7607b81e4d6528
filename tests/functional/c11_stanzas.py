# SPDX-License-Identifier: MIT
"""Rules for every stanza: addresses, ids, types, errors (RFC 6120 §8)."""

import pytest
from kit import deviates, needs_linnet, only_linnet
from kit.client import check_error

UNKNOWN = "<query xmlns='urn:example:unknown'/>"


# --- iq (§8.2.3) ---------------------------------------------------------------------

BAD_IQ = {
    "no-id": "<iq type='get'{to}>" + UNKNOWN + "</iq>",
    "no-type": "<iq id='1'{to}>" + UNKNOWN + "</iq>",
    "unknown-type": "<iq id='1' type='ask'{to}>" + UNKNOWN + "</iq>",
    "empty-type": "<iq id='1' type=''{to}>" + UNKNOWN + "</iq>",
    "case-of-type": "<iq id='1' type='GET'{to}>" + UNKNOWN + "</iq>",
    "get-without-child": "<iq id='1' type='get'{to}/>",
    "set-without-child": "<iq id='1' type='set'{to}/>",
    "get-with-text": "<iq id='1' type='get'{to}>hello</iq>",
    "get-with-two": "<iq id='1' type='get'{to}>" + UNKNOWN * 2 + "</iq>",
    "set-with-two": "<iq id='1' type='set'{to}>" + UNKNOWN * 2 + "</iq>",
}
PROSODY = {"no-type", "unknown-type", "empty-type", "case-of-type", "no-id"}


@pytest.mark.parametrize("name", BAD_IQ)
@pytest.mark.parametrize("to", ["nobody", "host", "self", "contact"])
def test_bad_iq(juliet, romeo, name, to):
    if name in PROSODY:
        needs_linnet("other errors, or none")
    address = {"nobody": "", "host": juliet.domain, "self": juliet.bare, "contact": str(romeo)}[to]
    juliet.send(BAD_IQ[name].format(to=f" to='{address}'" if address else ""))
    error = juliet.expect("<iq type='error'/>")
    check_error(error, "bad-request", "modify")
    assert error.get("id") == (None if name == "no-id" else "1")
    romeo.expect_nothing(after=juliet)


@pytest.mark.parametrize("to", ["host", "host/resource", "self", "nobody"])
def test_unknown_request(juliet, to):
    """§8.4: a payload that nobody understands."""
    address = {"host": juliet.domain, "host/resource": f"{juliet.domain}/x", "self": juliet.bare,
               "nobody": None}[to]
    for kind in ("get", "set"):
        error = juliet.refused(kind, UNKNOWN, "service-unavailable|feature-not-implemented",
                               "cancel", to=address)
        assert error.get("from") in (address, juliet.bare, None)
        assert error.get("to") in (None, str(juliet))


@pytest.mark.parametrize("kind", ["result", "error"])
@pytest.mark.parametrize("to", ["host", "self", "nobody", "stranger", "gone"])
def test_unasked_answers_are_ignored(server, juliet, kind, to):
    """§8.2.3: an answer is never answered."""
    address = {"host": server.host, "self": juliet.bare, "nobody": "", "stranger": server.nobody(),
               "gone": f"{juliet.bare}/gone"}[to]
    inner = "" if kind == "result" else (
        "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    address = f" to='{address}'" if address else ""
    juliet.send(f"<iq type='{kind}' id='x'{address}>{inner}</iq>")
    juliet.expect_nothing()


# --- errors (§8.3) -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["message", "presence"])
@pytest.mark.parametrize("to", ["stranger", "gone", "host", "remote", "bad"])
def test_errors_are_not_answered(server, juliet, name, to):
    """§8.3.1: never an error for an error, wherever it goes."""
    address = {"stranger": server.nobody(), "gone": f"{juliet.bare}/gone", "host": server.host,
               "remote": "romeo@verona.example", "bad": "@@@"}[to]
    if to == "bad":
        needs_linnet("answers that one")
    juliet.send(f"<{name} type='error' to='{address}' id='e'><error type='cancel'>"
                "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                f"</{name}>")
    juliet.expect_nothing(at=address.split("/")[0] if to in ("stranger", "gone") else None)


def test_error_carries_id_and_addresses(juliet, romeo):
    """§8.3.1: the id of what failed, from whom it was meant for."""
    error = juliet.refused("get", UNKNOWN, "service-unavailable", to=f"{romeo.bare}/gone")
    assert error.get("from") == f"{romeo.bare}/gone"
    assert error.get("to") in (None, str(juliet))


# --- from (§8.1.2) ------------------------------------------------------------------------------

MESSAGE = "<message from='{}' to='{}' id='m'/>"


@pytest.mark.parametrize("form", ["full", "bare"])
def test_ones_own_from(juliet, romeo, form):
    """§8.1.2.1: replaced by the full address whatever it says."""
    sender = str(juliet) if form == "full" else juliet.bare
    juliet.send(MESSAGE.format(sender, romeo))
    romeo.expect(f"<message from='{juliet}' id='m'/>")


@pytest.mark.parametrize("sender", ["{romeo}", "{romeo.bare}", "{juliet.bare}/other",
                                    "capulet.example", "@@", "juliet", ""])
@pytest.mark.parametrize("name", ["message", "presence", "iq"])
@deviates("prosody", "replaces some silently")
def test_forged_from(juliet, romeo, name, sender):
    """§4.9.3.9: invalid-from."""
    sender = sender.format(juliet=juliet, romeo=romeo)
    juliet.send(f"<{name} from='{sender}' to='{romeo}' id='1'"
                + (f" type='get'>{UNKNOWN}</iq>" if name == "iq" else "/>"))
    juliet.expect_stream_error("invalid-from")
    romeo.expect_nothing()


# --- to (§8.1.1, RFC 7622) ------------------------------------------------------------------------

BAD_ADDRESSES = ["@", "@capulet.example", "romeo@", "romeo@capulet.example/", "a@b@capulet.example",
                 "romeo montague@capulet.example", "romeo@-capulet.example", "romeo@cap ulet.example",
                 "ro&lt;meo@capulet.example", "ro&apos;meo@capulet.example", "ro:meo@capulet.example",
                 "x" * 1024 + "@capulet.example", "romeo@capulet.example/" + "x" * 1024,
                 "romeo@" + "x" * 64 + ".example", "romeo@capulet.example/\u007f", "\u2163@capulet.example"]


@pytest.mark.parametrize("to", BAD_ADDRESSES, ids=range(len(BAD_ADDRESSES)))
@pytest.mark.parametrize("name", ["message", "presence", "iq"])
@deviates("prosody", "stringprep; closes the stream for some")
def test_malformed_to(juliet, name, to):
    """§8.3.3.8."""
    if "\u2163" in to and name != "message":
        return
    juliet.send(f"<{name} to='{to}' id='1'"
                + (f" type='get'>{UNKNOWN}</iq>" if name == "iq" else "/>"))
    juliet.expect_error("1", "jid-malformed", "modify", name=name)


@pytest.mark.parametrize("spelling", ["{up}@capulet.example", "{low}@CAPULET.Example",
                                      "{up}@Capulet.EXAMPLE/orchard", "{wide}@capulet.example"])
def test_addresses_are_prepared(juliet, romeo, spelling):
    romeo.online()
    wide = "".join(chr(ord(c) + 0xfee0) for c in romeo.local)
    if "wide" in spelling:
        needs_linnet("stringprep")
    to = spelling.format(up=romeo.local.upper(), low=romeo.local, wide=wide)
    juliet.send(f"<message to='{to}' id='prepared' type='chat'><body>hi</body></message>")
    romeo.expect(f"<message from='{juliet}' id='prepared'/>")


def test_message_without_to(juliet):
    """§10.3.1: as if to one's own bare address."""
    juliet.online()
    juliet.send("<message id='me' type='chat'><body>to myself</body></message>")
    juliet.expect(f"<message id='me' from='{juliet}'/>")


def test_iq_without_to(juliet):
    """§10.3.3: the server answers for the account."""
    error = juliet.refused("get", UNKNOWN, "service-unavailable|feature-not-implemented")
    assert error.get("from") in (None, juliet.bare, str(juliet))


def test_to_ones_own_full_address(juliet):
    juliet.send(f"<message to='{juliet}' id='me'><body>echo</body></message>")
    juliet.expect(f"<message to='{juliet}' from='{juliet}' id='me'/>")


@only_linnet("no s2s here")
@pytest.mark.parametrize("name", ["message", "iq"])
def test_another_server(juliet, name):
    """§10.4: what cannot be reached is said."""
    juliet.send(f"<{name} to='romeo@verona.example' id='1'"
                + (f" type='get'>{UNKNOWN}</iq>" if name == "iq" else "/>"))
    juliet.expect_error("1", "remote-server-not-found|remote-server-timeout", name=name)


def test_message_to_the_host(juliet):
    """Nobody reads it: an error, or silence; the stream lives on."""
    juliet.send(f"<message to='{juliet.domain}' id='h'><body>hello?</body></message>")
    ident = juliet.iq("get", UNKNOWN)
    got = juliet.next()
    if got.tag.endswith("message"):
        check_error(got, "service-unavailable|feature-not-implemented|item-not-found")
        got = juliet.next()
    assert got.get("id") == ident


# --- what is passed on ------------------------------------------------------------------------------


def test_payload_is_not_touched(juliet, romeo):
    juliet.send(f"<message to='{romeo}' id='p' type='normal'>"
                "<subject>S</subject><thread parent='x'>T</thread>"
                "<x xmlns='urn:example:1' a='1' xmlns:p='urn:example:2' p:b='2'>text<y><z/></y>tail"
                "<p:w/></x><forwarded xmlns='urn:xmpp:forward:0'>"
                "<message xmlns='jabber:client' from='a@b' to='c@d'><body>inner</body></message>"
                "</forwarded></message>")
    got = romeo.expect("<message id='p' type='normal'><subject>S</subject>"
                       "<thread parent='x'>T</thread>"
                       "<x xmlns='urn:example:1' xmlns:p='urn:example:2' a='1' p:b='2'>text"
                       "<y><z/></y><p:w/></x><forwarded xmlns='urn:xmpp:forward:0'>"
                       "<message xmlns='jabber:client' from='a@b' to='c@d'><body>inner</body>"
                       "</message></forwarded></message>")
    assert got.find("{urn:example:1}x/{urn:example:1}y").tail == "tail"


@pytest.mark.parametrize("ident", ["1", "&lt;&apos;&quot;&amp;", "ü ☃", "x" * 1000])
def test_ids_are_echoed(juliet, ident):
    juliet.send(f"<iq type='get' id='{ident}'>{UNKNOWN}</iq>")
    want = (ident.replace("&lt;", "<").replace("&apos;", "'").replace("&quot;", '"')
            .replace("&amp;", "&"))
    assert juliet.expect("<iq type='error'/>").get("id") == want


@only_linnet("removes nothing")
def test_unknown_message_type_is_normal(juliet, romeo):
    """RFC 6121 §5.2.2."""
    romeo.online()
    juliet.send(f"<message to='{romeo.bare}' id='n' type='telepathy'><body>hm</body></message>")
    romeo.expect("<message id='n'/>")
