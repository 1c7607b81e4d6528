# SPDX-License-Identifier: MIT
"""How authentication fails: the conditions of RFC 6120 §6.5, the checks of RFC 5802 and 4616."""

import pytest
from kit import Client, deviates, needs_linnet, only_linnet, sasl, show
from kit.client import NS_SASL
from kit.sasl import b64, plain

MALFORMED = ("malformed-request",)
REFUSED = ("not-authorized",)
EITHER = MALFORMED + REFUSED
WRONG = REFUSED + MALFORMED    # well formed, but for nobody: ours tells no more than that


def stranger(server, tls=True):
    one = Client(server, server.user("juliet"))
    one.features = one.open(one.domain)
    if tls:
        one.starttls()
    return one


@pytest.fixture
def juliet(server):
    """Under TLS, not yet authenticated."""
    return stranger(server)


def still_works(client):
    """A failure leaves the stream as it was (§6.4.5)."""
    client.authenticate("SCRAM-SHA-1")
    client.bind()


# --- any mechanism ------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["KERBEROS_V4", "", "plain", "SCRAM-SHA-1 ", "ANONYMOUS",
                                       "X" * 200])
def test_invalid_mechanism(juliet, mechanism):
    juliet.auth(mechanism, b"x")
    juliet.expect_failure("invalid-mechanism")
    still_works(juliet)


@deviates("prosody", "malformed-request? an error anyway")
def test_no_mechanism(juliet):
    juliet.send(f"<auth xmlns='{NS_SASL}'>AA==</auth>")
    juliet.expect_failure("invalid-mechanism", "malformed-request")
    still_works(juliet)


@deviates("prosody", "invalid-mechanism")
def test_plain_in_the_clear(server):
    """§6.5.5."""
    juliet = stranger(server, tls=False)
    juliet.auth("PLAIN", plain(juliet.local, juliet.password))
    juliet.expect_failure("encryption-required", "invalid-mechanism")
    still_works(juliet)


@pytest.mark.parametrize("text", ["!", "AAA", "AA=A", "AAAA=", "A", "====", "AAAA====", "A===",
                                  "AAA\u00e9", "AA_-", "AA AA", "AAB=", "AA==AA=="])
@deviates("prosody", "decodes leniently")
def test_incorrect_encoding(juliet, text):
    """§6.5.4; a strict reader of RFC 4648 §3.2, §3.3, §3.5."""
    juliet.auth("PLAIN", text)
    juliet.expect_failure("incorrect-encoding", "malformed-request")
    still_works(juliet)


@deviates("prosody", "decodes leniently")
def test_incorrect_encoding_of_a_response(juliet):
    juliet.auth("SCRAM-SHA-1", sasl.Scram("SCRAM-SHA-1", "juliet", "x").first())
    juliet.challenge()
    juliet.response("%%%%")
    juliet.expect_failure("incorrect-encoding")
    still_works(juliet)


def test_aborted(juliet):
    """§6.5.1."""
    juliet.auth("SCRAM-SHA-1", sasl.Scram("SCRAM-SHA-1", juliet.local, "x").first())
    juliet.challenge()
    juliet.send(f"<abort xmlns='{NS_SASL}'/>")
    juliet.expect_failure("aborted")
    still_works(juliet)


@deviates("prosody", "takes it for an answer")
def test_abort_of_nothing(juliet):
    juliet.send(f"<abort xmlns='{NS_SASL}'/>")
    juliet.expect_failure("aborted", "malformed-request")
    still_works(juliet)


@deviates("prosody", "other ways")
def test_response_to_nothing(juliet):
    juliet.response(b"n,,n=juliet,r=abc")
    juliet.expect_failure("malformed-request", "not-authorized")
    still_works(juliet)


@deviates("prosody", "begins anew")
def test_auth_inside_an_exchange(juliet):
    juliet.auth("SCRAM-SHA-1", sasl.Scram("SCRAM-SHA-1", juliet.local, "x").first())
    juliet.challenge()
    juliet.auth("PLAIN", plain(juliet.local, juliet.password))
    juliet.expect_failure("malformed-request", "aborted", "not-authorized")
    still_works(juliet)


@pytest.mark.parametrize("element", ["<challenge/>", "<success/>", "<failure/>", "<success>dj0=</success>"])
@deviates("prosody", "closes with another error")
def test_elements_of_the_other_side(juliet, element):
    juliet.send(element.replace("/>", f" xmlns='{NS_SASL}'/>").replace("<success>", f"<success xmlns='{NS_SASL}'>"))
    juliet.expect_stream_error("unsupported-stanza-type", "not-authorized", "policy-violation")


@deviates("prosody", "a stanza error or nothing")
def test_auth_after_success(juliet):
    juliet.authenticate()
    juliet.auth("PLAIN", plain(juliet.local, juliet.password))
    juliet.expect_stream_error("unsupported-stanza-type", "not-authorized", "policy-violation")


@deviates("prosody", "no such limit")
def test_five_tries(server):
    """§6.4.4: the stream ends, with policy-violation, at the fifth failure or after it."""
    juliet = stranger(server)
    for _ in range(4):
        juliet.auth("PLAIN", plain(juliet.local, "wrong"))
        juliet.expect_failure("not-authorized")
    juliet.auth("PLAIN", plain(juliet.local, "wrong"))
    juliet.send_quietly(f"<auth xmlns='{NS_SASL}' mechanism='PLAIN'>AHgAeQ==</auth>".encode())
    juliet.expect_stream_error("policy-violation")


@only_linnet("a limit of ours")
def test_success_after_four_failures(server):
    juliet = stranger(server)
    for _ in range(4):
        juliet.auth("PLAIN", plain(juliet.local, "wrong"))
        juliet.expect_failure("not-authorized")
    still_works(juliet)


# --- PLAIN (RFC 4616) ------------------------------------------------------------------

PLAIN_TABLE = {
    "empty": (b"", MALFORMED),
    "one-part": (b"juliet", MALFORMED),
    "two-parts": (b"\0juliet", MALFORMED),
    "four-parts": (b"\0{user}\0pencil\0", EITHER),
    "no-name": (b"\0\0pencil", EITHER),
    "no-password": (b"\0{user}\0", EITHER),
    "not-utf8": (b"\0\xff\xfe\0pencil", WRONG),
    "wrong-password": (b"\0{user}\0pen", REFUSED),
    "longer-password": (b"\0{user}\0pencil ", REFUSED),
    "case-of-password": (b"\0{user}\0Pencil", REFUSED),
    "nobody": (b"\0rosaline-nobody\0pencil", REFUSED),
    "name-is-address": (b"\0{user}@capulet.example/a\0pencil", WRONG),
    "bad-name": (b"\0jul iet\0pencil", WRONG),
    "long-name": (b"\0" + b"j" * 2000 + b"\0pencil", WRONG),
    "other's-authzid": (b"romeo@capulet.example\0{user}\0pencil", ("invalid-authzid",)),
    "other-host": (b"{user}@montague.example\0{user}\0pencil", ("invalid-authzid",)),
    "full-authzid": (b"{user}@capulet.example/a\0{user}\0pencil", ("invalid-authzid",)),
    "no-jid-authzid": (b"@@@\0{user}\0pencil", ("invalid-authzid", "malformed-request")),
}
PROSODY_OTHERWISE = {"four-parts", "full-authzid", "no-jid-authzid", "not-utf8", "other-host",
                     "other's-authzid", "empty", "one-part"}


@pytest.mark.parametrize("name", PLAIN_TABLE)
def test_plain(juliet, name):
    if name in PROSODY_OTHERWISE:
        needs_linnet("lenient")
    message, conditions = PLAIN_TABLE[name]
    juliet.auth("PLAIN", message.replace(b"{user}", juliet.local.encode()))
    juliet.expect_failure(*conditions)
    still_works(juliet)


def test_plain_with_ones_own_authzid(juliet):
    juliet.auth("PLAIN", plain(juliet.local, juliet.password, juliet.bare))
    juliet.expect(f"<success xmlns='{NS_SASL}'/>")


@deviates("prosody", "wants it at once")
def test_plain_without_initial_response(juliet):
    """§6.4.2: an empty challenge asks for it."""
    juliet.auth("PLAIN")
    assert juliet.challenge() == b""
    juliet.response(plain(juliet.local, juliet.password))
    juliet.expect(f"<success xmlns='{NS_SASL}'/>")


# --- SCRAM (RFC 5802) ----------------------------------------------------------------------

FIRST_TABLE = {
    "empty": b"",
    "no-gs2": b"n=juliet,r=abcdefgh",
    "no-nonce": b"n,,n=juliet",
    "empty-nonce": b"n,,n=juliet,r=",
    "no-name": b"n,,r=abcdefgh",
    "empty-name": b"n,,n=,r=abcdefgh",
    "mandatory-extension": b"n,,m=future,n=juliet,r=abcdefgh",
    "bad-flag": b"x,,n=juliet,r=abcdefgh",
    "bad-escape": b"n,,n=jul=2Diet,r=abcdefgh",
    "lone-equals": b"n,,n=jul=,r=abcdefgh",
    "not-utf8": b"n,,n=\xff\xfe,r=abcdefgh",
    "nonce-not-printable": b"n,,n=juliet,r=abc\x01",
    "order": b"n,,r=abcdefgh,n=juliet",
    "binding-without-plus": b"p=tls-exporter,,n=juliet,r=abcdefgh",
    "downgrade": b"y,,n=juliet,r=abcdefgh",
}


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("name", FIRST_TABLE)
@deviates("prosody", "lenient")
def test_scram_first(juliet, mechanism, name):
    """Each is refused, at once or at the end; never is there success."""
    juliet.auth(mechanism, FIRST_TABLE[name].replace(b"n=juliet", b"n=" + juliet.local.encode()))
    juliet.expect_failure(*(WRONG if name in ("not-utf8", "downgrade") else EITHER))
    still_works(juliet)


@only_linnet("-PLUS")
@pytest.mark.parametrize("first", [b"n,,", b"y,,", b"p=tls-foo,,", b"p=,,", b"p=tls-unique,,"])
def test_plus_first(juliet, first):
    """A -PLUS mechanism needs a binding, of a type that we announced."""
    juliet.auth("SCRAM-SHA-1-PLUS", first + f"n={juliet.local},r=abcdefgh".encode())
    juliet.expect_failure(*EITHER)
    still_works(juliet)


FINAL_TABLE = {
    "wrong-proof": {"p": b64(b"x" * 20)},
    "short-proof": {"p": b64(b"x")},
    "empty-proof": {"p": ""},
    "proof-not-base64": {"p": "!!!!"},
    "other-nonce": {"r": "somethingelse"},
    "other-binding": {"c": b64("n,a=romeo,")},
    "binding-claimed": {"c": b64("y,,")},
    "binding-empty": {"c": ""},
    "binding-not-base64": {"c": "*"},
}
FINAL_WRONG = {"wrong-proof", "other-nonce", "other-binding", "binding-claimed",
               "binding-not-base64"}


@pytest.mark.parametrize("name", FINAL_TABLE)
@deviates("prosody", "lenient with c=")
def test_scram_final(juliet, name):
    state = sasl.Scram("SCRAM-SHA-1", juliet.local, juliet.password)
    juliet.auth("SCRAM-SHA-1", state.first())
    juliet.response(state.final(juliet.challenge(), **FINAL_TABLE[name]))
    juliet.expect_failure(*(WRONG if name in FINAL_WRONG else EITHER))
    still_works(juliet)


@pytest.mark.parametrize("final", [b"", b"p=", b"c=biws", b"c=biws,r={r}", b"r={r},c=biws,p=AAAA",
                                   b"c=biws,m=x,r={r},p=AAAA", b"c=biws,r={r},p=AAAA,x=y", b"\0\0"])
@deviates("prosody", "an exception")
def test_scram_final_out_of_shape(juliet, final):
    state = sasl.Scram("SCRAM-SHA-1", juliet.local, juliet.password)
    juliet.auth("SCRAM-SHA-1", state.first())
    state.final(juliet.challenge())
    juliet.response(final.replace(b"{r}", state.fields["r"].encode()))
    juliet.expect_failure(*EITHER)
    still_works(juliet)


@only_linnet("-PLUS")
@pytest.mark.parametrize("binding", [("tls-server-end-point", b"x" * 32), ("tls-exporter", b""),
                                     ("tls-exporter", b"x" * 32)])
def test_wrong_channel_binding(juliet, binding):
    """Somebody in the middle has another certificate, another exporter."""
    juliet.scram("SCRAM-SHA-256-PLUS", binding)
    juliet.expect_failure("not-authorized")
    still_works(juliet)


def test_downgrade_flag_is_fine_where_nothing_is_offered(server):
    """RFC 5802 §6: 'y' says that the client could but saw no -PLUS; in the clear there is none."""
    juliet = stranger(server, tls=False)
    state = juliet.scram("SCRAM-SHA-1", flag="y")
    state.verify(sasl.unb64(juliet.expect(f"<success xmlns='{NS_SASL}'/>").text))


@pytest.mark.parametrize("authzid, good", [("{bare}", True), ("romeo@capulet.example", False),
                                           ("@", False)])
@deviates("prosody", "ignores it")
def test_scram_authzid(juliet, authzid, good):
    state = sasl.Scram("SCRAM-SHA-1", juliet.local, juliet.password,
                       authzid=authzid.format(bare=juliet.bare))
    juliet.auth("SCRAM-SHA-1", state.first())
    answer = juliet.next()
    if answer.tag.endswith("challenge"):
        juliet.response(state.final(sasl.unb64(answer.text)))
        answer = juliet.next()
    assert answer.tag.endswith("success" if good else "failure")
    assert good or answer.find(f"{{{NS_SASL}}}invalid-authzid") is not None \
        or answer.find(f"{{{NS_SASL}}}malformed-request") is not None


# --- what a stranger learns ---------------------------------------------------------------------


def first_challenge(server, name):
    one = stranger(server, tls=False)
    one.auth("SCRAM-SHA-256", sasl.Scram("SCRAM-SHA-256", name, "x").first())
    fields = dict(f.split("=", 1) for f in one.challenge().decode().split(","))
    return fields["s"], fields["i"]


@deviates("prosody", "no such care")
def test_no_enumeration(server):
    """An unknown name gets a salt like a known one, and the same one again."""
    known = server.user("juliet")
    assert first_challenge(server, "mercutio-nobody") == first_challenge(server, "mercutio-nobody")
    salt, count = first_challenge(server, "mercutio-nobody")
    salt2, count2 = first_challenge(server, "benvolio-nobody")
    salt_known, count_known = first_challenge(server, known.local)
    assert count == count2 == count_known
    assert len(salt) == len(salt_known) and len({salt, salt2, salt_known}) == 3


@deviates("prosody", "no such care")
def test_same_words_for_nobody_and_wrong_password(server):
    said = set()
    for name in (server.user("juliet").local, "rosaline-nobody"):
        for mechanism in ("PLAIN", "SCRAM-SHA-1"):
            one = stranger(server)
            if mechanism == "PLAIN":
                one.auth("PLAIN", plain(name, "wrong"))
            else:
                one.scram(mechanism, user=name, password="wrong")
            said.add(show(one.expect_failure("not-authorized")))
    assert len(said) == 1


@only_linnet("a limit of ours")
def test_too_many_from_one_address(servers):
    """limits.login-attempts.per-address: refused for a while, with the right password too."""
    strict = servers({"limits": {"login-attempts": {"per-address": "3/1m"}}})
    seen = set()
    for _ in range(5):
        one = stranger(strict)
        one.auth("PLAIN", plain(one.local, "wrong"))
        failure = one.expect(f"<failure xmlns='{NS_SASL}'/>")
        seen.add(failure[0].tag.split("}")[1])
    assert seen == {"not-authorized", "temporary-auth-failure"}
    one = stranger(strict)
    one.auth("PLAIN", plain(one.local, one.password))
    one.expect_failure("temporary-auth-failure")
