"""The exchange in memory, with prompts and all applications of this folder's subject."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.apps import (
    control_playback,
    detection,
    entry,
    mixmonitor,
    playing,
    signals,
    sounders,
    spying,
    waiting,
)
from offhook.config.paths import Paths
from offhook.storage.astdb import AstDb
from support.call_exchange import Exchange
from support.silent_engine import SilentEngine
from unit.apps.stories import eventually

PROMPTS = (
    "beep",
    "hello",
    "agent-pass",
    "auth-incorrect",
    "auth-thankyou",
    "vm-goodbye",
    "vm-sorry",
    "vm-dialout",
    "priv-recordintro",
    "priv-callpending",
    "priv-callee-options",
    "screen-callee-options",
)


def pytest_configure(config: pytest.Config) -> None:
    """Some stories here have a clock of their own: a loop policy."""
    config.addinivalue_line("filterwarnings", "ignore:Overriding the .event_loop_policy.")


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    """An exchange; after the test nothing of any call is left."""
    running = Exchange(tmp_path)
    for source in (
        control_playback,
        detection,
        entry,
        mixmonitor,
        playing,
        signals,
        sounders,
        spying,
        waiting,
    ):
        running.load(source)
    engine = SilentEngine()
    running.pbx.engine = engine  # type: ignore[assignment]
    running.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    running.pbx.paths.data = str(tmp_path)
    running.pbx.paths.monitor = str(tmp_path / "monitor")
    for name in PROMPTS:
        (tmp_path / f"{name}.ulaw").write_bytes(bytes(800))
    running.pbx.astdb = AstDb(":memory:")
    running.pbx.astdb.open()
    yield running
    for channel in running.pbx.channels:
        channel.request_hangup()
    await eventually(lambda: not len(running.pbx.channels) and not engine.legs)
    await running.quiet()
    await running.pbx.end_tasks()
    running.pbx.astdb.close()
