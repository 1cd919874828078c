"""A channel's side of the dialplan: its place, the task that runs it, what breaks into it, its hangup handlers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from offhook.calls import events
from offhook.calls.outliving import outlive
from offhook.dialplan.outcome import Interruption
from offhook.log import call_id, new_call_id

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

_END_OF_DIALPLAN = 16
"""What SoftHangupRequest tells as its cause when a channel's dialplan is over."""


class RunsDialplan:
    """What the executor and applications ask of a channel, with the state that belongs to it."""

    __slots__ = (
        "announced",
        "application",
        "application_data",
        "callid",
        "context",
        "dialplan_state",
        "exten",
        "flags",
        "hangup_handlers",
        "hangup_requested",
        "interruption",
        "pbx",
        "priority",
        "task",
    )

    def __init__(self, pbx: Pbx, context: str, exten: str) -> None:
        self.pbx = pbx
        self.context = context
        self.exten = exten
        self.priority = 1
        self.application = ""
        self.application_data = ""
        self.announced = ("", "", 0)
        """The place where the last application was announced."""
        self.hangup_handlers: list[str] = []
        self.dialplan_state: Any = None
        """The executor's own record while dialplan runs."""
        self.task: asyncio.Task[None] | None = None
        self.interruption: Interruption | None = None
        self.hangup_requested = False
        self.callid = ""
        self.flags: set[str] = set()

    @property
    def _channel(self) -> Channel:
        """The whole channel that this is a side of."""
        return self  # type: ignore[return-value]

    def goto(self, context: str, exten: str, priority: int) -> None:
        """Continue the dialplan there once the running application returns."""
        self.context = context
        self.exten = exten
        self.priority = priority
        self.flags.add("goto")

    def begin_application(self, name: str, data: str) -> None:
        """An application starts at the present place of the dialplan: note it and tell the bus."""
        self.application = name
        self.application_data = data
        self.announced = (self.context, self.exten, self.priority)
        bus = self.pbx.bus
        if bus.wants(events.NewExten):
            bus.publish(events.NewExten(self._channel))

    def change_application(self, name: str, data: str) -> None:
        """Another application runs at the place of the last one."""
        self.application = name
        self.application_data = data
        self.pbx.bus.tell(events.NewApplication, self._channel)

    def take_goto(self) -> bool:
        """Whether the application that just ran chose where to continue (and forget it)."""
        if "goto" in self.flags:
            self.flags.discard("goto")
            return True
        return False

    def finish_dialplan(self) -> None:
        """The dialplan is over: only extension h and the hangup handlers still run."""
        self.pbx.bus.tell(events.HangupRequest, self._channel, True, _END_OF_DIALPLAN)
        self.hangup_requested = True

    def push_hangup_handler(self, handler: str) -> None:
        """Have a subroutine run when the call ends; the one pushed last runs first."""
        self.hangup_handlers.insert(0, handler)
        self.pbx.bus.tell(events.HangupHandler, self._channel, "push", handler)

    def pop_hangup_handler(self) -> bool:
        """Forget the handler pushed last; False when there is none."""
        if not self.hangup_handlers:
            return False
        self.pbx.bus.tell(events.HangupHandler, self._channel, "pop", self.hangup_handlers.pop(0))
        return True

    def take_hangup_handler(self) -> str | None:
        """The next handler to run, announced; None when all have run."""
        if not self.hangup_handlers:
            return None
        handler = self.hangup_handlers.pop(0)
        self.pbx.bus.tell(events.HangupHandler, self._channel, "run", handler)
        return handler

    def interrupt(self, why: Interruption) -> None:
        """Break into the application that the channel's task runs; the executor finds ``interruption`` set."""
        if self.interruption is not Interruption.HANGUP:
            self.interruption = why
        task = self.task
        if task is None:
            return
        if task is not _current_task():
            task.cancel()
        elif why is Interruption.HANGUP:  # by what the application shows: it ends where it waits next
            self.pbx.loop.call_soon(self._interrupt_again, task)

    def _interrupt_again(self, task: asyncio.Task[None] | None) -> None:
        if task is not None and self.task is task and self.interruption is Interruption.HANGUP:
            task.cancel()

    def start_pbx(self) -> asyncio.Task[None]:
        """Run the dialplan from the channel's position in a task of its own; the channel ends with it."""
        if self.task is not None:
            raise RuntimeError(f"{self._channel.name} runs dialplan already")
        self._channel.consumer = None
        self.pbx.channels.calls += 1
        if not self.callid:
            self.callid = new_call_id()
        return self.start_task(self._run())

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have a task of the channel's own do something; the channel ends with it."""
        self.task = self.pbx.loop.create_task(work, name=self._channel.name)
        self.task.add_done_callback(self._task_done)
        return self.task

    def _task_done(self, task: asyncio.Task[None]) -> None:
        if self.task is task:  # it was cancelled before its first step, so it ended nothing itself
            self.task = None
            self._channel.hangup()

    async def _run(self) -> None:
        call_id.set(self.callid)
        try:
            await self.pbx.execute(self._channel)
        except asyncio.CancelledError:
            if self.interruption is None and not self.hangup_requested:
                raise
        finally:
            self.task = None
            self._channel.hangup()

    def async_goto(self, context: str, exten: str, priority: int) -> None:
        """Continue at another place in the dialplan, whatever the channel does now (AMI Redirect)."""
        if self.task is not None:
            self.goto(context, exten, priority)
            self.interrupt(Interruption.GOTO)
            return
        self.context, self.exten, self.priority = context, exten, priority
        if self._channel.bridge is not None:
            self._channel.after_bridge = _start_pbx
            outlive(self._channel)
            self._channel.bridge.remove(self._channel)
        elif self._channel.alive:
            self.start_pbx()


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _start_pbx(channel: Channel) -> None:
    channel.start_pbx()
