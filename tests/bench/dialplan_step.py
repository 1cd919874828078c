"""CPU time of a dialplan step: the context ``loop`` of the shared benchmark, without a media engine.

    python tests/bench/dialplan_step.py [passes]

A pass is four steps: Set with an expression, NoOp with three substitutions, GotoIf, and the jump back to its label.
Prints microseconds a step. The budget is 6.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "host"))

from offhook.apps import call_control, flow, variables
from offhook.calls.channel import Channel
from offhook.calls.party import Caller, Party
from offhook.calls.pbx import Pbx
from offhook.config.parser import loads
from offhook.dialplan.plan import Dialplan
from offhook.dialplan.reading import read_extensions
from offhook.functions import callerid
from offhook.modules.registry import Registry

LOOP = """
[bench]
exten => loop,1,Set(i=0)
 same => n(top),Set(i=$[${i} + 1])
 same => n,NoOp(${CALLERID(num)} ${EXTEN:1} ${i})
 same => n,GotoIf($[${i} < PASSES]?top)
 same => n,Hangup()
"""


async def measure(passes: int) -> float:
    pbx = Pbx(asyncio.get_running_loop())
    pbx.registry = Registry()
    for module in (call_control.module, flow.module, variables.module, callerid.module):
        pbx.registry.add(module)
    pbx.dialplan = Dialplan(pbx)
    reading = read_extensions(pbx.dialplan, loads(LOOP.replace("PASSES", str(passes))))
    pbx.dialplan.replace("bench", reading.contexts)
    caller = Caller(id=Party.of("5551234", "Alice"))
    channel = Channel(pbx, "Bench/1", context="bench", exten="loop", caller=caller)
    started = time.process_time()
    await channel.start_pbx()
    return time.process_time() - started


def main() -> None:
    passes = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    spent = asyncio.run(measure(passes))
    steps = 3 * passes + 2
    print(f"{spent / steps * 1e6:.2f} us a step ({steps} steps in {spent:.2f} s of CPU)")


if __name__ == "__main__":
    main()
