"""Encryption in offers and answers, as tables: what comes in, what goes out, and what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from offhook.drivers.sip.media.describing import describe
from offhook.drivers.sip.media.negotiation import MediaStream, Terms, receive_answer, receive_offer, streams_of
from offhook.drivers.sip.media.refused import Refused
from offhook.sip.sdes import LEAST_LIFETIME, SUITES, choose, parse_parameters
from offhook.sip.sdp import Origin, Session
from offhook.sip.sdp_attributes import parse_crypto
from tests.unit.sip_calls.test_negotiation import Leg, sdp, terms

KEY = base64.b64encode(bytes(range(30))).decode()
CRYPTO = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\n"
PLAIN = "m=audio 4000 RTP/AVP 0\n"
SECURE = "m=audio 4000 RTP/SAVP 0\n"
DTLS = "m=audio 4000 UDP/TLS/RTP/SAVP 0\na=fingerprint:sha-256 AA:BB\na=setup:actpass\n"


class Link:
    """A link as far as a description needs one."""

    established = False

    def fingerprint(self, _name: str) -> str:
        return "CC:DD"


def legs(streams: list[MediaStream]) -> None:
    """Give the streams what descriptions tell of."""
    for stream in streams:
        if stream.active:
            stream.leg, stream.link = Leg(5000), Link()


def answer(offer: str, wanted: Terms) -> tuple[Session, MediaStream]:
    """What answers an offer, and the stream that comes of it."""
    asked = sdp(offer)
    streams = receive_offer(asked, [], wanted)
    legs(streams)
    return describe(streams, wanted, Origin("-", 1, 1, ""), "192.0.2.1", asked), streams[0]


@pytest.mark.parametrize(
    ("options", "offer", "profile"),
    [
        ({"media_encryption": "sdes"}, SECURE + CRYPTO, "RTP/SAVP"),
        ({"media_encryption": "sdes", "media_encryption_optimistic": "yes"}, SECURE + CRYPTO, "RTP/SAVP"),
        ({"media_encryption": "sdes", "media_encryption_optimistic": "yes"}, PLAIN + CRYPTO, "RTP/AVP"),
        ({"media_encryption": "sdes"}, PLAIN + CRYPTO, "RTP/AVP"),
        ({"media_encryption": "sdes", "use_avpf": "yes"}, SECURE.replace("SAVP", "SAVPF") + CRYPTO, "RTP/SAVPF"),
    ],
)
def test_keys_are_answered_by_keys(options: dict[str, str], offer: str, profile: str) -> None:
    session, stream = answer(offer, terms(**options))
    media = session.media[0]
    assert media.protocol == profile
    (crypto,) = media.crypto
    assert (crypto.tag, crypto.suite) == (1, "AES_CM_128_HMAC_SHA1_80")
    assert stream.sdes is not None and stream.sdes.receive == bytes(range(30)) and stream.sdes.send != bytes(range(30))


@pytest.mark.parametrize(
    ("options", "offer"),
    [
        ({"media_encryption": "sdes"}, PLAIN),
        ({"media_encryption": "sdes"}, SECURE),
        ({"media_encryption": "sdes"}, SECURE + "a=crypto:1 ROT13 inline:AAAA\n"),
        ({"media_encryption": "sdes"}, DTLS),
        ({"media_encryption": "dtls"}, PLAIN),
        ({"media_encryption": "dtls"}, SECURE + CRYPTO),
        ({"media_encryption": "sdes", "media_encryption_optimistic": "yes"}, SECURE),
        ({}, SECURE + CRYPTO),
        ({}, DTLS),
        ({"use_avpf": "yes"}, PLAIN),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, str], offer: str) -> None:
    with pytest.raises(Refused) as refused:
        receive_offer(sdp(offer), [], terms(**options))
    assert refused.value.status == 488


@pytest.mark.parametrize(
    ("options", "offer"),
    [
        ({"media_encryption": "sdes", "media_encryption_optimistic": "yes"}, PLAIN),
        ({"media_encryption": "dtls", "media_encryption_optimistic": "yes"}, PLAIN),
        ({}, PLAIN + CRYPTO),
    ],
)
def test_where_it_may_be_plain_it_is(options: dict[str, str], offer: str) -> None:
    session, stream = answer(offer, terms(**options))
    assert session.media[0].protocol == "RTP/AVP" and not session.media[0].crypto
    assert stream.encryption == "no"


def test_without_the_module_nothing_is_encrypted() -> None:
    wanted = terms(media_encryption="sdes")
    wanted.srtp_allowed = False
    with pytest.raises(Refused):
        receive_offer(sdp(SECURE + CRYPTO), [], wanted)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("active", "actpass", "active"),
        ("passive", "actpass", "passive"),
        ("actpass", "actpass", "active"),
        ("actpass", "active", "passive"),
        ("active", "active", "passive"),
        ("passive", "passive", "active"),
        ("active", "holdconn", "holdconn"),
    ],
)
def test_who_begins_dtls(ours: str, theirs: str, said: str) -> None:
    wanted = terms(media_encryption="dtls", dtls_setup=ours)
    session, stream = answer(DTLS.replace("actpass", theirs), wanted)
    media = session.media[0]
    assert media.protocol == "UDP/TLS/RTP/SAVP" and media.setup == said
    assert media.fingerprint == ("sha-256", "CC:DD") and media.get("connection") == "new"
    assert stream.dtls is not None and stream.dtls.fingerprint == ("sha-256", "AA:BB")


@pytest.mark.parametrize(
    ("options", "profile"),
    [
        ({}, "RTP/AVP"),
        ({"use_avpf": "yes"}, "RTP/AVPF"),
        ({"media_encryption": "sdes"}, "RTP/SAVP"),
        ({"media_encryption": "sdes", "media_encryption_optimistic": "yes"}, "RTP/AVP"),
        ({"media_encryption": "dtls"}, "UDP/TLS/RTP/SAVP"),
        ({"media_encryption": "dtls", "force_avp": "yes"}, "RTP/SAVP"),
        ({"webrtc": "yes"}, "UDP/TLS/RTP/SAVPF"),
    ],
)
def test_what_is_offered(options: dict[str, str], profile: str) -> None:
    wanted = terms(incoming=False, **options)
    wanted.ice_allowed = False
    streams = streams_of(wanted.allowed)
    legs(streams)
    media = describe(streams, wanted, Origin("-", 1, 1, ""), "192.0.2.1").media[0]
    assert media.protocol == profile
    assert bool(media.crypto) == (options.get("media_encryption") == "sdes")
    assert ("fingerprint" in media) == ("dtls" in options.get("media_encryption", "") or "webrtc" in options)


def offered(**options: str) -> tuple[list[MediaStream], Terms]:
    """Streams that were offered."""
    wanted = terms(incoming=False, **options)
    streams = streams_of(wanted.allowed)
    legs(streams)
    describe(streams, wanted, Origin("-", 1, 1, ""), "192.0.2.1")
    return streams, wanted


def test_the_answers_key_is_taken_and_ours_stays() -> None:
    streams, wanted = offered(media_encryption="sdes")
    ours: Any = streams[0].sdes
    receive_answer(sdp(SECURE + CRYPTO), streams, wanted)
    after = streams[0].sdes
    assert after is not None and after.settled and after.send == ours.send


def test_an_answer_without_keys_ends_it_unless_optimistic() -> None:
    streams, wanted = offered(media_encryption="sdes")
    with pytest.raises(Refused):
        receive_answer(sdp(PLAIN), streams, wanted)
    streams, wanted = offered(media_encryption="sdes", media_encryption_optimistic="yes")
    receive_answer(sdp(PLAIN), streams, wanted)
    assert streams[0].encryption == "no"


def key(length: int) -> str:
    """A key in base64."""
    return base64.b64encode(bytes(length)).decode().rstrip("=")


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_is_taken_with_its_key_length(suite: str) -> None:
    length = SUITES[suite]
    crypto = parse_crypto(f"7 {suite} inline:{key(length)}")
    assert crypto is not None
    chosen = choose([crypto], None)
    assert chosen is not None and len(chosen.send) == length and chosen.crypto.tag == 7 and chosen.crypto.suite == suite
    for wrong in (length - 1, length + 1, 0):
        other = parse_crypto(f"7 {suite} inline:{key(wrong)}")
        assert other is None or parse_parameters(other) is None


@pytest.mark.parametrize(
    ("options", "mki"),
    [
        ("", 0),
        ("|2^31", 0),
        (f"|{LEAST_LIFETIME}", 0),
        ("|1:4", 4),
        ("|2^48|1:128", 128),
        ("|2^19", None),
        (f"|{LEAST_LIFETIME - 1}", None),
        ("|monkeys", None),
        ("|2^x", None),
        ("||1:4", None),
        ("|2^31|2:4", None),
        ("|2^31|1", None),
        ("|2^31|1:x", None),
        ("|1:0", None),
        ("|1:129", None),
    ],
)
def test_lifetime_and_identifier(options: str, mki: int | None) -> None:
    crypto = parse_crypto(f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{options}")
    assert crypto is not None
    parameters = parse_parameters(crypto)
    assert (None if parameters is None else parameters.mki) == mki


def test_session_parameters_are_refused_and_the_next_line_taken() -> None:
    lines = [
        parse_crypto(f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP"),
        parse_crypto(f"2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
    ]
    chosen = choose([line for line in lines if line is not None], None)
    assert chosen is not None and chosen.tag == 2


def test_mediasec_is_said_where_it_was_agreed() -> None:
    wanted = terms(media_encryption="sdes", security_negotiation="mediasec")
    session, _ = answer(SECURE + CRYPTO, wanted)
    assert session.media[0].get("3ge2ae") == "requested"


def test_streams_of_a_bundle_share_the_keys_of_the_first() -> None:
    wanted = terms("!all,ulaw,vp8", media_encryption="sdes", bundle="yes")
    offer = sdp(
        "a=group:BUNDLE a v\n"
        + SECURE
        + CRYPTO
        + "a=mid:a\na=rtcp-mux\nm=video 4000 RTP/SAVP 96\na=rtpmap:96 VP8/90000\na=mid:v\na=rtcp-mux\n"
    )
    streams = receive_offer(offer, [], wanted)
    legs(streams)
    session = describe(streams, wanted, Origin("-", 1, 1, ""), "192.0.2.1", offer)
    assert len(session.media) == 2
    assert session.media[0].crypto == session.media[1].crypto != []
