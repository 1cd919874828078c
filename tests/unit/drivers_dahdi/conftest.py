"""An exchange with four simulated phones and four simulated lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook import log
from support.line_story import Office, StoryPolicy


def pytest_configure(config: pytest.Config) -> None:
    """The policy below is the one way to choose the loop that every pytest-asyncio in use knows."""
    config.addinivalue_line("filterwarnings", "ignore:Overriding the .event_loop_policy.")


@pytest.fixture(scope="session")
def event_loop_policy() -> StoryPolicy:
    """The story moves the clock."""
    return StoryPolicy()


@pytest.fixture(autouse=True)
def verbosity(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a console with -vvv: what is told there is put together, and may be looked at."""
    monkeypatch.setattr(log, "most_verbose", 3)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """The exchange; at the end of the story nothing of any call is left."""
    made = Office(tmp_path)
    yield made
    await made.stop()
