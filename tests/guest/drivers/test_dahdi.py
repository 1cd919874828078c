"""The kernel's analog and digital lines, end to end over a pair of spans."""

from __future__ import annotations

import random
import time

import pytest

from guest.dahdi_kernel import PULSE_DIGIT, Event, Hook, Line, carry, frame, lines

DEBOUNCE_S = 0.7
"""After going off hook, until the kernel takes the next order for the hook."""
RING_DEBOUNCE_S = 2.1
"""After the far end went on hook, or was opened, until a line takes notice of ringing."""
FLAGS_S = 0.1
"""After opening a D channel, until flags came through the buffers; a frame before that is lost."""

pytestmark = pytest.mark.usefixtures("spans")


def test_lifting_a_phone_is_seen_at_the_line_within_a_few_milliseconds() -> None:
    with lines(1, 5) as (phone_port, phone):
        began = time.monotonic()
        phone.hook(Hook.OFF)
        phone_port.expect(Event.RINGOFFHOOK, 1.0)
        assert time.monotonic() - began < 0.05
        phone.hook(Hook.ON)
        phone_port.expect(Event.ONHOOK)


def test_ringing_reaches_the_phone_and_answering_stops_it() -> None:
    with lines(2, 6) as (phone_port, phone):
        time.sleep(RING_DEBOUNCE_S)
        phone_port.hook(Hook.RING)
        phone.expect(Event.RINGBEGIN)
        phone.hook(Hook.OFF)
        assert Event.ONHOOK not in phone_port.expect(Event.RINGOFFHOOK, 1.0)


def off_hook(port: Line, phone: Line) -> None:
    """A phone taken off the hook, both ends settled."""
    phone.hook(Hook.OFF)
    port.expect(Event.RINGOFFHOOK)
    time.sleep(DEBOUNCE_S)
    phone.drain()
    port.drain()


def test_a_flash_is_a_flash() -> None:
    with lines(3, 7) as (phone_port, phone):
        off_hook(phone_port, phone)
        phone.hook(Hook.FLASH)
        phone_port.expect(Event.WINKFLASH)


def test_pulses_arrive_as_digits() -> None:
    with lines(4, 8) as (phone_port, phone):
        off_hook(phone_port, phone)
        phone.dial("P37")
        digits = ""
        while len(digits) < 2:
            event = phone_port.event()
            assert event, f"only {digits!r} arrived"
            if event & PULSE_DIGIT:
                digits += chr(event & 0xFF)
        assert digits == "37"


@pytest.mark.parametrize(("port", "far"), [(1, 5), (9, 40)], ids=["analog", "clear channel of an E1"])
def test_audio_arrives_bit_exact_both_ways(port: int, far: int) -> None:
    pattern = random.Random(port).randbytes(8000)
    with lines(port, far) as (one, other):
        if port == 1:
            off_hook(one, other)
            one.hook(Hook.OFF)
        assert pattern in carry(one, other, pattern)
        assert pattern in carry(other, one, pattern)


def test_frames_cross_a_d_channel() -> None:
    with lines(24, 55, block=1024, blocks=32) as (network, user):
        time.sleep(FLAGS_S)
        for number in range(20):
            content = bytes([2, 1, number]) * (1 + number * 4)
            assert frame(network, user, content) == content
            assert frame(user, network, content[::-1]) == content[::-1]


def test_a_channel_that_is_not_there_cannot_be_opened() -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        Line(500)
