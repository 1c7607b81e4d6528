# SPDX-License-Identifier: MIT
"""SIGTERM: it takes no longer than there is something to wait for."""

import signal
import time

from kit import Client, only_linnet
from kit.peer import PATIENCE

pytestmark = only_linnet("the daemon itself")
GRACE = 2       # seconds for acknowledgements


def terminate(server):
    server.process.send_signal(signal.SIGTERM)
    return time.monotonic()


def test_answers_are_enough(servers):
    """When all who were asked have answered, nobody waits for the grace to pass."""
    server = servers()
    romeo, juliet = server.client("romeo", "orchard"), server.client("juliet").online()
    romeo.enable()
    romeo.online()
    begun = terminate(server)
    romeo.expect_stream_error("system-shutdown")
    juliet.expect_stream_error("system-shutdown")
    assert time.monotonic() - begun < GRACE * 0.75 * PATIENCE
    server.stop()
    assert "stopping takes too long" not in server.log()


def test_mute_client(servers):
    """Who answers nothing is waited for, but not for ever; what he was sent comes again."""
    server = servers({"modules": {"offline": {}}})
    juliet, romeo = server.client("juliet"), server.client("romeo", "orchard")
    romeo.enable(resume=True)
    romeo.online()
    romeo.answers_r = False
    juliet.send(f"<message to='{romeo}' type='chat' id='m'><body>Hark</body></message>")
    romeo.expect("<message id='m'/>")
    begun = terminate(server)
    romeo.expect_stream_error("system-shutdown")
    assert time.monotonic() - begun > GRACE * 0.9
    server.stop()
    server.start()
    again = Client(server, romeo.user).login("orchard").online()
    again.expect("<message id='m'/>")


def test_right_behind_a_reload(servers):
    """Accounts are being read anew for modules that have come, and a slow disk lets them wait: their
    sessions end all the same."""
    server = servers(start=False)
    disk = server.folder / "disk"
    disk.write_text("ok\n")
    environment = server.environment
    server.environment = lambda: {**environment(), "LINNET_TEST_VFS": str(disk)}
    server.start()
    juliet, romeo = server.client("juliet"), server.client("romeo").online()
    juliet.enable()
    juliet.online()
    romeo.send(f"<presence to='{juliet.bare}' type='subscribe'/>")
    juliet.expect("<presence type='subscribe'/>")
    juliet.send(f"<presence to='{romeo.bare}' type='subscribed'/>")
    romeo.expect("<presence type='subscribed'/>")
    romeo.expect(f"<presence from='{juliet}' type='!'/>")
    disk.write_text("slow 1500\n")
    juliet.iq("set", "<query xmlns='jabber:iq:roster'><item jid='nurse@verona.example'/></query>")
    juliet.sync()
    server.reload({"modules": {"blocking": {}, "private": {}, "csi": {}, "carbons": {},
                               "offline": {}, "vcard": {}}})
    terminate(server)
    juliet.expect_stream_error("system-shutdown")
    server.stop()
