"""Line legs that talk, in simulated time: what lines.py counts the instructions of::

line_legs.py KIND TICKS
"""

from __future__ import annotations

import contextlib
import random
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "host"))

LINES = 4
"""Legs at once: the lanes of one bank of the canceller."""
STEPS_A_TICK = 10
"""Steps of 8 samples, 1 ms, in a tick of the engine."""
BLOCK = 80
TAIL_MS = 32
KINDS = {
    "line and RTP, ulaw, no echo": ("ulaw", 0),
    f"line and RTP, ulaw, {TAIL_MS} ms echo": ("ulaw", TAIL_MS),
    f"line and RTP, alaw, {TAIL_MS} ms echo": ("alaw", TAIL_MS),
    f"line and RTP, G.722, {TAIL_MS} ms echo": ("g722", TAIL_MS),
    f"line and line, {TAIL_MS} ms echo each": ("line", TAIL_MS),
}
TYPES = {"ulaw": 0, "alaw": 8, "g722": 9}
FAR = ("192.0.2.1", 4000)


def _linear(code: int) -> int:
    """A code of the mu-law as a sample (G.711)."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


_ECHOED = bytes(min(range(256), key=lambda code: abs(_linear(code) - _linear(said) // 4)) for said in range(256))
"""What comes back of each code: 12 dB lower."""
_NOISE = bytes([*range(0x98, 0xD0), *range(0x18, 0x50)])
"""Codes of sound that is neither loud nor quiet."""


class Far:
    """The far end of a line: a part of what it is told comes back, and it may speak for itself (noise)."""

    def __init__(self, speaks: bool) -> None:
        self.own, self.line = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        for end in (self.own, self.line):
            end.setblocking(False)
        self._speaks = speaks

    def step(self, noise: bytes) -> None:
        """10 ms."""
        with contextlib.suppress(BlockingIOError):
            said = self.own.recv(BLOCK)
            back = said.translate(_ECHOED).ljust(BLOCK, b"\xff")
            self.own.send(noise[:BLOCK] if self._speaks else back)
            return
        self.own.send(b"\xff" * BLOCK)

    def close(self) -> None:
        """Both ends."""
        self.own.close()
        self.line.close()


def run_legs(kind: str, ticks: int) -> None:
    """Talk on legs of a kind for so many ticks; what the engine does is counted by callgrind around this process."""
    from offhook.media import RtpLeg, format_named
    from offhook.media.simulated import SimulatedEngine

    name, echo_ms = KINDS[kind]
    engine = SimulatedEngine()
    engine.start()
    fars = [Far(name == "line" and not index % 2) for index in range(LINES)]
    noise = random.Random(1)
    legs = [engine.line_leg(far.line.fileno(), "ulaw", block=BLOCK, ahead=3, echo_ms=echo_ms) for far in fars]
    others: list[RtpLeg] = []
    for index, leg in enumerate(legs):
        if name == "line":
            if index % 2:
                leg.connect(legs[index - 1])
            continue
        other = engine.rtp_leg("127.0.0.1")
        wanted = format_named(name)
        other.set_codecs({TYPES[name]: wanted}, (TYPES[name], wanted), (101, 8000))
        other.set_remote(*FAR)
        leg.connect(other)
        others.append(other)
    for tick in range(ticks):
        sound = bytes(noise.choice(_NOISE) for _ in range(160))
        for far in fars:
            far.step(sound)
        if not tick % 2:
            for other in others:
                head = bytes([0x80, TYPES[name]]) + (tick // 2 + 1).to_bytes(2, "big") + (tick * 80).to_bytes(4, "big")
                engine.inject(other.local_port, FAR, head + b"\0\0\0\1" + sound)
        engine.advance()
        engine.sent()
    for each in (*legs, *others):
        each.close()
    engine.stop()
    for far in fars:
        far.close()


if __name__ == "__main__":
    run_legs(sys.argv[1], int(sys.argv[2]))
