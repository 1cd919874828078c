"""pbx_loopback: a context that answers with the extensions of another one, under changed names.

``switch => Loopback/[priority:]exten@context[/extramatch]``: the parts may hold ``${EXTEN}``, ``${CONTEXT}`` and
``${PRIORITY}`` of what is looked for; it is only looked for when the extension matches the extra pattern.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from offhook.dialplan.outcome import Hangup
from offhook.dialplan.patterns import Match, compile_pattern
from offhook.dialplan.scope import Scope
from offhook.dialplan.variables import Variables
from offhook.modules import Module

module = Module("pbx_loopback", "Loopback Switch", priority=44)


class _Target(NamedTuple):
    """Where a switch leads."""

    context: str
    exten: str
    priority: int


class LoopbackSwitch:
    """Looks extensions up in the context that the switch's data names."""

    def __init__(self, pbx: Any) -> None:
        self.pbx = pbx

    def target(self, context: str, exten: str, priority: int, data: str) -> _Target | None:
        """The place that the data names for an extension; None when the extra pattern keeps it out."""
        variables = Variables()
        variables.set("EXTEN", exten)
        variables.set("CONTEXT", context)
        variables.set("PRIORITY", str(priority))
        place, _, extra = data.partition("/")
        if extra and not compile_pattern(extra).matches(exten):
            return None
        place = Scope(self.pbx, None, variables).expand(place)
        number, colon, rest = place.partition(":")
        if not colon:
            number, rest = str(priority), place
        new_exten, _, new_context = rest.partition("@")
        return _Target(new_context or context, new_exten or exten, int(number) if number.isdigit() else priority)

    async def exists(
        self, channel: Any, context: str, exten: str, priority: int, caller: str, data: str, asked: Match
    ) -> bool:
        """Whether the other context has it."""
        to = self.target(context, exten, priority, data)
        if to is None or to.context == context:
            return False
        plan = self.pbx.dialplan
        if asked is Match.EXACT:
            return await plan.locate(channel, to.context, to.exten, to.priority, caller) is not None
        return bool(await plan.reaches(channel, to.context, to.exten, caller, asked))

    async def execute(self, channel: Any, context: str, exten: str, priority: int, caller: str, data: str) -> object:
        """Run that priority of the other context; the channel stays where it is in the dialplan."""
        from offhook.dialplan.executor import run_application
        from offhook.dialplan.search import SwitchMatch

        to = self.target(context, exten, priority, data)
        if to is None:
            raise Hangup
        found = await self.pbx.dialplan.locate(channel, to.context, to.exten, to.priority, caller)
        if found is None:
            raise Hangup
        if isinstance(found, SwitchMatch):
            return await found.switch.execute(channel, found.context, to.exten, to.priority, caller, found.data)
        text = await Scope(self.pbx, channel).expanded(found.data)
        return await run_application(channel, found.application, text)


@module.on_load
def load(pbx: Any) -> None:
    """Make the switch known."""
    pbx.dialplan.switches["loopback"] = LoopbackSwitch(pbx)


@module.on_unload
def unload(pbx: Any) -> None:
    """Forget the switch."""
    pbx.dialplan.switches.pop("loopback", None)
