"""What a line's leg costs. The guest's time is instructions executed, so the figures are the same on every machine."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import random
import struct
from pathlib import Path

import pytest

from guest.dahdi_kernel import lines
from kernel_shims.simulator import sound
from offhook.media import Engine, EngineError, Settings

LOOPBACK = 0x4004DA3A
"""DAHDI_LOOPBACK: a channel sends back what it gets."""
NEAR, FAR = range(111, 115), range(116, 120)
SECONDS = 1.0
ROUNDS = 3
"""Interrupts that come while a thread runs count as its time, many or few by chance: the least of so many counts."""
MIPS = 500
"""Of the guest: 2 ns an instruction (icount shift=1)."""
SPEECH = "/tmp/cost"


async def spent(legs: int, echo_ms: int) -> float:
    """CPU seconds that the engine's threads take a second for that many legs which speak and hear their echo."""
    engine = Engine(settings=Settings(port_low=40000, port_high=40098))
    engine.start()
    try:
        with contextlib.ExitStack() as stack:
            for line in stack.enter_context(lines(*FAR)):
                fcntl.ioctl(line.fd, LOOPBACK, struct.pack("i", 1))
            for line in stack.enter_context(lines(*NEAR[:legs], block=80)):
                leg = engine.line_leg(line.fd, "ulaw", echo_ms=echo_ms)
                leg.play([SPEECH])
                stack.callback(leg.close)
            await asyncio.sleep(1.0)
            before = engine.figures()
            await asyncio.sleep(SECONDS)
            return (engine.figures().cpu_seconds - before.cpu_seconds) / SECONDS
    finally:
        engine.stop()


@pytest.mark.usefixtures("spans")
def test_a_line_leg_with_32_ms_of_echo(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = random.Random(3)
    level = [abs(drawn.gauss(0, 1)) for _ in range(20)]
    speech = [round(drawn.gauss(0, 1500 * level[at // 1600 % 20])) for at in range(8 * 4000)]
    Path(f"{SPEECH}.ulaw").write_bytes(sound.encode((max(-30000, min(30000, one)) for one in speech), "ulaw"))
    try:
        rounds = [[asyncio.run(spent(*wanted)) for wanted in ((0, 0), (4, 0), (4, 32))] for _ in range(ROUNDS)]
    except EngineError as error:
        pytest.fail(str(error))
    idle, plain, cancelled = map(min, zip(*rounds, strict=True))
    legs = len(NEAR)
    bare, whole = (plain - idle) / legs, (cancelled - idle) / legs
    with capsys.disabled():
        print(
            f"\nguest: a line leg takes {bare * MIPS:.2f} million instructions a second, {whole * MIPS:.2f} with 32 ms "
            f"of echo cancelled; the engine at rest {idle * MIPS:.2f}"
        )
    assert 0 < bare < whole
    assert whole * MIPS < 20
