"""Arguments of applications and functions: their declaration, splitting and option letters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an application, function or action, as its manual lists it."""

    name: str
    required: bool = False
    text: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """(letter with its argument, meaning) for an argument made of option letters."""


class Syntax:
    """What an application or function takes.

    ``Syntax("filename", "[options]")`` declares one required and one optional argument;
    ``texts`` explains them and ``options`` lists option letters of the argument ``options``::

        Syntax("timeout", "[options]", timeout="Seconds to wait.", options={"m(class)": "Play music."})

    ``rest`` names a last argument that takes everything left, commas included.
    """

    __slots__ = ("arguments", "rest", "separator")

    def __init__(
        self,
        *names: str,
        options: dict[str, str] | None = None,
        rest: str = "",
        separator: str = ",",
        **texts: str,
    ) -> None:
        self.rest = rest
        self.separator = separator
        arguments = []
        for name in (*names, *((rest,) if rest else ())):
            bare = name.strip("[]")
            letters = tuple((options or {}).items()) if bare == "options" else ()
            arguments.append(Argument(bare, not name.startswith("["), texts.get(bare.replace("-", "_"), ""), letters))
        self.arguments: tuple[Argument, ...] = tuple(arguments)

    def split(self, data: str) -> list[str]:
        """Split an argument string as Asterisk's AST_STANDARD_APP_ARGS does."""
        if self.rest:
            return split_arguments(data, self.separator, len(self.arguments))
        return split_arguments(data, self.separator)

    def __str__(self) -> str:
        out = ""
        for index, argument in enumerate(self.arguments):
            text = (self.separator if index else "") + argument.name
            out += text if argument.required else f"[{text}]"
        return out


def split_arguments(data: str, separator: str = ",", limit: int = 0, *, raw: bool = False) -> list[str]:
    """Split at separators outside quotes, parentheses and brackets; quotes and backslashes are taken off.

    With ``limit``, the last of ``limit`` fields keeps all the rest, quotes and separators included. With ``raw``
    quotes and backslashes stay. An empty string has no fields; after a separator at the end there is an empty one.
    Parentheses and brackets count inside quotes too, as in Asterisk.
    """
    if not data:
        return []
    plain = '"' not in data and "\\" not in data and "(" not in data and "[" not in data
    if plain:
        return data.split(separator, limit - 1 if limit else -1)
    out: list[str] = []
    field: list[str] = []
    parens = brackets = 0
    quoted = False
    index, size = 0, len(data)
    separated = True
    while index < size or separated:
        separated = False
        if limit and len(out) == limit - 1:
            out.append(data[index:])
            return out
        while index < size:
            char = data[index]
            index += 1
            if char == "(":
                parens += 1
            elif char == ")":
                parens -= parens > 0
            elif char == "[":
                brackets += 1
            elif char == "]":
                brackets -= brackets > 0
            elif char == '"' and separator != '"':
                quoted = not quoted
                if not raw:
                    continue
            elif char == "\\":
                if raw:
                    field.append(char)
                if index < size:
                    field.append(data[index])
                    index += 1
                continue
            elif char == separator and not parens and not brackets and not quoted:
                separated = True
                break
            field.append(char)
        out.append("".join(field))
        field.clear()
    return out


class Options(dict[str, str]):
    """Option letters with optional arguments in parentheses: ``Options("tTm(default)S(10)")``.

    ``"m" in options``; ``options["m"]`` is the argument or ``""``; ``options.get("S")`` is None
    when the letter is absent. Letters are case-sensitive.
    """

    __slots__ = ()

    def __init__(self, text: str) -> None:
        index, size = 0, len(text)
        while index < size:
            letter = text[index]
            index += 1
            argument = ""
            if index < size and text[index] == "(":
                end = _closing(text, index)
                argument = text[index + 1 : end]
                if len(argument) >= 2 and argument[0] == argument[-1] == '"':
                    argument = argument[1:-1]
                index = end + 1
            self[letter] = argument

    def __missing__(self, letter: str) -> str:
        return ""


def _closing(text: str, start: int) -> int:
    """Index of the parenthesis that closes the one at start, or the end of the text."""
    depth = 0
    quoted = False
    for index in range(start, len(text)):
        char = text[index]
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return index
    return len(text)
