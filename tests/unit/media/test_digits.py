"""Digits: RFC 4733 events and tones, both ways, and from one to the other."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import NamedTuple

import pytest

from offhook.media import DigitBegin, DigitEnd, format_named
from support.far_end import EVENTS, FarEnd, Rtp, Scene, amplitude, mix, sine

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PAD = "123A456B789C*0#D"


class Event(NamedTuple):
    """A telephone event packet."""

    code: int
    end: bool
    duration: int
    packet: Rtp


def events_of(far: FarEnd) -> list[Event]:
    """The event packets that arrived."""
    found = []
    for packet in far.packets:
        if packet.type == EVENTS:
            code, flags, duration = struct.unpack("!BBH", packet.payload)
            found.append(Event(code, bool(flags & 0x80), duration, packet))
    return found


def tone(digit: str, ms: int) -> list[float]:
    """A digit as sound."""
    place = PAD.index(digit)
    return mix(sine(ROWS[place // 4], ms, 5000), sine(COLUMNS[place % 4], ms, 5000))


def digits_heard(far: FarEnd) -> list[tuple[str, int, str]]:
    """Digit, length and source of each digit told by the leg."""
    begun = [each.digit for each in far.events(DigitBegin) if isinstance(each, DigitBegin)]
    ended = [(e.digit, e.duration_ms, e.source) for e in far.events(DigitEnd) if isinstance(e, DigitEnd)]
    assert begun == [digit for digit, _, _ in ended]
    return ended


def send_event(scene: Scene, far: FarEnd, digit: str, ms: int, *, ends: int = 3) -> None:
    """An event as a phone sends it: every 20 ms, its end three times."""
    start = far.timestamp
    for elapsed in range(20, ms, 20):
        far.event(digit, elapsed * 8, start=start)
        scene.run(20)
    for _ in range(ends):
        far.event(digit, ms * 8, end=True, start=start)
    far.timestamp += ms * 8 + 160
    scene.run(20)


def test_an_event_is_told_once_with_its_length(scene: Scene) -> None:
    far = scene.far_end()
    send_event(scene, far, "5", 100)
    send_event(scene, far, "#", 200)
    assert digits_heard(far) == [("5", 100, "rfc4733"), ("#", 200, "rfc4733")]


def test_events_may_come_by_any_payload_type_that_was_agreed(scene: Scene) -> None:
    far = scene.far_end()
    ulaw = format_named("ulaw")
    far.leg.set_codecs({0: ulaw}, (0, ulaw), (101, 8000), events={101: 8000, 110: 48000})
    far.event("3", 4800, end=True, type=110)
    scene.run(20)
    far.timestamp += 1600
    far.event("4", 800, end=True)
    scene.run(20)
    assert digits_heard(far) == [("3", 100, "rfc4733"), ("4", 100, "rfc4733")]


def test_the_beginning_is_told_at_once(scene: Scene) -> None:
    far = scene.far_end()
    far.event("7", 80)
    scene.run(10)
    assert [each.digit for each in far.events(DigitBegin) if isinstance(each, DigitBegin)] == ["7"]
    assert far.events(DigitEnd) == []


def test_an_event_of_which_only_ends_arrived_counts_once(scene: Scene) -> None:
    far = scene.far_end()
    far.event("A", 800, end=True)
    far.event("A", 800, end=True)
    scene.run(20)
    assert digits_heard(far) == [("A", 100, "rfc4733")]


def test_an_event_whose_end_is_lost_ends_by_itself(scene: Scene) -> None:
    far = scene.far_end()
    send_event(scene, far, "9", 100, ends=0)
    scene.run(400)
    assert digits_heard(far) == [("9", 80, "rfc4733")]


def test_the_next_event_ends_one_whose_end_is_lost(scene: Scene) -> None:
    far = scene.far_end()
    send_event(scene, far, "1", 100, ends=0)
    send_event(scene, far, "2", 100)
    assert digits_heard(far) == [("1", 80, "rfc4733"), ("2", 100, "rfc4733")]


def test_an_overtaken_packet_does_not_repeat_a_digit(scene: Scene) -> None:
    far = scene.far_end()
    start = far.timestamp
    send_event(scene, far, "3", 100)
    send_event(scene, far, "4", 100)
    far.event("3", 800, end=True, start=start)
    scene.run(20)
    assert [digit for digit, _, _ in digits_heard(far)] == ["3", "4"]


def test_a_digit_is_sent_as_rfc_4733_has_it(scene: Scene) -> None:
    far = scene.far_end()
    scene.run(10)
    far.leg.send_digit("8", 120)
    assert far.leg.sending_digits
    scene.run(400)
    events = events_of(far)
    assert {event.code for event in events} == {8}
    assert len({event.packet.timestamp for event in events}) == 1
    assert [event.packet.marker for event in events] == [True] + [False] * (len(events) - 1)
    assert [event.end for event in events] == [False] * (len(events) - 3) + [True] * 3
    durations = [event.duration for event in events]
    assert durations == sorted(durations)
    assert durations[-3:] == [960] * 3
    sequences = [event.packet.sequence for event in events]
    assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))
    assert not far.leg.sending_digits


def test_digits_queue_with_a_gap_and_pauses(scene: Scene) -> None:
    far = scene.far_end()
    scene.run(10)
    for digit in "1w2":
        far.leg.send_digit(digit, 80)
    scene.run(300)
    assert {event.code for event in events_of(far)} == {1}
    scene.run(1000)
    events = events_of(far)
    assert list(dict.fromkeys(event.code for event in events)) == [1, 2]
    first, second = events[0].packet, next(event.packet for event in events if event.code == 2)
    assert 8 * (80 + 500) <= (second.timestamp - first.timestamp) & 0xFFFFFFFF <= 8 * 800


def test_a_held_digit_lasts_until_it_is_let_go(scene: Scene) -> None:
    far = scene.far_end()
    scene.run(10)
    far.leg.begin_digit("6")
    scene.run(300)
    assert not any(event.end for event in events_of(far))
    far.leg.end_digit("6")
    scene.run(100)
    assert events_of(far)[-1].end
    assert 2300 <= events_of(far)[-1].duration <= 2800


def test_a_short_digit_is_stretched_to_what_was_asked(scene: Scene) -> None:
    far = scene.far_end()
    scene.run(10)
    far.leg.begin_digit("6")
    far.leg.end_digit("6", 200)
    scene.run(400)
    assert events_of(far)[-1].duration == 1600


def test_a_digit_is_sent_as_sound_where_no_events_are_agreed(scene: Scene) -> None:
    far = scene.far_end(events=False)
    scene.run(10)
    far.leg.send_digit("5", 200)
    scene.run(400)
    heard = far.sound()
    assert amplitude(heard[400:1200], 770) > 5000
    assert amplitude(heard[400:1200], 1336) > 5000
    assert len(heard) in range(1440, 1761)


def test_inband_can_be_asked_for_although_events_are_agreed(scene: Scene) -> None:
    far = scene.far_end()
    far.leg.set_options(inband_digits=True)
    scene.run(10)
    far.leg.send_digit("1", 200)
    scene.run(400)
    assert events_of(far) == []
    assert amplitude(far.sound()[400:1200], 697) > 5000


@pytest.mark.parametrize("digit", PAD)
def test_tones_are_detected(scene: Scene, digit: str) -> None:
    far = scene.far_end()
    far.leg.detect_digits(True)
    scene.run(10)
    scene.speak(far, [0.0] * 320 + tone(digit, 80) + [0.0] * 800)
    [(heard, ms, source)] = digits_heard(far)
    assert (heard, source) == (digit, "inband")
    assert 60 <= ms <= 110


def test_tones_are_not_looked_for_unless_asked(scene: Scene) -> None:
    far = scene.far_end()
    scene.speak(far, tone("4", 100))
    far.leg.detect_digits(True)
    scene.run(10)
    far.leg.detect_digits(False)
    scene.run(10)
    scene.speak(far, tone("4", 100))
    assert digits_heard(far) == []


def test_detected_tones_are_taken_out_of_the_sound(scene: Scene) -> None:
    one, two = scene.pair("ulaw", "ulaw", digits=False)
    one.leg.detect_digits(True)
    scene.run(10)
    scene.speak(one, [0.0] * 320 + tone("0", 400) + [0.0] * 800)
    heard = two.sound()
    loud = [at for at in range(0, len(heard) - 80, 80) if amplitude(heard[at : at + 80], 941) > 1000]
    assert len(loud) <= 4


def test_events_pass_between_connected_legs(scene: Scene) -> None:
    one, two = scene.pair()
    send_event(scene, one, "2", 100)
    scene.run(200)
    assert digits_heard(one) == [("2", 100, "rfc4733")]
    events = events_of(two)
    assert {event.code for event in events} == {2}
    assert [event.end for event in events][-3:] == [True] * 3
    assert 700 <= events[-1].duration <= 960


def test_events_do_not_pass_where_the_owner_decides(scene: Scene) -> None:
    one, two = scene.pair(digits=False)
    send_event(scene, one, "2", 100)
    scene.run(200)
    assert digits_heard(one) == [("2", 100, "rfc4733")]
    assert events_of(two) == []


def test_an_event_becomes_a_tone_for_who_has_no_events(scene: Scene) -> None:
    one, two = scene.far_end(), scene.far_end(events=False)
    one.leg.connect(two.leg)
    scene.run(10)
    send_event(scene, one, "#", 200)
    scene.run(300)
    heard = two.sound()
    assert max(amplitude(heard[at : at + 400], 1477) for at in range(0, len(heard) - 400, 80)) > 5000


def test_a_tone_becomes_an_event_for_who_has_events(scene: Scene) -> None:
    one, two = scene.pair()
    one.leg.detect_digits(True)
    scene.run(10)
    scene.speak(one, [0.0] * 320 + tone("D", 100) + [0.0] * 1600)
    assert {event.code for event in events_of(two)} == {15}
    assert events_of(two)[-1].end


def test_digits_go_through_a_pipe(scene: Scene) -> None:
    far = scene.far_end()
    half, other = scene.engine.pipe()
    heard: list[object] = []
    half.on_event = heard.append
    other.connect(far.leg)
    scene.run(10)
    half.send_digit("3", 100)
    scene.run(400)
    assert {event.code for event in events_of(far)} == {3}
    send_event(scene, far, "4", 100)
    scene.run(200)
    assert [each.digit for each in heard if isinstance(each, DigitEnd)] == ["4"]


def test_an_echo_returns_events(scene: Scene) -> None:
    far = scene.far_end()
    with far.leg.loopback():
        scene.run(10)
        send_event(scene, far, "9", 100)
        scene.run(300)
        assert {event.code for event in events_of(far)} == {9}


def test_no_sound_is_sent_while_an_event_is(scene: Scene) -> None:
    one, two = scene.pair()
    for index in range(30):
        one.send(bytes(160))
        if index == 10:
            two.leg.send_digit("1", 200)
        scene.run(20)
    kinds = [packet.type for packet in two.packets]
    first, last = kinds.index(EVENTS), len(kinds) - 1 - kinds[::-1].index(EVENTS)
    assert set(kinds[first : last + 1]) == {EVENTS}
    sequences = [packet.sequence for packet in two.packets]
    assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))
    times = [packet.timestamp - two.packets[0].timestamp & 0xFFFFFFFF for packet in two.packets]
    assert times == sorted(times)
    assert kinds[-1] == 0
