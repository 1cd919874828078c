"""Calls that come and go in the engine, in simulated time: what do they leave?"""

from __future__ import annotations

import gc
import hashlib
from pathlib import Path
from typing import NamedTuple

from offhook.media import RtpLeg, format_named
from offhook.media.simulated import SimulatedEngine
from support.far_end import TYPES, Rtp

SUITE = "AES_CM_128_HMAC_SHA1_80"
KEYS = [hashlib.sha512(name).digest()[:30] for name in (b"one", b"two")]
AT_ONCE = 50
PACKETS = 3


class Residue(NamedTuple):
    """What is left: legs, and by how much the engine's own memory (bytes) and the process grew meanwhile."""

    legs: int
    engine_grown: int
    grown_kb: int


def _resident_kb() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def _own(engine: SimulatedEngine) -> int:
    engine.advance(1000)  # the figure is renewed now and then
    return engine.figures().memory_bytes


def _leg(engine: SimulatedEngine, codec: str, number: int) -> RtpLeg:
    leg = engine.rtp_leg()
    kind = format_named(codec)
    leg.set_codecs({TYPES[codec]: kind}, (TYPES[codec], kind), (101, 8000))
    leg.set_remote("192.0.2.1", 1024 + number)
    return leg


def _round(engine: SimulatedEngine, calls: int) -> None:
    """Some calls at once: relayed or transcoded, every fourth encrypted on one side, every fifth with tones."""
    legs = []
    for number in range(calls):
        one = _leg(engine, "ulaw", 2 * number)
        two = _leg(engine, "alaw" if number % 3 == 0 else "ulaw", 2 * number + 1)
        if number % 4 == 0:
            two.secure(SUITE, *KEYS)
        if number % 5 == 0:
            two.tones("440+480/2000")
        one.connect(two)
        legs += [one, two]
    for packet in range(PACKETS):
        for number, leg in enumerate(legs):
            data = Rtp(False, 0 if number % 2 == 0 else 8, packet, packet * 160, number, bytes(160)).pack()
            engine.inject(leg.local_port, ("192.0.2.1", 1024 + number), data)
        engine.advance(20)
    assert len(engine.sent()) >= calls * PACKETS // 2
    for leg in legs:
        leg.close()
    engine.advance(30)
    engine.sent()


def churn(calls: int) -> Residue:
    """That many calls; growth is counted from a fifth of them on."""
    engine = SimulatedEngine()
    engine.start()
    first = first_own = 0
    for done in range(0, calls, AT_ONCE):
        _round(engine, AT_ONCE)
        if not first and done >= calls // 5:
            first, first_own = _resident_kb(), _own(engine)
    grown = _resident_kb() - first
    own, legs = _own(engine), engine.figures().legs
    engine.stop()
    return Residue(legs, own - first_own, grown)
