"""Codes dialled while a call is bridged: the digits of one are kept back until it is known what they mean."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit, Frame
from offhook.calls.member import Member, Work

log = logging.getLogger(__name__)

CodesOf = Callable[[Member], Mapping[str, Work]]
"""The codes of a member by their digits."""

STREAMED_MS = 100
STREAM_GAP_S = 0.25


class CodeDetection:
    """A bridge feature that finds codes in a member's digits and carries out what they mean."""

    __slots__ = (
        "_codes",
        "_codes_of",
        "_collected",
        "_name",
        "_passes",
        "_timeout_ms",
        "_timer",
        "member",
    )

    def __init__(
        self,
        member: Member,
        codes_of: CodesOf,
        timeout_ms: Callable[[Channel], int],
        name: Callable[[Channel, str], str],
        *,
        passes: bool = True,
    ) -> None:
        self.member = member
        self._codes_of = codes_of
        self._timeout_ms = timeout_ms
        self._name = name
        self._passes = passes
        """Digits that were kept back for nothing go to the others."""
        self._codes: Mapping[str, Work] = {}
        self._collected = ""
        self._timer: asyncio.TimerHandle | None = None

    # ---- as the bridge sees it ----------------------------------------------------------------------

    def joined(self, member: Member) -> None:
        """The member is in a bridge, maybe another one than before: its codes are looked up."""
        self.refresh()

    def refresh(self) -> None:
        """Look the codes up again."""
        self._codes = self._codes_of(self.member)

    def frame(self, member: Member, frame: Frame) -> bool:
        """Keep digits back that are, or may become, a code."""
        if not isinstance(frame, Digit):
            return False
        if not self._collected and not any(code.startswith(frame.digit) for code in self._codes):
            if frame.end:
                self._tell("Result: fail")
            return False
        if frame.end:
            self._collected += frame.digit
            self._decide()
        return True

    def left(self, member: Member) -> None:
        """The member is out of the bridge: whatever is under way ends."""
        self._stop_timer()
        self._collected = ""

    # ---- codes --------------------------------------------------------------------------------------

    def _decide(self) -> None:
        self._stop_timer()
        work = self._codes.get(self._collected)
        if work is not None:
            code, self._collected = self._collected, ""
            self.member.perform(self._announced(work, code))
        elif any(code.startswith(self._collected) for code in self._codes):
            channel = self.member.channel
            self._timer = channel.pbx.loop.call_later(self._timeout_ms(channel) / 1000, self._give_up)
        else:
            self._give_up()

    def _give_up(self) -> None:
        """No code after all: the digits belong to the others."""
        self._stop_timer()
        digits, self._collected = self._collected, ""
        channel = self.member.channel
        log.debug("%s: %s is no code", channel.name, digits)
        for other in list(self.member.bridge.members.values()) if self._passes else ():
            if other is not self.member:
                other.perform(_streaming(digits))
        self._tell("Result: fail")

    def _announced(self, work: Work, code: str) -> Work:
        async def announced(member: Member) -> None:
            await work(member)
            self._tell("Result: success", self._name(member.channel, code))

        return announced

    def _tell(self, result: str, feature: str = "") -> None:
        bus = self.member.channel.pbx.bus
        if bus.wants(events.TestEvent):
            headers = [("Result", result.partition(": ")[2])]
            if feature:
                headers.append(("Feature", feature))
            bus.publish(events.TestEvent("FEATURE_DETECTION", tuple(headers), "bridge_channel.c"))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def detection_of(channel: Channel) -> CodeDetection | None:
    """The code detection of a bridged channel."""
    member = channel.bridge.members.get(channel) if channel.bridge is not None else None
    if member is None:
        return None
    return next((feature for feature in member.features if isinstance(feature, CodeDetection)), None)


def _streaming(digits: str) -> Work:
    async def stream(member: Member) -> None:
        channel = member.channel
        for place, digit in enumerate(digits):
            if place:
                await asyncio.sleep(STREAM_GAP_S)
            if channel.alive:
                await _send(channel, digit)

    return stream


async def _send(channel: Channel, digit: str) -> None:
    channel.send_digit_begin(digit)
    await asyncio.sleep(STREAMED_MS / 1000)
    if channel.alive:
        channel.send_digit_end(digit, STREAMED_MS)
