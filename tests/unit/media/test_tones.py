"""The language of tone lists, and tone zones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.media import Tone, parse_tone_list
from offhook.media.tones import zones_from


def test_a_cadence() -> None:
    spec = parse_tone_list("440+480/2000,0/4000")
    assert spec.parts == (Tone(440, 480, 2000), Tone(0, 0, 4000))
    assert spec.repeat == 0
    assert spec.duration_ms is None


def test_once_and_again() -> None:
    spec = parse_tone_list("!350+440/100,!0/100,350+440")
    assert spec.repeat == 2
    assert spec.parts[2].duration_ms == 0
    once = parse_tone_list("!950/330, !1400/330, !1800/330")
    assert once.repeat is None
    assert once.duration_ms == 990


def test_modulation_notes_and_bars() -> None:
    assert parse_tone_list("425*20/1000").parts == (Tone(425, 20, 1000, True),)
    assert parse_tone_list("M69/100").parts[0].low == pytest.approx(440)
    assert parse_tone_list("425/250|0/250").parts == (Tone(425, 0, 250), Tone(0, 0, 250))


@pytest.mark.parametrize("text", ["", " , ", "abc", "440/x", "440+/100+", "-440/100", "440/-1", "M", "440++480"])
def test_what_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no tone"):
        parse_tone_list(text)


@given(st.text(alphabet="0123456789+*/,!|M ", max_size=40))
def test_reading_never_breaks(text: str) -> None:
    try:
        spec = parse_tone_list(text)
    except ValueError:
        return
    assert spec.parts
    assert spec.repeat is None or 0 <= spec.repeat < len(spec.parts)


def test_zones() -> None:
    zones, default = zones_from(
        {
            "general": [("country", "de")],
            "de": [
                ("description", "Germany"),
                ("ringcadence", "1000,4000"),
                ("dial", "425"),
                ("busy", "425/480,0/480"),
            ],
            "nl": [("ring", "425/1000,0/4000")],
            "old": [("alias", "nl")],
        }
    )
    assert default == "de"
    assert zones["de"].ring_cadence == (1000, 4000)
    busy = zones["de"].tone("busy")
    assert busy is not None
    assert busy.parts[1] == Tone(0, 0, 480)
    assert zones["de"].tone("stutter") is None
    assert zones["old"] is zones["nl"]
