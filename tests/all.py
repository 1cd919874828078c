#!/usr/bin/env python3
"""Run the tests part by part and add up their counts.

    all.py [PART...]

Parts: unit, sip, engine, firmware, fuzz, phones, trunk, browser, guest, conformance. Without names all of them;
conformance is left out where CONFORMANCE_ROOT names no root. Ends with the line "N passed, N failed, N skipped" and
fails when anything failed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
SMOKE_TESTS = ("tests/example", "tests/funcs/func_global", "tests/manager/acl-login")


@dataclass
class Counts:
    """How the tests of one part ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __iadd__(self, other: Counts) -> Counts:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run(command: list[str], seconds: int) -> int:
    """Run a command from the checkout's top within a time; its exit status, 124 when the time was not enough."""
    try:
        return subprocess.run(command, cwd=CHECKOUT, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        print(f"{' '.join(command)}: not finished after {seconds} s", file=sys.stderr)
        return 124


def pytest(*paths: str, seconds: int = 600) -> Counts:
    """Run pytest on some folders; a folder without tests counts nothing."""
    present = [path for path in paths if list((CHECKOUT / path).rglob("test_*.py"))]
    if not present:
        return Counts()
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        status = run([sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *present], seconds)
        if not report.exists():
            return Counts(failed=1)
        suite = next(ElementTree.parse(report).getroot().iter("testsuite"))
    total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    if status not in (0, 5):
        failed = max(failed, 1)
    return Counts(max(0, total - failed - skipped), failed, skipped)


def engine() -> Counts:
    """The engine's own C tests, built with address and undefined-behaviour sanitizers; each program is one."""
    programs = len(list((CHECKOUT / "tests/engine").glob("test_*.c")))
    if not programs:
        return Counts()
    failed = run(["make", "-C", "host/engine", "check", f"PYTHON={sys.executable}"], 600) != 0
    return Counts(0, programs) if failed else Counts(programs)


def fuzz() -> Counts:
    """A few seconds of broken input for each parser, where atheris is installed."""
    if importlib.util.find_spec("atheris") is None:
        return Counts(skipped=1)
    status = run([sys.executable, "tests/fuzz/run.py", "--seconds", "3"], 300)
    return Counts(passed=1) if status == 0 else Counts(failed=1)


def guest() -> Counts:
    """The real kernel drivers in an emulated machine; building it changes roots, which takes root."""
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        print("Skipped: this part needs root and mmdebstrap (make guest-test).")
        return Counts(skipped=1)
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "counts"
        run([sys.executable, "tests/guest/run.py", "--counts", str(report)], 900)
        if not report.exists():
            return Counts(failed=1)
        return Counts(*map(int, report.read_text().split()))


def trunk() -> Counts:
    """The trunk to the cloud in network namespaces, each trouble once, where root, nft and Kamailio are at hand."""
    status = run([sys.executable, "tests/trunk/run.py", "--short"], 300)
    return Counts(skipped=1) if status == 2 else Counts(passed=1) if status == 0 else Counts(failed=1)


def conformance() -> Counts:
    """A few tests of the Asterisk Test Suite, where its root is at hand."""
    if not os.environ.get("CONFORMANCE_ROOT"):
        return Counts()
    status = run([sys.executable, "tests/conformance/run.py", *SMOKE_TESTS, "--retry"], 600)
    return Counts(passed=1) if status == 0 else Counts(failed=1)


PARTS: dict[str, Callable[[], Counts]] = {
    "unit": lambda: pytest("tests/unit"),
    "sip": lambda: pytest("tests/sip"),
    "engine": engine,
    "firmware": lambda: pytest("tests/firmware"),
    "fuzz": fuzz,
    "phones": lambda: pytest("tests/phones", seconds=900),
    "trunk": trunk,
    "guest": guest,
    "browser": lambda: pytest("tests/browser", seconds=400),
    "conformance": conformance,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these parts")
    parts = parser.parse_args().parts or list(PARTS)
    total = Counts()
    lines = []
    for part in parts:
        print(f"\n== {part}", flush=True)
        began = time.monotonic()
        counts = PARTS[part]()
        lines.append(f"{part:12} {counts} ({time.monotonic() - began:.0f} s)")
        total += counts
    print("\n" + "\n".join(lines))
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
