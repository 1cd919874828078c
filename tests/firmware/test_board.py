"""The firmware under MicroPython on a simulated board and clock, the host's real code at the other end of its UART."""

from __future__ import annotations

import os
import random
import struct
from typing import Any

import pytest

from offhook.field.supervisor import messages as m
from offhook.field.supervisor.conversation import Told
from offhook.field.supervisor.frames import Frame
from support.supervisor_board import (
    BATTERY,
    CARD_1,
    FAULT_LED,
    HOST_POWER,
    MODE_BUTTON,
    POWER_FAIL,
    RELAY_1,
    RELAY_2,
    RESET_BUTTON,
    RINGING,
    STATUS_LED,
    STOP,
    Board,
    Talk,
)

STEP_MS = 10
"""How late the firmware may be: it looks every 5 ms, and the byte may come just after it looked."""
WALL = 1_790_000_000


def beat(talk: Talk, count: int = 1, wall: int = WALL) -> m.Status:
    """Say so many times, a second apart, that calls can be made."""
    status = m.Status()
    for number in range(count):
        began = talk.board.now
        status = m.Status.unpack(talk.ask(m.BEAT, struct.pack(">I", wall)).body)
        if number < count - 1:
            talk.pass_time(1000 - (talk.board.now - began))
    return status


def healthy(talk: Talk) -> int:
    """Beat until the lines are with the exchange, supplies on; the time (ms) of the last beat."""
    beat(talk, 6)
    for supply in (m.BATTERY, m.RINGING):
        assert talk.ask(m.SUPPLY, bytes((supply, 1))).result == m.OK
    talk.pass_time(200)
    beat(talk)
    assert [talk.board.outputs[pin] for pin in (RELAY_1, RELAY_2, BATTERY, RINGING, HOST_POWER)] == [1, 1, 1, 1, 1]
    return talk.board.now


def told(talk: Talk) -> list[tuple[int, int, int]]:
    return [(event.code, event.a, event.b) for event in talk.events if isinstance(event, Told)]


# ---- host and lifeline ------------------------------------------------------------------------------


def test_without_beats_the_lines_stay_on_the_lifeline(talk: Talk) -> None:
    talk.pass_time(3000)
    assert [talk.board.outputs[pin] for pin in (RELAY_1, RELAY_2, BATTERY, RINGING)] == [0, 0, 0, 0]
    assert talk.board.outputs[HOST_POWER] == 1


def test_relays_wait_for_five_beats_and_close_one_after_the_other(talk: Talk) -> None:
    beat(talk, 4)
    assert talk.board.outputs[RELAY_1] == 0
    talk.pass_time(1000)
    status = beat(talk)
    assert status.host == m.HEALTHY
    talk.pass_time(200)
    assert talk.board.when(RELAY_2, 1) - talk.board.when(RELAY_1, 1) == 50


def test_a_lost_heartbeat_connects_the_lifeline_then_cycles_the_power(talk: Talk) -> None:
    board = talk.board
    last = healthy(talk)
    talk.pass_time(40_000)
    lifeline = board.when(RELAY_1, 0, last)
    assert 3000 - STEP_MS <= lifeline - last <= 3000 + STEP_MS
    assert board.when(RELAY_2, 0, last) == lifeline
    assert board.when(BATTERY, 0, last) <= lifeline + STEP_MS
    assert board.when(RINGING, 0, last) <= lifeline + STEP_MS
    off = board.when(HOST_POWER, 0, last)
    assert 30_000 - STEP_MS <= off - last <= 30_000 + STEP_MS
    assert board.when(HOST_POWER, 1, off) - off == 5000
    assert (m.HOST_STATE, m.LOST, 0) in told(talk)
    assert (m.HOST_STATE, m.POWER_OFF, 1) in told(talk)


def test_a_host_that_comes_back_in_time_keeps_its_power(talk: Talk) -> None:
    last = healthy(talk)
    talk.pass_time(20_000)
    assert talk.board.outputs[RELAY_1] == 0
    healthy(talk)
    assert not [one for one in talk.board.changes if one[1] == HOST_POWER and one[0] > last]


def test_a_restart_on_purpose_keeps_the_power_on(talk: Talk) -> None:
    last = healthy(talk)
    assert talk.ask(m.HOLD, struct.pack(">H", 60)).result == m.OK
    talk.pass_time(59_000)
    assert talk.board.outputs[HOST_POWER] == 1
    assert talk.board.outputs[RELAY_1] == 0
    talk.pass_time(2000)
    assert 59_000 < talk.board.when(HOST_POWER, 0, last) - last < 61_000


def test_a_relay_can_be_tested(talk: Talk) -> None:
    healthy(talk)
    assert talk.ask(m.RELAY, bytes((1, m.RELAY_LIFELINE))).result == m.OK
    talk.pass_time(20)
    assert (talk.board.outputs[RELAY_1], talk.board.outputs[RELAY_2]) == (1, 0)
    assert talk.ask(m.RELAY, bytes((2, 0))).result == m.MALFORMED


# ---- supplies, stop, power --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "supply", "why"),
    [
        ({"analog": {"ringing_a": 300}}, m.RINGING, m.OVER_CURRENT),
        ({"analog": {"ringing_v": 130_000}}, m.RINGING, m.OVER_VOLTAGE),
        ({"analog": {"ringing_v": 20_000}}, m.RINGING, m.UNDER_VOLTAGE),
        ({"analog": {"battery_a": 500}}, m.BATTERY, m.OVER_CURRENT),
        ({"temperature": 95}, m.BATTERY, m.OVER_TEMPERATURE),
    ],
)
def test_a_supply_trips_by_itself_and_ringing_goes_with_it(
    talk: Talk, world: dict[str, Any], supply: int, why: int
) -> None:
    healthy(talk)
    began = talk.board.now
    talk.board.set(**world)
    talk.pass_time(200)
    off = talk.board.when(RINGING, 0, began)
    assert 20 <= off - began <= 20 + STEP_MS
    assert [a for code, a, _ in told(talk) if code == m.TRIPPED] == [supply << 4 | why]
    assert talk.ask(m.SUPPLY, bytes((supply, 1))).result == m.REFUSED
    talk.board.set(analog={"battery_a": 30, "ringing_a": 20, "ringing_v": 90_000}, temperature=30)
    assert talk.ask(m.RESUME).result == m.OK
    for again in (m.BATTERY, m.RINGING):
        assert talk.ask(m.SUPPLY, bytes((again, 1))).result == m.OK
    talk.pass_time(50)
    assert talk.board.outputs[RINGING] == 1


def test_a_short_peak_does_not_trip(talk: Talk) -> None:
    healthy(talk)
    talk.board.set(analog={"battery_a": 700})
    talk.pass_time(15)
    talk.board.set(analog={"battery_a": 30})
    talk.pass_time(100)
    assert talk.board.outputs[BATTERY] == 1


def test_the_emergency_stop_works_at_once_and_without_a_host(talk: Talk) -> None:
    healthy(talk)
    began = talk.board.now
    talk.board.set(pins={str(STOP): 1})
    assert (talk.board.outputs[RINGING], talk.board.outputs[BATTERY]) == (0, 0)  # in the interrupt
    assert talk.board.when(RINGING, 0, began) == began
    talk.board.advance(20)
    assert talk.board.outputs[RELAY_1] == 0
    assert talk.board.outputs[FAULT_LED] == 1
    assert talk.ask(m.RESUME).result == m.REFUSED
    talk.board.set(pins={str(STOP): 0})
    talk.pass_time(50)
    assert talk.ask(m.SUPPLY, bytes((m.BATTERY, 1))).result == m.REFUSED
    assert talk.ask(m.RESUME).result == m.OK
    healthy(talk)


def test_the_mode_button_ends_a_stop_without_a_host(talk: Talk) -> None:
    talk.board.set(pins={str(STOP): 1})
    talk.pass_time(100)
    talk.board.set(pins={str(STOP): 0, str(MODE_BUTTON): 0})
    talk.pass_time(5100)
    assert (m.STOP_CHANGED, 0, 0) in told(talk)
    assert (m.BUTTON, 0, m.LONG) in told(talk)


def test_failing_power_is_told_within_ten_milliseconds(talk: Talk) -> None:
    healthy(talk)
    began = talk.board.now
    talk.board.set(analog={"input": 9000})
    talk.pass_time(50)
    assert talk.board.when(POWER_FAIL, 0, began) - began <= 10
    assert talk.board.outputs[RINGING] == 0
    assert (m.POWER_CHANGED, 1, 9000) in told(talk)
    assert talk.board.outputs[BATTERY] == 1
    talk.board.set(analog={"input": 12000})
    talk.pass_time(1100)
    assert talk.board.outputs[POWER_FAIL] == 1


# ---- what people touch ------------------------------------------------------------------------------


def test_buttons_bounce_and_are_held(talk: Talk) -> None:
    for level in (0, 1, 0, 1, 0):
        talk.board.set(pins={str(RESET_BUTTON): level})
        talk.pass_time(5)
    talk.pass_time(300)
    talk.board.set(pins={str(RESET_BUTTON): 1})
    talk.pass_time(100)
    assert [one for one in told(talk) if one[0] == m.BUTTON] == [(m.BUTTON, 1, m.SHORT)]
    talk.board.set(pins={str(RESET_BUTTON): 0})
    talk.pass_time(9900)
    assert (m.BUTTON, 1, m.LONG) not in told(talk)
    talk.pass_time(300)
    assert (m.BUTTON, 1, m.LONG) in told(talk)


def test_a_card_is_told_with_its_identity(talk: Talk) -> None:
    talk.board.set(pins={str(CARD_1): 0}, chips={str(0x50): [0xA1, 0x07]})
    talk.pass_time(400)
    assert (m.CARD, 1, 0xA107) in told(talk)
    talk.board.set(pins={str(CARD_1): 1})
    talk.pass_time(400)
    assert (m.CARD, 0, 0) in told(talk)


def test_leds_follow_the_state_unless_told(talk: Talk) -> None:
    healthy(talk)
    talk.pass_time(50)
    assert talk.board.outputs[STATUS_LED] == 1
    assert talk.ask(m.LED, bytes((0, m.LED_OFF))).result == m.OK
    talk.pass_time(20)
    assert talk.board.outputs[STATUS_LED] == 0


@pytest.mark.parametrize(
    ("wall", "chip"),
    [
        (951_827_696, [0x56, 0x34, 0x12, 0x02, 0x29, 0x02, 0x00]),  # 2000-02-29 12:34:56
        (1_798_761_599, [0x59, 0x59, 0x23, 0x05, 0x31, 0x12, 0x26]),  # 2026-12-31 23:59:59
        (1_835_395_200, [0x00, 0x00, 0x00, 0x03, 0x29, 0x02, 0x28]),  # 2028-02-29 00:00:00
    ],
)
def test_the_clock_chip_keeps_the_time(talk: Talk, wall: int, chip: list[int]) -> None:
    assert talk.ask(m.CLOCK, struct.pack(">I", wall)).result == m.OK
    talk.pass_time(20)
    written = talk.board.clock_chip
    assert written[0] in (chip[0], chip[0] + 1)
    assert written[1:3] + written[4:7] == chip[1:3] + chip[4:7]
    assert not written[15] & 0x80


def test_the_journal_tells_what_happened_without_a_host(talk: Talk) -> None:
    talk.board.advance(130_000)
    answer = talk.ask(m.LOG, struct.pack(">H", 0))
    (first,) = struct.unpack(">H", answer.body[:2])
    size = struct.calcsize(m.ENTRY)
    entries = [struct.unpack(m.ENTRY, answer.body[at : at + size]) for at in range(2, len(answer.body), size)]
    assert first == 0
    assert entries[0] == (0, m.STARTED, 0, 0)
    assert (120, m.HOST_STATE, m.POWER_OFF, 1) in entries


# ---- the link ---------------------------------------------------------------------------------------


def test_a_request_that_comes_twice_is_carried_out_once(board: Board) -> None:
    talk = Talk(board)
    beat(talk, 4)
    board.advance(1000)
    again = Frame(m.BEAT, 200, struct.pack(">I", WALL)).encode()
    os.write(board.host_end, again * 6)  # one beat, repeated; six would be enough to be healthy from nothing
    board.advance(20)
    talk.turn()
    status = m.Status.unpack(talk.ask(m.STATUS).body)
    assert status.host == m.HEALTHY  # the fifth
    fresh = Talk(board)
    assert m.Status.unpack(fresh.ask(m.STATUS).body).relays in (0, 1, 3)


def test_rubbish_does_no_harm(talk: Talk) -> None:
    dice = random.Random(7)
    healthy(talk)
    for number in range(300):
        kind = dice.choice((m.STATUS, m.RELAY, m.SUPPLY, m.LED, 0x3F))
        good = bytearray(Frame(kind, number & 0xFF, b"\1\1").encode())
        how = dice.randrange(4)
        if how == 0:
            good[dice.randrange(len(good))] ^= 1 << dice.randrange(8)
        elif how == 1:
            del good[dice.randrange(len(good))]
        elif how == 2:
            good = bytearray(dice.randbytes(dice.randrange(1, 400)))
        else:
            body = dice.randbytes(dice.randrange(40))
            good = bytearray(Frame(dice.randrange(m.LOG, 256), number & 0xFF, body).encode())
        os.write(talk.board.host_end, bytes(good))
        talk.turn()
    os.write(talk.board.host_end, b"\0")
    talk.pass_time(100)
    assert talk.board.restarts == 0
    assert talk.board.outputs[HOST_POWER] == 1
    assert m.Status.unpack(talk.ask(m.STATUS).body).host in range(5)
