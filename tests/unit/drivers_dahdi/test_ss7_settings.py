"""SS7 in chan_dahdi.conf: linksets, point codes, timers; numbers and their natures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.parser import loads
from offhook.drivers.dahdi.configuration.reading import Reading, read
from offhook.drivers.dahdi.ss7 import numbers
from offhook.drivers.dahdi.ss7.settings import TIMERS, USUAL, point_code_of

SAMPLE = """
[channels]
signalling = ss7
ss7type = itu
ss7_called_nai = dynamic
ss7_calling_nai = international
ss7_internationalprefix = 00
ss7_nationalprefix = 0
networkindicator = international
linkset = 1
pointcode = 100
adjpointcode = 200
defaultdpc = 300
cicbeginswith = 5
sigchan = 16
sls_shift = 1
cause_location = 4
inr_if_no_calling = yes
isup_timer.t7 = 12000
channel => 1-3
slc = 7
adjpointcode = 201
sigchan = 47
channel => 17,18
ss7type = ansi
linkset = 2
ss7_explicitacm = yes
pointcode = 1-2-3
adjpointcode = 4-5-6
defaultdpc = 66051
cicbeginswith = 1
sigchan = 78
channel => 63
"""


def reading(text: str) -> Reading:
    """What a chan_dahdi.conf says."""
    return read(loads(text, "chan_dahdi.conf"))


def test_lines_hold_for_the_linkset_named_above_them() -> None:
    found = reading(SAMPLE)
    assert found.errors == []
    one, two = found.ss7.found[1], found.ss7.found[2]
    assert [(link.channel, link.code, link.neighbour, link.point_code) for link in one.links] == [
        (16, None, 200, 100),
        (47, 7, 201, 100),
    ]
    assert one.links[0].network == "international" and one.variant == "itu"
    assert (one.values["sls_shift"], one.values["cause_location"], one.values["inr_if_no_calling"]) == (1, 4, True)
    assert one.values["ss7_called_nai"] == "dynamic" and one.values["ss7_internationalprefix"] == "00"
    assert [(number, found.channels[number]["cic"]) for number in (1, 2, 3, 17, 18)] == [
        *((1, 5), (2, 6), (3, 7), (17, 8), (18, 9))
    ]
    assert found.channels[17]["point_code"] == 300
    assert two.variant == "ansi" and two.values["ss7_explicitacm"] and not one.values["ss7_explicitacm"]
    assert two.links[0].point_code == 0x010203 and two.links[0].neighbour == 0x040506
    assert found.channels[63]["cic"] == 1 and found.channels[63]["point_code"] == 66051


def test_timers_are_the_files_or_the_usual_ones() -> None:
    found = reading(SAMPLE)
    assert dict(found.ss7.found[1].timers_of("isup")) == {"t7": 12000}
    assert found.ss7.found[1].timers_of("mtp3") == USUAL["itu"]["mtp3"]
    assert found.ss7.found[2].timers_of("isup") == USUAL["ansi"]["isup"]
    for layers in USUAL.values():
        for layer, timers in layers.items():
            assert timers.keys() <= TIMERS[layer]


@pytest.mark.parametrize(
    ("text", "variant", "code"),
    [("1", "itu", 1), ("16383", "itu", 16383), ("1-2-3", "ansi", 0x010203), ("16777215", "ansi", 0xFFFFFF)],
)
def test_point_codes(text: str, variant: str, code: int) -> None:
    assert point_code_of(text, variant) == code


@pytest.mark.parametrize(
    ("text", "variant"),
    [
        ("", "itu"),
        ("0", "itu"),
        ("16384", "itu"),
        ("1-2-3", "itu"),
        ("1-2", "ansi"),
        ("1-2-256", "ansi"),
        ("-5", "itu"),
    ],
)
def test_what_is_no_point_code(text: str, variant: str) -> None:
    with pytest.raises(ValueError, match="is no point code"):
        point_code_of(text, variant)


PREFIXES = {
    "ss7_internationalprefix": "00",
    "ss7_nationalprefix": "0",
    "ss7_networkroutedprefix": "77",
    "ss7_unknownprefix": "88",
    "ss7_subscriberprefix": "",
}


@given(st.text("0123456789*#", max_size=20))
def test_a_number_comes_in_as_it_went_out(number: str) -> None:
    """By its prefix, with the nature "dynamic"."""
    digits, nature = numbers.natured(number, "dynamic", PREFIXES)
    assert numbers.prefixed(digits, nature, PREFIXES) == (number if digits else "")
