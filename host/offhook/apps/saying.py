"""Saying numbers, letters and times."""

from __future__ import annotations

import logging
import re
from datetime import datetime

from offhook.calls.channel import Channel, State
from offhook.calls.prompts import ANY_DIGIT, play_all
from offhook.media.spoken import language_for
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("pbx_say", "Say numbers, letters and digits")
time_module = Module("app_sayunixtime", "Say time")


async def say(channel: Channel, names: list[str], *, interrupt: bool = False) -> None:
    """Say prompts on an answered channel; a digit that breaks in is dialled as an extension."""
    if channel.state is not State.UP:
        channel.answer()
    digit = await play_all(channel, names, ANY_DIGIT if interrupt else "")
    if digit:
        from offhook.dialplan.digits import wait_for_extension

        await wait_for_extension(channel, None, dialled=digit, only_more=True)


def _interruptible(channel: Channel) -> bool:
    return (channel.get("SAY_DTMF_INTERRUPT") or "").lower() in ("yes", "true", "1", "on", "y", "t")


@module.application("SayDigits", Syntax("digits"), see_also=("SayNumber", "SayAlpha"))
async def say_digits(channel: Channel, digits: str = "") -> None:
    """Say digits one by one.

    With SAY_DTMF_INTERRUPT set to true a digit of the caller breaks in and is dialled.
    """
    await say(channel, language_for(channel.language).digits(digits), interrupt=_interruptible(channel))


@module.application("SayNumber", Syntax("digits", "[gender]"), see_also=("SayDigits", "SayOrdinal"))
async def say_number(channel: Channel, number: str = "", gender: str = "") -> None:
    """Say a number, with a gender (f, m, n, c) where the language has one."""
    value = _number(channel, "SayNumber", number)
    if value is not None:
        await say(channel, language_for(channel.language).number(value, gender), interrupt=_interruptible(channel))


@module.application("SayOrdinal", Syntax("digits", "[gender]"), see_also=("SayNumber",))
async def say_ordinal(channel: Channel, number: str = "", gender: str = "") -> None:
    """Say an ordinal number: first, second ..."""
    value = _number(channel, "SayOrdinal", number)
    if value is not None:
        await say(channel, language_for(channel.language).ordinal(value, gender), interrupt=_interruptible(channel))


def _number(channel: Channel, application: str, text: str) -> int | None:
    if re.fullmatch(r"\s*-?\d+\s*", text):
        return int(text)
    log.warning("%s: %s(%s): a whole number is needed", channel.name, application, text)
    return None


@module.application("SayAlpha", Syntax("string"), see_also=("SayPhonetic", "SayAlphaCase"))
async def say_alpha(channel: Channel, text: str = "") -> None:
    """Spell a text letter by letter."""
    await say(channel, language_for(channel.language).characters(text), interrupt=_interruptible(channel))


@module.application(
    "SayAlphaCase",
    Syntax("casetype", "string", casetype="a: say the case of all letters; l: of small; u: of capital; n: of none."),
    see_also=("SayAlpha",),
)
async def say_alpha_case(channel: Channel, case: str = "", text: str = "") -> None:
    """Spell a text, saying which letters are capital or small."""
    if case[:1].lower() not in ("a", "l", "u", "n"):
        log.warning("%s: SayAlphaCase(%s,...): the case is a, l, u or n", channel.name, case)
        return
    names = language_for(channel.language).characters(text, case[0].lower())
    await say(channel, names, interrupt=_interruptible(channel))


@module.application("SayPhonetic", Syntax("string"), see_also=("SayAlpha",))
async def say_phonetic(channel: Channel, text: str = "") -> None:
    """Spell a text in the spelling alphabet."""
    await say(channel, language_for(channel.language).phonetic(text), interrupt=_interruptible(channel))


@module.application("SayMoney", Syntax("dollars"), see_also=("SayNumber",))
async def say_money(channel: Channel, amount: str = "") -> None:
    """Say an amount of dollars and cents."""
    await say(channel, language_for(channel.language).money(amount), interrupt=_interruptible(channel))


def local_time(channel: Channel, moment: str, zone: str) -> datetime:
    """The moment (seconds since the epoch; "" is now) in a time zone by name ("" is the host's)."""
    stamp = float(moment) if re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", moment) else channel.pbx.wall()
    if zone:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return datetime.fromtimestamp(stamp, ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError):
            log.warning("%s: no time zone %r; the host's is taken", channel.name, zone)
    return datetime.fromtimestamp(stamp).astimezone()


@time_module.application(
    "SayUnixTime",
    Syntax("[unixtime]", "[timezone]", "[format]", "[options]", options={"j": "A digit breaks in and is dialled."}),
    see_also=("STRFTIME", "IFTIME"),
)
async def say_unix_time(channel: Channel, moment: str = "", zone: str = "", form: str = "", options: str = "") -> None:
    """Say a date and time; without arguments the current one.

    The format has the letters of voicemail.conf's time zones; by default ABdY 'digits/at' IMp.
    """
    when = local_time(channel, moment, zone)
    now = local_time(channel, "", zone)
    names = language_for(channel.language).time(when, form, now)
    await say(channel, names, interrupt="j" in Options(options) or _interruptible(channel))


@time_module.application("DateTime", Syntax("[unixtime]", "[timezone]", "[format]"), see_also=("SayUnixTime",))
async def date_time(channel: Channel, moment: str = "", zone: str = "", form: str = "") -> None:
    """Say a date and time: SayUnixTime's older name."""
    await say_unix_time(channel, moment, zone, form)
