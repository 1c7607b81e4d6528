# SPDX-License-Identifier: MIT
"""Files and calls that clients agree on: every stanza of theirs passes as it is.

Jingle (XEP-0166) with files (0234), RTP (0167), SOCKS5 (0260) and in-band (0261) transports;
in-band bytestreams (0047) and stream initiation (0096) without it.
"""

import base64
import os
from xml.etree import ElementTree as ET

import pytest

JINGLE = "urn:xmpp:jingle:1"
IBB = "http://jabber.org/protocol/ibb"

FILE = """<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'>
  <file><date>2015-07-26T21:46:00+01:00</date><desc>This is a test. &lt;b&gt;&amp;</desc>
    <media-type>text/plain</media-type><name>t\u00e9st \u2764.txt</name><range/><size>6144</size>
    <hash xmlns='urn:xmpp:hashes:2' algo='sha-1'>w0mcJylzCn+AfvuGdqkty2+KP48=</hash></file>
</description>"""
S5B = """<transport xmlns='urn:xmpp:jingle:transports:s5b:1' mode='tcp' sid='vj3hs98y'
    dstaddr='972b7bf47291ca609517f67f86b5081086052dad'>
  <candidate cid='hft54dqy' host='192.168.4.1' jid='romeo@montague.example/dr4hcr0st3lup4c'
    port='5086' priority='8257636' type='direct'/>
  <candidate cid='hutr46fe' host='24.24.24.1' jid='proxy.capulet.example' port='7625'
    priority='7878787' type='proxy'/>
</transport>"""
RTP = """<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>
  <payload-type id='96' name='speex' clockrate='16000'><parameter name='vbr' value='on'/>
  </payload-type><encryption required='1'><crypto crypto-suite='AES_CM_128_HMAC_SHA1_80'
    key-params='inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:32' tag='1'/></encryption>
  <bandwidth type='AS'>128</bandwidth></description>
<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' pwd='asd88fgpdd777uzjYhagZg' ufrag='8hhy'>
  <candidate component='1' foundation='1' generation='0' id='el0747fg11' ip='10.0.1.1' network='1'
    port='8998' priority='2130706431' protocol='udp' type='host'/></transport>"""
IN_BAND = "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='4096' sid='ch3d9s71'/>"
SI = """<si xmlns='http://jabber.org/protocol/si' id='a0' mime-type='text/plain'
    profile='http://jabber.org/protocol/si/profile/file-transfer'>
  <file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='test.txt' size='1022'
    hash='552da749930852c69ae5d2141d3766b1' date='1969-07-21T02:56:15Z'><desc>A test.</desc><range/>
  </file><feature xmlns='http://jabber.org/protocol/feature-neg'><x xmlns='jabber:x:data'
    type='form'><field var='stream-method' type='list-single'>
      <option><value>http://jabber.org/protocol/bytestreams</value></option>
      <option><value>http://jabber.org/protocol/ibb</value></option></field></x></feature></si>"""


def jingle(action, inner, content="a-file-offer"):
    return (f"<jingle xmlns='{JINGLE}' action='{action}' sid='851ba2' "
            "initiator='romeo@montague.example/dr4hcr0st3lup4c'>"
            f"<content creator='initiator' name='{content}' senders='initiator'>{inner}</content>"
            "</jingle>")


REQUESTS = {
    "jingle-file": jingle("session-initiate", FILE + S5B),
    "jingle-accept": jingle("session-accept", FILE + S5B),
    "jingle-rtp": jingle("session-initiate", RTP, "voice"),
    "jingle-candidate": jingle("transport-info", "<transport xmlns='urn:xmpp:jingle:transports:s5b"
                               ":1' sid='vj3hs98y'><candidate-used cid='hr65dqyd'/></transport>"),
    "jingle-activated": jingle("transport-info", "<transport xmlns='urn:xmpp:jingle:transports:s5b"
                               ":1' sid='vj3hs98y'><activated cid='hutr46fe'/></transport>"),
    "jingle-replace": jingle("transport-replace", IN_BAND),
    "jingle-checksum": f"<jingle xmlns='{JINGLE}' action='session-info' sid='851ba2'><checksum "
                       "xmlns='urn:xmpp:jingle:apps:file-transfer:5' creator='initiator' name='x'>"
                       "<file><hash xmlns='urn:xmpp:hashes:2' algo='sha-1'>w0mcJylzCn+AfvuGdqkty2+"
                       "KP48=</hash></file></checksum></jingle>",
    "jingle-end": f"<jingle xmlns='{JINGLE}' action='session-terminate' sid='851ba2'><reason>"
                  "<success/><text>Sorry, gotta go!</text></reason></jingle>",
    "si": SI,
    "ibb-open": f"<open xmlns='{IBB}' block-size='4096' sid='i781hf64' stanza='iq'/>",
    "ibb-data": f"<data xmlns='{IBB}' seq='65535' sid='i781hf64'>"
                f"{base64.b64encode(bytes(range(256)) * 16).decode()}</data>",
    "ibb-close": f"<close xmlns='{IBB}' sid='i781hf64'/>",
}


def same(got, sent):
    """To the last space."""
    assert (got.tag, got.attrib, got.text, got.tail, len(got)) == \
        (sent.tag, sent.attrib, sent.text, sent.tail, len(sent))
    for one, other in zip(got, sent):
        same(one, other)


@pytest.mark.parametrize("name", REQUESTS)
def test_request(juliet, romeo, name):
    """There, and a result and an error back."""
    ident = juliet.iq("set", REQUESTS[name], romeo)
    got = romeo.expect(f"<iq type='set' id='{ident}' from='{juliet}' to='{romeo}'/>")
    same(got[0], ET.fromstring(REQUESTS[name]))
    romeo.send(f"<iq type='result' id='{ident}' to='{juliet}'>{SI}</iq>")
    same(juliet.answer(ident)[0], ET.fromstring(SI))
    ident = juliet.iq("set", REQUESTS[name], romeo)
    romeo.expect(f"<iq type='set' id='{ident}'/>")
    error = ("<error xmlns='jabber:client' type='cancel'><item-not-found xmlns='urn:ietf:params:"
             "xml:ns:xmpp-stanzas'/><unknown-session xmlns='urn:xmpp:jingle:errors:1'/></error>")
    romeo.send(f"<iq type='error' id='{ident}' to='{juliet}'>{error}</iq>")
    same(juliet.expect(f"<iq type='error' id='{ident}' from='{romeo}'/>")[0], ET.fromstring(error))


def test_nobody_is_there(server, juliet, romeo):
    """The other side's client is what answers; if it is gone, the server says so (§8.5.3.2.3)."""
    gone = f"{romeo.bare}/gone"
    for payload in REQUESTS.values():
        juliet.refused("set", payload, "service-unavailable", "cancel", to=gone)


def test_a_file_in_band(juliet, romeo):
    """XEP-0047: blocks in order, each acknowledged; and in messages, which are not."""
    blob = os.urandom(100000)
    blocks = [blob[at:at + 4096] for at in range(0, len(blob), 4096)]
    data = [f"<data xmlns='{IBB}' seq='{n}' sid='s'>{base64.b64encode(block).decode()}</data>"
            for n, block in enumerate(blocks)]
    got = b""
    for block in data:
        ident = juliet.iq("set", block, romeo)
        came = romeo.expect(f"<iq type='set' id='{ident}'/>")
        got += base64.b64decode(came[0].text)
        romeo.send(f"<iq type='result' id='{ident}' to='{juliet}'/>")
        juliet.answer(ident)
    assert got == blob
    romeo.online()
    for n, block in enumerate(data):
        juliet.send(f"<message id='m{n}' to='{romeo}'>{block}</message>")
    for n, block in enumerate(data):
        came = romeo.expect(f"<message id='m{n}' from='{juliet}'/>")
        same(came.find(f"{{{IBB}}}data"), ET.fromstring(block))


def test_offered_to_all_devices(juliet, romeo):
    """XEP-0353 §3: a call rings by a message to the account."""
    romeo.online()
    propose = ("<propose xmlns='urn:xmpp:jingle-message:0' id='ca3cf894'><description "
               "xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>")
    juliet.send(f"<message id='p' type='chat' to='{romeo.bare}'>{propose}</message>")
    came = romeo.expect(f"<message id='p' type='chat' from='{juliet}'/>")
    same(came.find("{urn:xmpp:jingle-message:0}propose"), ET.fromstring(propose))
