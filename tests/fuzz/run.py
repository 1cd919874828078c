#!/usr/bin/env python3
"""Run every fuzzer of this folder for some seconds: run.py [--seconds 60]. Needs atheris (pip install atheris)."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each fuzzer")
    seconds = parser.parse_args().seconds
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: .venv/bin/pip install atheris", file=sys.stderr)
        return 2
    failed = 0
    for fuzzer in sorted(HERE.glob("fuzz_*.py")):
        with tempfile.TemporaryDirectory() as scratch:
            # libFuzzer writes the input that broke something into its working folder.
            command = [sys.executable, str(fuzzer), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048"]
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, errors="replace", check=False)
            print(f"{fuzzer.stem}: {'nothing found' if done.returncode == 0 else 'FAILED'}")
            if done.returncode:
                failed += 1
                print(done.stdout[-2000:], done.stderr[-4000:], file=sys.stderr)
                for left in Path(scratch).iterdir():
                    print(f"{left.name}: {left.read_bytes()!r}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
