"""Session descriptions: what calls read in them, what is refused, what is written (RFC 8866 and its attributes)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.sip.errors import SIPError
from offhook.sip.sdp import Media, Origin, Session, parse_sdp, reverse_direction
from offhook.sip.sdp_attributes import T38, Candidate, Crypto, Rtpmap, parse_fmtp

BROWSER = """\
v=0
o=mozilla 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=fingerprint:SHA-256 12:ab:34
a=group:BUNDLE 0 1
a=ice-options:trickle
a=setup:actpass
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=candidate:0 1 UDP 2122252543 192.0.2.1 40000 typ host
a=candidate:1 2 UDP 1685987327 198.51.100.1 40001 typ srflx raddr 192.0.2.1 rport 40001
a=candidate:broken 1 UDP x 192.0.2.1 1 typ host
a=sendrecv
a=mid:0
a=msid:{stream} {track}
a=rtcp:9 IN IP4 0.0.0.0
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:secret
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:101 telephone-event/8000
a=fmtp:109 maxplaybackrate=48000;stereo=1; useinbandfec=1
a=ptime:20
a=maxptime:60
m=video 0 UDP/TLS/RTP/SAVPF 97
c=IN IP6 2001:db8::1
b=AS:500
a=inactive
a=mid:1
""".replace("\n", "\r\n")


def test_a_browsers_offer_is_read() -> None:
    session = parse_sdp(BROWSER)
    assert session.origin == Origin("mozilla", 4611731400430051336, 2, "127.0.0.1")
    assert session.bundles == [["0", "1"]]
    audio, video = session.media
    assert (audio.kind, audio.port, audio.protocol) == ("audio", 9, "UDP/TLS/RTP/SAVPF")
    assert audio.payloads == [109, 9, 0, 8, 101]
    assert audio.rtpmaps == {
        109: Rtpmap(109, "opus", 48000, 2),
        9: Rtpmap(9, "G722", 8000),
        0: Rtpmap(0, "PCMU", 8000),
        8: Rtpmap(8, "PCMA", 8000),
        101: Rtpmap(101, "telephone-event", 8000),
    }
    assert parse_fmtp(audio.fmtps["109"]) == {"maxplaybackrate": "48000", "stereo": "1", "useinbandfec": "1"}
    assert (audio.ptime, audio.maxptime) == (20, 60)
    assert audio.secure
    assert audio.mid == "0"
    assert audio.msid == ("{stream}", "{track}")
    assert audio.rtcp == (9, "0.0.0.0")
    assert "rtcp-mux" in audio
    assert session.ice_of(audio) == ("abcd", "secret")
    assert session.fingerprint_of(audio) == ("sha-256", "12:AB:34")
    assert session.setup_of(audio) == "actpass"
    assert audio.candidates == [
        Candidate("0", 1, "udp", 2122252543, "192.0.2.1", 40000, "host"),
        Candidate("1", 2, "udp", 1685987327, "198.51.100.1", 40001, "srflx", ("192.0.2.1", 40001)),
    ]
    assert session.direction_of(audio) == "sendrecv"
    assert session.direction_of(video) == "inactive"
    assert session.address_of(video) == "2001:db8::1"
    assert video.bandwidths == [("AS", 500)]


def test_what_was_read_is_written_again() -> None:
    assert str(parse_sdp(BROWSER)) == BROWSER


def test_the_line_order_of_what_we_write() -> None:
    session = Session(Origin("-", 1, 2, "192.0.2.1"), "Offhook", "192.0.2.1")
    media = Media("audio", 16384, "RTP/AVP")
    media.add_format(Rtpmap(0, "PCMU", 8000))
    media.add_format(Rtpmap(101, "telephone-event", 8000), "0-16")
    media.add("ptime", 20)
    media.direction = "sendonly"
    session.media.append(media)
    assert session.to_bytes().decode().split("\r\n") == [
        "v=0",
        "o=- 1 2 IN IP4 192.0.2.1",
        "s=Offhook",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 16384 RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendonly",
        "",
    ]
    media.direction = "sendrecv"
    assert media.direction == "sendrecv"
    assert [reverse_direction(d) for d in ("sendonly", "recvonly", "inactive", "sendrecv")] == [
        *("recvonly", "sendonly", "inactive", "sendrecv")
    ]


HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1\r\no=- 1 1 IN IP4 192.0.2.1\r\n",
        "o=- 1 1 IN IP4 192.0.2.1\r\n",
        "v=0\r\n",
        "v=0\r\no=- 1 1\r\n",
        "v=0\r\no=- x 1 IN IP4 192.0.2.1\r\n",
        "v=0\r\ns=-\r\n",
        HEAD + "m=audio\r\n",
        HEAD + "m=audio 4000 RTP/AVP\r\n",
        HEAD + "m=audio x RTP/AVP 0\r\n",
        HEAD + "m=audio 65536 RTP/AVP 0\r\n",
        HEAD + "m=audio -1 RTP/AVP 0\r\n",
        HEAD + "nonsense\r\n",
        HEAD + "m=audio 1 RTP/AVP 0\r\nc=IN IP4\r\n",
        HEAD + "m=audio 1 RTP/AVP 0\r\nc=ATM NSAP 1\r\n",
        HEAD.replace("c=IN IP4 192.0.2.1\r\n", "") + "m=audio 1 RTP/AVP 0\r\n",
        HEAD + "m=audio 1 RTP/AVP 0\r\n" * 100,
        HEAD + "a=x\r\n" * 5000,
    ],
)
def test_what_cannot_be_used_is_488(text: str) -> None:
    with pytest.raises(SIPError) as refusal:
        parse_sdp(text)
    assert refusal.value.status == 488
    assert refusal.value.detail.startswith("SDP: ")


@pytest.mark.parametrize(
    "text",
    [
        HEAD.replace("t=0 0\r\n", ""),
        HEAD.replace("s=-\r\n", ""),
        HEAD.replace("\r\n", "\n") + "m=audio 1 RTP/AVP 0\n",
        HEAD + "m=audio 4000/2 RTP/AVP 0\r\nb=garbage\r\na=rtpmap:999 x/y\r\na=ptime:abc\r\na=rtcp:x\r\na=crypto:x\r\n",
        HEAD.replace("v=0", "v=0an") + "m=audio 0 RTP/AVP\r\n",
        HEAD + "z=0 0\r\nk=clear:x\r\nr=1 2 3\r\n",
        HEAD.replace("c=IN IP4 192.0.2.1\r\n", "") + "m=audio 0 RTP/AVP 0\r\n",
        HEAD + "m=audio 1 RTP/AVP 0  8 \r\n\r\n",
    ],
)
def test_sloppy_descriptions_are_taken(text: str) -> None:
    parse_sdp(text)


def test_malformed_attributes_read_as_absent() -> None:
    media = parse_sdp(
        HEAD + "m=audio 4000/2 RTP/AVP 0 96 200 x\r\n"
        "a=rtpmap:96 x/y\r\na=ptime:abc\r\na=rtcp:x\r\na=crypto:x\r\na=ice-ufrag:a\r\n"
    ).media[0]
    assert media.payloads == [0, 96]
    assert list(media.rtpmaps) == [0]
    assert media.ptime is None
    assert media.rtcp is None
    assert media.crypto == []
    assert media.ice is None
    assert media.fingerprint is None
    assert media.port_count == 2


def test_sdes_keys() -> None:
    line = "1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4 UNENCRYPTED_SRTCP"
    media = Media("audio", 1, "RTP/SAVP", ["0"])
    media.add("crypto", line)
    key = "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4"
    assert media.crypto == [Crypto(1, "AES_CM_128_HMAC_SHA1_80", key, "UNENCRYPTED_SRTCP")]
    assert str(media.crypto[0]) == line


def test_t38() -> None:
    media = parse_sdp(
        HEAD + "m=image 4400 udptl t38\r\na=T38FaxVersion:3\r\na=T38MaxBitRate:9600\r\na=T38FaxFillBitRemoval:0\r\n"
        "a=T38FaxTranscodingMMR\r\na=T38FaxTranscodingJBIG:1\r\na=T38FaxRateManagement:transferredTCF\r\n"
        "a=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
    ).media[0]
    t38 = media.t38
    assert t38 == T38(3, 9600, False, True, True, "transferredTCF", None, 400, "t38UDPRedundancy")
    again = Media("image", 1, "udptl", ["t38"])
    again.attributes += t38.attributes()
    assert again.t38 == t38


def test_a_candidate_prints_as_it_was_read() -> None:
    text = "1 2 udp 1685987327 198.51.100.1 40001 typ srflx raddr 192.0.2.1 rport 40001"
    media = Media("audio", 1, "RTP/AVP", ["0"])
    media.add("candidate", text)
    assert str(media.candidates[0]) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    for candidate in (text, HEAD + text, HEAD + "m=audio 1 RTP/AVP 0\r\na=" + text):
        try:
            session = parse_sdp(candidate)
        except SIPError:
            continue
        for media in session.media:
            _ = media.rtpmaps, media.fmtps, media.crypto, media.candidates, media.t38, media.rtcp, media.msid
        assert str(parse_sdp(str(session))) == str(session)
