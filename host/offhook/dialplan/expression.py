"""Expressions ``$[...]``: parsed once, evaluated often.

Asterisk substitutes variables into the text first and parses what results. Here the text is parsed
with gaps where variables stand; at each evaluation the gaps are filled with values. A value that is no plain
operand (empty, or with operators in it) changes how the text parses, so then the filled text is parsed
instead. Both ways give the same answer.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from offhook.dialplan import operators
from offhook.dialplan.operators import Constant, Numeral, Value

if TYPE_CHECKING:
    from offhook.dialplan.scope import Scope

log = logging.getLogger(__name__)

GAP = "\0"
"""Where a variable's value goes in a text that is parsed with gaps. No configuration text has this character."""

Step = Callable[["Scope | None", Sequence[str]], Value]
"""(scope, values of the gaps) -> value of one part of the expression."""

_OPERAND = r"[A-Za-z0-9.';\\_^#@\x80-\U0010ffff]|\$[^{]"
_TOKEN = re.compile(
    r"(?P<blank>[ \t\r\n]+)"
    r"|(?P<reference>(?:[A-Za-z0-9.';\\_^#@\x80-\U0010ffff]|\$[^{])*\$\{)"
    r"|(?P<operand>(?:[A-Za-z0-9.';\\_^#@\x80-\U0010ffff\0]|\$[^{])+)"
    r'|(?P<quoted>"[^"]*")'
    r"|(?P<operator>\|\|?|&&?|=~|==?|~~|>=?|<=?|!=|::?|[-+,*/%?!()])"
)
_PLAIN_OPERAND = re.compile(f"(?:{_OPERAND})+")
_NUMERAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_TRAIL = re.compile(r"[^-\t\r \n$():?%/+=*<>!|&]*")

_PLAIN_LIMIT = 10**18
"""Whole numbers below are shown as they are."""
_SAME = {"||": "|", "&&": "&", "==": "="}
_LEVELS: dict[str, int] = {
    "?": 1,
    "|": 2,
    "&": 3,
    "=": 4,
    ">": 4,
    "<": 4,
    ">=": 4,
    "<=": 4,
    "!=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
    ":": 8,
    "=~": 8,
    "~~": 8,
}
_PREFIX_LEVEL = 7


class ExpressionError(ValueError):
    """The text is no expression; ``column`` counts from 1."""

    def __init__(self, sentence: str, column: int) -> None:
        super().__init__(sentence)
        self.column = column


class _Irregular(Exception):
    """A value does not fit its gap as one operand."""


class Expression:
    """A parsed expression with gaps. ``pieces`` are its texts with None for each gap."""

    __slots__ = ("_pieces", "_run")

    def __init__(self, pieces: Sequence[str | None]) -> None:
        self._pieces = tuple(pieces)
        self._run: Step | None = None
        if not any(piece and GAP in piece for piece in self._pieces):
            try:
                self._run = _parse("".join(GAP if piece is None else piece for piece in self._pieces))
            except ExpressionError:
                self._run = None

    def evaluate(self, scope: Scope | None, values: Sequence[str] = ()) -> str:
        """The value as text; "0" after a warning when the filled text is no expression."""
        if self._run is not None:
            try:
                value = self._run(scope, values)
            except _Irregular:
                return evaluate_text(self.filled(values), scope)
            if type(value) is int and -_PLAIN_LIMIT < value < _PLAIN_LIMIT:
                return str(value)
            return value if isinstance(value, str) else operators.show(value)
        return evaluate_text(self.filled(values), scope)

    def filled(self, values: Sequence[str]) -> str:
        """The text with the values in the gaps."""
        rest = iter(values)
        return "".join(next(rest) if piece is None else piece for piece in self._pieces)


def evaluate_text(text: str, scope: Scope | None = None) -> str:
    """The value of an expression without variables in it; "0" after a warning when it is none.

    When it is one with more text after it, that is warned of, and counts for nothing.
    """
    text = text.replace(GAP, "")
    step, error = _parsed(text)
    if step is None:
        assert error is not None
        log.warning('expression "%s" is wrong at column %d: %s; it counts as 0', text, error.column, error)
        return "0"
    value = step(scope, ())
    shown = value if isinstance(value, str) else operators.show(value)
    if error is not None:
        log.warning(
            'expression "%s" is wrong at column %d: %s; what is before counts: %s', text, error.column, error, shown
        )
    return shown


@lru_cache(maxsize=512)
def _parsed(text: str) -> tuple[Step | None, ExpressionError | None]:
    """The expression that a text begins with, and what is wrong with it or after it."""
    parser = _Parser(text)
    try:
        step = parser.whole()
    except ExpressionError as error:
        return None, error
    return step, parser.rest()


def _parse(text: str) -> Step:
    parser = _Parser(text)
    step = parser.whole()
    if (error := parser.rest()) is not None:
        raise error
    return step


# ---- reading ----------------------------------------------------------------------------------------


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, text, column from 1); kinds are operand, quoted, operator, end."""
    found = []
    index, size = 0, len(text)
    while index < size:
        match = _TOKEN.match(text, index)
        if match is None:
            index += 1
            continue
        kind = str(match.lastgroup)
        if kind == "reference":
            end = _reference_end(text, match.end())
            if end is None:
                break
            found.append(("operand", text[index:end], index + 1))
            index = end
            continue
        if kind != "blank":
            token = match.group()
            found.append((kind, _SAME.get(token, token) if kind == "operator" else token, index + 1))
        index = match.end()
    found.append(("end", "", size + 1))
    return found


def _reference_end(text: str, index: int) -> int | None:
    """Where an operand with a leftover ``${...}`` in it ends; None when the brace is never closed."""
    while True:
        depth = 0
        while depth >= 0:
            brace = re.compile("[{}]").search(text, index)
            if brace is None:
                return None
            depth += 1 if brace.group() == "{" else -1
            index = brace.end()
        trail = _TRAIL.match(text, index)
        index = trail.end() if trail else index
        if not text.startswith("${", index):
            return index
        index += 2


class _Parser:
    __slots__ = ("gaps", "index", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.index = 0
        self.gaps = 0

    def whole(self) -> Step:
        """The expression at the beginning; an empty one where the text begins with what begins none."""
        kind, token, _ = self.tokens[0]
        if kind == "end" or (kind == "operator" and token not in "(-!"):
            return Constant("")
        return self.expression(0)

    def rest(self) -> ExpressionError | None:
        """What is wrong with the text after the expression; None when there is none."""
        return None if self.tokens[self.index][0] == "end" else self.unexpected()

    def unexpected(self) -> ExpressionError:
        kind, token, column = self.tokens[self.index]
        if kind == "end":
            return ExpressionError("it ends where an operand is needed", column)
        return ExpressionError(f'"{token.replace(GAP, "...")}" does not fit there', column)

    def expression(self, floor: int) -> Step:
        """An expression of operators that bind tighter than ``floor``."""
        left = self.operand()
        while True:
            kind, token, _ = self.tokens[self.index]
            level = _LEVELS.get(token, 0) if kind == "operator" else 0
            if level <= floor:
                return left
            self.index += 1
            if token == "?":
                middle = self.expression(0)
                if self.tokens[self.index][1] != "::":
                    raise ExpressionError('"?" needs "::" between its two results', self.tokens[self.index][2])
                self.index += 1
                left = operators.conditional(left, middle, self.expression(level))
            else:
                left = operators.BINARY[token](left, self.expression(level))

    def operand(self) -> Step:
        kind, token, _ = self.tokens[self.index]
        if kind in ("operand", "quoted"):
            self.index += 1
            following = self.tokens[self.index]
            read = self.token(kind, token)
            if following[0] == "operator" and following[1] == "(":
                self.index += 1
                return operators.call(read, self.arguments())
            return read
        if kind == "operator" and token == "(":
            self.index += 1
            inner = self.expression(0)
            self.expect(")")
            return inner
        if kind == "operator" and token in "-!":
            self.index += 1
            return operators.PREFIX[token](self.expression(_PREFIX_LEVEL))
        raise self.unexpected()

    def arguments(self) -> list[Step]:
        found = [self.expression(0)]
        while self.tokens[self.index][1] == "," and self.tokens[self.index][0] == "operator":
            self.index += 1
            kind, token, _ = self.tokens[self.index]
            if kind == "operator" and token in ",)":
                found.append(lambda scope, values: "")
            else:
                found.append(self.expression(0))
        self.expect(")")
        return found

    def expect(self, operator: str) -> None:
        kind, token, _ = self.tokens[self.index]
        if kind != "operator" or token != operator:
            raise self.unexpected()
        self.index += 1

    def token(self, kind: str, text: str) -> Step:
        count = text.count(GAP)
        if not count:
            return Constant(operand_value(text) if kind == "operand" else text)
        first = self.gaps
        self.gaps += count
        if kind == "quoted":
            return _quoted(text.split(GAP), first)
        if text == GAP:
            return _gap(first)
        return _mixed(text.split(GAP), first)


def operand_value(text: str) -> Value:
    """The value of an unquoted operand: a number when it reads as one."""
    if text.isdecimal() and text.isascii() and len(text) < 19 and (text[0] != "0" or len(text) == 1):
        return int(text)
    return Numeral(text) if _NUMERAL.fullmatch(text) else text


def _gap(index: int) -> Step:
    def read(scope: Scope | None, values: Sequence[str]) -> Value:
        text = values[index]
        if text.isdecimal() and (text[0] != "0" or len(text) == 1) and len(text) < 19 and text.isascii():
            return int(text)
        if _PLAIN_OPERAND.fullmatch(text) is None:
            raise _Irregular
        return Numeral(text) if _NUMERAL.fullmatch(text) else text

    return read


def _mixed(texts: list[str], first: int) -> Step:
    def read(scope: Scope | None, values: Sequence[str]) -> Value:
        text = texts[0]
        for index, literal in enumerate(texts[1:], first):
            text += values[index] + literal
        if _PLAIN_OPERAND.fullmatch(text) is None:
            raise _Irregular
        return operand_value(text)

    return read


def _quoted(texts: list[str], first: int) -> Step:
    def read(scope: Scope | None, values: Sequence[str]) -> Value:
        text = texts[0]
        for index, literal in enumerate(texts[1:], first):
            value = values[index]
            if '"' in value:
                raise _Irregular
            text += value + literal
        return text

    return read
