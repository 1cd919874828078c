"""What the tests of the media plane share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.far_end import Scene


@pytest.fixture
def scene() -> Iterator[Scene]:
    """An engine in simulated time; at its end nothing may be left in it."""
    made = Scene()
    yield made
    made.engine.stop()


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """An empty folder for sound files."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder
