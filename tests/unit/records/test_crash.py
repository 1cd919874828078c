"""A process that is killed while it writes records loses none of a finished call, and repeats none."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from offhook.services.cdr.delivery import Batch
from support import record_writer
from support.call_exchange import Exchange

KILLS = 3


def killed(folder: Path, batch_size: int, run: int, calls: int) -> list[str]:
    """Let a process make calls, kill it after so many; the unique ids of the calls that it told to be over."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    writer = subprocess.Popen(
        [sys.executable, record_writer.__file__, str(folder), str(batch_size), f"run{run}"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert writer.stdout is not None
    finished = [writer.stdout.readline().strip() for _ in range(calls)]
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    return finished + [line.strip() for line in rest if line.endswith("\n")]


async def recovered(folder: Path) -> None:
    """Start again and stop."""
    engine = record_writer.engine_in(Exchange(folder), folder, Batch())
    await engine.delivery.recover()
    await engine.stop()


@pytest.mark.parametrize("batch_size", [1, 7, 10_000])
def test_sigkill_loses_no_finished_call(tmp_path: Path, batch_size: int) -> None:
    chance = random.Random(batch_size)
    finished: list[str] = []
    for run in range(KILLS):
        finished += killed(tmp_path, batch_size, run, chance.randint(20, 120))
        asyncio.run(recovered(tmp_path))
    there = Counter(line.split(",")[0].strip('"') for line in (tmp_path / "Master.csv").read_text().splitlines())
    assert len(finished) >= KILLS * 20
    assert not set(finished) - set(there), "every finished call has its record"
    assert set(there.values()) == {1}, "and no more than one"
    assert not list((tmp_path / "journal").iterdir())
