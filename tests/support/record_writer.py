"""A process that makes calls and writes their records until it is killed: record_writer.py FOLDER BATCH_SIZE RUN.

It prints the unique id of each channel as soon as its call is over.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from offhook.calls import events
from offhook.services.cdr.delivery import Batch
from offhook.services.cdr.engine import CdrEngine
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.files import csv_line, files_backend
from offhook.services.cdr.record import Rules
from support.call_exchange import Exchange

PLAN = "[test]\nexten => s,1,Answer()\n same => n,Hangup()\n"


class Uniqueids:
    """Lines of unique ids in Master.csv of a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "Master.csv"

    def lines(self, fields: Fields) -> list[tuple[str, str]]:
        """The one line of a record."""
        return [(str(self.path), csv_line(fields, ("uniqueid", "disposition")))]


def engine_in(exchange: Exchange, folder: Path, batch: Batch) -> CdrEngine:
    """An engine that writes to the folder."""
    engine = CdrEngine(exchange.pbx)
    exchange.pbx.parts["cdr"] = engine
    engine.configure(Rules(unanswered=True), batch)
    engine.delivery.open(str(folder / "journal"))
    engine.delivery.backends["csv"] = files_backend(exchange.pbx, Uniqueids(folder))
    return engine


async def run(folder: Path, size: int, name: str) -> None:
    """Make calls without end."""
    exchange = Exchange(folder)
    exchange.pbx.options.system_name = name
    engine_in(exchange, folder, Batch(enabled=size > 1, size=size))
    exchange.pbx.bus.subscribe(events.Hangup, lambda event: print(event.channel.uniqueid, flush=True))
    exchange.dialplan(PLAN)
    while True:
        result = await exchange.call("Local/s@test/n", application="Wait", data="0")
        assert result.channel is not None
        exchange.events.clear()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
