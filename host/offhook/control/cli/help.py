"""``core show help``: what commands there are and how they are used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from offhook.modules import Module, Request

module = Module("cli_help", "Help on commands")


def _complete(pbx: Any, args: list[str], typed: str) -> Iterable[str]:
    candidates: list[str] = pbx.registry.complete(pbx, " ".join([*args, typed]))
    return candidates


@module.command("core show help [<topic>]", "Display help list, or specific help on a command", complete=_complete)
def show_help(request: Request) -> None:
    """Describe a command.

    Without a topic all commands are listed; with the beginning of some, those.
    """
    registry = request.pbx.registry
    if not request.args:
        request.print(*(_line(command) for command in registry.commands if not command.spec.startswith("_")))
        return
    command = registry.exact_command(request.args)
    if command is not None:
        request.out.extend(command.usage.rstrip("\n").split("\n"))
        return
    topic = " ".join(request.args)
    found = [command for command in registry.commands if command.spec.lower().startswith(topic.lower())]
    request.print(*(_line(command) for command in found if not command.spec.startswith("_")))
    if not found:
        request.print(f"No such command '{topic}'.")


def _line(command: Any) -> str:
    return f"{_listed(command.spec):<30} -- {command.summary or '<no description available>'}"


def _listed(spec: str) -> str:
    """The command as help lists it: without placeholders, choices merged as ``[a|b]``."""
    words = []
    for word in spec.split():
        if "<" in word or word.startswith("[-"):
            if word.startswith("["):
                head = word.strip("[]").partition("<")[0].strip("|")
                if head and head.isalpha():
                    words.append(f"[{head}]")
            break
        words.append(word if not word.startswith("[") or word.endswith("]") else word + "]")
    return " ".join(words)


@module.command("_command complete", "")
def complete(request: Request) -> None:
    """List what the last word of the given line may become, for other programs' completion."""
    line = " ".join(request.args) if len(request.args) != 1 else request.args[0]
    request.print(*request.pbx.registry.complete(request.pbx, line))
