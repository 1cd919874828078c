#!/usr/bin/env python3
"""Run random dialplans on the real Asterisk of the conformance root and on Offhook, and show where they differ.

    CONFORMANCE_ROOT=ROOT dialplan.py [KIND...] [--seed N] [--count N] [--shared FOLDER]

Kinds: expressions, damaged, substitutions, assignments, patterns, times, courses; all of them when none is named.
Fails when there is a difference. These are known and stay: calculations with numbers of more than 18 digits or
decimal fractions, which Offhook does exactly and C in binary; functions of numbers on texts that are none, where C
reads memory; loops that a subroutine leaves by Return, which Asterisk still takes for running.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "host"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from dialplan_programs import KINDS, Program, Writer

from offhook.config.store import Configuration
from offhook.storage.astdb import AstDb
from support.exchange import Exchange, Telephone

CHECKOUT = Path(__file__).resolve().parents[2]
SHOWN = 20
SECONDS = 200


def on_asterisk(program: Program, shared: Path) -> dict[str, str]:
    """The global variables that the program leaves behind on Asterisk."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "extensions.conf").write_text(program.text())
        Path(folder, "starts").write_text("".join(f"{context}\n" for context in [*program.starts, "done"]))
        Path(folder, "dialplan.sh").write_bytes(Path(__file__).with_suffix(".sh").read_bytes())
        command = [
            str(shared / "conformance/run-ns.sh"),
            f"dialplan{os.getpid()}",
            "bash",
            f"{folder}/dialplan.sh",
            folder,
        ]
        environment = dict(os.environ, BIND=folder)
        printed = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=SECONDS, check=True).stdout
    text = printed.decode("utf-8", "surrogateescape")
    variable = r"^   ([rt]\d+|DONE)=(.*?)(?=\n   (?:[rt]\d+|DONE)=|\n\n    -- )"
    found = dict(re.findall(variable, text, re.MULTILINE | re.DOTALL))
    if "DONE" not in found:
        raise SystemExit(f"Asterisk did not come to the end of the program; it said:\n{text[-2000:]}")
    return found


async def on_offhook(program: Program) -> dict[str, str]:
    """The global variables that the program leaves behind here; a course without end has none."""
    exchange = Exchange()
    exchange.pbx.astdb = AstDb(":memory:")
    exchange.pbx.config = Configuration("/nonexistent")
    exchange.pbx.bus = type(exchange.pbx.bus)()
    for name in ("offhook.apps", "offhook.functions"):
        package = importlib.import_module(name)
        for file in pkgutil.iter_modules(package.__path__):
            exchange.load(importlib.import_module(f"{name}.{file.name}"))
    exchange.dialplan(program.text())
    left: dict[str, str] = exchange.pbx.globals.values
    for number, context in enumerate(program.starts):
        channel = Telephone(exchange.pbx, f"Test/{number}", context=context, exten="s")
        try:
            await asyncio.wait_for(channel.start_pbx(), 60 if context == "go" else 2)
        except TimeoutError:
            left.pop(f"t{context[1:]}", None)
    await exchange.pbx.end_tasks()
    return {str(name): value for name, value in left.items()}


def compare(kind: str, seed: int, count: int, shared: Path) -> int:
    """Show the differences of one kind; their number."""
    program = KINDS[kind](Writer(seed), count)
    theirs = on_asterisk(program, shared)
    ours = asyncio.run(on_offhook(program))
    different: list[Any] = [
        (question, theirs.get(name), ours.get(name))
        for name, question in program.questions.items()
        if theirs.get(name) != ours.get(name) and (kind != "courses" or name in ours)
    ]
    for question, their, our in different[:SHOWN]:
        print(f"{question}\n    Asterisk: {their}\n    Offhook:  {our}")
    print(f"{kind}: {len(program.questions)} asked, {len(different)} different (seed {seed})")
    return len(different)


def main() -> int:
    """Compare what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], metavar="KIND")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=80)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("SHARED", CHECKOUT.parent / "shared")))
    options = parser.parse_args()
    if "CONFORMANCE_ROOT" not in os.environ:
        raise SystemExit("CONFORMANCE_ROOT must name the folder that conformance/setup.sh built")
    logging.disable(logging.CRITICAL)
    kinds = options.kinds or list(KINDS)
    return 1 if sum([compare(kind, options.seed, options.count, options.shared) for kind in kinds]) else 0


if __name__ == "__main__":
    sys.exit(main())
