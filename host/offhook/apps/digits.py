"""Reading digits from the caller and sending some."""

from __future__ import annotations

import asyncio
import logging

from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play
from offhook.media.tones import ToneSpec, parse_tone_list
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
read_module = Module("app_read", "Read Variable Application")
senddtmf_module = Module("app_senddtmf", "Send DTMF digits Application")

GAP_S = 0.25
"""Pause after each digit sent."""
LENGTH_MS = 100
_LEAD_S = 0.1
"""Quiet time before the first digit."""


@read_module.application(
    "Read",
    Syntax(
        "variable",
        "[filename[&filename...]]",
        "[maxdigits]",
        "[options]",
        "[attempts]",
        "[timeout]",
        options={
            "s": "Return at once when the channel is not answered.",
            "i": "The prompt is a tone of indications.conf.",
            "n": "Read without answering the channel.",
            "t(terminators)": "Digits that end the input (none when empty) instead of #.",
            "e": "An ended input with nothing in it gives the terminator.",
            "d": "Play nothing; wait for the given time.",
        },
    ),
    see_also=("SendDTMF",),
)
async def read(
    channel: Channel,
    variable: str = "",
    files: str = "",
    maximum: str = "",
    options: str = "",
    attempts: str = "",
    timeout: str = "",
) -> None:
    """Read digits from the caller into a variable.

    # ends the input (see option t). READSTATUS is OK, ERROR, HANGUP, INTERRUPTED, SKIPPED or TIMEOUT.
    """
    if not variable:
        log.warning("%s: Read needs the name of a variable", channel.name)
        channel.set("READSTATUS", "ERROR")
        return
    letters = Options(options)
    limit = int(maximum) if maximum.isdigit() and 0 < int(maximum) < 256 else 255
    tries = max(1, int(attempts)) if attempts.isdigit() else 1
    terminators = "#" if letters.get("t") is None else letters["t"]
    if channel.state is not State.UP:
        if "s" in letters:
            channel.set(variable, "")
            channel.set("READSTATUS", "SKIPPED")
            return
        if "n" not in letters:
            channel.answer()
    status, digits = "TIMEOUT", ""
    try:
        for _ in range(tries):
            digits, ended = await _collect(channel, files, letters, limit, terminators, timeout)
            if digits or ended:
                status = "OK"
                break
        if status == "OK" and not digits and "e" in letters and terminators:
            digits = terminators[0]
    except BaseException:
        channel.set(variable, digits)
        channel.set("READSTATUS", "HANGUP")
        raise
    channel.set(variable, digits)
    channel.set("READSTATUS", status)


async def _collect(
    channel: Channel, files: str, letters: Options, limit: int, terminators: str, timeout: str
) -> tuple[str, bool]:
    """Digits until a terminator, the limit or a timeout; and whether a terminator came."""
    digits = ""
    first, between = channel_timeouts(channel)
    if timeout:
        try:
            given = float(timeout)
        except ValueError:
            log.warning("%s: Read: %r is no number of seconds", channel.name, timeout)
            given = 0.0
        if given > 0:
            first = between = given
    if "i" in letters and files:
        spec = channel.pbx.zone_tone(channel.tone_zone, files) or _tone(files)
        if spec is not None and channel.media is not None:
            channel.data["tone"] = channel.media.tones(spec)
    else:
        for name in files.split("&"):
            if not name:
                continue
            try:
                digits = await play(channel, name, ANY_DIGIT)
            except NoPrompt as missing:
                log.warning("%s: Read: %s", channel.name, missing)
            if digits:
                break
    try:
        if digits and digits in terminators:
            return "", True
        while len(digits) < limit:
            digit = await channel.read_digit(between if digits else first)
            channel.stop_tones()
            if digit is None:
                return digits, False
            if digit in terminators:
                return digits, True
            digits += digit
        return digits, True
    finally:
        if not channel.hungup:
            channel.stop_tones()


def _tone(text: str) -> ToneSpec | None:
    try:
        return parse_tone_list(text)
    except ValueError as error:
        log.warning("Read: no tone %r: %s", text, error)
        return None


def channel_timeouts(channel: Channel) -> tuple[float, float]:
    """(response, digit) timeouts of a channel in seconds, as TIMEOUT() sets them; Asterisk's defaults 10 and 5."""
    return float(channel.data.get("timeout.response", 10.0)), float(channel.data.get("timeout.digit", 5.0))


@senddtmf_module.application(
    "SendDTMF",
    Syntax("digits", "[timeout_ms]", "[duration_ms]", "[channel]", "[options]", options={"a": "Answer first."}),
    see_also=("Read",),
)
async def send_dtmf(
    channel: Channel, digits: str = "", gap: str = "", duration: str = "", target: str = "", options: str = ""
) -> None:
    """Send digits to the caller, or to the party of another channel.

    0-9, *, #, A-D; w waits half a second, W a second; f or F flashes the hook. ``timeout_ms`` is the pause between
    digits (default 250), ``duration_ms`` their length (default 100).
    """
    party = channel
    if target:
        found = channel.pbx.channels.find(target) or channel.pbx.channels.by_prefix(target)
        if found is None:
            log.warning("%s: SendDTMF: no channel %r", channel.name, target)
            return
        party = found
    if "a" in options:
        channel.answer()
    pause = int(gap) / 1000 if gap.isdigit() else GAP_S
    length = int(duration) if duration.isdigit() else LENGTH_MS
    await send_digits(party, digits, pause, length)
    if party is channel:
        channel.frames.clear()


async def send_digits(party: Channel, digits: str, gap_s: float = GAP_S, length_ms: int = LENGTH_MS) -> None:
    """Send digits, pauses (w, W) and flashes (f, F) to a party one after the other, until it is gone."""
    if digits:
        await asyncio.sleep(_LEAD_S)
    for digit in digits:
        if not party.alive:
            return
        if digit in "wW":
            await asyncio.sleep(0.5 if digit == "w" else 1.0)
            continue
        if digit in "fF":
            party.indicate(Condition.FLASH)
        elif digit.upper() in ANY_DIGIT:
            party.send_digit_begin(digit.upper())
            try:
                await asyncio.sleep(length_ms / 1000)
            finally:
                party.send_digit_end(digit.upper(), length_ms)
        else:
            log.warning("%r is no DTMF digit; 0-9, *, #, A-D, w, W and f are", digit)
        await asyncio.sleep(gap_s)
