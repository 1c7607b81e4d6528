# SPDX-License-Identifier: MIT
"""Calls: what XEP-0215 tells is enough for coturn to relay, and for a while only."""

import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import time

import pytest

from kit import Server
from kit.server import free_ports
from stage import staged, until_served
from stun import Refused, Relay

NS = "urn:xmpp:extdisco:2"
SECRET = "coturn and we know it"
WAYS = [("turn", "udp"), ("turn", "tcp"), ("turns", "tcp")]

pytestmark = pytest.mark.skipif(shutil.which("turnserver") is None, reason="no coturn here")


class World:
    """A coturn as doc/operating.md says, and a server that knows its secret."""

    def __init__(self, folder, authority):
        self.authority = authority
        self.ports = free_ports(["turn", "turns"])
        self.server = Server(folder, authority, {"modules": {"disco": {}, "turn": {
            "host": "localhost", "port": self.ports["turn"], "tls-port": self.ports["turns"],
            "secret": SECRET, "ttl": "1m"}}})
        crt, key = authority.certificate("localhost", folder=self.server.folder)
        self.log = open(self.server.folder / "turn.log", "wb")
        self.turn = subprocess.Popen([
            "turnserver", "-n", "--no-cli", "--use-auth-secret", f"--static-auth-secret={SECRET}",
            "--realm=capulet.example", "-L", "127.0.0.1", "-E", "127.0.0.1",
            "-p", str(self.ports["turn"]), f"--tls-listening-port={self.ports['turns']}",
            f"--cert={crt}", f"--pkey={key}", "--no-dtls", "--allow-loopback-peers",
            f"--pidfile={self.server.folder}/turn.pid", f"--userdb={self.server.folder}/turn.db",
            "--log-file=stdout"], stdout=self.log, stderr=self.log)

    def start(self):
        self.server.start()
        until_served(self.turn, lambda: Relay(self.dial("turns", "tcp")).bind())

    def stop(self):
        self.turn.terminate()
        self.turn.wait()
        self.log.close()
        self.server.stop()

    def dial(self, kind, transport, port=None):
        where = ("127.0.0.1", int(port or self.ports[kind]))
        if transport == "udp":
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.settimeout(20)
            sock.connect(where)
            return sock
        sock = socket.create_connection(where, 20)
        return self.authority.context().wrap_socket(sock, server_hostname="localhost") \
            if kind == "turns" else sock


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    yield from staged(World, tmp_path_factory)


def told(client, kind, transport):
    """The service, as the server tells of it."""
    services = client.get(f"<services xmlns='{NS}' type='{kind}'/>", client.domain)[0]
    return next(s for s in services if s.get("transport") == transport)


def relay(world, client, kind, transport):
    service = told(client, kind, transport)
    assert service.get("host") == "localhost"
    return Relay(world.dial(kind, transport, service.get("port")), service.get("username"),
                 service.get("password"))


def test_stun(world):
    client = world.server.client("anna")
    service = told(client, "stun", "udp")
    Relay(world.dial("stun", "udp", service.get("port"))).bind()


@pytest.mark.parametrize("kind, transport", WAYS)
def test_allocated(world, kind, transport):
    """With what was told, by every way that was told; not with another password or name."""
    one = relay(world, world.server.client("anna"), kind, transport)
    assert one.allocate() > 0 and one.relayed[0] == "127.0.0.1"
    for spoil in ({"password": "x" + one.password[1:]}, {"username": one.username + "x"}):
        other = Relay(world.dial(kind, transport), spoil.get("username", one.username),
                      spoil.get("password", one.password))
        with pytest.raises(Refused) as refused:
            other.allocate()
        assert refused.value.code == 401


def test_credentials_asked_for(world):
    """§3.3: the same for a service that a client knows already."""
    client = world.server.client("anna")
    got = client.get(f"<credentials xmlns='{NS}'><service host='localhost' type='turns'/>"
                     "</credentials>", client.domain)[0][0]
    Relay(world.dial("turns", "tcp"), got.get("username"), got.get("password")).allocate()


def test_they_end(world):
    """The time is in the name, and the service looks at it: what was good once is good no more."""
    good = relay(world, world.server.client("anna"), "turn", "udp")
    end, who = good.username.split(":", 1)
    assert 0 < int(end) - time.time() <= 60

    def signed(name):
        digest = hmac.new(SECRET.encode(), name.encode(), hashlib.sha1).digest()
        return Relay(world.dial("turn", "udp"), name, base64.b64encode(digest).decode())

    assert signed(good.username).password == good.password
    with pytest.raises(Refused) as refused:
        signed(f"{int(time.time()) - 5}:{who}").allocate()
    assert refused.value.code == 401
    longer = Relay(world.dial("turn", "udp"), f"{int(end) + 3600}:{who}", good.password)
    with pytest.raises(Refused):
        longer.allocate()


@pytest.mark.parametrize("one, other", [(WAYS[0], WAYS[0]), (WAYS[0], WAYS[2]),
                                        (WAYS[1], WAYS[2])])
def test_a_call(world, one, other):
    """Two who cannot reach each other do, each by the way that it has."""
    anna = relay(world, world.server.client("anna"), *one)
    ben = relay(world, world.server.client("ben"), *other)
    for side in (anna, ben):
        side.allocate()
    anna.permit(ben.relayed)
    ben.permit(anna.relayed)
    for source, sink in ((anna, ben), (ben, anna)):
        for n in range(20):
            source.send(sink.relayed, b"%d" % n * 100)
            assert sink.receive() == (source.relayed, b"%d" % n * 100)


def test_its_own_client(world):
    """coturn's load generator, with credentials of ours."""
    service = told(world.server.client("anna"), "turn", "udp")
    done = subprocess.run(["turnutils_uclient", "-y", "-c", "-n", "20", "-m", "2", "-l", "100",
                           "-u", service.get("username"), "-w", service.get("password"),
                           "-p", service.get("port"), "127.0.0.1"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Total lost packets 0" in done.stdout, done.stdout
