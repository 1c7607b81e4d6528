# SPDX-License-Identifier: MIT
"""Stanza patterns: XML that says what must be there.

    <message from='{romeo}' id='*'><body>Hello</body></message>

An element matches if its name and namespace are the pattern's and it has what
the pattern has: each attribute with that value ('*': any value; '!': must not
be there), the text if the pattern has one ('*': any), and for each child of
the pattern a child of its own that matches.  What the pattern does not mention
is free, unless `only` is asked for: then there is nothing else.

Patterns are in jabber:client unless they say otherwise; the prefix stream is
declared.
"""

import functools
import itertools
from xml.etree import ElementTree

NS_CLIENT = "jabber:client"
NS_STREAM = "http://etherx.jabber.org/streams"
NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_WRAP = f"<w xmlns='{NS_CLIENT}' xmlns:stream='{NS_STREAM}'>%s</w>"


@functools.lru_cache(maxsize=None)
def parse(text):
    found = list(ElementTree.fromstring(_WRAP % text))
    if len(found) != 1:
        raise ValueError(f"a pattern is one element: {text}")
    return found[0]


def matches(pattern, element, only=False):
    """Whether element is what pattern (text, or a predicate) describes."""
    if callable(pattern):
        return bool(pattern(element))
    return _mismatch(parse(pattern), element, only) is None


def mismatch(pattern, element, only=False):
    """Why it does not match; None if it does."""
    if callable(pattern):
        return None if pattern(element) else f"{pattern} says no"
    return _mismatch(parse(pattern), element, only)


def _mismatch(pattern, element, only):
    name = _local(pattern.tag)
    if pattern.tag != element.tag:
        return f"<{element.tag}> instead of <{pattern.tag}>"
    return (_attributes(name, pattern, element, only)
            or _text(name, pattern, element, only)
            or _children(name, pattern, element, only))


def _attributes(name, pattern, element, only):
    for key, wanted in pattern.attrib.items():
        got = element.get(key)
        if got is None and key == "type" and pattern.tag == f"{{{NS_CLIENT}}}message":
            got = "normal"      # RFC 6121 §5.2.2
        if wanted == "!":
            if got is not None:
                return f"{name}: {key}='{got}' should not be there"
        elif got is None:
            return f"{name}: no {key}"
        elif wanted not in ("*", got):
            return f"{name}: {key}='{got}' instead of '{wanted}'"
    if only:
        more = set(element.attrib) - set(pattern.attrib) - {XML_LANG}
        if more:
            return f"{name}: unasked {', '.join(sorted(more))}"
    return None


def _text(name, pattern, element, only):
    wanted, got = (pattern.text or "").strip(), (element.text or "")
    if wanted == "*":
        return None if got else f"{name}: no text"
    if wanted and wanted != got.strip():
        return f"{name}: text '{got}' instead of '{wanted}'"
    if only and not wanted and got.strip():
        return f"{name}: unasked text '{got}'"
    return None


def _children(name, pattern, element, only):
    free = list(element)
    for wanted in pattern:
        reasons = [(_mismatch(wanted, child, only), child) for child in free]
        found = next((child for why, child in reasons if why is None), None)
        if found is None:
            near = [why for why, child in reasons if child.tag == wanted.tag]
            return f"{name}/" + (near[0] if near else f"{_local(wanted.tag)}: missing")
        free.remove(found)
    if only and free:
        return f"{name}: unasked <{_local(free[0].tag)}>"
    return None


def assign(patterns, elements, only=False):
    """Whether each pattern can be given an element of its own."""
    return any(all(matches(p, e, only) for p, e in zip(patterns, order))
               for order in itertools.permutations(elements))


def show(element):
    """The element as a reader wants it: prefixes gone, namespaces where they change."""
    return _show(element, NS_CLIENT)


def _show(element, outer):
    space, name = _split(element.tag)
    attrs = [] if space in (outer, NS_STREAM) else [f"xmlns='{space}'"]
    if space == NS_STREAM:
        name = "stream:" + name
    for key, value in element.attrib.items():
        attrs.append(f"{key.replace('{http://www.w3.org/XML/1998/namespace}', 'xml:')}='{value}'")
    head = " ".join([name] + attrs)
    inner = (element.text or "") + "".join(
        _show(child, space) + (child.tail or "") for child in element)
    return f"<{head}>{inner}</{name}>" if inner else f"<{head}/>"


def _split(tag):
    return tag[1:].split("}", 1) if tag[0] == "{" else ("", tag)


def _local(tag):
    return _split(tag)[1]
