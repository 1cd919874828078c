"""The short form of ``make soak``."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from support.soak import ACTIONS, soak


def test_calls_that_do_everything_to_each_other_leave_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "offhook")  # what is captured keeps the channels it is about
    done = soak(tmp_path, calls=60, seconds=60)
    assert done.most >= 60
    assert all(done.began[name] for name, _ in ACTIONS), done.began
