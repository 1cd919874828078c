"""libss7 against itself, without I/O: links, calls, timers by our clock, and units that it must not be given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_shims.line import LineError
from kernel_shims.ss7.events import Address, Kind, Nature, Sent
from kernel_shims.ss7.guard import Unsound, hollow, sound
from kernel_shims.ss7.isup import Seizure
from offhook.drivers.dahdi.ss7.settings import USUAL
from support.ss7_pair import HERE, THERE, Pair, isup_in_place_of_lpa

TIMERS = {
    variant: {f"{layer}.{name}": ms for layer, timers in layers.items() for name, ms in timers.items()}
    for variant, layers in USUAL.items()
}
CALL = Seizure(Address("5551", Nature.NATIONAL), Address("100", Nature.SUBSCRIBER, 1, 3))


@pytest.fixture(params=["itu", "ansi"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two ends with two links, of each kind, up."""
    made = Pair(request.param, 2, TIMERS[request.param])
    made.up()
    yield made
    made.close()


def test_a_call_from_seizure_to_release(pair: Pair) -> None:
    here, there = pair.here, pair.there
    call = here.isup.new(7, THERE, outgoing=True)
    assert here.isup.seize(call, CALL)
    event = pair.until(there, Kind.IAM)
    assert event.iam is not None and event.call is not None and event.cic == 7 and event.point_code == HERE
    assert event.iam.called.number.rstrip("#") == "5551" and event.iam.called.nature == Nature.NATIONAL
    assert event.iam.calling == Address("100", Nature.SUBSCRIBER, 1, 3)
    there.isup.address_complete(event.call)
    assert pair.until(here, Kind.ACM).call is call
    there.isup.progress(event.call, 1)
    assert pair.until(here, Kind.CPG).progress == 1
    there.isup.answer(event.call)
    pair.until(here, Kind.ANM)
    here.isup.suspend(call, network=True)
    assert pair.until(there, Kind.SUS).network
    here.isup.resume(call, network=True)
    pair.until(there, Kind.RES)
    here.isup.release(call, 19)
    released = pair.until(there, Kind.REL)
    assert released.cause == 19
    there.isup.released(event.call)
    assert there.isup.free_if_clear(event.call) is None and not event.call.alive
    assert pair.until(here, Kind.RLC).passed & Sent.REL
    assert here.isup.free_if_clear(call) is None
    assert not here.linkset.calls and not there.linkset.calls
    assert not here.isup.answer(call), "a record that is gone takes no message"


def test_timers_run_by_our_clock(pair: Pair) -> None:
    """T7 is 20 s of the story, whatever the wall's clock does meanwhile."""
    ends: list[tuple[int, int]] = []
    pair.here.linkset.on_wants_end = lambda cic, _code, cause, _what: ends.append((cic, cause)) or 1  # type: ignore
    pair.here.isup.seize(pair.here.isup.new(3, THERE, outgoing=True), CALL)
    pair.advance(19.5)
    assert ends == []
    pair.advance(1)
    assert ends == [(3, 31)]


def test_many_timers_at_once_lose_no_call() -> None:
    """The library's queue holds 16 events."""
    pair = Pair("itu", 1, TIMERS["itu"])
    pair.up()
    for cic in range(1, 31):
        call = pair.here.isup.new(cic, THERE, outgoing=True)
        assert pair.here.isup.seize(call, CALL)
    pair.advance(0.1)
    calls = [event.call for event in pair.there.told if event.kind is Kind.IAM]
    assert len(calls) == 30
    for arrived in calls:
        assert arrived is not None and pair.there.isup.wait_for_digits(arrived)
    pair.there.told.clear()
    pair.advance(5)
    assert len([event for event in pair.there.told if event.kind is Kind.DIGITS_OVER]) == 30
    pair.close()


def test_calls_go_on_by_the_other_link(pair: Pair) -> None:
    """Changeover, and back (Q.704 5 and 6)."""
    calls = [pair.here.isup.new(cic, THERE, outgoing=True) for cic in (1, 2, 3, 4)]
    for call in calls:
        assert pair.here.isup.seize(call, CALL)
    pair.advance(0.1)
    assert len([event for event in pair.there.told if event.kind is Kind.IAM]) == 4
    for place in (0, 1):
        pair.cut.add(place)
        for side in (pair.here, pair.there):
            side.told += side.linkset.line_down(place)
        pair.advance(5)
        for call in calls:
            pair.there.told.clear()
            assert pair.here.isup.progress(call, 2), "the record lives"
            pair.advance(0.2)
        pair.cut.clear()
        for side in (pair.here, pair.there):
            side.linkset.line_up(place)
        pair.advance(10)
        assert any("INSERVICE" in line for line in pair.here.linkset.status_lines())
    assert Kind.DOWN not in {event.kind for event in pair.here.told}
    for call in calls:
        assert pair.here.isup.release(call, 16)
    pair.advance(0.5)
    assert len([event for event in pair.there.told if event.kind is Kind.REL]) == 4


def test_when_all_links_are_down_calls_are_forgotten(pair: Pair) -> None:
    forgotten = []
    pair.here.linkset.on_forgotten = forgotten.append
    call = pair.here.isup.new(1, THERE, outgoing=True)
    pair.here.isup.seize(call, CALL)
    pair.cut |= {0, 1}
    for place in (0, 1):
        pair.here.told += pair.here.linkset.line_down(place)
        pair.there.told += pair.there.linkset.line_down(place)
    pair.until(pair.here, Kind.DOWN)
    assert forgotten == [call] and not call.alive
    assert not pair.here.isup.release(call, 16) and pair.here.isup.free_if_clear(call) is None
    pair.here.isup.free(call)
    pair.cut.clear()
    for side in (pair.here, pair.there):
        side.told.clear()
        for place in (0, 1):
            side.linkset.line_up(place)
    pair.until(pair.here, Kind.UP, 60)


def test_a_link_is_inhibited_and_forced_back(pair: Pair) -> None:
    """LIN, LFU and LUN (Q.704 10); libss7 forgets the length of LFU."""
    assert pair.here.linkset.manage(1, "lin") == "OK"
    pair.advance(1)
    shown = {side: "\n".join(side.linkset.status_lines()) for side in (pair.here, pair.there)}
    assert "Locally" in shown[pair.here] and "Remotely" not in shown[pair.here]
    assert pair.there.linkset.manage(1, "lfu") == "OK"
    pair.advance(5)
    for side in (pair.here, pair.there):
        assert not [line for line in side.linkset.status_lines() if "Locally" in line or "Remotely" in line]
        assert not [event for event in side.told if event.kind in (Kind.DOWN, Kind.LINK_DOWN)]


def test_a_third_link_to_a_neighbour_is_refused() -> None:
    pair = Pair("itu", 2)
    with pytest.raises(LineError, match="2 links to a neighbour"):
        pair.here.linkset.add_link(THERE)
    pair.close()


def test_what_libss7_sends_is_sound() -> None:
    """Nothing of its own is changed or refused."""
    for variant in ("itu", "ansi"):
        pair = Pair(variant, 2, TIMERS[variant])
        seen: list[bytes] = []
        pair.instead = lambda unit, seen=seen: seen.append(unit) or unit  # type: ignore[misc, func-returns-value]
        pair.up()
        isup = pair.here.isup
        call = isup.new(1, THERE, outgoing=True)
        isup.seize(
            call,
            Seizure(
                *(Address("123456789012345678901234567890", 4), Address("9876543210", 3, 0, 1), 62, True, 3),
                charge_number="5550000",
                generic_address="5551111",
                generic_digits=("12345", 1, 2),
                generic_name="Alice of Wonderland",
                jurisdiction="555123",
                service_providers=["5552222"],
                call_reference=(5, 6),
                collect=True,
                closed_group=(2, "1234", 77),
                original_called=Address("111", 3),
                redirecting=Address("222", 3),
                redirection=(3, 1, 2, 3),
                interworking=True,
            ),
        )
        assert isup.block_group(isup.new(2, THERE), 9, [True] * 8, on=True, hardware=True)
        assert isup.reset_group(isup.new(10, THERE), 31)
        isup.states(1, 20, THERE, [3] * 20)
        pair.advance(1)
        assert len(seen) > 10
        for unit in seen:
            assert sound(unit, variant) is unit
        pair.close()


IAM_HEAD = bytes([1, 0, 0x01, 0, 0, 0, 10, 3])
NUMBER = bytes([4, 0x03, 0x10, 0x55, 0x15])


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (IAM_HEAD + bytes([2, 6]) + NUMBER + bytes([0x77, 2, 5, 9, 0x0A, 4, 3, 0x10, 0x11, 0x11, 0]), "1111"),
        (IAM_HEAD + bytes([2, 6]) + NUMBER + bytes([0x28, 40, *[0x11] * 40, 0x0A, 4, 3, 0x10, 0x22, 0x22, 0]), "2222"),
        (IAM_HEAD + bytes([2, 6]) + NUMBER + bytes([0xC7, 30, *[0x41] * 30, 0x0A, 4, 3, 0x10, 0x33, 0x33, 0]), "3333"),
    ],
)
def test_optional_parameters_that_it_cannot_take_are_left_out(message: bytes, told: str) -> None:
    """And those behind them are read."""
    pair = Pair("itu")
    pair.up()
    pair.instead = lambda unit: isup_in_place_of_lpa(unit, message)
    pair.here.isup.loop_acknowledged(1, THERE)
    event = pair.until(pair.there, Kind.IAM)
    assert event.iam is not None and event.iam.called.number == "5551" and event.iam.calling.number == told
    pair.close()


@pytest.mark.parametrize(
    "message",
    [
        IAM_HEAD + bytes([2, 0, 200, 3, 0x10, *[0x11] * 198]),
        IAM_HEAD + bytes([250, 0]),
        IAM_HEAD[:5],
        bytes([1, 0, 0x0C, 2, 0]),
        bytes([1, 0, 0x18, 0, 1, 6, 200, 1, 1, 1, 1, 1]),
        bytes([1, 0, 0x17, 1, 1, 255]),
        b"\1",
    ],
    ids=["long number", "pointer", "cut", "no cause", "status", "group", "no type"],
)
def test_an_unsound_message_is_not_taken_and_the_link_goes_on(message: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """With all its debugging on, for which the library reads everything once more."""
    pair = Pair("itu")
    pair.up()
    pair.there.linkset.debug("mtp2", "mtp3", "isup")
    pair.instead = lambda unit: isup_in_place_of_lpa(unit, message)
    pair.here.isup.loop_acknowledged(1, THERE)
    pair.advance(0.5)
    assert [record for record in caplog.records if "dropped" in record.message]
    assert not pair.there.told
    pair.instead = None
    pair.here.isup.seize(pair.here.isup.new(1, THERE, outgoing=True), CALL)
    pair.until(pair.there, Kind.IAM, 2)
    pair.close()


@given(unit=st.binary(max_size=300), variant=st.sampled_from(["itu", "ansi"]))
def test_the_guard_takes_or_refuses_whatever_comes(unit: bytes, variant: str) -> None:
    try:
        taken = sound(unit, variant)
    except Unsound:
        instead = hollow(unit, variant)
        assert instead is None or (sound(instead, variant) is instead and instead[:2] == unit[:2])
        return
    assert taken[:2] == unit[:2] and sound(taken, variant) is taken


MESSAGES = st.builds(
    lambda cic, kind, rest: bytes([cic, 0, kind]) + rest,
    st.integers(1, 4),
    st.one_of(st.sampled_from([*range(1, 0x22), 0x29, 0x2A, 0x2C, 0x2E]), st.integers(0, 255)),
    st.binary(max_size=60),
)


@settings(max_examples=25, deadline=None)
@given(messages=st.lists(MESSAGES, max_size=12), variant=st.sampled_from(["itu", "ansi"]))
def test_no_message_harms_the_linkset(messages: list[bytes], variant: str) -> None:
    pair = Pair(variant, 1, TIMERS[variant])
    pair.up()
    pair.there.linkset.debug("mtp2", "mtp3", "isup")
    for message in messages:
        pair.instead = lambda unit, message=message: isup_in_place_of_lpa(unit, message, variant)  # type: ignore
        pair.here.isup.loop_acknowledged(1, THERE)
        pair.advance(0.03)
        for event in pair.there.told:
            if event.call is not None and event.kind is Kind.REL:
                pair.there.isup.released(event.call)
        pair.there.told.clear()
    pair.instead = None
    pair.advance(30)
    assert pair.there.linkset.call_lines()
    call = pair.here.isup.new(9, THERE, outgoing=True)
    assert pair.here.isup.seize(call, CALL)
    pair.until(pair.there, Kind.IAM, 2)
    pair.close()
