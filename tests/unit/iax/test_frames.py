"""Frames, elements, formats and parties: what is written reads the same, and whatever is read is read or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.iax import elements, formats, frames, parties
from offhook.iax.elements import Elements
from offhook.iax.frames import FrameError, FullFrame

_SUBCLASSES = st.one_of(st.integers(0, 127), st.integers(7, 34).map(lambda shift: 1 << shift), st.just(-1))
_FRAMES = st.builds(
    FullFrame,
    source=st.integers(0, 0x7FFF),
    destination=st.integers(0, 0x7FFF),
    time=st.integers(0, 0xFFFFFFFF),
    out=st.integers(0, 255),
    expected=st.integers(0, 255),
    kind=st.integers(0, 255),
    subclass=_SUBCLASSES,
    payload=st.binary(max_size=300),
    again=st.booleans(),
)


@given(_FRAMES)
def test_a_full_frame_reads_as_it_was_written(frame: FullFrame) -> None:
    data = frame.encode()
    assert frames.is_full(data)
    assert frames.decode(data) == frame
    assert frames.numbers_of(data) == (frame.source, frame.destination)
    assert all(frames.label(frame))


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    try:
        frame = frames.decode(data)
    except FrameError:
        return
    assert frame.payload == data[12:]
    try:
        found = elements.decode(frame.payload)
    except FrameError:
        return
    again = elements.decode(found.encode())
    assert again.encode() == found.encode()


def _values(name: str) -> st.SearchStrategy[object]:
    form = elements.TABLE[name][1]
    return {
        elements.TEXT: st.text(st.characters(min_codepoint=32, max_codepoint=0x7E), max_size=255),
        elements.BYTE: st.integers(0, 255),
        elements.SHORT: st.integers(0, 0xFFFF),
        elements.LONG: st.integers(0, 0xFFFFFFFF),
        elements.WIDE: st.integers(0, (1 << 64) - 1),
        elements.RAW: st.binary(max_size=255),
        elements.FLAG: st.just(True),
        elements.PLACE: st.tuples(st.ip_addresses().map(str), st.integers(0, 0xFFFF)),
    }[form]


_ITEMS = st.lists(
    st.sampled_from(sorted(elements.TABLE)).flatmap(lambda name: st.tuples(st.just(name), _values(name))), max_size=12
)


@given(_ITEMS)
def test_elements_read_as_they_were_written(items: list[tuple[str, object]]) -> None:
    written = Elements()
    for name, value in items:
        written.add(name, value)
    assert elements.decode(written.encode()) == written


def test_an_element_longer_than_its_frame_is_refused() -> None:
    with pytest.raises(FrameError, match="exceeds"):
        elements.decode(bytes((1, 5)) + b"abc")


def test_elements_of_wrong_size_and_unknown_ones_are_left_out() -> None:
    data = bytes((8, 2, 0, 4)) + bytes((200, 1, 7)) + bytes((9, 4, 0, 0, 0, 4))
    assert list(elements.decode(data)) == [("format", 4)]


def test_the_wide_capability_counts_more() -> None:
    found = Elements(capability=4, capability2=1 << 34)
    assert found.capability == 1 << 34


def test_variables_come_in_pieces() -> None:
    found = Elements(variable="a=1").add("variable", "b=x").add("variable", "b=y")
    assert found.variables() == {"a": "1", "b": "xy"}


def test_a_subclass_is_a_small_number_or_a_power_of_two() -> None:
    assert frames.compress(1 << 20) == 0x94
    with pytest.raises(FrameError):
        frames.compress(200)


@given(st.lists(st.sampled_from(sorted(formats.BITS)), unique=True))
def test_preferences_keep_their_order(names: list[str]) -> None:
    assert formats.read_preferences(formats.write_preferences(names)) == names
    assert set(formats.names(formats.bits(names))) == set(names)


def test_preferences_are_letters_as_others_write_them() -> None:
    assert formats.write_preferences(["ulaw", "alaw", "gsm"]) == "DEC"


@pytest.mark.parametrize(
    ("priority", "chosen"), [("host", "gsm"), ("caller", "alaw"), ("disabled", "ulaw"), ("reqonly", "ulaw")]
)
def test_who_prefers(priority: str, chosen: str) -> None:
    theirs = formats.bits(["ulaw", "alaw", "gsm"])
    ours = ["gsm", "alaw", "ulaw"]
    found = formats.negotiate(ours, formats.bits(ours), formats.BITS["ulaw"], theirs, ["alaw", "gsm"], priority)
    assert formats.name(found) == chosen


def test_reqonly_takes_nothing_else() -> None:
    ours = ["gsm"]
    assert not formats.negotiate(ours, formats.bits(ours), formats.BITS["ulaw"], formats.AUDIO, [], "reqonly")


_TEXTS = st.one_of(st.none(), st.text(st.characters(min_codepoint=32, max_codepoint=0x2000), max_size=60))
_IDENTITIES = st.builds(
    parties.Identity,
    name=_TEXTS,
    number=_TEXTS,
    name_presentation=st.integers(0, 127),
    number_presentation=st.integers(0, 127),
    plan=st.integers(0, 127),
    tag=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)


@given(_IDENTITIES, st.integers(0, 10))
def test_a_connected_party_reads_as_it_was_written(identity: parties.Identity, source: int) -> None:
    party = parties.ConnectedParty(identity, source)
    assert parties.read_connected(parties.write_connected(party)) == party


@given(_IDENTITIES, _IDENTITIES, st.integers(0, 20), st.integers(0, 9))
def test_redirecting_parties_read_as_they_were_written(
    from_: parties.Identity, to: parties.Identity, reason: int, count: int
) -> None:
    written = parties.RedirectingParties(from_, to, reason, "because", count)
    assert parties.read_redirecting(parties.write_redirecting(written)) == written


@given(st.binary(max_size=200))
def test_broken_parties_are_read_as_far_as_they_go(data: bytes) -> None:
    parties.read_connected(data)
    parties.read_redirecting(data)
