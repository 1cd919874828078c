"""A daemon that the tests of a file share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.process import Running, write_configuration


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short name: the control socket's path must not be longer than 107 characters."""
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Running]:
    """A daemon that the tests of a file share."""
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    write_configuration(made)
    running = Running(made)
    try:
        running.wait()
        yield running
    finally:
        running.end()
        shutil.rmtree(made)
