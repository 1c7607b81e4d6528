# SPDX-License-Identifier: MIT
"""A client with manners: logs in, answers acknowledgement requests, knows its address.

    juliet = Client(server, server.user("juliet")).login("balcony")
    juliet.send(f"<message to='{romeo}'><body>Hello</body></message>")
    romeo.expect(f"<message from='{juliet}' to='{romeo}'><body>Hello</body></message>")

In a format string a client is its full JID; `juliet.bare` is the bare one.
"""

import itertools

from . import match, sasl
from .peer import allowed
from .wire import NS_TLS, Unexpected, Wire

NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_SM = "urn:xmpp:sm:3"
NS_BARRIER = "urn:linnet:test:barrier"

STANZAS = {f"{{jabber:client}}{name}" for name in ("message", "presence", "iq")}
R, A = f"{{{NS_SM}}}r", f"{{{NS_SM}}}a"
RESULT_OR_ERROR = ("result", "error")

_ids = itertools.count(1)


class Client(Wire):
    def __init__(self, server, user, name=None, connect=True, port="c2s", **more):
        self.server, self.user = server, user
        self.local, self.domain = user.local, user.domain
        self.password = user.password
        self.jid = self.bare = user.jid
        self.port = port
        self.sm_on, self.sm_id = False, None
        self.answers_r = True           # answer <r/> as it comes
        self.handled = 0                # stanzas received since <enabled/>
        self.acked = None               # the last h that came
        self.ours = set()               # ids of barriers, whose answers nobody waits for
        super().__init__(server.address(port), name or user.name, connect=connect, **more)

    def __str__(self):
        return self.jid

    # --- logging in ----------------------------------------------------------

    def login(self, resource=None, mechanism="SCRAM-SHA-1", tls=None, **more):
        self.negotiate(mechanism, tls, **more)
        self.bind(resource)
        return self

    def negotiate(self, mechanism="SCRAM-SHA-1", tls=None, **more):
        """As far as the features after SASL."""
        if self.port == "c2s-tls":
            self.start_tls(self.server.tls(alpn=["xmpp-client"]), self.domain)
        self.features = self.open(self.domain)
        if tls:
            self.starttls()
        self.authenticate(mechanism, **more)
        return self

    def starttls(self, context=None):
        self.send(f"<starttls xmlns='{NS_TLS}'/>")
        self.expect(f"<proceed xmlns='{NS_TLS}'/>")
        self.start_tls(context or self.server.tls(), self.domain)
        self.features = self.open(self.domain)
        return self.features

    def mechanisms(self):
        return [m.text for m in self.features.iter(f"{{{NS_SASL}}}mechanism")]

    def auth(self, mechanism, initial=None):
        """<auth/>, with the initial response: bytes, or text that is sent as it is."""
        if isinstance(initial, bytes):
            initial = sasl.b64(initial) or "="
        self.send(f"<auth xmlns='{NS_SASL}' mechanism='{mechanism}'>{initial or ''}</auth>")

    def response(self, data):
        data = sasl.b64(data) if isinstance(data, bytes) else data
        self.send(f"<response xmlns='{NS_SASL}'>{data}</response>")

    def challenge(self):
        return sasl.unb64(self.expect(f"<challenge xmlns='{NS_SASL}'/>").text)

    def expect_failure(self, *conditions):
        """<failure/> with a condition that is `allowed`; the stream goes on."""
        failure = self.expect(f"<failure xmlns='{NS_SASL}'/>")
        names = {child.tag.removeprefix(f"{{{NS_SASL}}}") for child in failure}
        assert names & set(allowed(conditions)), f"{match.show(failure)} instead of {conditions}"
        return failure

    def scram(self, mechanism, binding=None, password=None, user=None, **more):
        """The exchange up to the last answer, which the caller awaits; returns the state."""
        state = sasl.Scram(mechanism, user or self.local, password or self.password,
                           binding, **more)
        self.auth(mechanism, state.first())
        self.response(state.final(self.challenge()))
        return state

    def authenticate(self, mechanism="SCRAM-SHA-1", binding=None):
        if mechanism == "PLAIN":
            self.auth("PLAIN", sasl.plain(self.local, self.password))
            self.expect(f"<success xmlns='{NS_SASL}'/>")
        else:
            state = self.scram(mechanism, binding)
            state.verify(sasl.unb64(self.expect(f"<success xmlns='{NS_SASL}'/>").text))
        self.restart()
        self.features = self.open(self.domain)
        return self

    def bind(self, resource=None):
        inner = f"<resource>{resource}</resource>" if resource else ""
        self.send(f"<iq type='set' id='bind'><bind xmlns='{NS_BIND}'>{inner}</bind></iq>")
        answer = self.expect(f"<iq type='result' id='bind'><bind xmlns='{NS_BIND}'>"
                             "<jid>*</jid></bind></iq>")
        self.jid = answer.findtext(f"{{{NS_BIND}}}bind/{{{NS_BIND}}}jid")
        self.bare, self.resource = self.jid.split("/", 1)
        return self

    def another(self, resource=None, **more):
        """A second session of the same account."""
        return Client(self.server, self.user, f"{self.user.name}/{resource or '?'}").login(
            resource, **more)

    # --- being there -----------------------------------------------------------

    def online(self, priority=None, extra=""):
        """Initial presence, and our own copy of it; what else comes stays for later."""
        inner = (f"<priority>{priority}</priority>" if priority is not None else "") + extra
        self.send(f"<presence>{inner}</presence>")
        others = []
        while True:
            element = self.next()
            if match.matches(f"<presence from='{self}' type='!'/>", element):
                break
            others.append(("element", element))
        self._events_later = others + self._events_later
        return self

    def roster(self, version=None):
        """The roster as {bare JID: item}; from now on pushes come."""
        ver = "" if version is None else f" ver='{version}'"
        result = self.get(f"<query xmlns='jabber:iq:roster'{ver}/>", to=None)
        query = result.find("{jabber:iq:roster}query")
        if query is None:
            return None
        self.roster_version = query.get("ver")
        return {item.get("jid"): item for item in query}

    # --- asking ------------------------------------------------------------------

    def new_id(self):
        return f"q{next(_ids)}"

    def iq(self, kind, payload, to=None):
        """Send a request; returns its id."""
        ident = self.new_id()
        address = f" to='{to}'" if to else ""
        self.send(f"<iq type='{kind}' id='{ident}'{address}>{payload}</iq>")
        return ident

    def get(self, payload, to=None):
        return self.answer(self.iq("get", payload, to))

    def set(self, payload, to=None):
        return self.answer(self.iq("set", payload, to))

    def answer(self, ident):
        """The result for that id, which must be what comes next."""
        return self.expect(f"<iq type='result' id='{ident}'/>")

    def refused(self, kind, payload, condition, error_type=None, to=None):
        """A request that must be answered with that stanza error."""
        return self.expect_error(self.iq(kind, payload, to), condition, error_type)

    def expect_error(self, ident, condition, error_type=None, name="iq", **attrs):
        """A stanza of type error; condition may be several, separated by '|'."""
        element = self.expect(f"<{name} type='error' id='{ident}'><error/></{name}>")
        check_error(element, condition, error_type)
        for key, value in attrs.items():
            key = "from" if key == "from_" else key
            assert element.get(key) == value, f"{key}='{element.get(key)}' instead of '{value}'"
        return element

    # --- silence -----------------------------------------------------------------

    def expect_nothing(self, after=None, at=None):
        """Nothing is on its way to us: shown by a request that comes through first.

        What `after` (another client, or this one) sent before must have had its effect by
        the time a request of his, sent now, reaches us: order between two entities is
        kept (RFC 6120 §10.1).  `at` is an address that we sent to: what comes of that comes
        before its answer to a request.
        """
        if after is not None and after is not self:
            ident = after.new_id()
            after.ours.add(ident)
            after.send(f"<iq type='get' id='{ident}' to='{self}'>"
                       f"<query xmlns='{NS_BARRIER}'/></iq>")
            self.expect(f"<iq type='get' id='{ident}'><query xmlns='{NS_BARRIER}'/></iq>")
            self.send(f"<iq type='result' id='{ident}' to='{after}'/>")
        self.sync(at)

    def sync(self, at=None):
        """Wait until the server has done what we asked so far, and nothing has come of it.

        Our own account answers, or `at`, a bare address that need not exist.
        """
        ident = self.iq("get", f"<query xmlns='{NS_BARRIER}'/>", at or self.bare)
        self.expect(f"<iq type='error' id='{ident}'/>")

    # --- XEP-0198 ------------------------------------------------------------------

    def enable(self, resume=False, **attrs):
        more = "".join(f" {k}='{v}'" for k, v in attrs.items()) + (" resume='true'" * resume)
        self.send(f"<enable xmlns='{NS_SM}'{more}/>")
        enabled = self.expect(f"<enabled xmlns='{NS_SM}'/>")
        self.sm_on, self.handled = True, 0
        self.sm_id = enabled.get("id")
        return enabled

    def ack(self, h=None):
        self.send(f"<a xmlns='{NS_SM}' h='{self.handled if h is None else h}'/>")

    def request_ack(self):
        """<r/>, and the h that answers it."""
        self.send(f"<r xmlns='{NS_SM}'/>")
        self.acked = None
        while self.acked is None:
            kind, element = super().event()
            if element is None or kind != "element":
                raise Unexpected(f"{self.name}: {kind} instead of <a/>")
            if element.tag == A:
                self.acked = int(element.get("h"))
            elif element.tag == R:
                if self.answers_r:
                    self.ack()
            else:
                self._events_later.append(("element", element))
                self._count(element)
        return self.acked

    def resume(self, old, h=None):
        """On a stream that has authenticated: take up the session of `old`."""
        handled = old.handled if h is None else h
        self.send(f"<resume xmlns='{NS_SM}' previd='{old.sm_id}' h='{handled}'/>")
        resumed = self.expect(f"<resumed xmlns='{NS_SM}' previd='{old.sm_id}'/>")
        self.sm_on, self.sm_id, self.handled = True, old.sm_id, handled
        self.jid, self.bare, self.resource = old.jid, old.bare, old.resource
        return int(resumed.get("h"))

    # --- what comes ------------------------------------------------------------------

    def restart(self):
        super().restart()
        self._events_later = []

    def event(self, timeout=None, raw=False):
        """As of Wire, without what belongs to acknowledgement and barriers."""
        while True:
            if self._events_later:
                return self._events_later.pop(0)
            kind, element = super().event(timeout)
            if kind != "element":
                return kind, element
            self._count(element)
            if element.tag == R and self.answers_r:
                self.ack()
            elif element.tag == A and not raw:
                self.acked = int(element.get("h"))
            elif element.get("type") in RESULT_OR_ERROR and element.get("id") in self.ours:
                self.ours.remove(element.get("id"))
            else:
                return kind, element

    def _count(self, element):
        if self.sm_on and element.tag in STANZAS:
            self.handled += 1


def check_error(element, condition, error_type=None):
    """That a stanza of type error has the condition (RFC 6120 §8.3).

    Of several, a|b, one is `allowed`.
    """
    error = element.find("{jabber:client}error")
    names = [child.tag.removeprefix(f"{{{match.NS_STANZAS}}}") for child in error
             if child.tag.startswith(f"{{{match.NS_STANZAS}}}")]
    names = [name for name in names if name != "text"]
    assert len(names) == 1, f"one condition, not {names}"
    assert names[0] in allowed(condition.split("|")), f"{names[0]} instead of {condition}"
    if error_type:
        assert error.get("type") in allowed(error_type.split("|")), \
            f"type {error.get('type')} instead of {error_type}"
