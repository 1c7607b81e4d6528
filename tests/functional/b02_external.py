# SPDX-License-Identifier: MIT
"""SASL EXTERNAL: a client certificate says who it is (RFC 6120 §6.3.4, XEP-0178)."""

import pytest
from conftest import one_server
from kit import Client, only_linnet
from kit.authority import Authority
from kit.client import NS_SASL

pytestmark = only_linnet("a configuration of ours")


@pytest.fixture(scope="module")
def server(request, authority):
    yield from one_server(request, authority, {"modules": {"sasl_external": {}},
                                                "tls": {"authorities": authority.ca}})


def arrive(server, certificate, user=None):
    one = Client(server, user or server.user("juliet"))
    one.features = one.open(one.domain)
    one.starttls(server.tls(certificate=certificate))
    return one


@pytest.mark.parametrize("authzid", ["", "{bare}"])
def test_success(server, tmp_path, authzid):
    user = server.user("juliet")
    one = arrive(server, server.authority.certificate(user.jid, folder=tmp_path, client=True), user)
    assert "EXTERNAL" in one.mechanisms()
    one.auth("EXTERNAL", authzid.format(bare=user.jid).encode())
    one.expect(f"<success xmlns='{NS_SASL}'/>")
    one.restart()
    one.open(one.domain)
    one.bind().online()


def test_somebody_else(server, tmp_path):
    user = server.user("juliet")
    one = arrive(server, server.authority.certificate(user.jid, folder=tmp_path, client=True), user)
    one.auth("EXTERNAL", b"romeo@capulet.example")
    one.expect_failure("invalid-authzid", "not-authorized")
    one.authenticate("SCRAM-SHA-1")


def test_not_without_a_certificate(server):
    one = arrive(server, None)
    assert "EXTERNAL" not in one.mechanisms()
    one.auth("EXTERNAL", b"=")
    one.expect_failure("invalid-mechanism", "not-authorized", "incorrect-encoding")


def test_certificate_of_a_stranger(server, tmp_path):
    """Signed by nobody we know: the handshake succeeds, EXTERNAL does not."""
    user = server.user("juliet")
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    one = arrive(server, other.certificate(user.jid, client=True), user)
    assert "EXTERNAL" not in one.mechanisms()
    one.authenticate("SCRAM-SHA-1")


def test_certificate_of_nobody(server, tmp_path):
    crt = server.authority.certificate("rosaline-nobody@capulet.example", folder=tmp_path,
                                       client=True)
    one = arrive(server, crt)
    assert "EXTERNAL" in one.mechanisms()
    one.auth("EXTERNAL", b"")
    one.expect_failure("not-authorized", "invalid-authzid")


@pytest.mark.parametrize("authzid, condition", [
    ("", "not-authorized"), ("{local}@{host2}", "invalid-authzid"),
    ("{local}@{host}", "invalid-authzid")])
def test_namesake_of_another_host(server, tmp_path, authzid, condition):
    """Who he is elsewhere is not who he is here, though the name is the same."""
    user = server.user("juliet")
    crt = server.authority.certificate(f"{user.local}@{server.host2}", folder=tmp_path, client=True)
    one = arrive(server, crt, user)
    one.auth("EXTERNAL", authzid.format(local=user.local, host=server.host,
                                        host2=server.host2).encode())
    one.expect_failure(condition)


def test_two_addresses_need_an_authzid(server, tmp_path):
    """XEP-0178 §2: with several addresses the client says which."""
    first, second = server.user("juliet"), server.user("juliet")
    crt = server.authority.certificate(first.jid, second.jid, folder=tmp_path, client=True)
    one = arrive(server, crt, second)
    one.auth("EXTERNAL", b"")
    one.expect_failure("invalid-authzid")
    one.auth("EXTERNAL", second.jid.encode())
    one.expect(f"<success xmlns='{NS_SASL}'/>")
    one.restart()
    one.open(one.domain)
    one.bind()
    assert one.bare == second.jid


def test_disabled(server, tmp_path):
    """RFC 6120 §6.5.1."""
    user = server.user("juliet")
    certificate = server.authority.certificate(user.jid, folder=tmp_path, client=True)
    server.ctl("user", "disable", user.jid)
    one = arrive(server, certificate, user)
    one.auth("EXTERNAL", b"")
    one.expect_failure("account-disabled")
