# SPDX-License-Identifier: MIT
"""The stream header: what is answered, and what is refused (RFC 6120 §4.7, §4.8, §4.9)."""

import pytest
from kit import deviates
from kit.match import XML_LANG

CLIENT, STREAM = "jabber:client", "http://etherx.jabber.org/streams"


def header(to="capulet.example", root="stream:stream", content=CLIENT, stream=STREAM,
           version="1.0", declaration="<?xml version='1.0'?>", more=""):
    attrs = "".join(f" {k}='{v}'" for k, v in (("to", to), ("version", version)) if v is not None)
    return f"{declaration}<{root}{attrs} xmlns='{content}' xmlns:stream='{stream}'{more}>"


def test_answer(wire_):
    wire_.send(header())
    answer = wire_.expect_header(from_="capulet.example", version="1.0")
    assert answer.get("id") and answer.get(XML_LANG)
    wire_.expect("<stream:features/>")


def test_answer_names_who_asked(wire_):
    """§4.7.2: if the client said who it is, so does the answer."""
    wire_.send(header(more=" from='juliet@capulet.example'"))
    wire_.expect_header(from_="capulet.example", to="juliet@capulet.example")


def test_ids_differ(server):
    ids = set()
    for _ in range(5):
        one = server.wire()
        one.send(header())
        ids.add(one.expect_header().get("id"))
    assert len(ids) == 5


@pytest.mark.parametrize("what", [
    header(declaration=""),
    header(declaration="<?xml version='1.0' encoding='UTF-8'?>"),
    header(declaration="<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>"),
    header(to="CAPULET.example"),
    header(more=" xml:lang='de' xmlns:other='urn:example' other:thing='1'"),
    "<?xml version='1.0'?><s:stream xmlns:s='http://etherx.jabber.org/streams' "
    "xmlns='jabber:client' to='capulet.example' version='1.0'>",
], ids=["no-declaration", "encoding", "all", "case", "more-attributes", "other-prefix"])
def test_accepted(wire_, what):
    wire_.send(what)
    wire_.expect_header(version="1.0")
    wire_.expect("<stream:features/>")


@deviates("prosody", "repeats our version")
@pytest.mark.parametrize("version", ["1.1", "1.9", "2.0", "1.10"])
def test_newer_version_is_answered_with_ours(wire_, version):
    """§4.7.5: the lower of the two."""
    wire_.send(header(version=version))
    wire_.expect_header(version="1.0")
    wire_.expect("<stream:features/>")


@deviates("prosody", "serves XMPP 0.9")
@pytest.mark.parametrize("version", [None, "0.9", "", "one", "-1.0", "1"])
def test_older_version(wire_, version):
    wire_.send(header(version=version))
    wire_.expect_stream_error("unsupported-version")


@pytest.mark.parametrize("to", [
    "verona.example", "capulet.example.", "conference.capulet.example",
    "example", "127.0.0.1", "xn--80ak6aa92e.example"])
def test_host_unknown(wire_, to):
    if to == "capulet.example.":
        pytest.skip("a final dot may be taken off (RFC 7622 §3.2)")
    wire_.send(header(to=to))
    wire_.expect_stream_error("host-unknown")


@pytest.mark.parametrize("to", [None, "", "@", "/", "juliet@capulet.example/", "a b",
                                "x" * 1024])
def test_improper_addressing(wire_, to):
    wire_.send(header(to=to))
    wire_.expect_stream_error("improper-addressing", "host-unknown")


@pytest.mark.parametrize("what, conditions", [
    (header(stream="http://wrong.example/streams"), ["invalid-namespace"]),
    (header(stream="http://etherx.jabber.org/streams/"), ["invalid-namespace"]),
    (header(content="http://wrong.example/"), ["invalid-namespace"]),
    (header(content="jabber:server"), ["invalid-namespace"]),
    (header(content="jabber:component:accept"), ["invalid-namespace"]),
    (header(content=""), ["invalid-namespace"]),
    (header(root="stream"), ["invalid-namespace", "bad-format", "bad-namespace-prefix"]),
    (header(root="stream:flow"), ["bad-format", "invalid-namespace", "not-well-formed",
                                  "bad-namespace-prefix"]),
    ("<message xmlns='jabber:client'>", ["invalid-namespace", "bad-format", "not-well-formed",
                                         "bad-namespace-prefix"]),
    ("<?xml version='1.0'?><html>", ["invalid-namespace", "bad-format", "not-well-formed",
                                     "bad-namespace-prefix"]),
], ids=["stream", "stream-slash", "content", "server", "component", "none", "no-prefix",
        "other-root", "stanza", "html"])
@deviates("prosody", "takes any content namespace; not-well-formed for some")
def test_wrong_namespace_or_root(wire_, what, conditions):
    wire_.send(what)
    wire_.expect_stream_error(*conditions)


@pytest.mark.parametrize("data", [
    header(declaration="<?xml version='1.0' encoding='ISO-8859-1'?>").encode(),
    header(declaration="<?xml version='1.0' encoding='US-ASCII'?>").encode(),
    header(declaration="<?xml version='1.0' encoding='UTF-16'?>").encode("utf-16"),
    header(declaration="<?xml version='1.0' encoding='klingon'?>").encode(),
], ids=["latin1", "ascii", "utf16", "unknown"])
@deviates("prosody", "takes what expat takes")
def test_unsupported_encoding(wire_, data):
    wire_.send_raw(data)
    wire_.expect_stream_error("unsupported-encoding", "not-well-formed", "bad-format")


@pytest.mark.parametrize("text", [
    "GET / HTTP/1.1\r\nHost: capulet.example\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "hello", "<", "<>", "&lt;", "<<stream>", "</stream:stream>",
], ids=["http", "tls", "text", "less", "empty-tag", "entity", "double", "end"])
@deviates("prosody", "with deferred parsing, not always")
def test_no_xml_at_all(wire_, text):
    wire_.send_quietly(text.encode("latin-1"))
    wire_.send_quietly(b" >")
    wire_.expect_stream_error("not-well-formed", "bad-format", "invalid-namespace",
                              "restricted-xml", "unsupported-encoding", "invalid-xml")


def test_second_header(wire_):
    """A second stream element inside the stream is no restart."""
    wire_.send(header())
    wire_.expect_header()
    wire_.expect("<stream:features/>")
    wire_.send(header(declaration=""))
    wire_.send_quietly(b"</stream:stream>")
    wire_.expect_stream_error("unsupported-stanza-type", "bad-format", "invalid-xml",
                              "not-well-formed", "not-authorized", "invalid-namespace",
                              "policy-violation")


@deviates("prosody", "with deferred parsing, waits for more")
def test_byte_by_byte(wire_):
    for byte in header().encode():
        wire_.send_raw(bytes([byte]))
    wire_.expect_header()
    wire_.expect("<stream:features/>")
