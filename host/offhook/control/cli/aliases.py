"""cli_aliases.conf: other words for commands."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from offhook.config.model import ConfigFile
from offhook.control.cli.run import run_command
from offhook.log import verbose
from offhook.modules import CommandError, LoadError, Module, Request

module = Module("res_clialiases", "CLI Aliases", needs="cli_aliases.conf")
log = logging.getLogger(__name__)

PART = "cli_aliases"


def read_aliases(config: ConfigFile) -> dict[str, str]:
    """Commands by alias, out of the templates that [general] names; of the same alias the first counts."""
    aliases: dict[str, str] = {}
    for entry in config.get("general") or ():
        if entry.name.lower() != "template":
            log.warning('%s:%d: unknown option "%s"; write template = name', entry.file, entry.line, entry.name)
            continue
        section = config.get(entry.value)
        if section is None:
            log.warning("%s:%d: there is no template [%s]", entry.file, entry.line, entry.value)
        for alias in section or ():
            aliases.setdefault(alias.name, alias.value)
    return aliases


def _made(aliases: dict[str, str], registry: Any) -> Module:
    """Aliases as the commands of a module that is never loaded by name."""
    made = Module("aliases", "Aliased commands")
    for alias, command in aliases.items():
        if registry.exact_command(alias.split()) is not None:
            log.warning("the alias %s is left out: a command is called so", alias)
            continue
        made.command(alias, "Aliased CLI Command", complete=_completer(command))(_runner(command))
        verbose(5, "Aliased CLI command '%s' to '%s'", alias, command)
    return made


def _runner(command: str) -> Callable[[Request], Awaitable[None]]:
    async def run(request: Request) -> None:
        """Aliased CLI Command"""
        line = " ".join([command, *(_quoted(arg) for arg in request.args)])
        ok, text = await run_command(request.pbx, line, request.session)
        request.out.extend(text.splitlines())
        if not ok:
            raise CommandError(request.out.pop() if request.out else f"Command '{line}' failed.")

    return run


def _completer(command: str) -> Callable[[Any, list[str], str], Iterable[str]]:
    def complete(pbx: Any, args: list[str], typed: str) -> Iterable[str]:
        candidates: list[str] = pbx.registry.complete(pbx, " ".join([command, *args, typed]))
        return candidates

    return complete


def _quoted(arg: str) -> str:
    return '"' + arg.replace("\\", "\\\\").replace('"', '\\"') + '"' if not arg or set(arg) & set(' \t"\\') else arg


@module.on_load
def load(pbx: Any) -> None:
    """Read the file and register its aliases."""
    config = pbx.config.load("cli_aliases.conf", "res_clialiases")
    if config is None:
        raise LoadError("there is no cli_aliases.conf")
    unload(pbx)
    made = _made(read_aliases(config), pbx.registry)
    pbx.registry.add(made)
    pbx.parts[PART] = made


@module.on_unload
def unload(pbx: Any) -> None:
    """Take the aliases away."""
    made = pbx.parts.pop(PART, None)
    if made is not None:
        pbx.registry.remove(made)


module.on_reload(load)


@module.command("cli show aliases", "Show CLI command aliases")
def show_aliases(request: Request) -> None:
    """List the aliases with the commands they stand for."""
    if request.args:
        raise request.usage()
    row = "{:<50.50} {:<50.50}"
    request.print(row.format("Alias Command", "Real Command"))
    config = request.pbx.config.load("cli_aliases.conf", "res_clialiases")
    aliases = read_aliases(config) if config is not None else {}
    made = request.pbx.parts[PART]
    request.print(*(row.format(command.spec, aliases.get(command.spec, "")) for command in made.commands))
