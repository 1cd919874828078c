"""Calls whose every message is written down: SIPp scenarios against the real daemon."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.callers import EXTENSIONS_CONF, PJSIP_CONF
from support.daemon import Daemon, free_port
from support.patience import PATIENCE_S

SCENARIOS = Path(__file__).parent / "scenarios"

pytestmark = pytest.mark.skipif(shutil.which("sipp") is None, reason="there is no sipp here")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that takes calls with the header ``X-Test: caller``."""
    with Daemon(tmp_path, {"pjsip.conf": PJSIP_CONF, "extensions.conf": EXTENSIONS_CONF}) as running:
        yield running


def sipp(daemon: Daemon, scenario: str, number: str, *, transport: str = "u1", calls: int = 1) -> None:
    """Run a scenario to its end; AssertionError with SIPp's own words when it was not followed."""
    command = ["sipp", f"127.0.0.1:{daemon.sip_port}", "-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", number]
    command += ["-i", "127.0.0.1", "-p", str(free_port()), "-mp", str(daemon.media_port + 1000), "-t", transport]
    command += ["-m", str(calls), "-r", "20", "-timeout", "25", "-timeout_error", "-recv_timeout", "8000"]
    command += ["-nostdin", "-trace_err", "-error_file", str(daemon.root / "sipp.errors")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False, cwd=daemon.root)
    if done.returncode:
        errors = daemon.root / "sipp.errors"
        said = errors.read_text(errors="replace") if errors.exists() else done.stderr
        raise AssertionError(f"{scenario}: exit status {done.returncode}: {said[-3000:]}\n{daemon.told()[-3000:]}")


def no_channels(daemon: Daemon) -> None:
    """Assert that all calls have ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not (told := daemon.cli("core show channels count")).startswith("0 active channels"):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("scenario", "number"),
    [
        ("answered", "answered"),
        ("no_offer", "answered"),
        ("cancelled", "ringing"),
        ("held", "answered"),
        ("early_media", "early"),
        ("options", "answered"),
        ("stranger", "answered"),
        ("no_codec", "answered"),
    ],
)
def test_a_scenario_is_followed_over_udp(daemon: Daemon, scenario: str, number: str) -> None:
    sipp(daemon, scenario, number)
    no_channels(daemon)


@pytest.mark.parametrize(
    ("scenario", "number"), [("answered", "answered"), ("cancelled", "ringing"), ("held", "answered")]
)
def test_a_scenario_is_followed_over_tcp(daemon: Daemon, scenario: str, number: str) -> None:
    sipp(daemon, scenario, number, transport="t1")
    no_channels(daemon)


def test_digits_by_info_arrive_in_read(daemon: Daemon) -> None:
    with daemon.manager() as manager:
        sipp(daemon, "info_digits", "digits")
        assert manager.wait_for("UserEvent", UserEvent="Entered")["Digits"] == "42"
    no_channels(daemon)


def test_many_short_calls_leave_nothing_behind(daemon: Daemon) -> None:
    sipp(daemon, "answered", "answered", calls=5)
    no_channels(daemon)
    before, threads = len(daemon.descriptors()), daemon.threads()
    sipp(daemon, "answered", "answered", calls=60)
    no_channels(daemon)
    assert len(daemon.descriptors()) <= before
    assert daemon.threads() <= threads
