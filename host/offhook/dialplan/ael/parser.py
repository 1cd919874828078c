"""Reading AEL text into its tree."""

from __future__ import annotations

import re

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

_WORD = re.compile(r"[^\s{}();=,&:/]+(?:/[^\s{}();=,&:/]+)*")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_SPECIAL = frozenset(
    (
        "if",
        "iftime",
        "random",
        "while",
        "for",
        "switch",
        "goto",
        "jump",
        "return",
        "break",
        "continue",
        "catch",
        "local",
    )
)


class Reader:
    """The text with a position in it; comments are blanked out beforehand, lines keep their numbers."""

    def __init__(self, text: str, file: str) -> None:
        self.text = _without_comments(text)
        self.file = file
        self.at = 0

    @property
    def line(self) -> int:
        """The number of the line that is being read."""
        return self.text.count("\n", 0, self.at) + 1

    def error(self, sentence: str, line: int = 0) -> AelError:
        """The error to raise at this place."""
        return AelError(self.file, line or self.line, sentence)

    def skip(self) -> None:
        """Go over blanks."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def peek(self, expected: str) -> bool:
        """Whether that text comes next."""
        self.skip()
        return self.text.startswith(expected, self.at)

    def take(self, expected: str) -> bool:
        """Go over that text if it comes next."""
        if self.peek(expected):
            self.at += len(expected)
            return True
        return False

    def need(self, expected: str) -> None:
        """Go over that text; AelError when something else is there."""
        if not self.take(expected):
            found = self.text[self.at : self.at + 20].split("\n")[0] or "the end of the file"
            raise self.error(f'"{expected}" is expected before "{found}"')

    def word(self, what: str) -> str:
        """A name; AelError when there is none."""
        self.skip()
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise self.error(f"{what} is expected")
        self.at = match.end()
        return match.group()

    def keyword(self) -> str:
        """The name that comes next, in lower case, without going over it."""
        self.skip()
        match = _NAME.match(self.text, self.at)
        return match.group().lower() if match else ""

    def until(self, ends: str) -> str:
        """Text up to one of these characters outside brackets and quotes; the character is not gone over."""
        start, depth, quoted, opened = self.at, 0, False, self.line
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\":
                self.at += 2
                continue
            if char == '"':
                quoted = not quoted
            elif not quoted:
                if depth == 0 and char in ends:
                    return self.text[start : self.at].strip()
                if char in "([{":
                    depth += 1
                elif char in ")]}":
                    depth -= 1
                    if depth < 0:
                        return self.text[start : self.at].strip()
            self.at += 1
        raise self.error(f"one of {' '.join(ends)} is missing", opened)


def _without_comments(text: str) -> str:
    out: list[str] = []
    index = 0
    while index < len(text):
        if text.startswith("/*", index):
            end = text.find("*/", index + 2)
            end = len(text) if end < 0 else end + 2
            out.append("".join("\n" if char == "\n" else " " for char in text[index:end]))
            index = end
        elif text.startswith("//", index) and (index == 0 or text[index - 1] not in ":\\"):
            end = text.find("\n", index)
            index = len(text) if end < 0 else end
        else:
            out.append(text[index])
            index += 1
    return "".join(out)


def parse_ael(text: str, file: str) -> AelFile:
    """The tree of a file's text. Raises AelError."""
    reader, found = Reader(text, file), AelFile()
    while True:
        reader.skip()
        if reader.at >= len(reader.text):
            return found
        if reader.take(";"):
            continue
        word = reader.keyword()
        line = reader.line
        if word == "globals":
            reader.word("globals")
            found.globals += _globals(reader)
        elif word in ("context", "abstract", "extend", "macro"):
            found.contexts.append(_context(reader, line))
        else:
            raise reader.error(f'"{word or reader.text[reader.at]}": context, macro or globals is expected')


def _globals(reader: Reader) -> list[tuple[str, str]]:
    found = []
    reader.need("{")
    while not reader.take("}"):
        if reader.take(";"):
            continue
        name = reader.until("=;")
        reader.need("=")
        value = reader.until(";")
        reader.need(";")
        found.append((name, value.strip('"')))
    return found


def _context(reader: Reader, line: int) -> AelContext:
    abstract = extends = False
    while (word := reader.word("context").lower()) in ("abstract", "extend"):
        abstract |= word == "abstract"
        extends |= word == "extend"
    context = AelContext(line, reader.word("a name"), abstract, extends)
    if word == "macro":
        context.arguments = []
        reader.need("(")
        text = reader.until(")")
        reader.need(")")
        context.arguments = [name.strip() for name in text.split(",") if name.strip()]
    reader.need("{")
    while not reader.take("}"):
        if reader.take(";"):
            continue
        keyword = reader.keyword()
        if keyword in ("includes", "switches", "eswitches"):
            reader.word(keyword)
            entries = _list(reader)
            if keyword == "includes":
                context.includes += entries
            else:
                context.switches += [(entry, keyword == "eswitches") for entry in entries]
        elif keyword == "ignorepat":
            reader.word(keyword)
            reader.need("=>")
            context.ignored.append(reader.until(";"))
            reader.need(";")
        elif context.arguments is not None:
            context.body.append(_statement(reader))
        else:
            context.extensions.append(_extension(reader))
    return context


def _list(reader: Reader) -> list[str]:
    found = []
    reader.need("{")
    while not reader.take("}"):
        entry = reader.until(";")
        reader.need(";")
        if entry:
            found.append(entry.replace("|", ","))
    return found


def _extension(reader: Reader) -> AelExtension:
    line, hint, regexten = reader.line, "", False
    while reader.keyword() in ("regexten", "hint"):
        if reader.keyword() == "regexten":
            reader.word("regexten")
            regexten = True
        else:
            reader.word("hint")
            reader.need("(")
            hint = reader.until(")")
            reader.need(")")
    reader.skip()
    start = reader.at
    arrow = reader.text.find("=>", start)
    end = reader.text.find("\n", start)
    if arrow < 0 or (0 <= end < arrow and reader.text[start:arrow].strip().count("\n")):
        raise reader.error('an extension is written as "name => statement"')
    name = reader.text[start:arrow].strip()
    reader.at = arrow + 2
    name, slash, caller = name.partition("/")
    body = _block(reader)
    return AelExtension(line, name.strip(), body, hint, caller.strip() if slash else None, regexten)


def _block(reader: Reader) -> list[Statement]:
    """One statement, or several in braces."""
    if not reader.take("{"):
        if reader.take(";"):
            return []
        return [_statement(reader)]
    found: list[Statement] = []
    while not reader.take("}"):
        if reader.take(";"):
            continue
        if reader.peek("{"):
            found += _block(reader)
            continue
        found.append(_statement(reader))
    return found


def _condition(reader: Reader) -> str:
    reader.need("(")
    text = reader.until(")")
    reader.need(")")
    return text


def _statement(reader: Reader) -> Statement:
    line = reader.line
    keyword = reader.keyword()
    if keyword in _SPECIAL:
        start = reader.at
        reader.word(keyword)
        reader.skip()
        following = reader.text[reader.at : reader.at + 1]
        if following != "=" and not (following == "(" and keyword in ("goto", "return")):
            return _special(reader, keyword, line)
        reader.at = start
    if reader.take("&"):
        name = reader.word("a macro's name")
        arguments = _condition(reader)
        reader.need(";")
        return MacroCall(line, name, arguments)
    text = reader.until(";=:({")
    if reader.take(":"):
        return Label(line, text)
    if reader.take("="):
        value = reader.until(";")
        reader.need(";")
        return Assign(line, text, value)
    if reader.peek("("):
        arguments = _condition(reader)
        if reader.take("="):  # CDR(field)=value
            value = reader.until(";")
            reader.need(";")
            return Assign(line, f"{text}({arguments})", value)
        reader.need(";")
        return Call(line, text, arguments)
    reader.need(";")
    if not text:
        raise reader.error("a statement is expected", line)
    return Call(line, text, "")


def _special(reader: Reader, keyword: str, line: int) -> Statement:
    if keyword in ("if", "iftime", "random"):
        condition = _condition(reader)
        then = _block(reader)
        otherwise: list[Statement] = []
        if reader.keyword() == "else":
            reader.word("else")
            otherwise = _block(reader)
        return If(line, keyword, condition, then, otherwise)
    if keyword == "while":
        condition = _condition(reader)
        return While(line, condition, _block(reader))
    if keyword == "for":
        reader.need("(")
        first = reader.until(";")
        reader.need(";")
        condition = reader.until(";")
        reader.need(";")
        step = reader.until(")")
        reader.need(")")
        return While(line, condition, _block(reader), first, step)
    if keyword == "switch":
        return _switch(reader, line)
    if keyword == "catch":
        name = reader.word("an extension")
        return Catch(line, name, _block(reader))
    if keyword == "local":
        name = reader.until("=")
        reader.need("=")
        value = reader.until(";")
        reader.need(";")
        return Assign(line, name, value, local=True)
    text = reader.until(";")
    reader.need(";")
    if keyword in ("goto", "jump"):
        return Goto(line, text, jump=keyword == "jump")
    return Leave(line, keyword, text)


def _switch(reader: Reader, line: int) -> Switch:
    value = _condition(reader)
    cases: list[Case] = []
    reader.need("{")
    while not reader.take("}"):
        start = reader.line
        kind = reader.word("case, pattern or default").lower()
        if kind not in ("case", "pattern", "default"):
            raise reader.error(f'"{kind}": case, pattern or default is expected', start)
        text = "" if kind == "default" else reader.until(":")
        reader.need(":")
        body: list[Statement] = []
        while not reader.peek("}") and reader.keyword() not in ("case", "pattern", "default"):
            if reader.take(";"):
                continue
            body += _block(reader) if reader.peek("{") else [_statement(reader)]
        cases.append(Case(start, kind, text, body))
    return Switch(line, value, cases)
