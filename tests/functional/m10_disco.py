# SPDX-License-Identifier: MIT
"""Service discovery, capabilities, contacts, limits (XEP-0030, 0115, 0128, 0157, 0478)."""

import base64
import hashlib

import pytest
from kit import Client, deviates, only_linnet

INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
CAPS = "{http://jabber.org/protocol/caps}c"
DATA = "{jabber:x:data}"
CONFIG = {"modules": {
    "disco": {"contacts": {"abuse": ["mailto:abuse@capulet.example", "xmpp:abuse@capulet.example"],
                           "admin": ["mailto:admin@capulet.example"]}},
    "ping": {}, "offline": {}}}


def info(client, to=None, node=None):
    node = f" node='{node}'" if node else ""
    return client.get(f"<query xmlns='{INFO}'{node}/>", to)[0]


def features(query):
    return [f.get("var") for f in query.iter(f"{{{INFO}}}feature")]


def identities(query):
    return [(i.get("category"), i.get("type")) for i in query.iter(f"{{{INFO}}}identity")]


def test_host(juliet):
    query = info(juliet, juliet.domain)
    assert ("server", "im") in identities(query)
    found = features(query)
    assert {INFO, ITEMS, "urn:xmpp:ping"} <= set(found)
    assert len(found) == len(set(found)), "each once"


def test_account(juliet):
    """One's own account is a registered one."""
    assert ("account", "registered") in identities(info(juliet, juliet.bare))
    assert ("account", "registered") in identities(info(juliet))


@deviates("prosody", "one presence more")
def test_account_of_a_friend(juliet, romeo):
    romeo.roster()
    romeo.online()
    juliet.roster()
    juliet.online()
    juliet.send(f"<presence to='{romeo.bare}' type='subscribe'/>")
    juliet.expect("<iq type='set'/>")
    romeo.expect("<presence type='subscribe'/>")
    romeo.send(f"<presence to='{juliet.bare}' type='subscribed'/>")
    juliet.expect_all("<presence type='subscribed'/>", "<iq type='set'/>",
                      f"<presence from='{romeo}'/>")
    assert ("account", "registered") in identities(info(juliet, romeo.bare))


@pytest.mark.parametrize("namespace", [INFO, ITEMS])
@pytest.mark.parametrize("who", ["stranger", "nobody"])
def test_strangers_learn_nothing(server, juliet, namespace, who):
    """XEP-0030 §8: an account that may not be seen is answered as if it were not there."""
    to = server.user("romeo").jid if who == "stranger" else server.nobody()
    ident = juliet.iq("get", f"<query xmlns='{namespace}'/>", to)
    answer = juliet.next()
    assert answer.get("id") == ident
    if answer.get("type") == "result":      # XEP-0030 §8: or an empty list of items
        assert namespace == ITEMS and len(answer[0]) == 0
    else:
        assert answer.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable") is not None


def test_items_of_host(juliet):
    query = juliet.get(f"<query xmlns='{ITEMS}'/>", juliet.domain)[0]
    for item in query:
        assert item.tag == f"{{{ITEMS}}}item" and item.get("jid")


def test_items_of_account(juliet):
    """XEP-0030 §4: one's own available resources may be listed; an answer there is."""
    juliet.online()
    juliet.get(f"<query xmlns='{ITEMS}'/>", juliet.bare)


@pytest.mark.parametrize("namespace", [INFO, ITEMS])
@pytest.mark.parametrize("to", ["host", "account"])
def test_unknown_node(juliet, namespace, to):
    """XEP-0030 §7."""
    ident = juliet.iq("get", f"<query xmlns='{namespace}' node='urn:example:nothing'/>",
                      juliet.domain if to == "host" else juliet.bare)
    answer = juliet.next()
    assert answer.get("id") == ident
    if namespace == ITEMS and answer.get("type") == "result":
        assert len(answer[0]) == 0
    else:
        names = [child.tag.split("}")[1] for child in answer.find("{jabber:client}error")]
        assert {"item-not-found", "service-unavailable"} & set(names)


@deviates("prosody", "other errors")
def test_set_is_refused(juliet):
    juliet.refused("set", f"<query xmlns='{INFO}'/>",
                   "service-unavailable|not-allowed|feature-not-implemented|bad-request",
                   to=juliet.domain)


@deviates("prosody", "mod_server_contact_info")
def test_contacts(juliet):
    """XEP-0157, in a form of XEP-0128."""
    query = info(juliet, juliet.domain)
    forms = [x for x in query.iter(f"{DATA}x")
             if x.findtext(f"{DATA}field[@var='FORM_TYPE']/{DATA}value")
             == "http://jabber.org/network/serverinfo"]
    assert len(forms) == 1 and forms[0].get("type") == "result"
    assert forms[0].find(f"{DATA}field[@var='FORM_TYPE']").get("type") == "hidden"
    found = {f.get("var"): [v.text for v in f] for f in forms[0]}
    assert found["abuse-addresses"] == ["mailto:abuse@capulet.example",
                                        "xmpp:abuse@capulet.example"]
    assert found["admin-addresses"] == ["mailto:admin@capulet.example"]


def test_capabilities(server):
    """XEP-0115 §6.3: in the features after login; the hash is that of the answer."""
    juliet = Client(server, server.user("juliet")).negotiate()
    caps = juliet.features.find(CAPS)
    assert caps is not None and caps.get("hash") == "sha-1"
    juliet.bind()
    assert verification(info(juliet, juliet.domain)) == caps.get("ver")
    node = f"{caps.get('node')}#{caps.get('ver')}"
    assert verification(info(juliet, juliet.domain, node)) == caps.get("ver")


@only_linnet("reload")
def test_capabilities_change_with_the_modules(servers):
    """XEP-0115 §5: another set of features, another hash; the old node is not known any more."""
    server = servers({"modules": {"disco": {}}})
    juliet = server.client("juliet")
    before = juliet.features.find(CAPS)
    server.reload({"modules": {"disco": {}, "time": {}}})
    after = Client(server, juliet.user).negotiate().features.find(CAPS)
    assert after.get("ver") != before.get("ver")
    assert verification(info(juliet, juliet.domain)) == after.get("ver")
    juliet.refused("get", f"<query xmlns='{INFO}' node='{before.get('node')}#{before.get('ver')}'/>",
                   "item-not-found", to=juliet.domain)


def verification(query):
    """XEP-0115 §5.1."""
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    text = "".join(sorted(f"{i.get('category')}/{i.get('type')}/{i.get(lang, '')}/"
                          f"{i.get('name', '')}<" for i in query.iter(f"{{{INFO}}}identity")))
    text += "".join(sorted(f + "<" for f in features(query)))
    forms = {}
    for form in query.iter(f"{DATA}x"):
        fields = {f.get("var"): sorted(v.text or "" for v in f.iter(f"{DATA}value"))
                  for f in form.iter(f"{DATA}field")}
        kind = fields.pop("FORM_TYPE")[0]
        forms[kind] = kind + "<" + "".join(
            var + "<" + "".join(v + "<" for v in fields[var]) for var in sorted(fields))
    text += "".join(forms[kind] for kind in sorted(forms))
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


@only_linnet("XEP-0478")
def test_limits_are_announced(servers):
    server = servers({"limits": {"stanza": "100k"}})
    juliet = Client(server, server.user("juliet"))
    for after_login, want in ((False, 16 * 1024), (True, 100 * 1024)):
        if after_login:
            juliet.authenticate()
        else:
            juliet.features = juliet.open(juliet.domain)
        limits = juliet.features.find("{urn:xmpp:stream-limits:0}limits")
        assert int(limits.findtext("{urn:xmpp:stream-limits:0}max-bytes")) == want


@only_linnet("its modules")
@pytest.mark.parametrize("service", ["", "conference.", "upload.", "proxy."])
def test_identities_come_first(servers, service):
    """§11.1: the schema is a sequence; a parser that reads it as one must find them."""
    juliet = servers({"modules": {"muc": {}, "http_upload": {}, "proxy65": {}, "disco": {}}}) \
        .client("juliet")
    query = info(juliet, service + juliet.domain)
    names = [child.tag.split("}")[1] for child in query]
    order = ["identity", "feature", "x"]
    assert names[0] == "identity" and names == sorted(names, key=order.index)
