"""system.conf: what each word makes of channels, and what is complained of, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.dahdi.configure import line_bits
from kernel_shims.dahdi.system_conf import MOST_CHANNELS, Said, SystemConf, channel_list, ranges, read_system_conf
from kernel_shims.dahdi.zones import numbers
from kernel_shims.line import LineError


def read(folder: Path, text: str) -> SystemConf:
    """What a file says."""
    path = folder / "system.conf"
    path.write_text(text)
    return read_system_conf(path)


def test_what_it_says(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# comment\nspan=1,1,0,ccs,hdb3,crc4\ndynamic=loc,1:0,4,0\nfxoks = 1-4 ; phones\nfxsks=5, 6,\nbchan=9-23\n"
        "dchan=24\ncas=30:1101\nuser=31:0001\nechocanceller=mg2,1-2\nalaw=9-23\nmulaw=1-2\ndeflaw=2\nloadzone=us\n"
        "defaultzone=us\n56k=24\nE&M=32\nunused=33\nindclear=34\n",
    )
    assert found.spans[0].options == ("crc4",) and found.dynamic[0].address == "1:0"
    words = {channel: line.signalling for channel, line in found.channels.items()}
    assert words[4] == "fxo_ks" and words[6] == "fxs_ks" and words[24] == "hdlcfcs" and words[32] == "em"
    assert words[30] == words[31] == "cas" and words[33] == "none" and words[34] == words[9] == "clear"
    assert found.channels[30].idle_bits == 0b1101 and found.channels[31].idle_bits == 1
    assert found.cancellers == {1: Said("mg2", 10), 2: Said("mg2", 10)}
    assert found.laws[23] == "alaw" and found.laws[1] == "mulaw" and found.laws[2] == "deflaw"
    assert found.slow == {24: 16} and found.default_zone == Said("us", 15)


@pytest.mark.parametrize(
    ("line", "masters"),
    [
        ("fcshdlc=75-76", [0, 75]),
        ("clear=3,1-2", [0, 1, 1]),
        ("rawhdlc=4-6", [0, 4, 4]),
        ("nethdlc=4-5:hdlc7", [0, 4]),
        ("bchan=1-3", [0, 0, 0]),
        ("dchan=1-2", [0, 0]),
        ("hardhdlc=1-2", [0, 0]),
        ("mtp2=1-2", [0, 0]),
    ],
)
def test_channels_of_one_line_are_a_bundle_where_dahdi_cfg_makes_one(
    tmp_path: Path, line: str, masters: list[int]
) -> None:
    found = read(tmp_path, line + "\n").channels
    assert [found[channel].master for channel in sorted(found)] == masters
    assert {one.network for one in found.values() if not one.master} == {"hdlc7" if "hdlc7" in line else ""}


def test_channels_of_two_lines_are_two_bundles(tmp_path: Path) -> None:
    found = read(tmp_path, "clear=1-2\nclear=3-4\n").channels
    assert [found[channel].master for channel in (1, 2, 3, 4)] == [0, 1, 0, 3]


def test_cross_connections_go_both_ways(tmp_path: Path) -> None:
    found = read(tmp_path, "dacs=1-2:49\ndacsrbs=5:9\n").channels
    assert {channel: line.peer for channel, line in found.items()} == {1: 49, 49: 1, 2: 50, 50: 2, 5: 9, 9: 5}
    assert found[9].signalling == "dacs_rbs"


def test_options_of_a_span(tmp_path: Path) -> None:
    text = (
        "span=1,0,7,esf,b8zs,yellow,term\nspan=2,255,0,CCS,HDB3,crc4,nt\nspan=3,1,0,ccs,ami,nt,te\nspan=4,1,0,cas,ami\n"
    )
    found = read(tmp_path, text).spans
    assert [line_bits(span) for span in found] == [
        1 << 5 | 1 << 7 | 1 << 16 | 1 << 12,
        1 << 8 | 1 << 9 | 1 << 10 | 1 << 11,
        1 << 8 | 1 << 6,
        1 << 6,
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("fxoks=1-", "is no channel or range"),
        ("fxoks=4-1", "is out of range; channels are 1 to 1023"),
        ("fxoks=1024", "is out of range"),
        ("fxoks", '"fxoks" is no name=value'),
        ("fxoks=", '"fxoks=" is no name=value'),
        ("span=1,1", "is no span; write span="),
        ("span=1,1,8,ccs,hdb3", "line build-out 8 of span 1: it is 0 to 7"),
        ("span=1,256,0,ccs,hdb3", "timing 256 of span 1: 0 for none"),
        ("span=1,1,0,css,hdb3", "framing is one of d4, esf, ccs, cas"),
        ("span=1,1,0,ccs,hdb3,crc5", '"crc5" is no option of a span; there are crc4, yellow'),
        ("dynamic=loc,1:0,0,0", "is no dynamic span; write dynamic=driver,address"),
        ("fxso=1", 'unknown word "fxso"; there are span'),
        ("cas=1:11", "are no signalling bits; write four of 0 and 1"),
        ("cas=1", "are no signalling bits"),
        ("dacs=1-2", "the channel to connect to is missing"),
        ("dacs=1-2:2", "channel 2 would be connected to itself or twice"),
        ("ctcss=1318,1,1318", "ctcss is for radio cards, which Offhook does not drive"),
        ("sf=1", "no driver that is left has single-frequency signalling"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(LineError) as told:
        read(tmp_path, f"\n{line}\n")
    assert "system.conf:2: " in str(told.value) and sentence in str(told.value)


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(LineError) as told:
        read(tmp_path, "fxoks=1-4\nfxsks=4\nspan=1\n")
    first, second = str(told.value).splitlines()
    assert first.endswith("system.conf:2: channel 4 is fxoks already, by line 1; take one of them out")
    assert "system.conf:3: " in second


def test_what_has_no_effect_is_noted(tmp_path: Path) -> None:
    assert read(tmp_path, "fxoks=1:1101\n").notes[0].endswith('system.conf:1: ":1101" has no effect on fxoks')


def test_zones_have_the_numbers_of_dahdi_tools() -> None:
    assert numbers(["us", "uk", "de"]) == {"us": 0, "uk": 4, "de": 29}
    assert numbers(["mine", "uk", "yours", "mine"]) == {"uk": 4, "mine": 46, "yours": 47}


@given(st.sets(st.integers(1, MOST_CHANNELS), min_size=1, max_size=40))
def test_lists_of_channels_are_read_as_they_are_written(channels: set[int]) -> None:
    assert channel_list(ranges(sorted(channels))) == sorted(channels)
