"""PERIODIC_HOOK: dialplan that speaks into a call from time to time."""

from __future__ import annotations

import asyncio
import itertools
import logging

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.originate import Origination, originate
from offhook.config.model import TRUE_WORDS
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_periodic_hook", "Periodic dialplan hooks.")

_HOOKS = "periodic hooks"
"""Key in a channel's data of its hooks by their ids."""
_OFF = frozenset({"off", "no", "false", "0", "n", "f"})
_ids = itertools.count(1)


class PeriodicHook:
    """One hook of a channel: every so often a call of its own runs an extension and is heard in the channel's."""

    def __init__(self, channel: Channel, identity: str, context: str, exten: str, seconds: int) -> None:
        self.channel = channel
        self.identity = identity
        self.context = context
        self.exten = exten
        self.seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Run from now on, the first time when the interval is over."""
        if self._timer is None:
            self._timer = self.channel.pbx.loop.call_later(self.seconds, self._due)

    def stop(self) -> None:
        """Run no more until started again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if self.channel.alive:
            self.channel.pbx.spawn(self._speak(), f"hook {self.identity} of {self.channel.name}")
            self.start()

    async def _speak(self) -> None:
        order = Origination(
            f"Local/{self.exten}@{self.context}/n",
            application="ChanSpy",
            data=f"{self.channel.name},qEB",
            variables=[("HOOK_CHANNEL", self.channel.name), ("HOOK_ID", self.identity)],
        )
        if not (await originate(self.channel.pbx, order)).answered:
            log.warning("%s: the hook %s@%s did not answer", self.channel.name, self.exten, self.context)


@module.function(
    "PERIODIC_HOOK",
    Syntax("context", "extension", "interval", interval="Whole seconds between two runs."),
    see_also=("ChanSpy",),
    dangerous="both",
)
def periodic_hook(scope: Scope, context: str = "", exten: str = "", interval: str = "") -> str:
    """Begin to run dialplan into the call's sound every so often; gives an id.

    The extension runs on a channel of its own, which has HOOK_CHANNEL, the channel's name, and HOOK_ID; what it plays
    is heard by both parties. PERIODIC_HOOK(id) = off stops it, on goes on.
    """
    channel = need_channel(scope, "PERIODIC_HOOK")
    if not context or not exten:
        raise FunctionError("PERIODIC_HOOK needs context, extension and interval")
    if not interval.isdigit() or not int(interval):
        raise FunctionError(f'PERIODIC_HOOK: the interval "{interval}" is no whole number of seconds above 0')
    identity = str(next(_ids))
    hook = PeriodicHook(channel, identity, context, exten, int(interval))
    channel.data.setdefault(_HOOKS, {})[identity] = hook
    channel.at_end(hook.stop)
    hook.start()
    if channel.pbx.bus.wants(events.TestEvent):
        headers = (("Exten", exten), ("Channel", channel.name), ("Interval", interval))
        channel.pbx.bus.publish(events.TestEvent("PERIODIC_HOOK_ENABLED", headers, "func_periodic_hook.c", "init_hook"))
    return identity


@periodic_hook.writer
def switch_hook(scope: Scope, value: str, identity: str = "") -> None:
    """Switch a hook of the channel on or off."""
    channel = need_channel(scope, "PERIODIC_HOOK")
    hook: PeriodicHook | None = channel.data.get(_HOOKS, {}).get(identity)
    if hook is None:
        raise FunctionError(f'PERIODIC_HOOK: {channel.name} has no hook "{identity}"')
    if value.lower() in TRUE_WORDS:
        hook.start()
    elif value.lower() in _OFF:
        hook.stop()
    else:
        raise FunctionError(f'PERIODIC_HOOK: "{value}" is neither on nor off')
