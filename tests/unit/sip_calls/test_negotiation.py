"""Offers and answers of an endpoint, as tables: what comes in, what goes out."""

from __future__ import annotations

import pytest

from offhook.drivers.sip.configuration.endpoint import Endpoint
from offhook.drivers.sip.media.codecs import Codec
from offhook.drivers.sip.media.describing import describe
from offhook.drivers.sip.media.negotiation import (
    MediaStream,
    Refused,
    Terms,
    default_stream,
    initial_streams,
    joint_codecs,
    receive_answer,
    receive_offer,
    streams_of,
)
from offhook.media.formats import Formats, format_named, parse_allow
from offhook.sip.sdp import Origin, Session, parse_sdp

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
EVENTS = "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\n"


class Leg:
    """An engine leg as far as a description needs one."""

    ssrc, cname = 77, "here"

    def __init__(self, port: int) -> None:
        self.local_port = port


def endpoint(allow: str = "!all,ulaw,alaw", **options: str) -> Endpoint:
    """An endpoint of pjsip.conf."""
    made = Endpoint("alice")
    for name, value in {"allow": allow, **options}.items():
        made.assign(name, value)
    made.complete()
    return made


def terms(allow: str = "!all,ulaw,alaw", *, incoming: bool = True, **options: str) -> Terms:
    """What a call with such an endpoint negotiates by."""
    made = endpoint(allow, **options)
    return Terms(made, made.allow, incoming, made.dtmf_mode)


def sdp(media: str) -> Session:
    """A description with these media lines."""
    return parse_sdp((HEAD + media.replace("\n", "\r\n")).encode())


def legs(streams: list[MediaStream]) -> None:
    """Give every stream a leg."""
    for number, stream in enumerate(streams):
        if stream.active:
            stream.leg = Leg(10000 + 2 * number)


def lines(session: Session) -> list[str]:
    """From the first m= line on."""
    text = str(session).split("\r\n")
    return [line for line in text[next(i for i, line in enumerate(text) if line.startswith("m=")) :] if line]


def answer(offer: str, agreed: Terms, known: list[MediaStream] | None = None) -> list[str]:
    """The media lines that answer an offer."""
    remote = sdp(offer)
    pending = receive_offer(remote, known or [], agreed)
    legs(pending)
    return lines(describe(pending, agreed, Origin("-", 1, 1, ""), "192.0.2.1", remote))


def offer(agreed: Terms, streams: list[MediaStream] | None = None) -> list[str]:
    """The media lines of an offer."""
    wanted = streams if streams is not None else streams_of(agreed.allowed)
    legs(wanted)
    return lines(describe(wanted, agreed, Origin("-", 1, 1, ""), "192.0.2.1"))


# ---- audio -----------------------------------------------------------------------------------------------


def test_an_answer_has_the_joint_codecs_in_the_endpoints_order() -> None:
    assert answer("m=audio 4000 RTP/AVP 8 3 0 101\n" + EVENTS, terms()) == [
        "m=audio 10000 RTP/AVP 0 8 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=maxptime:140",
        "a=sendrecv",
    ]


def test_the_offers_order_counts_when_the_endpoint_says_so() -> None:
    agreed = terms(incoming_call_offer_pref="remote")
    assert answer("m=audio 4000 RTP/AVP 8 3 0\n", agreed)[0] == "m=audio 10000 RTP/AVP 8 0"


def test_the_peers_payload_types_are_kept() -> None:
    found = answer(
        "m=audio 4000 RTP/AVP 111 96\na=rtpmap:111 opus/48000/2\na=rtpmap:96 G722/8000\n", terms("!all,g722,opus")
    )
    assert found[0] == "m=audio 10000 RTP/AVP 96 111"
    assert "a=rtpmap:111 opus/48000/2" in found


def test_an_endpoint_without_telephone_events_offers_none() -> None:
    assert offer(terms("!all,ulaw", dtmf_mode="info"))[0] == "m=audio 10000 RTP/AVP 0"
    assert offer(terms("!all,ulaw"))[0] == "m=audio 10000 RTP/AVP 0 101"


def test_telephone_events_are_offered_at_the_clocks_of_the_codecs() -> None:
    found = offer(terms("!all,opus,ulaw"))
    clocks = [line.rpartition("/")[2] for line in found if "telephone-event" in line]
    assert clocks == ["48000", "8000"]


def test_digits_travel_at_the_clock_of_the_codec_that_is_sent() -> None:
    agreed = terms("!all,opus,ulaw")
    remote = sdp(
        "m=audio 4000 RTP/AVP 107 0 101 110\na=rtpmap:107 opus/48000/2\n"
        "a=rtpmap:101 telephone-event/8000\na=rtpmap:110 telephone-event/48000\n"
    )
    (stream,) = receive_offer(remote, [], agreed)
    assert stream.digits == (110, 48000)


@pytest.mark.parametrize(
    ("stated", "ours", "held"),
    [
        ("sendrecv", "sendrecv", False),
        ("sendonly", "recvonly", True),
        ("inactive", "inactive", True),
        ("recvonly", "sendonly", False),
    ],
)
def test_directions_are_mirrored_and_hold_is_noticed(stated: str, ours: str, held: bool) -> None:
    agreed = terms()
    remote = sdp(f"m=audio 4000 RTP/AVP 0\na={stated}\n")
    pending = receive_offer(remote, [], agreed)
    legs(pending)
    assert lines(describe(pending, agreed, Origin("-", 1, 1, ""), "192.0.2.1", remote))[-1] == f"a={ours}"
    assert pending[0].remote_hold is held


def test_a_connection_address_of_zeros_is_hold_too() -> None:
    (stream,) = receive_offer(sdp("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n"), [], terms())
    assert stream.remote_hold
    assert stream.remote is None


def test_the_packet_time_asked_for_is_followed_when_use_ptime_says_so() -> None:
    media = "m=audio 4000 RTP/AVP 0\na=ptime:40\n"
    assert "a=ptime:20" in answer(media, terms())
    assert "a=ptime:40" in answer(media, terms(use_ptime="yes"))


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        answer("m=audio 4000 RTP/AVP 18\n", terms())
    assert refusal.value.status == 488


@pytest.mark.parametrize("profile", ["RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"])
def test_another_profile_than_the_endpoints_is_refused(profile: str) -> None:
    with pytest.raises(Refused):
        answer(f"m=audio 4000 {profile} 0\n", terms())
    assert answer("m=audio 4000 RTP/AVPF 0\n", terms(use_avpf="yes"))[0] == "m=audio 10000 RTP/AVPF 0"


@pytest.mark.parametrize(
    ("preference", "expected"),
    [
        ("local", "ulaw alaw"),
        ("remote", "alaw ulaw"),
        ("local_first", "ulaw"),
        ("remote_first", "alaw"),
        ("local_merge", "ulaw alaw gsm"),
        ("remote_merge", "alaw ulaw gsm"),
    ],
)
def test_codec_preferences(preference: str, expected: str) -> None:
    theirs = [Codec(format_named(name)) for name in ("alaw", "g729", "ulaw")]
    ours = parse_allow("!all,ulaw,alaw,gsm")
    assert " ".join(codec.name for codec in joint_codecs(theirs, ours, "audio", preference)) == expected


def test_an_outgoing_call_offers_what_the_caller_has_as_far_as_allowed() -> None:
    wanted = [MediaStream("audio", tuple(Codec(format_named(name)) for name in ("g722", "alaw")))]
    assert [codec.name for codec in initial_streams(wanted, terms(incoming=False))[0].codecs] == ["alaw", "ulaw"]


def test_a_caller_with_nothing_the_endpoint_takes_gets_all_of_the_endpoints_codecs() -> None:
    strangers = [MediaStream("audio", (Codec(format_named("g729")),))]
    assert [codec.name for codec in initial_streams(strangers, terms(incoming=False))[0].codecs] == ["ulaw", "alaw"]


def test_what_the_caller_only_receives_the_called_party_only_sends() -> None:
    codecs = (Codec(format_named("h264")),)
    wanted = [
        MediaStream("audio", (Codec(format_named("ulaw")),), state="sendonly"),
        MediaStream("video", codecs, state="sendonly"),
        MediaStream("video", codecs, state="recvonly"),
        MediaStream("video", codecs, state="inactive"),
    ]
    streams = initial_streams(wanted, terms("!all,ulaw,h264", incoming=False))
    assert [stream.state for stream in streams] == ["sendrecv", "recvonly", "sendonly", "inactive"]


# ---- several streams -------------------------------------------------------------------------------------


def test_streams_the_endpoint_does_not_take_keep_their_place_with_port_0() -> None:
    found = answer(
        "m=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 99\na=rtpmap:99 H264/90000\nm=audio 4004 RTP/AVP 8\n", terms()
    )
    assert [line for line in found if line.startswith("m=")] == [
        "m=audio 10000 RTP/AVP 0",
        "m=video 0 RTP/AVP 99",
        "m=audio 0 RTP/AVP 8",
    ]


def test_as_many_streams_as_the_endpoint_allows() -> None:
    media = "m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 8\nm=audio 4004 RTP/AVP 0\n"
    found = [line for line in answer(media, terms(max_audio_streams="2")) if line.startswith("m=")]
    assert found == ["m=audio 10000 RTP/AVP 0", "m=audio 10002 RTP/AVP 8", "m=audio 0 RTP/AVP 0"]


def test_a_stream_the_peer_refuses_in_a_new_offer_is_gone_but_keeps_its_place() -> None:
    agreed = terms("!all,ulaw,h264")
    video = "m=video 4002 RTP/AVP 99\na=rtpmap:99 H264/90000\n"
    active = receive_offer(sdp("m=audio 4000 RTP/AVP 0\n" + video), [], agreed)
    legs(active)
    assert active[1].active
    found = answer("m=audio 4000 RTP/AVP 0\n" + video.replace("4002", "0"), agreed, active)
    assert found[-1] == "m=video 0 RTP/AVP 99"


def test_format_parameters_of_video_pass_through() -> None:
    media = (
        "m=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 99\na=rtpmap:99 H264/90000\na=fmtp:99 profile-level-id=42e01f\n"
    )
    assert "a=fmtp:99 profile-level-id=42E01F" in answer(media, terms("!all,ulaw,h264"))


def test_a_bundle_is_answered_with_a_bundle_over_one_leg() -> None:
    media = (
        "a=group:BUNDLE a v\nm=audio 4000 RTP/AVP 0\na=mid:a\na=rtcp-mux\n"
        "m=video 4000 RTP/AVP 96\na=rtpmap:96 H264/90000\na=mid:v\na=rtcp-mux\n"
    )
    agreed = terms("!all,ulaw,h264", bundle="yes", rtcp_mux="yes")
    remote = sdp(media)
    pending = receive_offer(remote, [], agreed)
    legs(pending)
    text = str(describe(pending, agreed, Origin("-", 1, 1, ""), "192.0.2.1", remote))
    assert "a=group:BUNDLE a v" in text
    assert [line.split()[1] for line in text.split("\r\n") if line.startswith("m=")] == ["10000", "10000"]
    assert "a=rtpmap:96 H264/90000" in text, "the offerer's numbers, also for what is not in its first stream"


# ---- answers to our offers -------------------------------------------------------------------------------


def accepted(media: str, agreed: Terms) -> MediaStream:
    """Our audio stream after an answer to our offer."""
    pending = streams_of(agreed.allowed)
    legs(pending)
    describe(pending, agreed, Origin("-", 1, 1, ""), "192.0.2.1")
    receive_answer(sdp(media), pending, agreed)
    stream = default_stream(pending, "audio")
    assert stream is not None
    return stream


def test_video_answered_one_way_is_one_way_from_then_on() -> None:
    agreed = terms("!all,ulaw,h264", incoming=False)
    pending = streams_of(agreed.allowed)
    legs(pending)
    video = "m=video 4002 RTP/AVP 99\na=rtpmap:99 H264/90000\na=sendonly\n"
    receive_answer(sdp("m=audio 4000 RTP/AVP 0\na=sendonly\n" + video), pending, agreed)
    assert [stream.state for stream in pending] == ["sendrecv", "recvonly"]


def test_an_answer_says_what_is_sent_and_where() -> None:
    stream = accepted("m=audio 4000 RTP/AVP 8 101\n" + EVENTS, terms())
    assert stream.remote == ("192.0.2.7", 4000)
    assert stream.send == (8, format_named("alaw"))
    assert stream.digits == (101, 8000)
    assert [codec.name for codec in stream.codecs] == ["alaw"]


def test_what_was_offered_may_arrive_even_when_the_answer_left_it_out() -> None:
    stream = accepted("m=audio 4000 RTP/AVP 8\n", terms())
    assert stream.receive == {0: format_named("ulaw"), 8: format_named("alaw")}


def test_payload_types_of_the_answer_are_used_to_send() -> None:
    stream = accepted("m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n", terms("!all,opus"))
    assert stream.send == (96, format_named("opus"))


@pytest.mark.parametrize(
    "media",
    ["m=audio 4000 RTP/AVP 18\n", "m=audio 0 RTP/AVP 0\n", "m=video 4000 RTP/AVP 0\n", "m=audio 4000 RTP/SAVP 0\n"],
)
def test_an_answer_that_fits_nothing_of_the_offer_is_refused(media: str) -> None:
    with pytest.raises(Refused):
        accepted(media, terms())


def test_an_empty_list_of_formats_makes_no_stream() -> None:
    assert streams_of(Formats()) == []


def test_comfort_noise_and_extended_reports_are_agreed_on_where_offered() -> None:
    offer = sdp(
        "m=audio 4000 RTP/AVP 0 13\na=rtpmap:13 CN/8000\na=maxptime:10\n"
        "a=rtcp-xr:voip-metrics pkt-loss-rle stat-summary=loss,dup\n"
    )
    pending = receive_offer(offer, [], terms())
    legs(pending)
    [media] = describe(pending, terms(), Origin("-", 1, 1, ""), "192.0.2.1", offer).media
    assert media.formats == ["0", "13"]
    assert "13 CN/8000" in list(media.get_all("rtpmap"))
    assert media.get("rtcp-xr") == "voip-metrics stat-summary=loss,jitt"
    assert (pending[0].comfort_noise, pending[0].longest) == (13, 10)
    assert pending[0].extended == ("voip-metrics", "stat-summary")


def test_what_was_not_offered_is_not_answered() -> None:
    offer = sdp("m=audio 4000 RTP/AVP 0\n")
    pending = receive_offer(offer, [], terms())
    legs(pending)
    [media] = describe(pending, terms(), Origin("-", 1, 1, ""), "192.0.2.1", offer).media
    assert media.formats == ["0"]
    assert media.get("rtcp-xr") is None
