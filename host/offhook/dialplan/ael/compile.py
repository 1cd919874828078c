"""From AEL's tree to priorities: conditions become GotoIf, loops jump back, macros are Gosub targets.

Macros are contexts whose extension is ``~~s~~``; their arguments are local variables. A switch's cases are
extensions ``sw_N_value`` that the channel goes to and comes back from.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from itertools import count

from offhook.dialplan.ael.tree import (
    AelContext,
    AelError,
    AelExtension,
    AelFile,
    Assign,
    Call,
    Case,
    Catch,
    Goto,
    If,
    Label,
    Leave,
    MacroCall,
    Statement,
    Switch,
    While,
)
from offhook.dialplan.context import HINT, Context, DialplanError, IgnorePattern, Include, Priority, SwitchUse
from offhook.dialplan.subroutine import MACRO_EXTENSION

log = logging.getLogger(__name__)

REGISTRAR = "pbx_ael"

Loops = list[tuple[list[int], list[int] | None]]
"""Of each loop or switch around, innermost last: the jumps of break and (loops only) of continue to be filled in."""


class Lines:
    """The priorities of one extension in the making."""

    def __init__(self, context: Context, name: str, file: str, caller: str | None = None) -> None:
        self.context = context
        self.name = name
        self.file = file
        self.caller = caller
        self.entries: list[list[object]] = []
        self.labels: dict[str, int] = {}

    @property
    def next(self) -> int:
        """The number that the next priority gets."""
        return len(self.entries) + 1

    def add(self, line: int, application: str, data: str = "") -> int:
        """Add a priority; its number."""
        self.entries.append([line, application, data])
        return len(self.entries)

    def patch(self, number: int, data: str) -> None:
        """Fill in the data of a priority that had to wait for a number."""
        self.entries[number - 1][2] = data

    def finish(self) -> None:
        """Put the priorities into the context. Raises DialplanError."""
        names = {number: label for label, number in self.labels.items()}
        if self.labels and max(self.labels.values()) > len(self.entries):
            self.add(0, "NoOp", "")
        for number, (line, application, data) in enumerate(self.entries, start=1):
            priority = Priority(
                self.name,
                number,
                str(application),
                str(data),
                label=names.get(number, ""),
                registrar=REGISTRAR,
                file=self.file,
                line=int(line),  # type: ignore[call-overload]
            )
            self.context.add(priority, caller=self.caller)


class Compiler:
    """Turns a file's tree into contexts."""

    def __init__(self, tree: AelFile, file: str) -> None:
        self.tree = tree
        self.file = file
        self.contexts: dict[str, Context] = {}
        self.macros = {context.name for context in tree.contexts if context.arguments is not None}
        self.numbers: Iterator[int] = count(1)

    def run(self) -> dict[str, Context]:
        """All contexts. Raises AelError."""
        for context in self.tree.contexts:
            known = context.name in self.contexts
            if known and not context.extends and context.arguments is None:
                raise AelError(
                    self.file, context.line, f"context {context.name} is there already; write extend context"
                )
            made = self.contexts.setdefault(context.name, Context(context.name, REGISTRAR))
            try:
                self._context(context, made)
            except DialplanError as error:
                raise AelError(self.file, context.line, str(error)) from error
        return self.contexts

    def _context(self, context: AelContext, made: Context) -> None:
        for name in context.includes:
            made.add_include(Include(name, REGISTRAR))
        for data, evaluated in context.switches:
            kind, _, rest = data.partition("/")
            made.add_switch(SwitchUse(kind, rest, REGISTRAR, evaluated=evaluated))
        for pattern in context.ignored:
            made.add_ignored(IgnorePattern(pattern, REGISTRAR))
        if context.arguments is not None:
            lines = Lines(made, MACRO_EXTENSION, self.file)
            for index, name in enumerate(context.arguments, start=1):
                lines.add(context.line, "Set", f"LOCAL({name})=${{ARG{index}}}")
            self._body(lines, context.body, [])
            lines.add(context.line, "Return")
            lines.finish()
        for extension in context.extensions:
            self._extension(extension, made)

    def _extension(self, extension: AelExtension, made: Context) -> None:
        if extension.hint:
            made.add(
                Priority(extension.name, HINT, extension.hint, registrar=REGISTRAR, file=self.file, line=extension.line)
            )
        lines = Lines(made, extension.name, self.file, extension.caller)
        self._body(lines, extension.body, [])
        if lines.entries or lines.labels or not extension.hint:
            if not lines.entries:
                lines.add(extension.line, "NoOp", "")
            lines.finish()

    # ---- statements ---------------------------------------------------------------------------------

    def _body(self, lines: Lines, body: list[Statement], loops: Loops) -> None:
        """Add statements; ``loops`` are, innermost last, the jumps that break and continue left to fill in."""
        for statement in body:
            if isinstance(statement, Call):
                self._call(lines, statement)
            elif isinstance(statement, MacroCall):
                self._macro(lines, statement)
            elif isinstance(statement, Assign):
                lines.add(statement.line, "Set", _assignment(statement))
            elif isinstance(statement, Label):
                lines.labels[statement.name] = lines.next
            elif isinstance(statement, Goto):
                lines.add(statement.line, "Goto", _target(statement))
            elif isinstance(statement, If):
                self._if(lines, statement, loops)
            elif isinstance(statement, While):
                self._while(lines, statement, loops)
            elif isinstance(statement, Switch):
                self._switch(lines, statement, loops)
            elif isinstance(statement, Leave):
                self._leave(lines, statement, loops)
            elif isinstance(statement, Catch):
                caught = Lines(lines.context, statement.exten, self.file)
                self._body(caught, statement.body, [])
                caught.finish()

    def _call(self, lines: Lines, statement: Call) -> None:
        if statement.name.lower() == "set" and "=" in statement.arguments:
            lines.add(statement.line, "Set", statement.arguments)
        else:
            lines.add(statement.line, statement.name, statement.arguments)

    def _macro(self, lines: Lines, statement: MacroCall) -> None:
        if statement.name not in self.macros:
            log.warning(
                "%s:%d: there is no macro %s here; unless extensions.conf has a context of that name with the "
                "extension %s, the call will fail",
                self.file,
                statement.line,
                statement.name,
                MACRO_EXTENSION,
            )
        lines.add(statement.line, "Gosub", f"{statement.name},{MACRO_EXTENSION},1({statement.arguments})")

    def _if(self, lines: Lines, statement: If, loops: Loops) -> None:
        test = lines.add(statement.line, "GotoIfTime" if statement.kind == "iftime" else "GotoIf")
        self._body(lines, statement.then, loops)
        over = lines.add(statement.line, "Goto") if statement.otherwise else 0
        otherwise = lines.next
        self._body(lines, statement.otherwise, loops)
        if over:
            lines.patch(over, str(lines.next))
        then = test + 1
        if statement.kind == "iftime":
            lines.patch(test, f"{statement.condition.replace('|', ',')}?{then}:{otherwise}")
        elif statement.kind == "random":
            lines.patch(test, f"$[${{RAND(0,99)}} < {_inner(statement.condition)}]?{then}:{otherwise}")
        else:
            lines.patch(test, f"{_expression(statement.condition)}?{then}:{otherwise}")
        self._land(lines, statement.line)

    def _while(self, lines: Lines, statement: While, loops: Loops) -> None:
        if statement.first:
            lines.add(statement.line, "Set", _assignment(_split(statement.line, statement.first)))
        test = lines.add(statement.line, "GotoIf")
        breaks: list[int] = []
        continues: list[int] = []
        self._body(lines, statement.body, [*loops, (breaks, continues)])
        again = lines.next
        if statement.step:
            lines.add(statement.line, "Set", _assignment(_split(statement.line, statement.step)))
        lines.add(statement.line, "Goto", str(test))
        after = lines.next
        lines.patch(test, f"{_expression(statement.condition)}?{test + 1}:{after}")
        for number in breaks:
            lines.patch(number, str(after))
        for number in continues:
            lines.patch(number, str(again))
        self._land(lines, statement.line)

    def _switch(self, lines: Lines, statement: Switch, loops: Loops) -> None:
        """Cases are extensions of their own, so that the dialplan's matching chooses among them.

        ``sw_N_value`` (or a pattern) leads to ``sw_N_case_K``, whose statements lead back to the switch's end. What
        was dialled is in ``~~EXTEN~~`` meanwhile.
        """
        prefix = f"sw_{next(self.numbers)}_"
        back = f"{prefix}back"
        home = "${~~EXTEN~~}" if lines.name.startswith("_") else lines.name
        if "case_" not in lines.name:
            lines.add(statement.line, "Set", "~~EXTEN~~=${EXTEN}")
        lines.add(statement.line, "Goto", f"{prefix}{statement.value},1")
        lines.labels[back] = lines.next
        self._land(lines, statement.line)
        returning = f"{home},{back}"
        for index, case in enumerate(statement.cases):
            self._single(lines, case.line, _case_name(prefix, case), f"{prefix}case_{index},1")
            part = Lines(lines.context, f"{prefix}case_{index}", self.file)
            breaks: list[int] = []
            self._body(part, case.body, [*loops, (breaks, None)])
            falls = index + 1 < len(statement.cases) and not _ends(case.body)
            part.add(case.line, "Goto", f"{prefix}case_{index + 1},1" if falls else returning)
            for number in breaks:
                part.patch(number, returning)
            for entry in part.entries:
                entry[2] = str(entry[2]).replace("${EXTEN", "${~~EXTEN~~")
            part.finish()
        if not any(case.kind == "default" for case in statement.cases):
            self._single(lines, statement.line, f"_{prefix}.", returning)
        self._single(lines, statement.line, prefix, self._empty(prefix, statement) or returning)

    @staticmethod
    def _empty(prefix: str, statement: Switch) -> str:
        """Where an empty value leads: to the default case, if there is one."""
        for index, case in enumerate(statement.cases):
            if case.kind == "default":
                return f"{prefix}case_{index},1"
        return ""

    def _single(self, lines: Lines, line: int, name: str, target: str) -> None:
        part = Lines(lines.context, name, self.file)
        part.add(line, "Goto", target)
        part.finish()

    def _leave(self, lines: Lines, statement: Leave, loops: Loops) -> None:
        if statement.kind == "return":
            lines.add(statement.line, "Return", statement.value)
            return
        if not loops:
            raise AelError(self.file, statement.line, f"{statement.kind} outside a loop or switch")
        breaks, continues = loops[-1]
        if statement.kind == "continue" and continues is None:
            raise AelError(self.file, statement.line, "continue inside a switch; leave the switch with break first")
        target = breaks if statement.kind == "break" or continues is None else continues
        target.append(lines.add(statement.line, "Goto"))

    @staticmethod
    def _land(lines: Lines, line: int) -> None:
        """A place to arrive at, so that a jump past the last statement finds a priority."""
        lines.add(line, "NoOp", "")


def _case_name(prefix: str, case: Case) -> str:
    if case.kind == "default":
        return f"_{prefix}."
    if case.kind == "pattern":
        return f"_{prefix}{case.value.lstrip('_')}"
    return f"{prefix}{case.value}"


def _ends(body: list[Statement]) -> bool:
    """Whether control never falls out of the body's end."""
    if not body:
        return False
    last = body[-1]
    return isinstance(last, Goto) or (isinstance(last, Leave) and last.kind in ("break", "return"))


def _split(line: int, text: str) -> Assign:
    name, _, value = text.partition("=")
    return Assign(line, name.strip(), value.strip())


def _assignment(statement: Assign) -> str:
    name = f"LOCAL({statement.name})" if statement.local else statement.name
    return f"{name}={_value(statement.value)}"


def _value(text: str) -> str:
    """A value is an expression, unless it is nothing but a quoted text."""
    return f"$[{text}]" if text and not text.startswith("$[") else text


def _inner(text: str) -> str:
    return text[2:-1] if text.startswith("$[") and text.endswith("]") else text


def _expression(text: str) -> str:
    return text if text.startswith("$[") and text.endswith("]") else f"$[{text}]"


def _target(statement: Goto) -> str:
    parts = [part.strip() for part in re.split(r"[,|]", statement.target)]
    if statement.jump:
        exten, at, context = statement.target.partition("@")
        return f"{context.strip()},{exten.strip()},1" if at else f"{exten.strip()},1"
    return ",".join(parts)
