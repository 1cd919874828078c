"""Limits on the length of a bridged call: the end, and the warnings before it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from offhook.calls import causes, events
from offhook.calls.channel import Channel
from offhook.calls.frames import Frame
from offhook.calls.member import Member
from offhook.log import verbose

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limit:
    """A call may last ``total_ms``; the caller is warned when ``warning_ms`` are left and every ``repeat_ms`` after."""

    total_ms: int
    warning_ms: int = 0
    repeat_ms: int = 0


def parse_limit(text: str) -> Limit:
    """Read Dial's ``L(x[:y[:z]])``; raises ValueError naming what is wrong."""
    parts = [part.strip() for part in text.split(":")]
    numbers = [int(part) if part.isdigit() else -1 for part in parts if part]
    if not numbers or min(numbers) < 0 or not numbers[0]:
        raise ValueError(f"L({text}): give milliseconds as total[:warning[:repeat]]")
    numbers += [0, 0]
    total, warning, repeat = numbers[:3]
    return Limit(total, warning if warning <= total else 0, repeat)


class CallLimit:
    """A bridge feature of the caller that ends the call in time.

    LIMIT_PLAYAUDIO_CALLER/CALLEE choose who hears warnings; LIMIT_WARNING_FILE, LIMIT_CONNECT_FILE and
    LIMIT_TIMEOUT_FILE name prompts.
    """

    __slots__ = ("_handles", "_parties", "caller", "limit", "peer")

    def __init__(self, caller: Channel, peer: Channel, limit: Limit) -> None:
        self.caller = caller
        self.peer = peer
        self.limit = limit
        self._handles: list[asyncio.TimerHandle] = []
        hears_caller = (caller.get("LIMIT_PLAYAUDIO_CALLER") or "yes").lower() in ("yes", "true", "1", "on")
        hears_callee = (caller.get("LIMIT_PLAYAUDIO_CALLEE") or "no").lower() in ("yes", "true", "1", "on")
        self._parties = [c for c, hears in ((caller, hears_caller), (peer, hears_callee)) if hears]

    def joined(self, member: Member) -> None:
        """Start the clock."""
        loop = member.channel.pbx.loop
        self._handles.append(loop.call_later(self.limit.total_ms / 1000, self._end))
        if self.limit.warning_ms:
            first = (self.limit.total_ms - self.limit.warning_ms) / 1000
            self._handles.append(loop.call_later(first, self._warn, self.limit.warning_ms))
        self._play(self.caller.get("LIMIT_CONNECT_FILE"))

    def frame(self, member: Member, frame: Frame) -> bool:
        """Limits watch the clock only."""
        return False

    def left(self, member: Member) -> None:
        """Stop the clock."""
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()

    def _end(self) -> None:
        self._play(self.caller.get("LIMIT_TIMEOUT_FILE"))
        self._tell_end()
        bridge = self.caller.bridge
        verbose(3, "%s: the call reached its limit of %d ms", self.caller.name, self.limit.total_ms)
        if bridge is not None:
            bridge.dissolve(causes.NORMAL_CLEARING)

    def _tell_end(self) -> None:
        bus, name = self.caller.pbx.bus, self.caller.name
        if not bus.wants(events.TestEvent):
            return
        files = (self.caller.get("LIMIT_CONNECT_FILE"), self.caller.get("LIMIT_TIMEOUT_FILE"))
        if self.limit.warning_ms or any(files):
            bus.publish(
                events.TestEvent("BRIDGE_TIMELIMIT", (("Channel1", name),), "bridge_builtin_interval_features.c")
            )
        else:
            bus.publish(events.TestEvent("HANGUP_TIME", (("Channel", name),), "channel.c", "ast_softhangup_nolock"))

    def _warn(self, left_ms: int) -> None:
        self._play(self.caller.get("LIMIT_WARNING_FILE") or "beep")
        if self.limit.repeat_ms and left_ms > self.limit.repeat_ms:
            rest = left_ms - self.limit.repeat_ms
            loop = self.caller.pbx.loop
            self._handles.append(loop.call_later(self.limit.repeat_ms / 1000, self._warn, rest))

    def _play(self, name: str | None) -> None:
        if not name:
            return
        for party in self._parties:
            prompt = party.pbx.prompts.find(name, party.language)
            if prompt is None:
                log.warning("no prompt %r for the call limit of %s", name, party.name)
            elif party.media is not None:
                party.media.play(prompt, mix=True)
                if party.pbx.bus.wants(events.TestEvent):
                    headers = (("Message", name), ("Channel", party.name))
                    party.pbx.bus.publish(events.TestEvent("PLAYBACK", headers, "file.c", "ast_streamfile"))
