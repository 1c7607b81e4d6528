# SPDX-License-Identifier: MIT
"""HTTP where nothing is served: refused as it should be, and everyone else is served meanwhile."""

import http.client
import socket

CONFIG = {}


def ask(server, method, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=20)
    connection.request(method, path, headers={"Host": server.host} | headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer


def raw(server, text):
    with socket.create_connection(("127.0.0.1", server.ports["http"]), 20) as sock:
        sock.sendall(text)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_there_is_nothing(server):
    assert ask(server, "GET", "/")[0] == 404
    assert ask(server, "GET", "/upload/x")[0] == 404


def test_under_tls(server):
    context = server.authority.context(alpn=["http/1.1"])
    with socket.create_connection(("127.0.0.1", server.ports["https"]), 20) as sock:
        with context.wrap_socket(sock, server_hostname=server.host) as tls:
            assert tls.selected_alpn_protocol() == "http/1.1"
            tls.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert b"".join(iter(lambda: tls.recv(65536), b"")).startswith(b"HTTP/1.1 404 ")


def names_seen(server, name):
    """Of the certificate that is shown to who asks for this name; None: he does not say."""
    context = server.authority.context(alpn=["http/1.1"])
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", server.ports["https"]), 20) as sock:
        with context.wrap_socket(sock, server_hostname=name) as tls:
            return {value for _, value in tls.getpeercert()["subjectAltName"]}


def test_certificates_by_name(servers, authority):
    """Each host shows its own (SNI); who asks for none of them is shown one all the same."""
    server = servers({}, start=False)
    crt, key = authority.certificate("upload.example", folder=server.folder)
    server.config["hosts"] = {"upload.example": {"certificate": crt, "key": key}}
    server.start()
    assert names_seen(server, "upload.example") == {"upload.example"}
    assert server.host in names_seen(server, server.host)
    assert names_seen(server, "elsewhere.example") and names_seen(server, None)


def test_no_http(server):
    assert raw(server, b"<stream:stream/>\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_two_framings(server):
    answer = raw(server, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1") == 1


def test_pipelined(server):
    answer = raw(server, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
    assert answer.count(b"HTTP/1.1 404 ") == 20
