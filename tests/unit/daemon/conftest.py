"""Directories for daemons."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short name: the control socket's path must not be longer than 107 characters."""
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    yield made
    shutil.rmtree(made)
