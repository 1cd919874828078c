"""The table of formats, lists of them, and what translations cost."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.media import (
    ALL,
    FORMATS,
    Formats,
    Kind,
    format_for_encoding,
    format_for_extension,
    format_for_payload_type,
    format_named,
    parse_allow,
    translation_cost,
    translation_path,
)


def test_names_and_aliases_in_any_case() -> None:
    assert format_named("ULAW") is FORMATS["ulaw"]
    assert format_named("g726rfc3551") is FORMATS["g726"]
    assert format_named("t140red") is FORMATS["red"]
    with pytest.raises(KeyError, match="g711"):
        format_named("g711")


def test_a_format_is_one_object() -> None:
    assert pickle.loads(pickle.dumps(FORMATS["g722"])) is FORMATS["g722"]


def test_rates_of_payload() -> None:
    rates = {name: FORMATS[name].bits_per_second for name in ("ulaw", "gsm", "g729", "ilbc", "slin16", "opus")}
    assert rates == {"ulaw": 64000, "gsm": 13200, "g729": 8000, "ilbc": 13333, "slin16": 256000, "opus": 0}


def test_sdp_names() -> None:
    assert format_for_encoding("pcmu", 8000) is FORMATS["ulaw"]
    assert format_for_encoding("L16", 16000) is FORMATS["slin16"]
    assert format_for_encoding("speex", 32000) is FORMATS["speex32"]
    assert format_for_encoding("G722", 8000) is FORMATS["g722"]
    assert format_for_encoding("g722", 16000) is FORMATS["g722"], "a common mistake"
    assert format_for_encoding("H264", 90000, Kind.VIDEO) is FORMATS["h264"]
    assert format_for_encoding("H264", 90000) is None
    assert format_for_payload_type(18) is FORMATS["g729"]
    assert format_for_payload_type(96) is None


def test_every_rtp_format_is_found_by_its_own_sdp_name() -> None:
    for each in FORMATS.values():
        if each.encoding and each.family != "silk" and each.name != "t38":
            assert format_for_encoding(each.encoding, each.clock, each.kind) is each


def test_static_payload_types_are_their_formats() -> None:
    for each in FORMATS.values():
        if each.payload_type is not None and each.payload_type < 35:
            assert format_for_payload_type(each.payload_type) is each


def test_extensions() -> None:
    assert format_for_extension("wav") is FORMATS["slin"]
    assert format_for_extension("WAV") is FORMATS["gsm"]
    assert format_for_extension("sln16") is FORMATS["slin16"]
    assert format_for_extension("mp3") is None


def test_allow_lists() -> None:
    assert str(parse_allow("!all,ulaw,alaw")) == "(ulaw|alaw)"
    assert parse_allow("all") == ALL
    assert str(parse_allow("ulaw,alaw,ulaw")) == "(ulaw|alaw)"
    assert str(parse_allow("g722", parse_allow("ulaw"))) == "(ulaw|g722)"
    assert str(parse_allow("ulaw", parse_allow("ulaw,alaw"), allow=False)) == "(alaw)"
    assert str(parse_allow("all", parse_allow("ulaw"), allow=False)) == "(nothing)"
    assert str(parse_allow("!ulaw", parse_allow("alaw"), allow=False)) == "(alaw|ulaw)"
    assert str(parse_allow("silk")) == "(silk8|silk12|silk16|silk24)"
    assert parse_allow(" ulaw , alaw ").names == "ulaw,alaw"


def test_packet_times_in_allow_lists() -> None:
    formats = parse_allow("ulaw:30,g723,gsm:25,g729:1000")
    assert [formats.ptime(each) for each in formats] == [30, 30, 20, 220]
    assert parse_allow("ulaw:40", formats).ptime(FORMATS["ulaw"]) == 40


def test_unknown_names_are_told_and_the_rest_is_taken() -> None:
    with pytest.raises(ValueError, match="no such format: g711, foo") as caught:
        parse_allow("ulaw,g711,alaw,foo")
    assert str(caught.value.args[1]) == "(ulaw|alaw)"


def test_lists_are_joined_in_the_order_of_the_first() -> None:
    ours, theirs = parse_allow("g722,ulaw,alaw,h264"), parse_allow("alaw,g722,h264")
    assert str(ours.joint(theirs)) == "(g722|alaw|h264)"
    assert str(ours.of(Kind.VIDEO)) == "(h264)"
    assert str(ours.minus(theirs)) == "(ulaw)"
    assert ours.first() is FORMATS["g722"]
    assert ours.first("text") is None
    assert ours[1] is FORMATS["ulaw"]
    assert FORMATS["alaw"] in ours
    assert len(ours) == 4


@given(st.lists(st.sampled_from([*list(FORMATS), "all", "nothing-like-it"]), max_size=8), st.booleans())
def test_any_list_can_be_read(names: list[str], negated: bool) -> None:
    text = ",".join(("!" if negated else "") + name for name in names)
    try:
        formats = parse_allow(text, Formats(["ulaw"]))
    except ValueError as error:
        formats = error.args[1]
    assert len(set(formats)) == len(formats)


def test_translation_costs_rank_paths() -> None:
    ulaw, alaw, g722, slin, gsm = (FORMATS[name] for name in ("ulaw", "alaw", "g722", "slin", "gsm"))
    assert translation_cost(ulaw, ulaw) == 0
    assert translation_cost(ulaw, slin) == 9000
    assert translation_cost(slin, ulaw) == 6000
    assert translation_cost(ulaw, alaw) == 9150
    assert translation_cost(ulaw, gsm) == 15000
    assert translation_cost(ulaw, FORMATS["slin16"]) == 17000
    assert translation_cost(ulaw, FORMATS["g729"]) is None
    assert translation_cost(ulaw, FORMATS["h264"]) is None
    assert [each.name for each in translation_path(g722, gsm)] == ["g722", "slin", "gsm"]
    assert translation_path(ulaw, FORMATS["g729"]) == ()
