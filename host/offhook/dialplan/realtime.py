"""pbx_realtime: extensions from a database, asked at each step.

``switch => Realtime/[[context@]family][/p]``: rows have context, exten, priority, app and appdata; the
family is "extensions" unless named. Option p keeps patterns out.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from offhook.dialplan.outcome import Hangup
from offhook.dialplan.patterns import Match, compile_pattern
from offhook.dialplan.scope import Scope
from offhook.log import verbose
from offhook.modules import Module

log = logging.getLogger(__name__)
module = Module("pbx_realtime", "Realtime Switch", priority=44)


class _Source(NamedTuple):
    """Where a switch looks."""

    context: str
    family: str
    patterns: bool


def source_of(context: str, data: str) -> _Source:
    """What the data of ``switch => Realtime/data`` says, in a context."""
    place, _, options = data.partition("/")
    before, at, family = place.partition("@")
    return _Source((before if at else "") or context, (family if at else place) or "extensions", "p" not in options)


class RealtimeSwitch:
    """Looks extensions up in a realtime family."""

    def __init__(self, pbx: Any) -> None:
        self.pbx = pbx

    async def row(self, context: str, exten: str, priority: int, data: str, asked: Match) -> dict[str, str] | None:
        """The row of an extension's priority, exact ones before patterns, longer patterns first."""
        if priority < 0:
            return None
        from offhook.storage.realtime import realtime_of

        realtime = realtime_of(self.pbx)
        source = source_of(context, data)
        where = [("context", source.context), ("priority", str(priority))]
        if asked is Match.EXACT:
            found = await realtime.one(source.family, [("exten", exten), *where])
        else:
            like = f"{exten}_%" if asked is Match.MORE else f"{exten}%"
            found = await realtime.one(source.family, [("exten LIKE", like), *where])
        if found is not None:
            return dict(found)
        if not source.patterns:
            return None
        rows = [dict(row) for row in await realtime.many(source.family, [("exten LIKE", "\\_%"), *where])]
        for row in sorted(rows, key=lambda row: -len(row.get("exten", ""))):
            if compile_pattern(row.get("exten", "")).progress(exten, asked)[0]:
                return row
        return None

    async def exists(
        self, channel: Any, context: str, exten: str, priority: int, caller: str, data: str, asked: Match
    ) -> bool:
        """Whether the family has it."""
        return await self.row(context, exten, priority, data, asked) is not None

    async def execute(self, channel: Any, context: str, exten: str, priority: int, caller: str, data: str) -> object:
        """Run the application of that priority's row."""
        from offhook.dialplan.executor import run_application

        row = await self.row(context, exten, priority, data, Match.EXACT)
        application = (row or {}).get("app", "")
        if not application:
            log.warning(
                "%s: the realtime row of %s@%s, priority %d, names no app", channel.name, exten, context, priority
            )
            raise Hangup
        text = await Scope(self.pbx, channel).expanded((row or {}).get("appdata", ""))
        verbose(3, 'Executing [%s@%s:%d] %s("%s", "%s")', exten, context, priority, application, channel.name, text)
        return await run_application(channel, application, text)


@module.on_load
def load(pbx: Any) -> None:
    """Make the switch known."""
    pbx.dialplan.switches["realtime"] = RealtimeSwitch(pbx)


@module.on_unload
def unload(pbx: Any) -> None:
    """Forget the switch."""
    pbx.dialplan.switches.pop("realtime", None)
