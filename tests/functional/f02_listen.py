# SPDX-License-Identifier: MIT
"""Listeners follow the configuration at a reload; systemd's sockets are taken."""

import socket

import pytest
from kit import Client, only_linnet
from kit.server import build_file, free_ports
from kit.wire import Wire

pytestmark = only_linnet("reload")


def c2s(server, *ports, **more):
    return {"listen": {"c2s": [{"address": f"127.0.0.1:{port}", **more} for port in ports]}}


def refuses(port):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_added_and_removed(servers):
    """Who is connected stays, whatever becomes of the address."""
    server = servers()
    old, new = server.ports["c2s"], free_ports(["one"])["one"]
    juliet = server.client("juliet").online()
    assert "takes effect" in server.reload(c2s(server, old, new)).stdout
    for port in old, new:
        Wire(("127.0.0.1", port)).open(server.host)
    server.reload(c2s(server, new))
    refuses(old)
    Wire(("127.0.0.1", new)).open(server.host)
    juliet.sync()


def test_another_service(servers):
    """An address keeps its socket when another service gets it."""
    server = servers()
    plain, direct = server.ports["c2s"], server.ports["c2s-tls"]
    server.reload({"listen": {"c2s": [f"127.0.0.1:{direct}"], "c2s-tls": [f"127.0.0.1:{plain}"]}})
    server.ports.update({"c2s": direct, "c2s-tls": plain})
    Client(server, server.user("juliet"), port="c2s-tls").login()
    Client(server, server.user("juliet")).login(tls="starttls")


def test_option_of_an_address(servers):
    server = servers()
    port = server.ports["c2s"]
    server.reload(c2s(server, port, **{"proxy-protocol": "on"}))
    behind = Wire(("127.0.0.1", port))
    behind.send("PROXY TCP4 192.0.2.7 192.0.2.1 4711 5222\r\n")
    behind.open(server.host)
    server.reload(c2s(server, port))
    Wire(("127.0.0.1", port)).open(server.host)


def test_taken(servers):
    """An address that cannot be had: refused whole, nothing changes."""
    server = servers()
    juliet = server.client("juliet").online()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server.config = c2s(server, other.getsockname()[1], free_ports(["one"])["one"])
        server.configure()
        done = server.ctl("reload", check=False)
    assert done.returncode == 1
    assert "in use" in done.stdout + done.stderr
    server.wire().open(server.host)
    juliet.sync()


@pytest.mark.parametrize("address", ["127.0.0.1", "*"])
def test_socket_activation(servers, address):
    """A socket that systemd passes is taken by its address; one that nobody wants is closed."""
    server = servers(start=False)
    server.ports = free_ports(server.SERVICES)
    needs_systemd()
    with socket.socket() as passed, socket.socket() as unwanted:
        passed.bind(("" if address == "*" else address, 0))
        unwanted.bind(("127.0.0.1", 0))
        for sock in passed, unwanted:
            sock.listen()
        port, lost = passed.getsockname()[1], unwanted.getsockname()[1]
        server.config = {"listen": {"c2s": [f"{address}:{port}"]}}
        server.pass_fds = passed.fileno(), unwanted.fileno()
        activated(server, server.pass_fds)
        server.start()
    Wire(("127.0.0.1", port)).open(server.host)
    assert f"127.0.0.1:{lost} is not used" in server.log()
    refuses(lost)


def activated(server, fds):
    """Start it as systemd does: sockets from descriptor 3 on, and LISTEN_PID its own."""
    command = server.command
    script = "".join(f"exec {at}<&{fd} {fd}<&-; " for at, fd in enumerate(fds, 3))
    script += f"LISTEN_FDS={len(fds)} LISTEN_PID=$$ exec \"$@\""
    server.command = lambda: ["bash", "-c", script, "-", *command()]


def needs_systemd():
    with open(build_file("linnetd", "LINNETD"), "rb") as program:
        if b"libsystemd" not in program.read():
            pytest.skip("a build without libsystemd")
