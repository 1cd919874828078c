"""The caller who waits, on whatever technology (the generic agent): offered, rung back, and put into the dialplan."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from offhook.calls.completion.monitoring import FREE
from offhook.calls.completion.native import Response
from offhook.calls.completion.parameters import parameters_of
from offhook.calls.completion.recall import mark_recall
from offhook.calls.originate import Origination, reach

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.completion.core import Completion

log = logging.getLogger(__name__)


class Agent:
    """Who called, and from where."""

    kind = "Generic"
    native = False

    def __init__(self, completion: Completion, channel: Channel, device: str, core_id: int) -> None:
        self.device = device
        self.parameters = replace(parameters_of(channel))
        self.recalled: Channel | None = None
        """Its channel after it has been called back."""
        self._completion = completion
        self._core_id = core_id
        self._number = channel.caller.id.number.text if channel.caller.id.number.valid else ""
        self._name = channel.caller.id.name.text if channel.caller.id.name.valid else ""
        self._exten, self._context = channel.exten, channel.context
        self._offer: asyncio.TimerHandle | None = None
        self._calling: asyncio.Task[None] | None = None
        self._drop_watch: Callable[[], None] | None = None

    def start_offer(self) -> None:
        """The call is over: completion may be asked for from now on, for a while."""
        seconds = self.parameters.cc_offer_timer
        reason = f"Generic agent {self.device} offer timer expired"
        self._offer = self._completion.pbx.loop.call_later(seconds, self._completion.fail, self._core_id, reason)

    def stop_offer(self) -> None:
        """It was asked for."""
        if self._offer is not None:
            self._offer.cancel()
            self._offer = None

    def respond(self, response: Response) -> None:
        """See CallerSide: the application that asked has told."""

    def party_b_free(self) -> None:
        """See CallerSide: the caller is watched anyway."""

    def status_asked(self) -> None:
        """See CallerSide."""
        free = self._completion.pbx.devices.state(self.device) in FREE
        self._completion.status_answered(self._core_id, busy=not free)

    def stop_ringing(self) -> None:
        """See CallerSide."""
        if self._calling is not None and not self._calling.done():
            self._calling.cancel()
            self._completion.fail(self._core_id, f"Somebody else has taken the recall of {self.device}")

    def callee_available(self) -> None:
        """The called party is free: call back, if the caller is free as well."""
        if self._completion.pbx.devices.state(self.device) in FREE:
            self._calling = self._completion.pbx.spawn(self._call_back(), f"call completion for {self.device}")
        else:
            self._completion.caller_busy(self._core_id, self.device)

    def start_monitoring(self) -> None:
        """Wait until the caller is free."""
        devices = self._completion.pbx.devices

        def changed() -> None:
            if devices.state(self.device) in FREE:
                self._stop_monitoring()
                self._completion.caller_available(self._core_id, self.device)

        self._drop_watch = devices.watch(self.device, changed)

    def _stop_monitoring(self) -> None:
        if self._drop_watch is not None:
            self._drop_watch()
            self._drop_watch = None

    async def _call_back(self) -> None:
        completion, core_id = self._completion, self._core_id
        parameters = self.parameters
        dial_string = parameters.cc_agent_dialstring or self.device
        result = await reach(
            completion.pbx,
            Origination(
                dial_string,
                timeout=parameters.cc_recall_timer,
                caller_number=self._number,
                caller_name=self._name,
                formats=("slin",),
            ),
        )
        channel = result.channel
        if channel is None:
            completion.fail(core_id, f"Failed to call back device {dial_string}")
            return
        transaction = completion.transactions.get(core_id)
        if transaction is None:  # cancelled while the caller rang
            channel.hangup()
            return
        self.recalled = channel
        mark_recall(channel, transaction.tree)
        channel.context, channel.exten, channel.priority = self._context, self._exten, 1
        channel.set("CC_EXTEN", self._exten)
        channel.set("CC_CONTEXT", self._context)
        if parameters.cc_callback_sub and not await self._subroutine(channel, parameters.cc_callback_sub):
            completion.fail(core_id, f"Callback subroutine to {self.device} failed. Maybe a hangup?")
            channel.hangup()
            return
        completion.recalling(core_id, self.device)
        channel.outgoing = False
        channel.start_pbx()

    async def _subroutine(self, channel: Channel, place: str) -> bool:
        from offhook.dialplan.subroutine import run_gosub

        return await run_gosub(channel, place) and channel.alive

    def close(self) -> None:
        """The transaction is over."""
        self.stop_offer()
        self._stop_monitoring()
