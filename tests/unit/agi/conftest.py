"""The exchange in memory, with AGI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook.apps import saying
from offhook.config.paths import Paths
from offhook.control.agi import applications
from offhook.storage.astdb import AstDb
from support.call_exchange import Exchange


def pytest_configure(config: pytest.Config) -> None:
    """Some stories here have a clock of their own: a loop policy."""
    config.addinivalue_line("filterwarnings", "ignore:Overriding the .event_loop_policy.")


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    """An exchange; programs are looked for in ``tmp_path``, and after the test nothing of any call is left."""
    running = Exchange(tmp_path)
    running.load(applications)
    running.load(saying)
    running.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    running.pbx.paths.agi = str(tmp_path)
    running.pbx.paths.data = str(tmp_path)
    running.pbx.astdb = AstDb(":memory:")
    running.pbx.astdb.open()
    yield running
    await running.quiet()
    await running.pbx.end_tasks()
    running.pbx.astdb.close()
