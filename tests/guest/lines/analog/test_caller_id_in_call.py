"""Who calls while a telephone is in a call (type II): beep, alerting signal, and the data for who asks for it."""

from __future__ import annotations

import os
import select
import time

from guest import modem
from guest.dahdi_kernel import BLOCK, Line
from guest.exchange import Exchange
from guest.hearing import ALIKE, SILENCE, heard_by, talk
from guest.telephone import telephones
from kernel_shims.simulator import sound

ALERT = (2130.0, 2750.0)
_WINDOW = 320
"""Samples in which the signal is looked for: half of its length."""


def answer_the_alert(line: Line, key: str, seconds: float) -> tuple[bool, list[int]]:
    """A display: presses a key when it is alerted. Whether it was, and what came after that."""
    poll = select.poll()
    poll.register(line.fd, select.POLLIN | select.POLLOUT | select.POLLPRI)
    to_say, heard, alerted = b"", list[int](), False
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for _, ready in poll.poll(100):
            if ready & select.POLLPRI:
                line.event(0)
                continue
            if ready & select.POLLIN:
                heard += sound.decode(os.read(line.fd, BLOCK), "ulaw")
            if ready & select.POLLOUT:
                to_say = to_say[os.write(line.fd, (to_say + SILENCE)[:BLOCK]) :]
        last = heard[-_WINDOW:]
        if not alerted and len(last) == _WINDOW and sum(sound.share(last, pitch) for pitch in ALERT) > 0.8:
            alerted = True
            heard.clear()
            if key:
                to_say = sound.encode([0] * 480 + sound.dtmf(key, 65, 0), "ulaw")
    return alerted, heard


def test_a_display_that_answers_the_alert_is_told_who_calls_and_another_one_is_left_alone(exchange: Exchange) -> None:
    with telephones(8, 6, 5) as (dora, bob, alice):
        dora.lift()
        dora.press("102")
        bob.answer()
        for key, told in (("D", ("101", "Alice")), ("", ("", ""))):
            alice.lift()
            alice.press("104")
            alerted, heard = answer_the_alert(dora, key, 3.0)
            assert alerted, exchange.told()
            assert modem.caller(heard, "bell202") == told, exchange.told()
            assert heard_by(bob, dora)[0] > ALIKE, "they talk on"
            alice.hang_up()
            exchange.until_calls(2)
        talk(0.1, (dora, b""))
        dora.hang_up()
        bob.hang_up()
        exchange.until_calls(0)
