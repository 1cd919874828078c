"""Digits around a Dial: what the caller presses while it rings, and what is sent to the parties (option D)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from offhook.apps.digits import send_digits
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition, Control, Frame
from offhook.calls.trunk_digits import mf_steps, send_steps, sf_steps
from offhook.modules import Options

log = logging.getLogger(__name__)


class CallingCode:
    """Whether a digit of the caller ends the dialling: by a one-digit extension (d) or the disconnect code (H)."""

    __slots__ = ("_channel", "_code", "_leaves", "_typed")

    def __init__(self, channel: Channel, options: Options) -> None:
        self._channel = channel
        self._leaves = "d" in options
        features = channel.pbx.parts.get("features")
        self._code = features.code(channel, "disconnect") if features is not None and "H" in options else ""
        self._typed = ""

    def __call__(self, digit: str) -> bool:
        """Take a digit."""
        if self._leaves and exit_digit(self._channel, digit):
            return True
        self._typed += digit
        if not self._code.startswith(self._typed):
            self._typed = ""
        return bool(self._code) and self._typed == self._code


def exit_digit(channel: Channel, digit: str) -> bool:
    """Go to the extension of one digit in EXITCONTEXT, or in the channel's context, if there is one."""
    context = channel.get("EXITCONTEXT") or channel.context
    if channel.pbx.dialplan.exists(context, digit, 1, channel.caller.id.number.text):
        channel.goto(context, digit, 1)
        return True
    return False


class ProgressDigits:
    """Sends what option D has for the called party as soon as it makes progress or winks."""

    __slots__ = ("_caller", "_progress", "_sending", "_wink")

    def __init__(self, caller: Channel, options: Options) -> None:
        self._caller = caller if "E" in options else None
        parts = [*options["D"].split(":"), *[""] * 7][2:7]
        dtmf, mf, mf_wink, sf, sf_wink = parts
        self._progress = (mf, sf, dtmf)
        self._wink = (mf_wink, sf_wink, "")
        self._sending: list[asyncio.Task[None]] = []

    def watch(self, channel: Channel, frame: Frame) -> bool:
        """See what a called party reports; never keeps it from anybody."""
        if isinstance(frame, Control):
            if frame.condition is Condition.PROGRESS and any(self._progress):
                self._start(self._send(channel, self._progress))
                self._progress = ("", "", "")
            elif frame.condition is Condition.WINK and any(self._wink):
                self._start(self._send(channel, self._wink))
                self._wink = ("", "", "")
        return False

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        self._sending.append(asyncio.get_running_loop().create_task(sending))

    async def _send(self, called: Channel, digits: tuple[str, str, str]) -> None:
        mf, sf, dtmf = digits
        for text, steps in ((mf, mf_steps), (sf, sf_steps)):
            if text:
                sent = [send_steps(called, steps(text))]
                if self._caller is not None:
                    sent.append(send_steps(self._caller, steps(text, seize=False)))
                await asyncio.gather(*sent)
        await send_digits(called, dtmf)

    async def finished(self) -> None:
        """Wait for digits under way: an answer counts after them."""
        for task in self._sending:
            await task

    def stop(self) -> None:
        """Send no more."""
        for task in self._sending:
            task.cancel()
