"""Functions that look at a text or make another one of it."""

from __future__ import annotations

import logging

from offhook.dialplan.arguments import escaped, escaped_char, from_octets, integer, octets, variable
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.posix import RegexError, compile_regex
from offhook.dialplan.scope import MOST_NESTED, Scope
from offhook.functions.strings.declaration import module
from offhook.modules import Syntax, split_arguments

log = logging.getLogger(__name__)

_BLANKS = " \t\n\r\f\v"


@module.function("LEN", Syntax("string"), raw=True)
def length(scope: Scope, text: str) -> str:
    """The length of a text in octets.

    ${LEN(example)} is 7.
    """
    return str(len(text) if text.isascii() else len(octets(text)))


@module.function("TOUPPER", Syntax("string"), see_also=("TOLOWER",), raw=True)
def to_upper(scope: Scope, text: str) -> str:
    """A text with its letters a-z in upper case."""
    return text.upper() if text.isascii() else from_octets(octets(text).upper())


@module.function("TOLOWER", Syntax("string"), see_also=("TOUPPER",), raw=True)
def to_lower(scope: Scope, text: str) -> str:
    """A text with its letters A-Z in lower case."""
    return text.lower() if text.isascii() else from_octets(octets(text).lower())


@module.function("TRIM", Syntax("string"), see_also=("LTRIM", "RTRIM"), raw=True)
def trim(scope: Scope, text: str) -> str:
    """A text without blanks at its beginning and end."""
    return text.strip(_BLANKS)


@module.function("LTRIM", Syntax("string"), see_also=("TRIM", "RTRIM"), raw=True)
def trim_left(scope: Scope, text: str) -> str:
    """A text without blanks at its beginning."""
    return text.lstrip(_BLANKS)


@module.function("RTRIM", Syntax("string"), see_also=("TRIM", "LTRIM"), raw=True)
def trim_right(scope: Scope, text: str) -> str:
    """A text without blanks at its end."""
    return text.rstrip(_BLANKS)


@module.function("PASSTHRU", Syntax("[string]"), raw=True)
def pass_through(scope: Scope, text: str) -> str:
    """The argument itself.

    Lets functions that take a variable's name work on a text: ${CUT(PASSTHRU(a-b-c),-,2)} is b.
    """
    return text


@module.function("QUOTE", Syntax("string"), see_also=("CSV_QUOTE",), raw=True)
def quote(scope: Scope, text: str) -> str:
    """A text in double quotes, with a backslash before each quote and backslash in it."""
    if not text:
        log.warning("QUOTE() has no text to quote")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@module.function("CSV_QUOTE", Syntax("string"), see_also=("QUOTE",), raw=True)
def csv_quote(scope: Scope, text: str) -> str:
    """A text as a field of a comma-separated file: in double quotes, with each quote in it doubled."""
    return '"' + text.replace('"', '""') + '"'


@module.function("KEYPADHASH", Syntax("string"), raw=True)
def keypad_hash(scope: Scope, text: str) -> str:
    """The keys of a telephone that carry the letters of a text; other characters are left out.

    ${KEYPADHASH(Les)} is 537.
    """
    return "".join(_KEYPAD.get(char, "") for char in text)


_KEYPAD = {"0": "0", "1": "1"}
for _key, _letters in (
    ("2", "AaBbCc2"),
    ("3", "DdEeFf3"),
    ("4", "GgHhIi4"),
    ("5", "JjKkLl5"),
    ("6", "MmNnOo6"),
    ("7", "PpQqRrSs7"),
    ("8", "TtUuVv8"),
    ("9", "WwXxYyZz9"),
):
    _KEYPAD.update(dict.fromkeys(_letters, _key))


@module.function("FILTER", Syntax("allowed-chars", "string"), raw=True)
def filtered(scope: Scope, data: str) -> str:
    """Only those characters of a text that are allowed.

    The allowed characters are listed, or given as ranges such as a-z. A dash, and any other character, may be
    written with a backslash before it; \\n, \\r, \\t, \\xHH and \\0nnn are known as well.
    """
    fields = split_arguments(data, limit=2, raw=True)
    if len(fields) < 2:
        raise FunctionError("FILTER needs the allowed characters and a text: FILTER(allowed-chars,string)")
    allowed = _allowed(fields[0])
    return from_octets(bytes(octet for octet in octets(fields[1]) if octet in allowed))


def _allowed(text: str) -> set[int]:
    if text.startswith('"'):
        log.warning('FILTER(%s,...) allows the character "; quotes are not taken off here', text)
    allowed: set[int] = set()
    while text:
        first, size = escaped_char(text)
        text = text[size:]
        if not text.startswith("-"):
            allowed.update(octets(first))
            continue
        last, size = escaped_char(text[1:]) if len(text) > 1 else (first, 0)
        text = text[1 + size :]
        low, high = octets(first)[0], octets(last)[0]
        if high < low:
            log.warning("FILTER: the range %s-%s runs over the end of the alphabet", first, last)
            high += 256
        allowed.update(octet & 255 for octet in range(low, high + 1))
    allowed.discard(0)
    return allowed


@module.function("REPLACE", Syntax("varname", "find-chars", "[replace-char]"), see_also=("STRREPLACE",))
def replace(scope: Scope, name: str, find: str, replacement: str = "") -> str:
    """The value of a variable with each of some characters replaced by another, or left out.

    The variable itself does not change.
    """
    characters = escaped(find)
    if not characters or not name:
        raise FunctionError("REPLACE needs a variable and the characters to look for")
    new = escaped_char(replacement)[0] if replacement else ""
    return "".join(new if char in characters else char for char in variable(scope, name))


@module.function(
    "STRREPLACE",
    Syntax("varname", "find-string", "[replace-string]", "[max-replacements]"),
    see_also=("REPLACE",),
)
def string_replace(scope: Scope, name: str, find: str, replacement: str = "", most: str = "", unused: str = "") -> str:
    """The value of a variable with a text in it replaced by another, at most so many times.

    The variable itself does not change.
    """
    if not find:
        raise FunctionError("STRREPLACE needs a text to look for")
    times = integer(most) or 0
    return variable(scope, name).replace(find, replacement, times if times > 0 else -1)


@module.function("STRBETWEEN", Syntax("varname", "insert-string"))
def string_between(scope: Scope, name: str, insertion: str, *more: str) -> str:
    """The value of a variable with a text put between its characters.

    With 5551 in digits, ${STRBETWEEN(digits,w)} is 5w5w5w1.
    """
    if more or not name:
        raise FunctionError("STRBETWEEN needs the name of a variable and one text: STRBETWEEN(varname,insert-string)")
    return insertion.join(variable(scope, name))


@module.function("REGEX", Syntax('"regular expression"', "string", separator=" "), raw=True)
def regex(scope: Scope, data: str) -> str:
    """Whether a text fits an extended regular expression: 1 or 0.

    The expression stands in double quotes: REGEX("^5" 555). One blank after the closing quote is skipped. A backslash
    of the expression is written twice, and quotes do not end it inside brackets: REGEX("\\\\[C-[0-9]+\\\\]" [C-1]).
    """
    fields = split_arguments(data, '"', 3)
    if len(fields) < 3:
        raise FunctionError('REGEX needs an expression in double quotes and a text: REGEX("expression" text)')
    text = fields[2][1:] if fields[2][:1] in (" ", "\t") else fields[2]
    try:
        found = compile_regex(fields[1]).search(text)
    except RegexError as error:
        raise FunctionError(f'REGEX: "{fields[1]}" is no regular expression: {error}') from error
    return "0" if found is None else "1"


@module.function("EVAL", Syntax("variable"), raw=True)
async def evaluate(scope: Scope, text: str) -> str:
    """The text with variables, functions and expressions in it evaluated once more.

    With ${EXTEN} as the text of the variable template, ${EVAL(${template})} is the extension.
    """
    if not text:
        raise FunctionError("EVAL needs a text to evaluate")
    if scope.depth >= MOST_NESTED:
        raise FunctionError(f"EVAL is nested more than {MOST_NESTED} deep; a text probably evaluates itself")
    scope.depth += 1
    try:
        return await scope.expanded(text)
    finally:
        scope.depth -= 1
