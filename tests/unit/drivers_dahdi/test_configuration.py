"""chan_dahdi.conf, system.conf and dial strings: what holds for whom, and what is complained of."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.line import TIMES
from offhook.calls.completion.parameters import Parameters
from offhook.config.parser import loads
from offhook.drivers.dahdi import addresses
from offhook.drivers.dahdi.configuration import reading as reading_module
from offhook.drivers.dahdi.configuration.options import CHANNELS
from offhook.drivers.dahdi.configuration.reading import NO_EFFECT, Reading, parse_cadence, read


def reading(text: str) -> Reading:
    """What a chan_dahdi.conf says."""
    return read(loads(text, "chan_dahdi.conf"))


def test_lines_hold_for_the_channels_below_them() -> None:
    found = reading(
        """
        [channels]
        context = one
        signalling = fxo_ks
        callerid = "Alice" <101>
        setvar = A=1
        setvar = B=2
        channel => 1-2,4
        context = two
        callerid = asreceived
        setvar = A=3
        group = 1,3-4
        channel => 5
        """
    )
    assert found.errors == []
    assert sorted(found.channels) == [1, 2, 4, 5]
    assert found.channels[4]["context"] == "one" and found.channels[4]["fullname"] == "Alice"
    assert found.channels[5]["context"] == "two" and found.channels[5]["cid_number"] == ""
    assert found.channels[1]["setvar"] == ["A=1", "B=2"] and found.channels[5]["setvar"] == ["B=2", "A=3"]
    assert found.channels[5]["group"] == {1, 3, 4} and found.channels[1]["group"] == frozenset()


def test_sections_have_their_own_channels_and_begin_where_channels_ended() -> None:
    found = reading(
        """
        [channels]
        language = de
        signalling = fxo_ks
        [base](!)
        callwaiting = yes
        [one](base)
        dahdichan = 1
        callerid = One <1>
        [two](base)
        callerid = Two <2>
        dahdichan = 2
        context = late
        """
    )
    assert found.errors == []
    assert found.channels[1]["callwaiting"] and found.channels[1]["language"] == "de"
    assert found.channels[1]["context"] == "default" and found.channels[2]["context"] == "late"


@pytest.mark.parametrize(
    ("text", "wanted"), [("4-2,7", [2, 3, 4, 7]), ("1,Pseudo,3", [-2, 1, 3]), ("pseudo", [-2]), ("1-3,!2", [1, 3])]
)
def test_lists_of_channels(text: str, wanted: list[int]) -> None:
    found = reading(f"[channels]\nsignalling = fxo_ks\nchannel => {text}\n")
    assert (found.errors, sorted(found.channels)) == ([], wanted)


def test_dahdichan_takes_what_stands_at_the_end() -> None:
    """In [channels] as in sections of its own, where channel => still takes what stands above it."""
    found = reading(
        "[channels]\nsignalling = fxo_ks\ndahdichan = 1\ncontext = late\n"
        "[more]\ncontext = first\nchannel => 2\ndahdichan = 3\ncontext = last\n"
    )
    assert {number: one["context"] for number, one in found.channels.items()} == {1: "late", 2: "first", 3: "last"}


def test_parameters_of_cancellers_are_told() -> None:
    found = reading("[channels]\nsignalling = fxo_ks\nechocancel=256,param1=32,param2=0\nchannel => 1\n")
    assert found.channels[1]["echocancel"] == 256
    assert [(error.line, "no effect" in str(error)) for error in found.errors] == [(3, True)]


def test_what_does_not_fit_is_told_with_its_line() -> None:
    found = reading("[channels]\nsignaling = fxo_ks\nrxgain = loud\nechocancl = yes\nchannel => 1\nchannel => 1\n")
    told = [str(error) for error in found.errors]
    assert told[0].startswith("chan_dahdi.conf:3: rxgain:")
    assert 'did you mean "echocancel"?' in told[1]
    assert "configured already" in told[2]
    assert found.channels[1]["signalling"] == "fxo_ks"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("signalling = fxs_ks\ncidstart = polarity", []),
        ("signalling = fxs_ks", [(5, "write cidstart = polarity")]),
        ("signalling = fxo_ks\ncidstart = polarity", [(6, "phones are sent V.23")]),
        ("signalling = fxs_ks\nusecallerid = no", []),
    ],
)
def test_caller_id_of_ntt_s_kind_says_what_it_needs(more: str, told: list[tuple[int, str]]) -> None:
    found = reading(f"[channels]\ncidsignalling = v23_jp\n{more}\nlanguage = ja\nchannel => 1\n")
    assert [error.line for error in found.errors] == [line for line, _ in told]
    assert all(words in str(error) for error, (_, words) in zip(found.errors, told, strict=True))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("125,125,2000,-4000", (125, 125, 2000, -4000)),
        ("500,500,-500,2000", (500, 500, -500, 2000)),
        *(("500,0", None), ("500", None), ("1,-2,3,-4", None), ("-1,2,-3,4", None), ("a,b", None)),
    ],
)
def test_cadences(text: str, wanted: tuple[int, ...] | None) -> None:
    """An even count; one negative pause for caller ID, one negative ring where it goes on; no time is none."""
    if wanted is None:
        with pytest.raises(ValueError, match=re.escape(f'"{text}"')):
            parse_cadence(text)
    else:
        assert parse_cadence(text) == wanted


def test_what_has_no_effect_says_so() -> None:
    found = reading("[channels]\nadsi = yes\nbuffers = 4,immediate\nrestrictcid = yes\nchannel => 1\n")
    assert [str(error) for error in found.errors] == [
        "chan_dahdi.conf:2: adsi has no effect: telephones with ADSI are no longer made, so nothing is sent to their "
        "displays",
        "chan_dahdi.conf:4: restrictcid has no effect, as in Asterisk; write hidecallerid = yes",
    ]


KEYS = (Path(__file__).parent / "chan_dahdi_keys.txt").read_text().split()


def test_every_option_of_the_sample_is_known() -> None:
    assert [key for key in KEYS if CHANNELS.find(key) is None and not key.startswith(("trunkgroup", "spanmap"))] == []


def code() -> str:
    """The driver, but for the lists of its options; and the names of what others take from its settings."""
    folder = Path(reading_module.__file__).parents[1]
    texts = [
        path.read_text() for path in folder.rglob("*.py") if not path.name.startswith("options") or "isdn" in str(path)
    ]
    taken = (*TIMES, *(field.name for field in fields(Parameters)))
    return "\n".join([*texts, *(f'"{name}"' for name in taken)])


def test_every_option_is_acted_upon_or_said_to_have_no_effect() -> None:
    """Read somewhere by its name, or by one that is put together (f"dring{ring}range")."""
    text = code()
    composed = {re.sub(r"\{[^{}]*\}", "[a-z0-9]+", found) for found in re.findall(r'f"([a-z_0-9]*\{[^"]*)"', text)}
    patterns = [pattern for pattern in composed if len(re.sub(r"\[a-z0-9\]\+", "", pattern)) > 3]
    quoted = set(re.findall(r'"([a-z0-9_]+)"', text))
    forgotten = [
        name
        for name in CHANNELS.defaults()
        if not (name in quoted or name in NO_EFFECT or any(re.fullmatch(pattern, name) for pattern in patterns))
    ]
    assert forgotten == []


@pytest.mark.parametrize("name", sorted(NO_EFFECT))
def test_what_has_no_effect_is_told_with_its_line_unless_nothing_is_wanted_of_it(name: str) -> None:
    option = CHANNELS.find(name)
    assert option is not None
    for value in ("yes", "no", "12", "12,half"):
        told = reading(f"[channels]\nsignalling = fxo_ks\n{name} = {value}\nchannel => 1\n").errors
        assert told == [] or str(told[0]).startswith(f"chan_dahdi.conf:3: {name}")
        if told and "has no effect" in str(told[0]):
            return
    raise AssertionError(f"{name} is passed over in silence")


def test_defaults_are_asterisk_s() -> None:
    values = CHANNELS.defaults()
    assert values["context"] == "default" and values["busycount"] == 3 and values["polarityonanswerdelay"] == 600
    assert values["cid_rxgain"] == 5.0 and values["matchdigit_timeout"] == 3000 and values["transfertobusy"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1", {"channel": 1}),
        ("1/5551234", {"channel": 1, "number": "5551234"}),
        ("g1/5", {"groups": frozenset({1}), "number": "5"}),
        ("G1,3/5", {"groups": frozenset({1, 3}), "descending": True, "number": "5"}),
        ("r2c/5", {"groups": frozenset({2}), "round_robin": True, "confirm": True, "number": "5"}),
        ("R0/5", {"groups": frozenset({0}), "round_robin": True, "descending": True, "number": "5"}),
        ("2r3", {"channel": 2, "ring": 3}),
        ("2r", {"channel": 2, "ring": 0}),
        ("i2-g1d/5/K(12)R", {"span": 2, "groups": frozenset({1}), "digital": True, "number": "5", "extra": "K(12)R"}),
        ("i1/5", {"span": 1, "number": "5"}),
        ("SIM!1!2r3/5", {"folder": "SIM/1", "channel": 2, "ring": 3, "number": "5"}),
        ("1xc/5", {"channel": 1, "confirm": True, "number": "5"}),
    ],
)
def test_dial_strings(text: str, wanted: dict[str, object]) -> None:
    found = addresses.parse(text)
    assert {name: getattr(found, name) for name in wanted} == wanted


@given(st.text(max_size=30))
def test_any_dial_string_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        addresses.parse(text)
    except ValueError as error:
        assert len(str(error)) > 10
