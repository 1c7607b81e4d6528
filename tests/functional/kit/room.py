# SPDX-License-Identifier: MIT
"""Rooms (XEP-0045): a stage with a name, and how people come on it.

    coven = Room(server)                        # a name of its own
    coven.create(hecate, "firstwitch")          # made, configured, hers
    entry = coven.enter(hag, "thirdwitch")      # all that came, in order
    hag.send(coven.say("Harpier cries"))
    hecate.expect(coven.said("thirdwitch", "Harpier cries"))

In a format string a room is its address; `coven / nick` is an occupant's.
"""

import itertools
from xml.sax.saxutils import escape

import pytest

from .client import check_error

MUC = "http://jabber.org/protocol/muc"
USER, ADMIN, OWNER = f"{MUC}#user", f"{MUC}#admin", f"{MUC}#owner"
CONFIG_FORM = f"{MUC}#roomconfig"
DATA = "jabber:x:data"
_names = itertools.count(1)


class Entry:
    """What somebody who entered was told: presences of others, his own, messages, subject."""

    def __init__(self):
        self.others, self.own, self.history, self.subject = [], None, [], None

    @property
    def codes(self):
        return codes(self.own)

    def nicks(self):
        return [p.get("from").split("/", 1)[1] for p in self.others]

    def bodies(self):
        return [m.findtext("{jabber:client}body") for m in self.history]


def codes(element):
    return {s.get("code") for s in element.iter(f"{{{USER}}}status")}


def item(presence):
    return presence.find(f"{{{USER}}}x/{{{USER}}}item")


class Room:
    def __init__(self, server, name=None):
        self.jid = f"{name or f'room{next(_names)}'}@conference.{server.host}"

    def __str__(self):
        return self.jid

    def __truediv__(self, nick):
        return f"{self.jid}/{nick}"

    # --- entering ------------------------------------------------------------------

    def knock(self, client, nick, password=None, history=None, extra=""):
        """Ask to enter; returns the id."""
        ident = client.new_id()
        inner = f"<password>{password}</password>" if password else ""
        inner += f"<history {history}/>" if history else ""
        client.send(f"<presence to='{self / nick}' id='{ident}'>{extra}<x xmlns='{MUC}'>{inner}"
                    "</x></presence>")
        return ident

    def enter(self, client, nick, **more):
        self.knock(client, nick, **more)
        return self.entered(client, nick)

    def entered(self, client, nick):
        entry = Entry()
        while entry.own is None:
            presence = client.expect("<presence type='!'/>")
            if "110" in codes(presence):
                entry.own = presence
            else:
                entry.others.append(presence)
        assert entry.own.get("from") == self / nick
        while entry.subject is None:
            message = client.expect("<message type='groupchat'/>")
            if (message.find("{jabber:client}subject") is not None
                    and message.find("{jabber:client}body") is None):
                entry.subject = message
            else:
                entry.history.append(message)
        return entry

    def refused(self, client, nick, condition, error_type=None, **more):
        ident = self.knock(client, nick, **more)
        return client.expect_error(ident, condition, error_type, name="presence",
                                   from_=self / nick)

    def create(self, client, nick, **config):
        """A room with this configuration; `persistentroom=1` stands for muc#roomconfig_..."""
        entry = self.enter(client, nick)
        assert "201" in entry.codes
        self.configure(client, **config)
        return entry

    def configure(self, client, **config):
        """What the room says about it stays for later."""
        return answer(client, client.iq("set", self.configuration(config), self))

    @staticmethod
    def configuration(config):
        return f"<query xmlns='{OWNER}'>{form(CONFIG_FORM, config)}</query>"

    def joined_by(self, client, nick, *present):
        """Enters, and those who are present see it."""
        entry = self.enter(client, nick)
        for other in present:
            other.expect(f"<presence from='{self / nick}' type='!'/>")
        return entry

    def leave(self, client, nick):
        client.send(f"<presence to='{self / nick}' type='unavailable'/>")
        return client.expect(f"<presence from='{self / nick}' type='unavailable'>"
                             f"<x xmlns='{USER}'><status code='110'/></x></presence>")

    # --- talking -------------------------------------------------------------------

    def say(self, text, ident=None, extra=""):
        ident = f" id='{ident}'" if ident else ""
        return (f"<message to='{self}' type='groupchat'{ident}><body>{escape(text)}</body>{extra}"
                "</message>")

    def said(self, nick, text):
        return (f"<message from='{self / nick}' type='groupchat'><body>{escape(text)}</body>"
                "</message>")

    def tell(self, client, nick, text, *others):
        """Says something that all hear, himself too; returns its stanza-id."""
        client.send(self.say(text))
        heard = [one.expect(self.said(nick, text)) for one in (client, *others)]
        return stanza_id(heard[0], self)

    # --- asking --------------------------------------------------------------------

    def admin(self, client, *items, kind="set"):
        return client.iq(kind, f"<query xmlns='{ADMIN}'>{''.join(items)}</query>", self)

    def change(self, client, *items):
        """Roles or affiliations; what comes of it stays for later."""
        return answer(client, self.admin(client, *items))

    def unchanged(self, client, condition, *items, kind="set"):
        error = answer(client, self.admin(client, *items, kind=kind), "error")
        check_error(error, condition)

    def list(self, client, **attrs):
        """Items of a list of roles or affiliations."""
        wanted = "".join(f" {k}='{v}'" for k, v in attrs.items())
        found = answer(client, self.admin(client, f"<item{wanted}/>", kind="get"))
        return found.findall(f"{{{ADMIN}}}query/{{{ADMIN}}}item")


def answer(client, ident, kind="result"):
    """The answer to a request; what came before it stays for later."""
    others = []
    while True:
        element = client.next()
        if element.tag == "{jabber:client}iq" and element.get("id") == ident:
            assert element.get("type") == kind
            client._events_later = others + client._events_later
            return element
        others.append(("element", element))


def quiet(client, at):
    """Takes in all that is on its way to a client from there."""
    ident = client.iq("get", "<ping xmlns='urn:xmpp:ping'/>", at)
    while client.next().get("id") != ident:
        pass


def stanza_id(message, by):
    for one in message.iter("{urn:xmpp:sid:0}stanza-id"):
        if one.get("by") == str(by):
            return one.get("id")
    return None


def prefix(form_type):
    """http://jabber.org/protocol/muc#roomconfig: its fields are muc#roomconfig_..."""
    return form_type.rsplit("/", 1)[-1] + "_" if form_type.startswith("http") else ""


def form(form_type, fields, kind="submit"):
    inner = ""
    for var, values in fields.items():
        name = var if set("#-{") & set(var) else prefix(form_type) + var
        values = values if isinstance(values, (list, tuple)) else [values]
        inner += f"<field var='{name}'>" + "".join(
            f"<value>{escape(str(v))}</value>" for v in values) + "</field>"
    return (f"<x xmlns='{DATA}' type='{kind}'><field var='FORM_TYPE'><value>{form_type}</value>"
            f"</field>{inner}</x>")


def of_role(nick, role, reason=None):
    return (f"<item nick='{nick}' role='{role}'>"
            + (f"<reason>{reason}</reason>" if reason else "") + "</item>")


def of_affiliation(jid, affiliation, reason=None, nick=None):
    nick = f" nick='{nick}'" if nick is not None else ""
    return (f"<item jid='{jid}' affiliation='{affiliation}'{nick}>"
            + (f"<reason>{reason}</reason>" if reason else "") + "</item>")


# --- who is there when the curtain rises: for tests to import ------------------------------


@pytest.fixture
def coven(server):
    return Room(server)


@pytest.fixture
def witches(server, coven):
    """Hecate owns the room, the hag is in it."""
    return assemble(server, coven)


def assemble(server, coven, **config):
    hecate, hag = server.client("hecate", "broom"), server.client("hag", "pda")
    coven.create(hecate, "firstwitch", **config)
    coven.joined_by(hag, "thirdwitch", hecate)
    return hecate, hag
