"""What somebody is asked for before coming in: the PIN, and the name for the others."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from offhook.apps.digits import channel_timeouts
from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Digit
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play, play_all

if TYPE_CHECKING:
    from offhook.services.conference.profiles import BridgeProfile
    from offhook.services.conference.user import User

log = logging.getLogger(__name__)

_TRIES = 3
_MOST_DIGITS = 80
_NAME_S = 10.0
"""A name is no longer."""
_REVIEW_S = 6.0
"""So long somebody may think about it."""
_FORMAT = "sln"


# ---- the PIN -----------------------------------------------------------------------------------------------


async def ask_pin(channel: Channel, pin: str, profile: BridgeProfile) -> bool:
    """Ask three times at most; whether the PIN was dialled."""
    digits = ""
    for _ in range(_TRIES):
        if (await _digits(channel, profile.sound("get_pin"), digits)).lower() == pin.lower():
            return True
        digits = await play_all(channel, [profile.sound("invalid_pin")], ANY_DIGIT)
    return False


async def _digits(channel: Channel, prompt: str, digits: str) -> str:
    """Digits up to #, after some that came already; a digit ends the prompt."""
    first, between = channel_timeouts(channel)
    if not digits:
        digits = await play_all(channel, [prompt], ANY_DIGIT)
        if digits == "#":
            return ""
    while len(digits) < _MOST_DIGITS:
        digit = await channel.read_digit(between if digits else first)
        if digit is None or digit == "#":
            break
        digits += digit
    return digits


# ---- the name ----------------------------------------------------------------------------------------------


async def ask_name(channel: Channel, conference: str, *, review: bool) -> str:
    """Have a name said and recorded; the recording, without extension.

    With ``review`` it may be heard (2) and said again (3) until 1 takes it, or nothing is dialled three times.
    """
    folder = os.path.join(channel.pbx.paths.spool, "confbridge")
    await channel.pbx.off_loop(os.makedirs, folder, 0o777, True)
    stem = os.path.join(folder, f"confbridge-name-{conference.replace('/', '_')}-{channel.uniqueid}")
    try:
        await _record(channel, stem)
        if review:
            await _review(channel, stem)
    except BaseException:
        channel.pbx.spawn(channel.pbx.off_loop(_remove, stem), "remove a name")
        raise
    return stem


async def _review(channel: Channel, stem: str) -> None:
    left, digit = _TRIES, ""
    while left:
        digit = digit or await play_all(channel, ["vm-review"], ANY_DIGIT)
        choice, digit = digit or await channel.read_digit(_REVIEW_S), ""
        if choice == "1":
            await play_all(channel, ["vm-msgsaved"])
            return
        if choice == "2":
            digit = await play_all(channel, [stem], ANY_DIGIT)
        elif choice == "3":
            await _record(channel, stem)
        elif choice:
            digit = await play_all(channel, ["vm-sorry"], ANY_DIGIT)
        else:
            left -= 1


async def _record(channel: Channel, stem: str) -> None:
    """Record a name; # or the time ends it."""
    try:
        await play(channel, "vm-rec-name")
        await play(channel, "beep")
    except NoPrompt as missing:
        log.warning("%s: ConfBridge: %s", channel.name, missing)
    if channel.media is None:
        raise Hangup
    now = channel.pbx.now
    deadline = now() + _NAME_S
    recording = channel.media.record(f"{stem}.{_FORMAT}", _FORMAT)
    try:
        while now() < deadline:
            frame = await channel.read(deadline - now())
            if isinstance(frame, Digit) and frame.end and frame.digit == "#":
                break
    finally:
        recording.stop()
    await recording.wait()


def drop_name(user: User) -> None:
    """Remove the recording of a name, in the background."""
    if user.name_file:
        pbx = user.channel.pbx
        pbx.spawn(pbx.off_loop(_remove, user.name_file), "remove a name")
        user.name_file = ""


def _remove(stem: str) -> None:
    try:
        os.unlink(f"{stem}.{_FORMAT}")
    except FileNotFoundError:
        return
