"""An exchange for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.exchange import Exchange


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    found = Exchange()
    yield found
    await found.pbx.end_tasks()
