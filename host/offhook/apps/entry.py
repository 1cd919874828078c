"""Letting callers in: Authenticate, DISA, ReadExten and PrivacyManager."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
from dataclasses import dataclass

from offhook.apps.digits import channel_timeouts
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Condition
from offhook.calls.party import Name, Number, parse_callerid
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play, start
from offhook.dialplan.executor import run_application
from offhook.dialplan.scope import scope_of
from offhook.log import verbose
from offhook.media.tones import parse_tone_list
from offhook.modules import Module, Options, Syntax, split_arguments

log = logging.getLogger(__name__)
authenticate_module = Module("app_authenticate", "Authentication Application")
disa_module = Module("app_disa", "DISA (Direct Inward System Access) Application")
readexten_module = Module("app_readexten", "Read and evaluate extension validity")
privacy_module = Module("app_privacy", "Require phone number to be entered, if no CallerID sent")

_TRIES = 3
_FIRST_S, _NEXT_S = 6.0, 2.0
_REORDER_S = 10.0
_LONGEST = 79


async def _say(channel: Channel, name: str, escape: str = "") -> str:
    try:
        return await play(channel, name, escape)
    except NoPrompt as missing:
        log.warning("%s: %s", channel.name, missing)
        return ""


async def read_number(
    channel: Channel, prompt: str, most: int, first: float = _FIRST_S, between: float = _NEXT_S
) -> str:
    """Play a prompt and take digits until # or the most there may be, or until none comes in time."""
    digits = ""
    digit: str | None = await _say(channel, prompt, ANY_DIGIT) if prompt else ""
    while len(digits) < most:
        digit = digit or await channel.read_digit(between if digits else first)
        if digit is None or digit == "#":
            break
        digits += digit
        digit = None
    return digits


# ---- Authenticate -----------------------------------------------------------------------------------------


@authenticate_module.application(
    "Authenticate",
    Syntax(
        "password",
        "[options]",
        "[maxdigits]",
        "[prompt]",
        password="The password itself; with a slash at its beginning a file of passwords or, with option d, a family.",
        options={
            "a": "The password becomes the account code.",
            "d": "The name is a family of the database whose keys are the passwords.",
            "m": "The file has accounts and MD5 sums of passwords, with a colon between.",
            "r": "Take the key out of the database (with d).",
        },
    ),
    see_also=("DISA", "VMAuthenticate"),
)
async def authenticate(
    channel: Channel, password: str = "", options: str = "", maximum: str = "", prompt: str = ""
) -> None:
    """Ask the caller for a password, three times at most; the call ends when it is wrong."""
    if not password:
        log.warning("%s: Authenticate needs a password", channel.name)
        raise Hangup
    letters = Options(options)
    if channel.state is not State.UP:
        channel.answer()
    most = int(maximum) if maximum.isdigit() and 0 < int(maximum) < 255 else 254
    asked = prompt or "agent-pass"
    for _ in range(_TRIES):
        try:
            given = await read_number(channel, asked, most)
        except asyncio.CancelledError:
            with contextlib.suppress(NoPrompt, Hangup):
                start(channel, "vm-goodbye")  # to whoever records or watches the call: the caller is gone
            raise
        account = await _accepted(channel, password, given, letters)
        if account is not None:
            if "a" in letters:
                channel.set_accountcode(account)
            await _say(channel, "auth-thankyou")
            return
        asked = "auth-incorrect"
    await _say(channel, "vm-goodbye")
    raise Hangup


async def _accepted(channel: Channel, password: str, given: str, letters: Options) -> str | None:
    """The account that goes with what the caller gave; None when it is wrong."""
    if not password.startswith("/"):
        return given if given == password else None
    if "d" in letters:
        family, db = password[1:], channel.pbx.astdb
        if not given or db.get(family, given) is None:
            return None
        if "r" in letters:
            db.delete(family, given)
        return given
    try:
        lines = await channel.pbx.off_loop(_lines, password)
    except OSError as error:
        log.warning("%s: Authenticate cannot read %s: %s", channel.name, password, error)
        return None
    if "m" not in letters:
        return given if given and given in lines else None
    digest = hashlib.md5(given.encode(), usedforsecurity=False).hexdigest()
    for line in lines:
        account, _, sum_ = line.partition(":")
        if sum_ == digest:
            return str(account)
    return None


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="replace") as source:
        return [line.rstrip("\n") for line in source]


# ---- DISA -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Access:
    """What a caller of DISA may do."""

    password: str
    context: str
    callerid: str
    mailbox: str


@disa_module.application(
    "DISA",
    Syntax(
        "passcode|filename",
        "[context]",
        "[cid]",
        "[mailbox]",
        "[options]",
        context="disa when not said.",
        options={"n": "Do not answer.", "p": "# ends the number."},
    ),
    see_also=("Authenticate", "VMAuthenticate"),
)
async def disa(
    channel: Channel, password: str = "", context: str = "", callerid: str = "", mailbox: str = "", options: str = ""
) -> None:
    """Give the caller a dial tone, as if the call came from inside.

    First a password and # are needed, unless it is no-password. A file has lines of password, context, caller ID and
    mailbox. What does not exist gets the tone of congestion and the end of the call.
    """
    if not password:
        log.warning("%s: DISA needs a password, the name of a file of them, or no-password", channel.name)
        raise Hangup
    access = _Access(password, context or "disa", callerid, mailbox)
    letters = Options(options)
    if "n" not in letters and channel.state is not State.UP:
        channel.answer()
    account = ""
    if password.lower() != "no-password":
        account = await _password(channel, access)
        if not account:
            await _reorder(channel)
    exten = await _number(channel, access, "p" in letters)
    caller = channel.caller.id.number.text
    plan = channel.pbx.dialplan
    if exten and not plan.exists(access.context, exten, 1, caller):
        channel.set("INVALID_EXTEN", exten)
        exten = "i"
    if not exten or not plan.exists(access.context, exten, 1, caller):
        await _reorder(channel)
    if access.callerid:
        name, number = parse_callerid(access.callerid)
        channel.caller.id.name = Name(True, name)
        channel.caller.id.number = Number(True, number)
        channel.caller.ani.number = Number(True, number)
        channel.tell_caller()
    if account:
        channel.set_accountcode(account)
    await _reset_records(channel, "n" not in letters)
    channel.goto(access.context, exten, 1)


async def _reset_records(channel: Channel, enable: bool) -> None:
    registry = channel.pbx.registry
    if "resetcdr" in registry.applications:
        await run_application(channel, "ResetCDR")
    if enable and "CDR_PROP" in registry.functions:
        done = scope_of(channel).write("CDR_PROP(disable)", "0")
        if done is not None:
            await done


async def _reorder(channel: Channel) -> None:
    """Tell the caller that this does not work, and end the call."""
    channel.indicate(Condition.CONGESTION)
    await channel.sleep(_REORDER_S)
    raise Hangup


def _dial_tone(channel: Channel, mailbox: str) -> None:
    """A dial tone, a stuttered one when messages wait in the mailbox."""
    waiting = channel.pbx.parts.get("voicemail.waiting")
    stutter = bool(mailbox and waiting is not None and waiting(mailbox))
    channel.play_zone_tone("dialrecall" if stutter else "dial")


async def _password(channel: Channel, access: _Access) -> str:
    """The password the caller gave, "" when it is wrong or none came in time; a file's line fills in the access."""
    first, between = channel_timeouts(channel)
    _dial_tone(channel, access.mailbox)
    typed = ""
    try:
        while True:
            digit = await channel.read_digit(between if typed else first)
            channel.stop_tones()
            if digit is None:
                return ""
            if digit == "#":
                break
            typed += digit
    finally:
        if not channel.hungup:
            channel.stop_tones()
    if not re.match(r"\s*[-+]?\d", access.password):
        await _look_up(channel, access, typed)
    if typed != access.password:
        log.warning("%s: DISA: %r is a wrong password", channel.name, typed)
        return ""
    return typed[:20]


async def _look_up(channel: Channel, access: _Access, typed: str) -> None:
    """Take what a file of passwords says of this one."""
    path = access.password
    try:
        lines = await channel.pbx.off_loop(_lines, path)
    except OSError as error:
        log.warning("%s: DISA cannot read the passwords in %s: %s", channel.name, path, error)
        raise Hangup from None
    for line in lines:
        if not line or line[0] in "#;":
            continue
        fields = [*split_arguments(line), "", "", "", ""][:4]
        if fields[0] == typed and fields[0][:1].isdigit():
            access.password = fields[0]
            access.context = fields[1] or "disa"
            access.callerid, access.mailbox = fields[2], fields[3]
            return


async def _number(channel: Channel, access: _Access, pound_ends: bool) -> str:
    """The extension the caller dials; "" when none came in time."""
    first, between = channel_timeouts(channel)
    plan, caller = channel.pbx.dialplan, channel.caller.id.number.text
    _dial_tone(channel, access.mailbox)
    exten = ""
    try:
        while len(exten) < _LONGEST:
            digit = await channel.read_digit(between if exten else first)
            if digit is None:
                return ""
            channel.stop_tones()
            if digit == "#" and pound_ends:
                return exten
            if digit == "#":
                own = plan.exists(access.context, "#", 1, caller) or plan.matches_more(access.context, "#", caller)
                if exten or not own:
                    return exten
            exten += digit
            if plan.ignored(access.context, exten):
                channel.play_zone_tone("dial")
            if not plan.matches_more(access.context, exten, caller):
                return exten
        return exten
    finally:
        if not channel.hungup:
            channel.stop_tones()


# ---- ReadExten --------------------------------------------------------------------------------------------


@readexten_module.application(
    "ReadExten",
    Syntax(
        "variable",
        "[filename]",
        "[context]",
        "[option]",
        "[timeout]",
        option="s: nothing when not answered; i: the file is a tone; n: do not answer; p: # ends it.",
    ),
    see_also=("Read",),
)
async def read_exten(
    channel: Channel, variable: str = "", name: str = "", context: str = "", options: str = "", timeout: str = ""
) -> None:
    """Read an extension that exists in a context into a variable.

    READEXTENSTATUS is OK, ERROR, INVALID (INVALID_EXTEN has it, the variable is i), SKIP, TIMEOUT (the variable is t)
    or HANGUP.
    """
    if not variable:
        log.warning("%s: ReadExten needs the name of a variable", channel.name)
        channel.set("READEXTENSTATUS", "ERROR")
        return
    letters = Options(options)
    if channel.state is not State.UP:
        if "s" in letters:
            channel.set(variable, "")
            channel.set("READEXTENSTATUS", "SKIP")
            return
        if "n" not in letters:
            channel.answer()
    first, between = channel_timeouts(channel)
    with contextlib.suppress(ValueError):
        first = float(timeout) if timeout and float(timeout) > 0 else first
    status = "HANGUP"
    try:
        status = await _read_exten(channel, variable, name, context or channel.context, letters, first, between)
    finally:
        channel.set("READEXTENSTATUS", status)


async def _read_exten(
    channel: Channel, variable: str, name: str, context: str, letters: Options, first: float, between: float
) -> str:
    plan, caller = channel.pbx.dialplan, channel.caller.id.number.text
    digit: str | None = await _prompted(channel, name, "i" in letters)
    exten = ""
    try:
        while True:
            digit = digit or await channel.read_digit(between if exten else first)
            channel.stop_tones()
            if digit is None and not exten:
                channel.set(variable, "t")
                return "TIMEOUT"
            if digit is None or ("p" in letters and digit == "#"):
                break
            exten += digit
            if not plan.matches_more(context, exten, caller):
                if digit == "#" and not plan.exists(context, exten, 1, caller):
                    exten = exten[:-1]
                break
            digit = None
    finally:
        if not channel.hungup:
            channel.stop_tones()
    if plan.exists(context, exten, 1, caller):
        channel.set(variable, exten)
        return "OK"
    channel.set(variable, "i")
    channel.set("INVALID_EXTEN", exten)
    return "INVALID"


async def _prompted(channel: Channel, name: str, tone: bool) -> str:
    """Begin the tone, or play the prompt to its end or the first digit."""
    if not name:
        return ""
    spec = channel.pbx.zone_tone(channel.tone_zone, name) if tone else None
    if tone and spec is None and not channel.pbx.prompts.exists(name, channel.language):
        with contextlib.suppress(ValueError):
            spec = parse_tone_list(name)
    if spec is None:
        return await _say(channel, name, ANY_DIGIT)
    if channel.media is not None:
        channel.data["tone"] = channel.media.tones(spec)
    return ""


# ---- PrivacyManager ---------------------------------------------------------------------------------------


@privacy_module.application(
    "PrivacyManager",
    Syntax("[maxretries]", "[minlength]", "[options]", "[context]", context="The number must exist there."),
    see_also=("Zapateller",),
)
async def privacy_manager(
    channel: Channel, tries: str = "", least: str = "", options: str = "", context: str = ""
) -> None:
    """Ask a caller without a number for one, of 10 digits or more, up to three times.

    PRIVACYMGRSTATUS is SUCCESS or FAILED; nothing happens to callers who have a number.
    """
    number = channel.caller.id.number
    if number.valid and number.text:
        verbose(3, "CallerID number present: Skipping")
        return
    if channel.state is not State.UP:
        channel.answer()
    count = int(tries) if tries.isdigit() and int(tries) else _TRIES
    length = int(least) if least.isdigit() and int(least) else 10
    await channel.sleep(1.0)
    await _say(channel, "privacy-unident")
    for _ in range(count):
        await _say(channel, "privacy-prompt")
        digits = await read_number(channel, "", 29, 5.0, 3.2)
        if len(digits) >= length and (not context or channel.pbx.dialplan.exists(context, digits, 1)):
            await _say(channel, "privacy-thankyou")
            channel.caller.id.name = Name(True, "Privacy Manager")
            channel.caller.id.number = Number(True, digits)
            channel.tell_caller()
            channel.set("PRIVACYMGRSTATUS", "SUCCESS")
            return
        await _say(channel, "privacy-incorrect")
    channel.set("PRIVACYMGRSTATUS", "FAILED")
