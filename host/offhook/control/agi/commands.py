"""AGI commands on the channel, its variables, the dialplan and the database."""

from __future__ import annotations

import logging
import re

from offhook.calls.channel import Hangup, State
from offhook.calls.frames import Text
from offhook.calls.party import Name, Number, parse_callerid
from offhook.config.model import TRUE_WORDS
from offhook.control.agi.protocol import CommandFailed, UsageError, command
from offhook.control.agi.session import Session
from offhook.dialplan.executor import run_application
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.outcome import Outcome
from offhook.dialplan.scope import scope_of
from offhook.dialplan.subroutine import run_gosub
from offhook.log import verbose
from offhook.storage.astdb import AstDb

log = logging.getLogger(__name__)


def needs(arguments: list[str], least: int, most: int | None = None) -> None:
    """Refuse a wrong number of arguments; ``most`` is ``least`` when not given."""
    if not least <= len(arguments) <= (least if most is None else most):
        raise UsageError


def whole(text: str) -> int:
    """The whole number that a text begins with, as an int of 32 bits holds it. Raises UsageError when there is none.

    A number that is too large becomes what C makes of it: clients that repeat digits by mistake mean for ever.
    """
    found = re.match(r"\s*([-+]?\d+)", text)
    if found is None:
        raise UsageError
    value = max(-(1 << 63), min((1 << 63) - 1, int(found[1][:30])))
    return ((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


# ---- the channel ------------------------------------------------------------------------------------


@command("ANSWER")
def answer(session: Session, arguments: list[str]) -> str:
    """Answer the channel unless it is up. The result is -1 on failure, else 0."""
    if session.channel.state is not State.UP:
        session.channel.answer()
    return "0"


@command("ASYNCAGI BREAK", dead=True)
def asyncagi_break(session: Session, arguments: list[str]) -> str:
    """End AsyncAGI and go on with the dialplan."""
    session.left = True
    return "0"


@command("CHANNEL STATUS [<channel name>]")
def channel_status(session: Session, arguments: list[str]) -> str:
    """Tell a channel's state as a number. Without a name it is the present channel's; -1 when there is no such one."""
    needs(arguments, 0, 1)
    channel = session.channel.pbx.channels.find(arguments[0]) if arguments else session.channel
    return str(int(channel.state)) if channel is not None else "-1"


@command("HANGUP [<channel name>]")
def hangup(session: Session, arguments: list[str]) -> str:
    """Hang up a channel, without a name the present one. The result is -1 when there is no such channel."""
    needs(arguments, 0, 1)
    channel = session.channel.pbx.channels.find(arguments[0]) if arguments else session.channel
    if channel is None:
        return "-1"
    channel.name_hangup_source("dialplan/agi")
    channel.request_hangup()
    return "1"


@command("NOOP [<text>]", dead=True)
def noop(session: Session, arguments: list[str]) -> str:
    """Do nothing."""
    return "0"


@command("SET AUTOHANGUP <time>")
async def set_autohangup(session: Session, arguments: list[str]) -> str:
    """Hang the channel up so many seconds from now. 0 takes that back."""
    needs(arguments, 1)
    try:
        seconds = max(0.0, float(arguments[0]))
    except ValueError:
        raise UsageError from None
    done = scope_of(session.channel).write("TIMEOUT(absolute)", f"{seconds:g}")
    if done is not None:
        await done
    return "0"


@command("SET CALLERID <number>")
def set_callerid(session: Session, arguments: list[str]) -> str:
    """Change the caller's identity, written as number or "name" <number>."""
    if arguments:
        channel = session.channel
        name, number = parse_callerid(arguments[0])
        channel.caller.id.name = Name(True, name)
        channel.caller.id.number = Number(True, re.sub(r"[()\-. ]", "", number))
        channel.tell_caller()
    return "1"


@command("SET CONTEXT <context>")
def set_context(session: Session, arguments: list[str]) -> str:
    """Continue in a context when the program ends."""
    needs(arguments, 1)
    session.channel.context = arguments[0]
    return "0"


@command("SET EXTENSION <extension>")
def set_extension(session: Session, arguments: list[str]) -> str:
    """Continue at an extension when the program ends."""
    needs(arguments, 1)
    session.channel.exten = arguments[0]
    return "0"


@command("SET PRIORITY <priority>")
def set_priority(session: Session, arguments: list[str]) -> str:
    """Continue at a priority, by number or label, when the program ends."""
    needs(arguments, 1)
    channel = session.channel
    try:
        priority = whole(arguments[0])
    except UsageError:
        caller = channel.caller.id.number.text
        priority = channel.pbx.dialplan.find_label(channel.context, channel.exten, arguments[0], caller) or 0
        if priority < 1:
            raise
    channel.goto(channel.context, channel.exten, priority)
    return "0"


@command("SET MUSIC <on|off> [<class>]")
def set_music(session: Session, arguments: list[str]) -> str:
    """Start or stop music on hold. Without a class it is the channel's."""
    needs(arguments, 1, 127)
    pbx, channel = session.channel.pbx, session.channel
    if arguments[0].lower().startswith("on"):
        pbx.start_music(channel, arguments[1] if len(arguments) > 1 else "")
    elif arguments[0].lower().startswith("off"):
        pbx.stop_music(channel)
    return "0"


@command("SEND TEXT <text>")
def send_text(session: Session, arguments: list[str]) -> str:
    """Send a text message in the call. The result is -1 when the channel is over, else 0."""
    needs(arguments, 1)
    session.channel.tech_send_text(Text(arguments[0]))
    return "0"


@command("SEND IMAGE <name>")
def send_image(session: Session, arguments: list[str]) -> str:
    """Send an image, which no channel technology here can. The result is -1."""
    needs(arguments, 1)
    log.warning("%s: SEND IMAGE %s: channels cannot carry images", session.channel.name, arguments[0])
    raise CommandFailed("-1")


@command("TDD MODE <on|off|mate>")
def tdd_mode(session: Session, arguments: list[str]) -> str:
    """Switch a text telephone's signals, which no channel technology here has. The result is 0."""
    needs(arguments, 1)
    return "0"


# ---- variables and the dialplan -----------------------------------------------------------------------


@command("SET VARIABLE <name> <value>", dead=True)
async def set_variable(session: Session, arguments: list[str]) -> str:
    """Assign a channel variable, or by a function."""
    needs(arguments, 2)
    done = scope_of(session.channel).set(arguments[0], arguments[1])
    if done is not None:
        await done
    return "1"


@command("GET VARIABLE <name>", dead=True)
async def get_variable(session: Session, arguments: list[str]) -> str:
    """Read a channel variable or function. The result is 1 with the value in parentheses, 0 when it is not set."""
    needs(arguments, 1)
    scope = scope_of(session.channel)
    name = arguments[0]
    if not name.endswith(")"):
        value = scope.lookup(name)
        return f"1 ({value})" if value is not None else "0"
    try:
        found = scope.read(name)
        return f"1 ({found if isinstance(found, str) else await found})"
    except FunctionError as error:
        log.error("%s: GET VARIABLE: %s", session.channel.name, error)
        return "0"


@command("GET FULL VARIABLE <expression> [<channel name>]", dead=True)
async def get_full_variable(session: Session, arguments: list[str]) -> str:
    """Evaluate a text with ${...} and $[...]. The result is 1 with it in parentheses, 0 without such a channel."""
    needs(arguments, 1, 2)
    channel = session.channel.pbx.channels.find(arguments[1]) if len(arguments) > 1 else session.channel
    if channel is None:
        return "0"
    return f"1 ({await scope_of(channel).expanded(arguments[0])})"


@command("EXEC <application> [<options>]", dead=True)
async def execute(session: Session, arguments: list[str]) -> str:
    """Run a dialplan application. The result is what it returns, -2 when there is no such application.

    The options are evaluated first when AGIEXECFULL is true.
    """
    needs(arguments, 1, 127)
    channel = session.channel
    name, options = arguments[0], arguments[1] if len(arguments) > 1 else ""
    verbose(3, "AGI Script Executing Application: (%s) Options: (%s)", name, options)
    if name.lower() not in channel.pbx.registry.applications:
        log.warning("%s: EXEC %s: there is no such application", channel.name, name)
        raise CommandFailed("-2")
    if options and (channel.get("AGIEXECFULL") or "").lower() in TRUE_WORDS:
        options = await scope_of(channel).expanded(options)
    try:
        digit = await run_application(channel, name, options)
    except Outcome:
        raise CommandFailed("-1") from None
    if channel.interruption is not None:
        raise CommandFailed("-1")
    return str(ord(digit[0])) if digit else "0"


@command("GOSUB <context> <extension> <priority> [<arguments>]")
async def gosub(session: Session, arguments: list[str]) -> str:
    """Run a subroutine of the dialplan until it returns. The result is -1 when there is no such place."""
    needs(arguments, 3, 4)
    channel = session.channel
    context, exten, label = arguments[:3]
    plan, caller = channel.pbx.dialplan, channel.caller.id.number.text
    priority = int(label) if label.isdigit() else plan.find_label(context, exten, label, caller) or 0
    if not priority or not plan.exists(context, exten, priority, caller):
        log.error("%s: GOSUB %s,%s,%s: there is no such place", channel.name, context, exten, label)
        raise CommandFailed("-1 Gosub label not found")
    session.send("100 result=0 Trying...\n")
    values = f"({arguments[3]})" if len(arguments) > 3 else ""
    await run_gosub(channel, f"{context},{exten},{priority}{values}")
    if channel.interruption is not None:
        raise Hangup
    return "0 Gosub complete"


@command("VERBOSE <message> [<level>]", dead=True)
def verbose_text(session: Session, arguments: list[str]) -> str:
    """Show a message on consoles of a verbosity, 0 when not said."""
    needs(arguments, 1, 127)
    try:
        level = whole(arguments[1]) if len(arguments) > 1 else 0
    except UsageError:
        level = 0
    verbose(level, "%s: %s", session.channel.application_data, arguments[0])
    return "1"


# ---- the database -------------------------------------------------------------------------------------


def _db(session: Session) -> AstDb:
    return session.channel.pbx.astdb


@command("DATABASE GET <family> <key>", dead=True)
def database_get(session: Session, arguments: list[str]) -> str:
    """Read the database. The result is 1 with the value in parentheses, 0 when there is none."""
    needs(arguments, 2)
    value = _db(session).get(*arguments)
    return f"1 ({value})" if value is not None else "0"


@command("DATABASE PUT <family> <key> <value>", dead=True)
def database_put(session: Session, arguments: list[str]) -> str:
    """Write to the database. The result is 1."""
    needs(arguments, 3)
    _db(session).put(*arguments)
    return "1"


@command("DATABASE DEL <family> <key>", dead=True)
def database_del(session: Session, arguments: list[str]) -> str:
    """Take a value out of the database. The result is 1, or 0 when there was none."""
    needs(arguments, 2)
    return "1" if _db(session).delete(*arguments) else "0"


@command("DATABASE DELTREE <family> [<keytree>]", dead=True)
def database_deltree(session: Session, arguments: list[str]) -> str:
    """Take a family out of the database, or what is below a key of it. The result is 0 when something was there."""
    needs(arguments, 1, 2)
    return "0" if _db(session).delete_tree(*arguments) else "1"


# ---- speech recognition ---------------------------------------------------------------------------------


async def _no_speech(session: Session, arguments: list[str]) -> str:
    """Recognize speech, which needs an engine of its own that is not there. The result is 0."""
    log.warning("%s: speech recognition is not supported: no engine for it is there", session.channel.name)
    return "0"


for _usage in (
    "SPEECH CREATE <engine>",
    "SPEECH SET <name> <value>",
    "SPEECH DESTROY",
    "SPEECH LOAD GRAMMAR <name> <path>",
    "SPEECH UNLOAD GRAMMAR <name>",
    "SPEECH ACTIVATE GRAMMAR <name>",
    "SPEECH DEACTIVATE GRAMMAR <name>",
    "SPEECH RECOGNIZE <prompt> <timeout> [<offset>]",
):
    command(_usage, dead="DESTROY" in _usage or "UNLOAD" in _usage)(_no_speech)
