"""AGI's text without any input or output: command lines in, answers and the opening environment out.

Command handlers are registered in ``COMMANDS`` under their words; how a channel carries them out is theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.control.agi.session import Session

MOST_ARGUMENTS = 127
LINE_LIMIT = 65_536
"""Bytes of a command line; a program that sends more is cut off."""


class UsageError(Exception):
    """The command was written wrongly: it is answered with 520 and its usage."""


class CommandFailed(Exception):
    """The command is answered, and counts as failed in AGIExecEnd and perhaps in AGISTATUS."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


class Superseded(Exception):
    """The program sent another command meanwhile: this one ends without an answer."""


Handler = Callable[["Session", list[str]], Awaitable[str | None] | str | None]
"""(session, arguments behind the command's words) -> what follows "200 result=", or None for no answer."""
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class AgiCommand:
    """A command of the interface. ``dead``: may be used once the call is over."""

    words: tuple[str, ...]
    run: Handler
    usage: str
    summary: str
    dead: bool

    @property
    def name(self) -> str:
        """The command's words."""
        return " ".join(self.words)


COMMANDS: dict[tuple[str, ...], AgiCommand] = {}
"""By words, in the order they are listed; filled at import by ``command``."""


def command(usage: str, *, dead: bool = False) -> Callable[[F], F]:
    """Register a command by its usage, ``"GET VARIABLE <name>"``; the docstring is its manual.

    The command's words end at the first word that begins with ``<`` or ``[``.
    """

    def register(function: F) -> F:
        words = []
        for word in usage.split():
            if word[0] in "<[":
                break
            words.append(word.lower())
        text = " ".join((function.__doc__ or "").split())
        entry = AgiCommand(
            tuple(words), function, f"Usage: {usage}\n\t{text}", text.partition(". ")[0].rstrip("."), dead
        )
        COMMANDS[entry.words] = entry
        return function

    return register


def find(words: list[str]) -> tuple[AgiCommand, list[str]] | None:
    """The command that a line's words begin with, the longest that fits, and the arguments behind it."""
    for count in range(min(len(words), 3), 0, -1):
        entry = COMMANDS.get(tuple(word.lower() for word in words[:count]))
        if entry is not None:
            return entry, words[count:]
    return None


def split_line(line: str) -> list[str]:
    """The words of a command line. Quotes keep blanks, also within a word; a backslash takes a character as it is."""
    words: list[str] = []
    quoted = escaped = False
    between = True
    for char in line:
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                words.append("")
                between = False
        elif char in " \t" and not quoted and not escaped:
            between = True
        elif char == "\\" and not escaped:
            escaped = True
            continue
        else:
            if between:
                if len(words) >= MOST_ARGUMENTS:
                    break
                words.append("")
                between = False
            words[-1] += char
        escaped = False
    return words


def environment(channel: Channel, request: str, arguments: list[str], *, enhanced: bool, version: str) -> str:
    """What a program is told at its beginning: ``agi_...: value`` lines and an empty one."""
    caller = channel.caller
    identity = caller.id
    redirecting = channel.redirecting.from_.number
    facts: list[tuple[str, object]] = [
        ("request", request),
        ("channel", channel.name),
        ("language", channel.language),
        ("type", channel.technology),
        ("uniqueid", channel.uniqueid),
        ("version", version),
        ("callerid", identity.number.text if identity.number.valid and identity.number.text else "unknown"),
        ("calleridname", identity.name.text if identity.name.valid and identity.name.text else "unknown"),
        ("callingpres", identity.presentation()),
        ("callingani2", caller.ani2),
        ("callington", identity.number.plan),
        ("callingtns", getattr(channel.dialed, "transit_network", 0)),
        ("dnid", channel.dialed.number or "unknown"),
        ("rdnis", redirecting.text if redirecting.valid and redirecting.text else "unknown"),
        ("context", channel.context),
        ("extension", channel.exten),
        ("priority", channel.priority),
        ("enhanced", "1.0" if enhanced else "0.0"),
        ("accountcode", channel.accountcode),
        ("threadid", 0),
    ]
    facts += [(f"arg_{number}", value) for number, value in enumerate(arguments, 1)]
    return "".join(f"agi_{name}: {_line(str(value))}\n" for name, value in facts) + "\n"


def _line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")


UNKNOWN = "510 Invalid or unknown command\n"
DEAD = "511 Command Not Permitted on a dead channel or intercept routine\n"


def usage_answer(entry: AgiCommand) -> str:
    """What is answered to a command written wrongly."""
    return f"520-Invalid command syntax.  Proper usage follows:\n{entry.usage}\n520 End of proper usage.\n"
