"""MicroPython's own unix port, from Debian 13, and a board that runs the firmware under it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.supervisor_board import FIRMWARE, Board, Talk


@pytest.fixture(scope="session")
def interpreter() -> str:
    """The command that starts MicroPython; it is fetched into a folder of the user's cache where it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "offhook/micropython"
    done = subprocess.run(
        [FIRMWARE / "tools/interpreter.sh", cache], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return done.stdout.strip()


@pytest.fixture
def board(interpreter: str, tmp_path: Path) -> Iterator[Board]:
    """A board with an empty flash, just switched on."""
    made = Board(interpreter, tmp_path)
    yield made
    made.close()


@pytest.fixture
def talk(board: Board) -> Talk:
    """A host beside it."""
    return Talk(board)
