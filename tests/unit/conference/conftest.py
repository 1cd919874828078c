"""The exchange in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.call_exchange import Exchange


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    """An exchange; after the test nothing of any call is left."""
    running = Exchange(tmp_path)
    yield running
    await running.quiet()
    await running.pbx.end_tasks()
