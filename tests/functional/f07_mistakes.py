# SPDX-License-Identifier: MIT
"""What `config check` finds beside syntax, where it says it is, and what the log warns of."""

import os
import re
import subprocess

import pytest
from kit import only_linnet
from kit.server import HOST, build_file

pytestmark = only_linnet("configuration of ours")


def mistakes(server):
    """What stands at each mistake's place in the file, and its message."""
    done = server.ctl("config", "check", check=False)
    assert done.returncode == 1, done.stdout
    lines = server.conf.read_text().splitlines()
    found = []
    for line in done.stdout.splitlines():
        row, column, message = re.fullmatch(rf"{server.conf}:(\d+):(\d+): (.*)", line).groups()
        found.append((lines[int(row) - 1][int(column) - 1:], message))
    return found


def prepared(servers, config):
    server = servers(config, start=False)
    server.ports = {name: 0 for name in server.SERVICES}
    server.configure()
    return server


def only_mistake(servers, config):
    (place, message), = mistakes(prepared(servers, config))
    return place, message


def test_key_of_another_certificate(servers, authority, tmp_path):
    """Found before the start, at the option that names the file."""
    _, key = authority.certificate("elsewhere.example", folder=tmp_path)
    place, message = only_mistake(servers, {"hosts": {HOST: {"key": key}}})
    assert place.startswith(str(key))
    assert message == f"key: {key} is not the key of the certificate beside it"


@pytest.mark.parametrize("option", ["certificate", "key"])
def test_no_pem(servers, tmp_path, option):
    file = tmp_path / "file.pem"
    file.write_text("Not what it should be.\n", encoding="utf-8")
    place, message = only_mistake(servers, {"hosts": {HOST: {option: file}}})
    assert place.startswith(str(file))
    assert message.startswith(f"{option}: {file} holds no usable PEM {option}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_user_who_is_not_there(servers):
    place, message = only_mistake(servers, {"user": "rosaline-nobody"})
    assert place.startswith("rosaline-nobody")
    assert message.startswith("user: there is no `rosaline-nobody` on this machine; allowed: ")


def test_once_for_all_hosts(servers):
    """What stands at the top is one mistake, however many hosts it is for."""
    place, message = only_mistake(servers, {"c2s": {"tls": "maybe"}})
    assert place.startswith("maybe")
    assert message == "c2s.tls: `maybe` is not one of the words; allowed: required or optional"


def test_started_and_out_of_reach(servers):
    """Any part may be left out, so it starts; the log says what cannot be reached."""
    server = servers({"modules": {"http_upload": {}}, "listen": {
        "c2s": [], "c2s-tls": [], "http": [], "https": []}})
    server.stop()
    log = server.log()
    assert "warning server - - `listen` has neither c2s nor c2s-tls" in log
    assert log.count("warning server - - module http_upload is reached over HTTP") == 1
    assert "`hosts` names no domain" not in log


@pytest.mark.parametrize("option", ["-h", "--help", "-v", "--version"])
def test_asked_how_it_is_called(option):
    done = subprocess.run([build_file("linnetd", "LINNETD"), option], capture_output=True,
                          text=True, check=True)
    assert done.stdout.startswith(("usage: linnetd ", "linnetd ")) and not done.stderr


def test_called_wrongly():
    done = subprocess.run([build_file("linnetd", "LINNETD"), "--nonsense"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "usage: linnetd " in done.stderr and not done.stdout
