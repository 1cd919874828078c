"""A telephone whose hybrid returns a third of what it hears: the caller does not hear it (dora's port cancels echo)."""

from __future__ import annotations

import fcntl
import os
import random
import select
import struct
import time

from guest.dahdi_kernel import Line
from guest.exchange import Exchange
from guest.telephone import telephones
from kernel_shims.simulator import sound

FLUSH, BOTH_WAYS = 0x4004DA03, 3
BLOCK = 80
AHEAD = 2
"""Blocks between what the hybrid hears and what it says, so that it is in time: 34 ms of echo at most."""
RETURN_LOSS_DB = 9.5
HYBRID = sound.encode([sample // 3 for sample in sound.decode(bytes(range(256)), "ulaw")], "ulaw")
SILENCE = b"\xff" * BLOCK
SECONDS = 6.0


def speech() -> bytes:
    """Noise that comes and goes like syllables."""
    drawn = random.Random(11)
    levels = [drawn.choice((0, 800, 1600, 2500)) for _ in range(round(SECONDS * 10))]
    return sound.encode([round(drawn.gauss(0, level)) for level in levels for _ in range(800)], "ulaw")


def speak(speaker: Line, said: bytes, hybrid: Line) -> list[int]:
    """Say all of it to somebody whose hybrid echoes; what comes back."""
    heard = b""
    fcntl.ioctl(hybrid.fd, FLUSH, struct.pack("i", BOTH_WAYS))
    for _ in range(AHEAD):
        os.write(hybrid.fd, SILENCE)
    poll = select.poll()
    for line in (speaker, hybrid):
        poll.register(line.fd, select.POLLIN | select.POLLOUT | select.POLLPRI if line is speaker else select.POLLIN)
    deadline = time.monotonic() + len(said) / 8000
    while time.monotonic() < deadline:
        for fd, ready in poll.poll(100):
            if ready & select.POLLPRI:
                speaker.event(0)
            elif fd == hybrid.fd:
                os.write(fd, os.read(fd, BLOCK).translate(HYBRID))
            else:
                heard += os.read(fd, BLOCK) if ready & select.POLLIN else b""
                said = said[os.write(fd, (said + SILENCE)[:BLOCK]) :] if ready & select.POLLOUT else said
    return sound.decode(heard, "ulaw")


def rms(samples: list[int]) -> float:
    """Mean level."""
    return (sum(sample * sample for sample in samples) / len(samples)) ** 0.5


def test_the_caller_does_not_hear_himself(exchange: Exchange) -> None:
    with telephones(5, 8, block=BLOCK) as (alice, dora):
        alice.lift()
        alice.press("104")
        dora.answer()
        said = speech()
        heard = speak(alice, said, dora)
        told = exchange.desk.listed("DAHDIShowChannels", DAHDIChannel="4")[0]
        shown = exchange.ask("dahdi show channel 4")
        dora.hang_up()
        alice.hang_up()
        exchange.until_calls(0)
    assert rms(heard[:2000]) > 300, "there was no echo to take out"
    assert rms(heard[-8000:]) < 10, shown
    loss, taken_out = float(told["EchoReturnLoss"]), float(told["EchoReturnLossEnhancement"])
    assert told["EchoState"] == "converged", told
    assert abs(loss - RETURN_LOSS_DB) < 1 and taken_out > 25, told
    assert f"converged, ERL {loss:.1f} dB, ERLE {taken_out:.1f} dB" in shown
