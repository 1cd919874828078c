"""Digest authentication: the published vectors, our server and our client against each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sip.auth import (
    ALGORITHMS,
    MD5,
    SHA256,
    SHA512_256,
    Credentials,
    DigestClient,
    DigestServer,
    Secret,
    Verdict,
    challenges_of,
    digest,
    ha1,
    parse_digest,
)
from offhook.sip.errors import SIPError
from offhook.sip.message import Request, Response

CNONCE_7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


INDEX = "/dir/index.html"
NONCE_2617 = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
NONCE_7616 = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
SECRETS = {
    "2617": ("Mufasa", "testrealm@host.com", "Circle Of Life"),
    "7616": ("Mufasa", "http-auth@example.org", "Circle of Life"),
    "jason": ("Jäsøn Doe", "api@example.org", "Secret, or not?"),
}


@pytest.mark.parametrize(
    ("algorithm", "secret", "uri", "nonce", "cnonce", "response"),
    [
        # RFC 2617 3.5, and without qop as RFC 2069 computes it
        (MD5, "2617", INDEX, NONCE_2617, "0a4f113b", "6629fae49393a05397450978507c4ef1"),
        (MD5, "2617", INDEX, NONCE_2617, "", "670fd8c2df070c60b045671b8b24ff02"),
        # RFC 7616 3.9.1
        (MD5, "7616", INDEX, NONCE_7616, CNONCE_7616, "8ca523f5e9506fed4657c9700eebdbec"),
        (
            SHA256,
            "7616",
            INDEX,
            NONCE_7616,
            CNONCE_7616,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
        # RFC 7616 3.9.2 as corrected by erratum 4897
        (
            SHA512_256,
            "jason",
            "/doe.json",
            "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",
        ),
    ],
)
def test_published_vectors(algorithm: str, secret: str, uri: str, nonce: str, cnonce: str, response: str) -> None:
    known = ha1(*SECRETS[secret], algorithm)
    qop, nc = ("auth", "00000001") if cnonce else ("", "")
    assert digest(algorithm, known, "GET", uri, nonce, qop=qop, nc=nc, cnonce=cnonce) == response


ALICE = Secret("alice", "wonder,land")


def register() -> Request:
    return Request("REGISTER", "sip:example.com", [("Call-ID", "1"), ("CSeq", "1 REGISTER")])


def unauthorized(challenges: list[str], *, proxy: bool = False) -> Response:
    name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
    return Response(407 if proxy else 401, "", [(name, value) for value in challenges])


class Exchange:
    """A server and a client that has answered its challenge."""

    def __init__(self, secret: Secret = ALICE, algorithms: tuple[str, ...] = (MD5,), peer: str = "") -> None:
        self.server = DigestServer(b"key", lifetime=30.0)
        self.client = DigestClient([Credentials(secret, "asterisk")])
        self.request = register()
        self.challenges = self.server.challenges("asterisk", 100.0, peer=peer, algorithms=algorithms)
        self.answered = self.client.receive(self.request, unauthorized(self.challenges))
        self.client.authorize(self.request)

    def verdict(self, secret: Secret = ALICE, now: float = 101.0, peer: str = "") -> Verdict:
        return self.server.verify(self.request, "asterisk", [secret], now, peer=peer)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_right_secret_is_accepted_and_a_wrong_one_is_not(algorithm: str) -> None:
    exchange = Exchange(algorithms=(algorithm,))
    assert exchange.answered
    assert exchange.verdict() is Verdict.ACCEPTED
    assert exchange.verdict(Secret("alice", "wonderland")) is Verdict.WRONG
    assert exchange.verdict(Secret("bob", "wonder,land")) is Verdict.WRONG
    assert exchange.verdict(Secret("alice", ha1={algorithm: ha1("alice", "asterisk", "wonder,land", algorithm)})) is (
        Verdict.ACCEPTED
    )


def test_a_request_without_credentials_for_our_realm_is_to_be_challenged() -> None:
    exchange = Exchange()
    assert exchange.server.verify(register(), "asterisk", [ALICE], 101.0) is Verdict.MISSING
    assert exchange.server.verify(exchange.request, "elsewhere", [ALICE], 101.0) is Verdict.MISSING
    exchange.request.set("Authorization", "NoOneKnowsThisScheme opaque-data=here")
    assert exchange.verdict() is Verdict.MISSING
    exchange.request.set("Authorization", 'Digest realm="asterisk')
    assert exchange.verdict() is Verdict.MISSING


def test_an_old_nonce_is_stale_and_so_is_one_of_another_peer_or_another_server() -> None:
    assert Exchange().verdict(now=129.0) is Verdict.ACCEPTED
    assert Exchange().verdict(now=131.0) is Verdict.STALE
    assert Exchange(peer="192.0.2.1").verdict(peer="192.0.2.1") is Verdict.ACCEPTED
    assert Exchange(peer="192.0.2.1").verdict(peer="192.0.2.2") is Verdict.STALE
    other = DigestServer(b"other key")
    assert other.verify(Exchange().request, "asterisk", [ALICE], 101.0) is Verdict.STALE
    assert Exchange().verdict(now=131.0, secret=Secret("alice", "guess")) is Verdict.WRONG


def test_a_nonce_cannot_be_made_younger() -> None:
    server = DigestServer(b"key")
    nonce = server.nonce(100.0)
    assert server.nonce_age(nonce, 103.0) == 3.0
    forged = f"{int(nonce[:12], 16) + 1000:012x}" + nonce[12:]
    assert server.nonce_age(forged, 103.0) is None
    assert server.nonce_age("", 103.0) is None
    assert server.nonce_age("é" * 52, 103.0) is None
    assert server.nonce_age(nonce, 99.0) is None
    assert server.nonce(100.0) != nonce


def test_the_client_takes_the_first_challenge_it_can_answer() -> None:
    md5_only = Secret("alice", ha1={MD5: ha1("alice", "asterisk", "wonder,land")})
    exchange = Exchange(md5_only, (SHA256, MD5))
    value = parse_digest(exchange.request.get("Authorization") or "")
    assert value["algorithm"] == "MD5"
    assert exchange.verdict() is Verdict.ACCEPTED
    clear = Exchange(algorithms=(SHA256, MD5))
    assert parse_digest(clear.request.get("Authorization") or "")["algorithm"] == "SHA-256"
    assert len(clear.request.get_all("Authorization")) == 1


def test_several_realms_are_answered_together() -> None:
    client = DigestClient([Credentials(ALICE, "one"), Credentials(Secret("al", "two's"), "*")])
    request = register()
    server = DigestServer(b"key")
    response = unauthorized(server.challenges("one", 0.0) + server.challenges("two", 0.0))
    response.add("Proxy-Authenticate", server.challenges("proxy", 0.0)[0])
    assert client.receive(request, response)
    client.authorize(request)
    assert [parse_digest(value)["username"] for value in request.get_all("Authorization")] == ["alice", "al"]
    assert server.verify(request, "one", [ALICE], 1.0) is Verdict.ACCEPTED
    assert server.verify(request, "two", [Secret("al", "two's")], 1.0) is Verdict.ACCEPTED
    assert server.verify(request, "proxy", [Secret("al", "two's")], 1.0, proxy=True) is Verdict.ACCEPTED


def test_the_client_gives_up_on_a_refused_answer_but_not_on_a_stale_one() -> None:
    exchange = Exchange()
    refused = unauthorized(exchange.server.challenges("asterisk", 101.0))
    assert not exchange.client.receive(exchange.request, refused)
    stale = unauthorized(exchange.server.challenges("asterisk", 200.0, stale=True))
    assert exchange.client.receive(exchange.request, stale)
    exchange.client.authorize(exchange.request)
    assert exchange.verdict(now=201.0) is Verdict.ACCEPTED


def test_a_nonce_that_is_stale_time_after_time_is_given_up() -> None:
    exchange = Exchange()
    stale = unauthorized(exchange.server.challenges("asterisk", 200.0, stale=True))
    tries = 0
    while exchange.client.receive(exchange.request, stale):
        exchange.client.authorize(exchange.request)
        tries += 1
    assert tries == 3


def test_a_new_nonce_for_credentials_sent_unasked_is_answered_once() -> None:
    exchange = Exchange()
    later = register()
    exchange.client.authorize(later)
    fresh = unauthorized(exchange.server.challenges("asterisk", 200.0))
    assert exchange.client.receive(later, fresh)
    exchange.client.authorize(later)
    assert not exchange.client.receive(later, unauthorized(exchange.server.challenges("asterisk", 201.0)))


def test_a_realm_without_credentials_is_passed_over() -> None:
    client = DigestClient([Credentials(ALICE, "One")])
    server = DigestServer(b"key")
    request = register()
    both = unauthorized(server.challenges("two", 0.0) + server.challenges("one", 0.0))
    assert client.receive(request, both)
    client.authorize(request)
    assert len(request.get_all("Authorization")) == 1
    assert not client.receive(request, both)


def test_credentials_may_be_kept_to_some_algorithms() -> None:
    client = DigestClient([Credentials(ALICE, algorithms=[MD5])])
    server = DigestServer(b"key")
    request = register()
    assert client.receive(request, unauthorized(server.challenges("r", 0.0, algorithms=[SHA256, MD5])))
    client.authorize(request)
    assert parse_digest(request.get("Authorization") or "")["algorithm"] == "MD5"


def test_the_client_gives_up_without_credentials_for_the_realm() -> None:
    client = DigestClient([Credentials(ALICE, "one")])
    server = DigestServer(b"key")
    assert not client.receive(register(), unauthorized(server.challenges("two", 0.0)))
    assert not client.receive(register(), unauthorized([]))
    assert not client.receive(register(), unauthorized(['Basic realm="one"']))


def test_later_requests_carry_credentials_at_once_with_a_higher_count() -> None:
    exchange = Exchange()
    counts = []
    for _ in range(3):
        request = register()
        exchange.client.authorize(request)
        counts.append(parse_digest(request.get("Authorization") or "")["nc"])
        assert exchange.server.verify(request, "asterisk", [ALICE], 102.0) is Verdict.ACCEPTED
    assert counts == ["00000002", "00000003", "00000004"]
    exchange.client.forget()
    request = register()
    exchange.client.authorize(request)
    assert "Authorization" not in request


def test_a_challenge_without_qop_is_answered_as_rfc_2069_did() -> None:
    client = DigestClient([Credentials(ALICE)])
    request = register()
    assert client.receive(request, unauthorized(['Digest realm="r", nonce="n"']))
    client.authorize(request)
    value = parse_digest(request.get("Authorization") or "")
    assert "qop" not in value
    assert "algorithm" not in value
    assert "opaque" not in value
    assert value["response"] == digest(MD5, ha1("alice", "r", "wonder,land"), "REGISTER", "sip:example.com", "n")


def test_auth_int_covers_the_body() -> None:
    client = DigestClient([Credentials(ALICE)])
    request = register()
    assert client.receive(request, unauthorized(['Digest realm="asterisk", nonce="n", qop="auth-int"']))
    request.body = b"body"
    client.authorize(request)
    server = DigestServer(b"key")
    assert server.verify(request, "asterisk", [ALICE], 0.0) is Verdict.STALE
    request.body = b"tampered"
    assert server.verify(request, "asterisk", [ALICE], 0.0) is Verdict.WRONG


def test_challenges_we_cannot_answer_are_left_out() -> None:
    response = unauthorized(
        [
            'Digest realm="r", nonce="n", algorithm=TOKEN',
            'Digest realm="r"',
            'Digest nonce="n',
            "Digest x",
            'Digest realm="r", nonce="n", qop="unknown"',
            'digest REALM="q\\"q", Nonce="n", algorithm=md5, QOP="auth"',
        ]
    )
    (challenge,) = challenges_of(response)
    assert (challenge.realm, challenge.algorithm, challenge.qop) == ('q"q', "MD5", "auth")
    with pytest.raises(SIPError):
        parse_digest("Digest x")


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=10), st.sampled_from(ALGORITHMS))
def test_any_name_and_password_work(username: str, password: str, realm: str, algorithm: str) -> None:
    clean = [text.replace("\r", "").replace("\n", "").encode("utf-8", "replace").decode() for text in (username, realm)]
    secret = Secret(clean[0], password.encode("utf-8", "replace").decode())
    server = DigestServer(b"key")
    client = DigestClient([Credentials(secret)])
    request = register()
    assert client.receive(request, unauthorized(server.challenges(clean[1], 0.0, algorithms=[algorithm])))
    client.authorize(request)
    assert server.verify(request, clean[1], [secret], 0.0) is Verdict.ACCEPTED
