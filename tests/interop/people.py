# SPDX-License-Identifier: MIT
"""Slixmpp clients that a test can wait for.

Everything runs in one event loop: a test is a coroutine, run by `play`.
"""

import asyncio
import os

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout, XMPPError

PATIENCE = float(os.environ.get("LINNET_PATIENCE", "1"))
TIMEOUT = 10 * PATIENCE

__all__ = ["IqError", "IqTimeout", "Person", "XMPPError", "play"]


def play(scene, within=6 * TIMEOUT):
    """Runs a coroutine to its end, within a bound of seconds."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(asyncio.wait_for(scene, within))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
        asyncio.set_event_loop(None)


class Person(ClientXMPP):
    """An account of `server` that logs in over STARTTLS and remembers what it was sent."""

    def __init__(self, server, user, plugins=(), mechanism=None):
        super().__init__(user.jid, user.password, sasl_mech=mechanism)
        self.home = server
        self.ca_certs = str(server.authority.ca)
        self.use_ipv6 = False
        self.messages, self.presences = asyncio.Queue(), asyncio.Queue()
        for plugin in ("xep_0030", "xep_0199", *plugins):
            self.register_plugin(plugin)
        self.add_event_handler("message", self.messages.put_nowait)
        self.add_event_handler("message_error", self.messages.put_nowait)
        self.add_event_handler("presence", self.presences.put_nowait)

    async def log_in(self):
        """Returns when the roster is there and the presence sent; raises when refused."""
        ended = asyncio.get_running_loop().create_future()

        def settle(result):
            return lambda event: None if ended.done() else ended.set_result((result, event))

        self.add_event_handler("session_start", settle("started"))
        self.add_event_handler("failed_all_auth", settle("refused"))
        self.add_event_handler("connection_failed", settle("no connection"))
        self.connect(self.home.address(), disable_starttls=False)
        result, event = await asyncio.wait_for(ended, TIMEOUT)
        if result != "started":
            raise ConnectionError(f"{result}: {event}")
        await self.get_roster()
        self.send_presence()
        return self

    def next(self, event):
        """To be awaited: what the next event of this name, from now on, carries."""
        future = asyncio.get_running_loop().create_future()
        self.add_event_handler(event, lambda got: future.done() or future.set_result(got),
                               disposable=True)
        return asyncio.wait_for(future, TIMEOUT)

    async def log_out(self):
        await self.disconnect(wait=TIMEOUT)

    async def message(self):
        return await asyncio.wait_for(self.messages.get(), TIMEOUT)

    async def presence(self, kind, sender):
        """The next presence of this type from this bare address; others are passed over."""
        while True:
            got = await asyncio.wait_for(self.presences.get(), TIMEOUT)
            if got["type"] == kind and got["from"].bare == sender:
                return got

    def say(self, to, body, kind="chat"):
        self.send_message(mto=to, mbody=body, mtype=kind)
