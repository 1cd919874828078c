"""Event filters of manager users and sessions, in the older and the newer syntax of manager.conf."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from offhook.dialplan.posix import Regex, RegexError


class FilterError(Exception):
    """A filter that makes no sense; ``compile`` tells that its regular expression is wrong."""

    def __init__(self, text: str, *, compile: bool = False) -> None:
        super().__init__(text)
        self.compile = compile


class Method(Enum):
    """How a filter's expression is compared with an event or one of its headers."""

    REGEX = "regex"
    EXACT = "exact"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    CONTAINS = "contains"
    NONE = "none"


@dataclass(slots=True)
class Filter:
    """One filter: which events it means, and whether it lets them through or keeps them back."""

    exclude: bool
    event: str
    """Empty: every event."""
    header: str
    """With its colon; empty: the whole event."""
    method: Method
    expression: str
    regex: Regex | None = None

    def matches(self, name: str, text: str) -> bool:
        """Whether the filter means this event; ``text`` is all of it."""
        if self.event and self.event != name:
            return False
        if not self.header:
            return self._fits(text)
        for line in text.split("\r\n"):
            if line.startswith(self.header):
                value = line[len(self.header) :].lstrip()
                if value and self._fits(value):
                    return True
        return False

    def _fits(self, text: str) -> bool:
        if self.method is Method.REGEX:
            return self.regex is not None and self.regex.search(text) is not None
        if self.method is Method.EXACT:
            return text == self.expression
        if self.method is Method.STARTS_WITH:
            return text.startswith(self.expression)
        if self.method is Method.ENDS_WITH:
            return text.endswith(self.expression)
        return self.method is Method.NONE or self.expression in text


class Filters:
    """Filters that work together: includes choose first, excludes take away; without any, everything passes."""

    __slots__ = ("excludes", "includes")

    def __init__(self) -> None:
        self.includes: list[Filter] = []
        self.excludes: list[Filter] = []

    def __bool__(self) -> bool:
        return bool(self.includes or self.excludes)

    def __len__(self) -> int:
        return len(self.includes) + len(self.excludes)

    def add(self, criteria: str, expression: str) -> None:
        """Add ``eventfilter = expression`` or ``eventfilter(criteria) = expression``. Raises FilterError."""
        made = parse_filter(criteria, expression)
        (self.excludes if made.exclude else self.includes).append(made)

    def copy(self) -> Filters:
        """The same filters, to which others can be added."""
        other = Filters()
        other.includes = list(self.includes)
        other.excludes = list(self.excludes)
        return other

    def pass_on(self, name: str, text: str) -> bool:
        """Whether an event gets through."""
        if self.includes and not any(one.matches(name, text) for one in self.includes):
            return False
        return not any(one.matches(name, text) for one in self.excludes)


_OPTION = re.compile(r"[^ ,)]+")


def parse_filter(criteria: str, expression: str) -> Filter:
    """A filter by what stands left and right of ``=`` in manager.conf. Raises FilterError."""
    made = Filter(False, "", "", Method.REGEX, expression)
    if expression.startswith("!"):
        made.exclude, made.expression = True, expression[1:]
    _, opened, options = criteria.partition("(")
    if opened:
        _options(made, options.rstrip(), criteria)
    elif not made.expression:
        raise FilterError(f"{criteria}: write an expression, or criteria such as eventfilter(name(Hangup))")
    if made.method is Method.REGEX:
        try:
            made.regex = Regex(made.expression)
        except RegexError as error:
            raise FilterError(f"{criteria} = {expression}: {error}", compile=True) from None
    return made


def _options(made: Filter, options: str, criteria: str) -> None:
    made.method = Method.NONE
    if not options.endswith(")"):
        raise FilterError(f"{criteria}: the criteria must end in a parenthesis")
    found = set()
    for option in _OPTION.findall(options):
        word, opened, value = option.partition("(")
        if not opened or not value:
            raise FilterError(f'{criteria}: "{option}" needs a value in parentheses')
        if word == "action" and value in ("include", "exclude"):
            made.exclude = value == "exclude"
        elif word == "name":
            made.event = value
        elif word == "header":
            made.header = value if value.endswith(":") else value + ":"
        elif word == "method" and value in {method.value for method in Method}:
            made.method = Method(value)
        else:
            raise FilterError(f'{criteria}: "{option}" is unknown; write action, name, header and method')
        found.add(word)
    if not found:
        raise FilterError(f"{criteria}: write action, name, header or method in the parentheses")
    if not made.expression and made.method is not Method.NONE:
        raise FilterError(f"{criteria}: method({made.method.value}) needs an expression behind the =")
    if made.expression and made.method is Method.NONE:
        raise FilterError(f"{criteria}: an expression needs a method, such as method(contains)")
    if not made.event and not made.header and made.method is Method.NONE:
        raise FilterError(f"{criteria}: this means every event; add name(...) or header(...)")
