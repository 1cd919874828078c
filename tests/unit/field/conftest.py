"""A daemon that the tests of a file share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import Running, write_configuration


@pytest.fixture(scope="module")
def daemon() -> Iterator[Running]:
    """A daemon that the tests of a file share; its folder has a name short enough for the control socket."""
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    write_configuration(made, modules="[modules]\nautoload=no\nload => res_board.so\n")
    running = Running(made)
    try:
        running.wait()
        yield running
    finally:
        running.end()
        shutil.rmtree(made)
