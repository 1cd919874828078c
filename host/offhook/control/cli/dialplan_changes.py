"""``dialplan add``, ``remove`` and ``save``: changing the dialplan in force, and keeping it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from offhook.config.rewrite import escape, write_file
from offhook.control.cli.completion import first
from offhook.control.cli.dialplan import contexts, failed
from offhook.dialplan.context import HINT, Context, DialplanError, Extension, IgnorePattern, Include, Priority
from offhook.dialplan.reading import REGISTRAR, Settings, read_settings
from offhook.modules import Module, Request

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile
    from offhook.dialplan.plan import Dialplan

module = Module("cli_dialplan_changes", "Commands that change the dialplan")


def _plan(request: Request) -> Dialplan:
    plan: Dialplan = request.pbx.dialplan
    return plan


def _into(pbx: Any, args: list[str], _typed: str) -> Iterable[str]:
    return [[], ["into"], contexts(pbx), ["replace"]][len(args)] if len(args) < 4 else []


def _from(pbx: Any, args: list[str], _typed: str) -> Iterable[str]:
    return [[], ["from"], contexts(pbx)][len(args)] if len(args) < 3 else []


def _create(request: Request, name: str, what: str) -> Context:
    plan = _plan(request)
    if name not in plan.contexts:
        request.print(f"Context '{name}' did not exist prior to add {what} - the context will be created.")
    return plan.create(name, REGISTRAR)


# ---- extensions -------------------------------------------------------------------------------------


def split_application(text: str) -> tuple[str, str]:
    """``Dial(PJSIP/a)`` or ``Dial,PJSIP/a`` as application and data."""
    start, end = text.find("("), text.rfind(")")
    if 0 <= start < end:
        return text[:start], text[start + 1 : end]
    name, _, data = text.partition(",")
    return name, data


@module.command(
    "dialplan add extension <exten>,<priority>,<application> into <context> [replace]",
    "Add new extension into context",
    complete=_into,
)
def add_extension(request: Request) -> None:
    """Add one priority of an extension to a context, which is made if need be.

    The application may be written Name, Name(data) or Name,data; the priority may be a number or "hint"; a caller's
    number may follow the extension after a slash. With "replace" it takes the place of one that is there.
    For example: dialplan add extension 6123,1,Dial,PJSIP/6123 into local
    """
    args = request.args
    if len(args) not in (3, 4) or args[1] != "into" or (len(args) == 4 and args[3] != "replace"):
        raise request.usage()
    parts = args[0].split(",", 2)
    if len(parts) < 3:
        raise request.usage()
    named, prior, text = parts
    name, slash, caller = named.partition("/")
    number = HINT if prior == "hint" else _integer(prior)
    if number is None:
        request.print(f"'{prior}' is not a valid priority")
        raise request.usage()
    application, data = split_application(text)
    context = args[2]
    _create(request, context, "extension")
    shown = f"{name},{prior},{application}({data})"
    step = Priority(name, number, application, data, registrar=REGISTRAR)
    replace = len(args) == 4
    present = _plan(request).contexts[context].find(name, caller if slash else None)
    if present is not None and number in present.priorities and not replace:
        raise failed(request, f"Extension {name}@{context} with priority {prior} already exists")
    try:
        _plan(request).add(context, step, caller=caller if slash else None, replace=replace)
    except DialplanError as error:
        raise failed(request, f"Failed to add '{shown}' extension into '{context}' context: {error}") from None
    if replace:
        request.print(f"Extension {name}@{context} ({prior}) replace by '{shown}'")
    else:
        request.print(f"Extension '{shown}' added into '{context}' context")


def _integer(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _extensions(pbx: Any, args: list[str], typed: str) -> Iterator[str]:
    if args:
        return
    for context in pbx.dialplan.contexts.values():
        for extension in context.extensions:
            caller = "" if extension.caller_shown is None else f"/{extension.caller_shown}"
            yield f"{extension.name}{caller}@{context.name}"


@module.command(
    "dialplan remove extension <exten>[/<caller>]@<context> [<priority>]",
    "Remove a specified extension",
    complete=_extensions,
)
def remove_extension(request: Request) -> None:
    """Remove an extension from a context, or only one of its priorities ("hint" for its hint)."""
    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    number = 0
    if len(request.args) == 2:
        text = request.args[1]
        found = HINT if text == "hint" else _integer(text)
        if found is None:
            raise failed(request, f"Invalid priority '{text}'")
        if not found:
            raise failed(request, "If you want to remove whole extension, please omit priority argument")
        number = found
    named, _, context = request.args[0].rpartition("@")
    name, slash, caller = named.partition("/")
    if not name or not context:
        raise failed(request, f"Missing extension or context name in third argument '{request.args[0]}'")
    if not _plan(request).remove(context, name, number, caller=caller if slash else None, registrar=REGISTRAR):
        raise failed(request, f"Failed to remove extension {named}@{context}")
    if number:
        request.print(f"Extension {name}@{context} with priority {number} removed")
    else:
        request.print(f"Whole extension {name}@{context} removed")


@module.command("dialplan remove context <context>", "Remove a specified context", complete=first(contexts))
def remove_context(request: Request) -> None:
    """Remove a context with everything in it."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    gone = _plan(request).remove_context(name)
    request.print(f"Removed context '{name}'" if gone else f"There is no such context as '{name}'")


# ---- includes and ignore patterns -------------------------------------------------------------------


def _two(request: Request, word: str) -> tuple[str, str]:
    if len(request.args) != 3 or request.args[1] != word:
        raise request.usage()
    return request.args[0], request.args[2]


@module.command(
    "dialplan add include <context> into <context>",
    "Include context in other context",
    complete=lambda pbx, args, typed: _into(pbx, args, typed) if args else contexts(pbx),
)
def add_include(request: Request) -> None:
    """Include a context in another; times may follow its name as in extensions.conf."""
    name, into = _two(request, "into")
    _create(request, into, "include")
    if not _plan(request).add_include(into, Include(name, REGISTRAR)):
        raise failed(request, f"Context '{name}' already included in '{into}' context")
    request.print(f"Context '{name}' included in '{into}' context")


@module.command(
    "dialplan remove include <context> from <context>", "Remove a specified include from context", complete=_from
)
def remove_include(request: Request) -> None:
    """Include a context in another no longer."""
    name, source = _two(request, "from")
    if source not in _plan(request).contexts or not _plan(request).remove_include(source, name, REGISTRAR):
        raise failed(request, f"Failed to remove '{name}' include from '{source}' context")
    request.print(f"We are not including '{name}' into '{source}' now")


@module.command("dialplan add ignorepat <pattern> into <context>", "Add new ignore pattern", complete=_into)
def add_ignored(request: Request) -> None:
    """Let dial tone go on after digits that match, in a context; for example 9."""
    pattern, into = _two(request, "into")
    if into not in _plan(request).contexts:
        raise failed(request, f"There is no existence of '{into}' context")
    if not _plan(request).add_ignored(into, IgnorePattern(pattern, REGISTRAR)):
        raise failed(request, f"Ignore pattern '{pattern}' already included in '{into}' context")
    request.print(f"Ignore pattern '{pattern}' added into '{into}' context")


@module.command(
    "dialplan remove ignorepat <pattern> from <context>", "Remove ignore pattern from context", complete=_from
)
def remove_ignored(request: Request) -> None:
    """Let dial tone end after these digits again."""
    pattern, source = _two(request, "from")
    if source not in _plan(request).contexts:
        raise failed(request, f"There is no existence of '{source}' context")
    if not _plan(request).remove_ignored(source, pattern, REGISTRAR):
        raise failed(request, f"There is no existence of '{pattern}' ignore pattern in '{source}' context")
    request.print(f"Ignore pattern '{pattern}' removed from '{source}' context")


# ---- saving -----------------------------------------------------------------------------------------


@module.command("dialplan save [<directory or file>]", "Save current dialplan into a file")
async def save(request: Request) -> None:
    """Write the dialplan in force, as far as it is extensions.conf's or was added by command, to extensions.conf.

    A directory, or a file that ends in .conf, may be given instead. extensions.conf must say static = yes and
    writeprotect = no. Comments and variables used while reading are lost.
    """
    if len(request.args) > 1:
        raise request.usage()
    config = request.pbx.config.load("extensions.conf")
    if config is None:
        raise failed(request, "Failed to load extensions.conf")
    settings = read_settings(config)
    if not settings.static or settings.write_protect:
        raise failed(request, "I can't save dialplan now, see 'extensions.conf' example file.")
    path = request.args[0] if request.args else request.pbx.config.etc_dir
    if ".conf" not in path or not request.args:
        path = os.path.join(path, "extensions.conf")
    text = "\n".join(_written(_plan(request), settings, config))
    try:
        await request.pbx.off_loop(write_file, path, text)
    except OSError as error:
        raise failed(request, f"Failed to create file '{path}': {error.strerror}") from None
    request.print(f"Dialplan successfully saved into '{path}'")


def _written(plan: Dialplan, settings: Settings, config: ConfigFile) -> Iterator[str]:
    def word(on: bool) -> str:
        return "yes" if on else "no"

    yield from (
        "[general]",
        f"static={word(settings.static)}",
        f"writeprotect={word(settings.write_protect)}",
        f"autofallthrough={word(settings.autofallthrough)}",
        f"clearglobalvars={word(settings.clear_globals)}",
        "",
    )
    if variables := config.get("globals"):
        yield "[globals]"
        yield from (f"{entry.name} => {escape(entry.value)}" for entry in variables)
        yield ""
    for context in plan.contexts.values():
        lines = list(_context(context))
        if lines or context.registrar == REGISTRAR:
            yield from (f"[{context.name}]", *(lines[:-1] if lines else ()), "")


def _context(context: Context) -> Iterator[str]:
    for extension in context.extensions:
        mine = [step for step in extension if step.registrar == REGISTRAR]
        yield from (_step(extension, step) for step in mine)
        if mine:
            yield ""
    for kind, entries in (
        ("include", [one.name for one in context.includes if one.registrar == REGISTRAR]),
        ("switch", [f"{one.name}/{one.data}" for one in context.switches if one.registrar == REGISTRAR]),
        ("ignorepat", [one.name for one in context.ignored if one.registrar == REGISTRAR]),
    ):
        yield from (f"{kind} => {text}" for text in entries)
        if entries:
            yield ""


def _step(extension: Extension, step: Priority) -> str:
    if step.number == HINT:
        name = f",{step.data}" if step.data else ""
        return f"exten => {step.name},hint,{step.application}{name}"
    caller = "" if extension.caller_shown is None else f"/{extension.caller_shown}"
    label = f"({step.label})" if step.label else ""
    return f"exten => {step.name}{caller},{step.number}{label},{step.application}({escape(step.data)})"
