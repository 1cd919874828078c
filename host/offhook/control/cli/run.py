"""Carrying out one command line, whoever typed it: a console, ``-rx``, or the manager's Command action."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from offhook.config.model import TRUE_WORDS
from offhook.modules.command import CommandError, Request
from offhook.modules.registry import split_line

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

ALLOWED_WHILE_STOPPING = frozenset(
    (
        "core abort shutdown",
        "core stop now",
        "core restart now",
        "core waitfullybooted",
    )
)


async def run_command(pbx: Pbx, line: str, session: Any = None) -> tuple[bool, str]:
    """Carry out a command line: whether it succeeded, and what it answered (lines, each ended by a newline).

    Never raises but for cancellation: a command that fails unexpectedly is logged and says so.
    """
    words, _blank = split_line(line)
    if not words:
        return True, ""
    command = pbx.registry.command(words)
    if command is None:
        closest = pbx.registry.closest(words)
        return False, f"No such command '{line}' (type 'core show help {closest}' for other possible commands)\n"
    spoken = " ".join(command.words).lower()
    if pbx.stopping and spoken not in ALLOWED_WHILE_STOPPING:
        return False, f"Command '{line}' cannot be run during shutdown\n"
    permitted = getattr(session, "may_run", None)
    if permitted is not None and not permitted(" ".join(words)):
        return False, f"You don't have permissions to run '{' '.join(words)}' command\n"
    request = Request(pbx, line, words, words[len(command.words) :], session)
    try:
        result = command.run(request)
        if inspect.isawaitable(result):
            await result
    except CommandError as error:
        sentence = str(error)
        return False, request.text() + (sentence + "\n" if sentence else command.usage)
    except Exception:
        log.exception("command %r failed", line)
        return False, request.text() + f"Command '{line}' failed.\n"
    return True, request.text()


async def run_startup_commands(pbx: Pbx, phase: str) -> None:
    """Run the [startup_commands] of cli.conf for a phase: "pre-init", "pre-module" or "fully-booted"."""
    config = pbx.config.load("cli.conf", "cli")
    section = config.get("startup_commands") if config is not None else None
    words = {phase} | (TRUE_WORDS if phase == "fully-booted" else frozenset())
    for entry in section or ():
        if entry.value.lower() in words:
            ok, text = await run_command(pbx, entry.name)
            if not ok:
                log.warning("%s:%d: the command failed: %s", entry.file, entry.line, text.strip())
