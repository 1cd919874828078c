"""Templates: texts with ``${variable}``, ``${FUNCTION(arguments)}`` and ``$[expression]`` in them.

A template is parsed once into nodes. Each node gives its text at once (``get``), or awaits functions that have
to wait (``wait``). Where braces are filled at run time (``${${name}:1}``, ``${F(${x})}``), the filled text is
what counts, as in Asterisk: a value with parentheses in it is read again as written.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from offhook.dialplan.builtins import CHANNEL_BUILTINS, HOST_BUILTINS
from offhook.dialplan.expression import Expression, evaluate_text
from offhook.dialplan.invocation import FunctionError, bind, refused, split_call
from offhook.dialplan.slices import cut_out, read_slice, substring

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Answer
    from offhook.dialplan.scope import Scope
    from offhook.modules import Function

log = logging.getLogger(__name__)

_OPENED = re.compile(r"\$[{\[]")


class Node(Protocol):
    """A part of a template."""

    def get(self, scope: Scope) -> str:
        """Its text now; a function that has to wait is refused."""

    async def wait(self, scope: Scope) -> str:
        """Its text, after waiting where needed."""


class Literal:
    """Text as it stands."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def get(self, scope: Scope) -> str:
        return self.text

    async def wait(self, scope: Scope) -> str:
        return self.text


class Variable:
    """``${name}`` for a name that is not predefined."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, scope: Scope) -> str:
        value = scope.values.get(self.name)
        if value is None:
            return scope.get(self.name) or ""
        return value

    async def wait(self, scope: Scope) -> str:
        return self.get(scope)


class Predefined:
    """``${name}`` for a name that is computed, such as EXTEN."""

    __slots__ = ("name", "of_channel")

    def __init__(self, name: str) -> None:
        self.name = name
        self.of_channel = CHANNEL_BUILTINS.get(name)

    def get(self, scope: Scope) -> str:
        if self.of_channel is not None and scope.channel is not None:
            return self.of_channel(scope.channel) or ""
        return scope.lookup(self.name) or ""

    async def wait(self, scope: Scope) -> str:
        return self.get(scope)


class Call:
    """``${NAME(arguments)}`` whose arguments are fixed; they are split once."""

    __slots__ = ("arguments", "bound", "entry", "name")

    def __init__(self, name: str, arguments: str) -> None:
        self.name = name
        self.arguments = arguments
        self.entry: Function | None = None
        self.bound: Sequence[str] = ()

    def get(self, scope: Scope) -> str:
        entry = self.entry
        if entry is None or scope.restricted or scope.pbx.registry.functions.get(self.name) is not entry:
            answer = self.ask(scope)
        else:
            try:
                answer = entry.read(scope, *self.bound)  # type: ignore[misc]
            except FunctionError as error:
                log.error("%s", error)
                return ""
        return answer if isinstance(answer, str) else refused(self.name, answer)

    async def wait(self, scope: Scope) -> str:
        answer = self.ask(scope)
        return answer if isinstance(answer, str) else await _awaited(answer)

    def ask(self, scope: Scope) -> Answer:
        try:
            entry = scope.function(self.name)
            self.bound = bind(entry, self.arguments)
            self.entry = entry
            assert entry.read is not None
            return entry.read(scope, *self.bound)
        except FunctionError as error:
            log.error("%s", error)
            return ""


class FilledCall:
    """``${NAME(...${x}...)}``: the argument string is made at run time."""

    __slots__ = ("arguments", "cut", "name")

    def __init__(self, name: str, arguments: Template, cut: str) -> None:
        self.name = name
        self.arguments = arguments
        self.cut = cut
        """What follows the closing parenthesis, such as ":1:2"."""

    def get(self, scope: Scope) -> str:
        arguments = self.arguments.get(scope)
        if "(" in arguments or ")" in arguments:
            return look_up(scope, f"{self.name}({arguments}){self.cut}")
        answer = _ask_function(scope, self.name, arguments)
        text = answer if isinstance(answer, str) else refused(self.name, answer)
        return cut_out(text, self.cut) if self.cut else text

    async def wait(self, scope: Scope) -> str:
        arguments = await self.arguments.wait(scope)
        if "(" in arguments or ")" in arguments:
            answer = ask(scope, f"{self.name}({arguments}){self.cut}")
            return answer if isinstance(answer, str) else await _awaited(answer)
        answer = _ask_function(scope, self.name, arguments)
        text = answer if isinstance(answer, str) else await _awaited(answer)
        return cut_out(text, self.cut) if self.cut else text


class Reference:
    """``${...}`` with substitutions inside that are not just a function's arguments."""

    __slots__ = ("content",)

    def __init__(self, content: Template) -> None:
        self.content = content

    def get(self, scope: Scope) -> str:
        return look_up(scope, self.content.get(scope))

    async def wait(self, scope: Scope) -> str:
        content = await self.content.wait(scope)
        answer = ask(scope, content)
        return answer if isinstance(answer, str) else await _awaited(answer)


class Sliced:
    """``${...:offset:length}``."""

    __slots__ = ("length", "offset", "source")

    def __init__(self, source: Node, offset: int, length: int | None) -> None:
        self.source = source
        self.offset = offset
        self.length = length

    def get(self, scope: Scope) -> str:
        text = self.source.get(scope)
        if self.length is None and self.offset >= 0 and text.isascii():
            return text[self.offset :]
        return substring(text, self.offset, self.length)

    async def wait(self, scope: Scope) -> str:
        return substring(await self.source.wait(scope), self.offset, self.length)


class Calculation:
    """``$[...]``."""

    __slots__ = ("evaluate", "first", "gaps")

    def __init__(self, pieces: Sequence[Node]) -> None:
        self.gaps = tuple(piece for piece in pieces if not isinstance(piece, Literal))
        self.evaluate = Expression([piece.text if isinstance(piece, Literal) else None for piece in pieces]).evaluate
        self.first = self.gaps[0].get if len(self.gaps) == 1 else None

    def get(self, scope: Scope) -> str:
        if self.first is not None:
            return self.evaluate(scope, (self.first(scope),))
        return self.evaluate(scope, [gap.get(scope) for gap in self.gaps])

    async def wait(self, scope: Scope) -> str:
        return self.evaluate(scope, [await gap.wait(scope) for gap in self.gaps])


class Template:
    """A compiled text. ``names`` are the functions it calls; None among them stands for names made at run time."""

    __slots__ = ("get", "names", "nodes", "text")

    def __init__(self, text: str, nodes: Sequence[Node]) -> None:
        self.text = text
        self.nodes = tuple(nodes)
        self.names: frozenset[str | None] = frozenset(_function_names(self.nodes))
        self.get: Callable[[Scope], str] = _getter(self.nodes)
        """Gives the substituted text."""

    async def wait(self, scope: Scope) -> str:
        """The substituted text; functions that take time are awaited, one after the other."""
        return "".join([await node.wait(scope) for node in self.nodes])

    def waits(self, scope: Scope) -> bool:
        """Whether a function in it may have to wait."""
        functions = scope.pbx.registry.functions
        for name in self.names:
            if name is None:
                return True
            entry = functions.get(name)
            if entry is not None and entry.waits:
                return True
        return False

    @property
    def constant(self) -> bool:
        """Whether there is nothing to substitute."""
        return all(isinstance(node, Literal) for node in self.nodes)


def _getter(nodes: Sequence[Node]) -> Callable[[Scope], str]:
    """One function for all nodes: literal text before the first, then each value with the literal after it."""
    before = ""
    values: list[tuple[Callable[[Scope], str], str]] = []
    for node in nodes:
        if not isinstance(node, Literal):
            values.append((node.get, ""))
        elif values:
            values[-1] = (values[-1][0], values[-1][1] + node.text)
        else:
            before += node.text
    if not values:
        return lambda scope: before
    if len(values) == 1:
        value, after = values[0]
        if not before and not after:
            return value
        return lambda scope: before + value(scope) + after

    def get(scope: Scope) -> str:
        text = before
        for value, after in values:
            text += value(scope) + after
        return text

    return get


@lru_cache(maxsize=4096)
def compile_template(text: str) -> Template:
    """The template of a text; texts met again are not parsed again."""
    return Template(text, _nodes(text))


def look_up(scope: Scope, content: str) -> str:
    """What ``${content}`` gives when the content has no further substitutions in it."""
    answer = ask(scope, content)
    return answer if isinstance(answer, str) else refused(content, answer)


def ask(scope: Scope, content: str) -> Answer:
    """As ``look_up``; a function that has to wait gives an awaitable."""
    meaning = _meaning(content)
    if meaning.function is not None:
        answer = _ask_function(scope, meaning.function, meaning.name)
    else:
        answer = scope.lookup(meaning.name) or ""
    if not meaning.sliced:
        return answer
    if isinstance(answer, str):
        return substring(answer, meaning.offset, meaning.length)
    return _sliced_later(answer, meaning.offset, meaning.length)


# ---- reading the text ---------------------------------------------------------------------------------


class _Meaning(NamedTuple):
    """What stands between the braces: a variable's name, or a function with its argument string as ``name``."""

    function: str | None
    name: str
    sliced: bool
    offset: int
    length: int | None


@lru_cache(maxsize=2048)
def _meaning(content: str) -> _Meaning:
    depth = 0
    called = False
    bare = content
    cut = ""
    for index, char in enumerate(content):
        if char == "(":
            called = True
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == ":" and not depth:
            bare, cut = content[:index], content[index:]
            break
    offset, length = read_slice(cut) if cut else (0, None)
    if not called:
        return _Meaning(None, bare, bool(cut), offset, length)
    name, arguments = split_call(bare)
    return _Meaning(name, arguments, bool(cut), offset, length)


def _nodes(text: str) -> list[Node]:
    nodes: list[Node] = []
    literal = ""
    index, size = 0, len(text)
    while index < size:
        opened = _OPENED.search(text, index)
        if opened is None:
            literal += text[index:]
            break
        literal += text[index : opened.start()]
        braces = text[opened.end() - 1] == "{"
        content, index = _enclosed(text, opened.end(), braces)
        if braces:
            if literal:
                nodes.append(Literal(literal))
                literal = ""
            nodes.append(_reference(content))
            continue
        inner = _nodes(content)
        known = [node.text for node in inner if isinstance(node, Literal)]
        if len(known) == len(inner) and "(" not in content:
            literal += evaluate_text("".join(known))
            continue
        if literal:
            nodes.append(Literal(literal))
            literal = ""
        nodes.append(Calculation(inner))
    if literal:
        nodes.append(Literal(literal))
    return nodes


def _enclosed(text: str, start: int, braces: bool) -> tuple[str, int]:
    """What stands inside ``${...}`` or ``$[...]`` opened before start, and where the text goes on."""
    opening, closing, other = ("{", "}", "[") if braces else ("[", "]", "{")
    depth = 1
    index, size = start, len(text)
    while index < size:
        char = text[index]
        index += 1
        if char == opening:
            depth += 1
        elif char == closing:
            depth -= 1
            if not depth:
                return text[start : index - 1], index
        elif char == "$" and text.startswith(other, index):
            index += 1
    log.warning('"%s" has no closing "%s"', text, closing)
    return text[start:], size


def _reference(content: str) -> Node:
    if _OPENED.search(content) is None:
        meaning = _meaning(content)
        node: Node
        if meaning.function is not None:
            node = Call(meaning.function, meaning.name)
        elif meaning.name in CHANNEL_BUILTINS or meaning.name in HOST_BUILTINS:
            node = Predefined(meaning.name)
        else:
            node = Variable(meaning.name)
        return Sliced(node, meaning.offset, meaning.length) if meaning.sliced else node
    filled = _filled_call(content)
    return filled if filled is not None else Reference(Template(content, _nodes(content)))


_CALL = re.compile(r"([^${}():]+)\((.*)\)((?::[-0-9: ]*)?)", re.DOTALL)


def _filled_call(content: str) -> FilledCall | None:
    """A call whose name and closing parenthesis are literal; None when only run time can tell."""
    found = _CALL.fullmatch(content)
    if found is None:
        return None
    if _unfinished(content):
        return None
    name, arguments, cut = found.groups()
    return FilledCall(name, Template(arguments, _nodes(arguments)), cut)


def _unfinished(content: str) -> bool:
    """Whether a substitution inside is never closed, so that the call's own end would be inside it."""
    index = 0
    while (opened := _OPENED.search(content, index)) is not None:
        inside, index = _enclosed(content, opened.end(), content[opened.end() - 1] == "{")
        if opened.end() + len(inside) == len(content):
            return True
    return False


def _function_names(nodes: Sequence[Node]) -> set[str | None]:
    names: set[str | None] = set()
    for node in nodes:
        if isinstance(node, Call):
            names.add(node.name)
        elif isinstance(node, FilledCall):
            names.add(node.name)
            names |= node.arguments.names
        elif isinstance(node, Reference):
            names.add(None)
        elif isinstance(node, Sliced):
            names |= _function_names([node.source])
        elif isinstance(node, Calculation):
            names |= _function_names(node.gaps)
    return names


# ---- asking functions -----------------------------------------------------------------------------------


def _ask_function(scope: Scope, name: str, arguments: str) -> Answer:
    try:
        return scope.call(name, arguments)
    except FunctionError as error:
        log.error("%s", error)
        return ""


async def _awaited(answer: Awaitable[str]) -> str:
    try:
        return await answer
    except FunctionError as error:
        log.error("%s", error)
        return ""


async def _sliced_later(answer: Awaitable[str], offset: int, length: int | None) -> str:
    return substring(await _awaited(answer), offset, length)
