"""``dialplan show`` and ``core show hints``, ``switches``: the dialplan in force and its variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from offhook.calls.devices import EXTENSION_TEXTS
from offhook.control.cli.channels import plural
from offhook.control.cli.completion import channels, first
from offhook.dialplan.context import HINT, Context, Extension, Priority
from offhook.dialplan.patterns import matches
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from offhook.dialplan.plan import Dialplan

module = Module("cli_dialplan", "Commands about the dialplan")


def _plan(request: Request) -> Dialplan:
    plan: Dialplan = request.pbx.dialplan
    return plan


def failed(request: Request, *lines: str) -> CommandError:
    """The error of a command that tells why and failed."""
    request.print(*lines)
    return CommandError(f"Command '{request.line}' failed.")


def contexts(pbx: Any) -> list[str]:
    """The names of all contexts."""
    return sorted(pbx.dialplan.contexts)


def _contexts_and_extensions(pbx: Any, args: list[str], typed: str) -> Iterable[str]:
    if args:
        return []
    exten, at, _ = typed.partition("@")
    if not at:
        return contexts(pbx)
    return [f"{exten}@{name}" for name in contexts(pbx)]


# ---- dialplan show ----------------------------------------------------------------------------------


class _Showing:
    """One ``dialplan show``: its lines and what it counted."""

    def __init__(self, plan: Dialplan) -> None:
        self.plan = plan
        self.lines: list[str] = []
        self.contexts = self.extensions = self.priorities = 0
        self.context_found = False

    def show(self, context: str, exten: str, included: tuple[str, ...] = ()) -> None:
        """Show contexts of that name (all without one) as far as they have that extension."""
        for one in self.plan.contexts.values():
            if not context or one.name == context:
                self._context(one, exten, included)

    def _context(self, context: Context, exten: str, included: tuple[str, ...]) -> None:
        self.context_found = True
        start = len(self.lines)
        if not exten:
            self._title(context, included)
        for extension in context.extensions:
            if exten and not matches(extension.name, exten):
                continue
            if len(self.lines) == start:
                self._title(context, included)
            self._extension(extension)
        deeper: list[tuple[str, tuple[str, ...]]] = []
        for include in context.includes:
            if not exten:
                self.lines.append(_row("Include =>", f"'{include.name}'", include.registrar))
            elif include.context not in included:
                included = (*included, include.context)
                deeper.append((include.context, included))
        for pattern in context.ignored:
            if not exten or matches(f"_{pattern.name}.", exten):
                self.lines.append(_row("Ignore pattern =>", f"'{pattern.name}'", pattern.registrar, 16))
        if not included or not exten:
            for switch in context.switches:
                self.lines.append(_row("Alt. Switch =>", f"'{switch.name}/{switch.data}'", switch.registrar))
        if len(self.lines) > start:
            self.lines.append("")
        for name, way in deeper:
            self.show(name, exten, way)

    def _title(self, context: Context, included: tuple[str, ...]) -> None:
        self.contexts += 1
        kind = "Included context" if included else "Context"
        self.lines.append(f"[ {kind} '{context.name}' created by '{context.registrar}' ]")
        if context.autohints:
            self.lines.append("Autohints support enabled")

    def _extension(self, extension: Extension) -> None:
        self.extensions += 1
        for index, priority in enumerate(extension):
            self.priorities += 1
            if index:
                left = f"   [{priority.label}]" if priority.label else ""
            elif extension.caller is None:
                left = f"'{priority.name}' =>"
            else:
                left = f"'{priority.name}' (CID match '{extension.caller_shown}') => "
            self.lines.append(f"  {left:<17} {described(priority):<45} [{priority.where}]")


def described(priority: Priority) -> str:
    """ "1. Dial(PJSIP/alice)", or "hint: PJSIP/alice"."""
    if priority.number == HINT:
        return f"hint: {priority.application}"
    return f"{priority.number}. {priority.application}({priority.data})"


def _row(left: str, middle: str, registrar: str, width: int = 17) -> str:
    return f"  {left:<{width}} {middle:<45} [{registrar}]"


@module.command("dialplan show [[<exten>@]<context>]", "Show dialplan", complete=_contexts_and_extensions)
def show(request: Request) -> None:
    """Show the dialplan: all of it, one context, or what an extension finds there, includes too."""
    if len(request.args) > 1:
        raise request.usage()
    exten, at, context = (request.args[0] if request.args else "").rpartition("@")
    if not at:
        exten = ""
    showing = _Showing(_plan(request))
    showing.show(context, exten)
    request.print(*showing.lines)
    if context and not showing.context_found:
        raise failed(request, f"There is no existence of '{context}' context")
    if exten and not showing.extensions:
        if context:
            raise failed(request, f"There is no existence of {exten}@{context} extension")
        raise failed(request, f"There is no existence of '{exten}' extension in all contexts")
    priorities = f"{showing.priorities} {'priority' if showing.priorities == 1 else 'priorities'}"
    request.print(
        f"-= {plural(showing.extensions, 'extension')} ({priorities}) in {plural(showing.contexts, 'context')}. =-"
    )


@module.command(
    "dialplan debug [<context>]", "Show fast extension pattern matching data structures", complete=first(contexts)
)
def debug(request: Request) -> None:
    """List the extensions of contexts in the order in which they are tried, with what decides about the order."""
    if len(request.args) > 1:
        raise request.usage()
    plan = _plan(request)
    shown = [one for one in plan.contexts.values() if not request.args or one.name == request.args[0]]
    if request.args and not shown:
        raise failed(request, f"There is no existence of '{request.args[0]}' context")
    for context in shown:
        request.print(f"[ Context '{context.name}' created by '{context.registrar}' ]")
        for extension in context.extensions:
            caller = "" if extension.caller is None else f"  caller '{extension.caller_shown}'"
            kind = "name" if extension.pattern.literal is not None else "pattern"
            request.print(f"  {extension.name:<30} {kind}{caller}")
        request.print("")
    request.print(f"-= {plural(len(shown), 'context')}. =-")


@module.command("dialplan reload", "Reload extensions and *only* extensions")
async def reload(request: Request) -> None:
    """Read extensions.conf again; calls go on with the new dialplan at their next step."""
    if request.args:
        raise request.usage()
    await request.pbx.loader.reload("pbx_config")
    request.print("Dialplan reloaded.")


# ---- variables --------------------------------------------------------------------------------------


@module.command("dialplan show globals", "Show global dialplan variables")
def show_globals(request: Request) -> None:
    """List the global variables."""
    if request.args:
        raise request.usage()
    values = list(reversed(request.pbx.globals.values.items()))
    request.print(*(f"   {name}={value}" for name, value in values), "", f"    -- {len(values)} variable(s)")


@module.command("dialplan set global <name> <value>", "Set global dialplan variable")
def set_global(request: Request) -> None:
    """Assign a global variable."""
    if len(request.args) != 2:
        raise request.usage()
    name, value = request.args
    request.pbx.set_global(name, value)
    request.print("", f"    -- Global variable '{name}' set to '{value}'")


@module.command("dialplan show chanvar <channel>", "Show channel variables", complete=first(channels))
def show_chanvar(request: Request) -> None:
    """List the variables of a channel."""
    if len(request.args) != 1:
        raise request.usage()
    channel = request.pbx.channels.find(request.args[0])
    if channel is None:
        raise failed(request, f"Channel '{request.args[0]}' not found")
    request.print(*(f"{name}={value}" for name, value in channel.variables.items()))


@module.command("dialplan set chanvar <channel> <name> <value>", "Set a channel variable", complete=first(channels))
def set_chanvar(request: Request) -> None:
    """Assign a variable of a channel, or one of its functions."""
    if len(request.args) != 3:
        raise request.usage()
    name, variable, value = request.args
    channel = request.pbx.channels.find(name)
    if channel is None:
        raise failed(request, f"Channel '{name}' not found")
    from offhook.dialplan.scope import Scope

    Scope(request.pbx, channel).set(variable, value)
    request.print("", f"    -- Channel variable '{variable}' set to '{value}' for '{name}'")


@module.command("dialplan eval function <function>", "Evaluate dialplan function")
async def eval_function(request: Request) -> None:
    """Show what a function such as ${LEN(abc)} gives without a channel; the ${ } may be left out."""
    if len(request.args) != 1:
        raise request.usage()
    from offhook.dialplan.scope import Scope

    text = request.args[0]
    result = await Scope(request.pbx).expanded(text if text.startswith("${") else f"${{{text}}}")
    request.print("Return Value: Success (0)", f"Result: {result}")


# ---- hints and switches -----------------------------------------------------------------------------


def _hint_rows(request: Request) -> Iterator[tuple[str, str]]:
    """(extension, its line) of every hint, patterns' too."""
    pbx = request.pbx
    known = {(hint.context, hint.exten): hint for hint in pbx.hints}
    for context, priority in _plan(request).hints():
        hint = known.get((context.name, priority.name))
        state = EXTENSION_TEXTS.get(hint.state, "Unknown") if hint else "Idle"
        watchers = len(hint.watchers) if hint else 0
        name = f"{priority.name}@{context.name}"
        yield (
            priority.name,
            f"{name:<30.30}: {priority.application:<60.60}  State:{state:<15.15} Presence:{'':<15.15} "
            f"Watchers {watchers:>2}",
        )


@module.command("core show hints", "Show dialplan hints")
def show_hints(request: Request) -> None:
    """List the hints, the state of their devices and how many watch it."""
    if request.args:
        raise request.usage()
    rows = [row for _exten, row in _hint_rows(request)]
    if not rows:
        request.print("There are no registered dialplan hints")
        return
    request.print("", "    -= Registered Asterisk Dial Plan Hints =-", *rows)
    request.print("----------------", f"- {len(rows)} hints registered")


@module.command(
    "core show hint <exten>[@<context>]",
    "Show dialplan hint",
    complete=lambda pbx, args, typed: () if args else (priority.name for _context, priority in pbx.dialplan.hints()),
)
def show_hint(request: Request) -> None:
    """Show the hints of an extension, in a context or in all."""
    if len(request.args) != 1:
        raise request.usage()
    exten, _, context = request.args[0].partition("@")
    rows = [
        row
        for name, row in _hint_rows(request)
        if name.lower().startswith(exten.lower()) and (not context or f"@{context}" in row.partition(":")[0])
    ]
    if rows:
        request.print(*rows, f"{plural(len(rows), 'hint')} matching extension {request.args[0]}")
    else:
        request.print(f"No hints matching extension {request.args[0]}")


@module.command("core show switches", "Show alternative switches")
def show_switches(request: Request) -> None:
    """List what "switch =>" may name."""
    if request.args:
        raise request.usage()
    switches = _plan(request).switches
    if not switches:
        request.print("There are no registered alternative switches")
        return
    request.print("", "    -= Registered Asterisk Alternative Switches =-")
    request.print(
        *(f"{name}: {type(switch).__doc__ or ''}".split("\n")[0] for name, switch in sorted(switches.items()))
    )
