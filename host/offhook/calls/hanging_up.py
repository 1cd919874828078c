"""How a channel ends: somebody wants it gone, and who that was; its last words; what is given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.frames import Condition, Control
from offhook.dialplan.outcome import Interruption

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


class HangsUp:
    """The end of a channel."""

    __slots__ = ()

    @property
    def _ending(self) -> Channel:
        """The whole channel that this is a side of."""
        return self  # type: ignore[return-value]

    def far_end_hangup(self, cause: int = causes.NORMAL_CLEARING, *, named: bool = True) -> None:
        """The far end is gone: say so on the bus and end whatever the channel is doing.

        ``named``: the channel is the source of the hangup, for itself and for who is bridged with it.
        """
        if named:
            self.name_hangup_source(self._ending.name)
        self._request_hangup(cause, soft=False)

    def request_hangup(self, cause: int = 0) -> None:
        """Somebody here wants the channel gone (SoftHangup): end whatever it is doing."""
        self._request_hangup(cause, soft=True)

    def name_hangup_source(self, source: str) -> None:
        """Who ends the call: a channel's name, or a part of Offhook. The first to be named remains, on both sides."""
        channel = self._ending
        peer = channel.bridge.peer(channel) if channel.bridge is not None else None
        for one in (channel, peer):
            if one is not None and not one.hangup_source:
                one.hangup_source = source

    def _request_hangup(self, cause: int, *, soft: bool) -> None:
        channel = self._ending
        if channel.hungup or channel.hangup_requested:
            return
        if cause or not channel.hangup_cause:
            channel.hangup_cause = cause
        channel.pbx.bus.tell(events.HangupRequest, channel, soft, cause)
        channel.hangup_requested = True
        consumer = channel.consumer
        if channel.task is not None:
            channel.interrupt(Interruption.HANGUP)
        elif consumer is not None:
            consumer(Control(Condition.HANGUP, cause))
        else:
            # Not dialplan, bridge or dial: nobody minds the channel, so it ends here.
            channel.hangup()

    def hangup(self, cause: int = 0) -> None:
        """End the channel for good, after its hangup handlers if it has any. Harmless when it is over already."""
        channel = self._ending
        ending = "ending" in channel.flags
        if channel.hungup or (ending and channel.task is not None):
            return
        if cause and not channel.hangup_cause:
            channel.hangup_cause = cause
        if channel.hangup_handlers and channel.task is None and not ending:
            self._run_handlers_first()
            return
        channel.hungup = True
        channel.stop_tones()
        for finish in channel.data.pop("at_end", ()):
            finish()
        if channel.bridge is not None:
            channel.bridge.remove(channel)
        channel.consumer = None
        channel.tech_hangup(channel.hangup_cause)
        media, channel.media = channel.media, None
        if media is not None:
            media.close()
        channel.pbx.channels.remove(channel)
        channel.pbx.bus.publish(events.Hangup(channel))
        channel.frames.clear()
        channel.data.clear()

    def _run_handlers_first(self) -> None:
        """Nobody runs dialplan on the channel (it was called): a task of its own runs its hangup handlers."""
        from offhook.dialplan.executor import run_handlers

        channel = self._ending

        async def last_words() -> None:
            try:
                await run_handlers(channel)
            finally:
                channel.task = None
                channel.hangup()

        channel.hangup_requested = True
        channel.flags.add("ending")
        channel.stop_tones()
        if channel.bridge is not None:
            channel.bridge.remove(channel)
        channel.consumer = None
        channel.start_task(last_words())

    def at_end(self, ending: Callable[[], None]) -> None:
        """Have something called when the channel ends."""
        self._ending.data.setdefault("at_end", []).append(ending)
