"""``core show application(s)``, ``core show function(s)``: manuals of the dialplan's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from offhook.control.cli.completion import applications, every, first, functions
from offhook.modules import Application, CommandError, Function, Module, Request, Syntax

module = Module("cli_manuals", "Manuals of applications and functions")

_MAGENTA = "\x1b[0;35m"
_RESET = "\x1b[0m"


def _coloured(request: Request) -> bool:
    return bool(getattr(request.session, "colours", False))


def manual(kind: str, entry: Application | Function, *, colours: bool = False) -> list[str]:
    """The manual page of an application or function, as lines."""

    def title(text: str) -> str:
        return f"{_MAGENTA}{text}{_RESET}" if colours else text

    syntax = f"{entry.name}({entry.syntax})" if kind == "Application" or entry.syntax.arguments else entry.name
    if isinstance(entry, Function) and entry.write is not None and entry.read is None:
        syntax += "=value"
    see = ", ".join(entry.see_also) or "Not available"
    lines = ["", title(f"  -= Info about {kind} '{entry.name}' =- "), ""]
    for name, body in (
        ("[Synopsis]", [entry.synopsis or "Not available"]),
        ("[Provided By]", [entry.module]),
        ("[Description]", (entry.description or "Not available").splitlines()),
        ("[Syntax]", [syntax]),
        ("[Arguments]", list(_arguments(entry.syntax)) or ["Not available"]),
        ("[See Also]", [see]),
    ):
        lines += [title(name), *body, ""]
    return [*lines, ""]


def _arguments(syntax: Syntax) -> Iterable[str]:
    for argument in syntax.arguments:
        yield argument.name
        yield from (f"    {line}" for line in argument.text.splitlines())
        for letter, meaning in argument.options:
            yield f"    {letter}:"
            yield from (f"        {line}" for line in meaning.splitlines())


@module.command("core show applications [like|describing] [<text>]", "Shows registered dialplan applications")
def show_applications(request: Request) -> None:
    """List the applications that the dialplan may use.

    "like" with those whose name contains the text, "describing" with those whose manual contains every word.
    """
    args = request.args
    entries: list[Application] = sorted(
        request.pbx.registry.applications.values(), key=lambda entry: entry.name.lower()
    )
    matching = len(args) > 1 and args[0].lower() in ("like", "describing")
    if matching and args[0].lower() == "like":
        entries = [entry for entry in entries if args[1].lower() in entry.name.lower()]
    elif matching:
        words = [word.lower() for word in args[1:]]
        entries = [
            entry for entry in entries if all(word in f"{entry.synopsis} {entry.description}".lower() for word in words)
        ]
    request.print(f"    -= {'Matching' if matching else 'Registered'} Asterisk Applications =-")
    for entry in entries:
        request.print(f"  {entry.name:>20}: {entry.synopsis or '<Synopsis not available>'}")
    request.print(f"    -= {len(entries)} Applications {'Matching' if matching else 'Registered'} =-")


@module.command(
    "core show application <application> [<application> ...]",
    "Describe a specific dialplan application",
    complete=every(applications),
)
def show_application(request: Request) -> None:
    """Print the manual of applications."""
    if not request.args:
        raise request.usage()
    wanted = {name.lower() for name in request.args}
    found = [entry for key, entry in sorted(request.pbx.registry.applications.items()) if key in wanted]
    if not found:
        request.print("Your application(s) is (are) not registered")
        raise CommandError(f"Command '{request.line}' failed.")
    for entry in found:
        request.print(*manual("Application", entry, colours=_coloured(request)))


@module.command("core show functions [like <text>]", "Shows registered dialplan functions")
def show_functions(request: Request) -> None:
    """List the functions that the dialplan may use; "like" with those whose name contains the text."""
    args = request.args
    like = ""
    if args:
        if len(args) != 2 or args[0].lower() != "like":
            raise request.usage()
        like = args[1]
    matching = "Matching" if like else "Installed"
    request.print(f"{matching} Custom Functions:", "-" * 80)
    count = 0
    for name in sorted(request.pbx.registry.functions):
        if like in name:
            entry = request.pbx.registry.functions[name]
            request.print(f"{name:<20.20}  {_function_syntax(entry):<35.35}  {entry.synopsis}")
            count += 1
    request.print(f"{count} {'matching ' if like else ''}custom functions installed.")


def _function_syntax(entry: Any) -> str:
    return f"{entry.name}({entry.syntax})"


@module.command("core show function <function>", "Describe a specific dialplan function", complete=first(functions))
def show_function(request: Request) -> None:
    """Print the manual of a function."""
    if len(request.args) != 1:
        raise request.usage()
    entry = request.pbx.registry.function(request.args[0])
    if entry is None:
        request.print("No function by that name registered.")
        raise CommandError(f"Command '{request.line}' failed.")
    request.print(*manual("Function", entry, colours=_coloured(request)))
