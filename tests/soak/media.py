#!/usr/bin/env python3
"""Does media cost a descriptor, and does it leave anything behind?

    media.py [--calls 1000] [--limit 256] [--modes steer,pool] [--churn 10000] [--engine 100000]

Three proofs, each a few lines of figures; the exit status tells whether they hold:

- ``--calls`` calls at once between callers and called parties, all of them speaking, in a daemon that may open
  ``--limit`` files, once for each way of sockets. Every packet has to reach its own party, and none another.
- ``--churn`` calls one after the other, some dozens at a time, with media, in the same daemon: its memory after a fifth
  of them and after all of them is the same but for a few MB.
- ``--engine`` calls through the engine's own interface in simulated time: relayed, transcoded and encrypted.

0 leaves a proof out. Nothing is measured in seconds. Run it in a network namespace of its own where others use ports.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "host"), str(CHECKOUT / "tests")]

from support.churn import churn  # noqa: E402
from support.crowd import descriptors_for  # noqa: E402
from support.crowd_proof import GROWTH_KB, proof  # noqa: E402


def engine(calls: int) -> bool:
    """The engine alone."""
    residue = churn(calls)
    print(
        f"engine: {calls} calls: {residue.grown_kb:+} kB between call {calls // 5} and the last, "
        f"{residue.engine_grown:+} bytes of the engine's own, {residue.legs} legs left"
    )
    return residue.grown_kb < GROWTH_KB and not residue.legs and residue.engine_grown <= 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--limit", type=int, default=256)
    parser.add_argument("--modes", default="steer,pool")
    parser.add_argument("--churn", type=int, default=10000)
    parser.add_argument("--engine", type=int, default=100000)
    options = parser.parse_args()
    descriptors_for(options.calls)
    good = True
    for mode in options.modes.split(",") if options.calls or options.churn else ():
        good = proof(mode, options.calls, options.limit, options.churn) and good
    if options.engine:
        good = engine(options.engine) and good
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
