"""Answers of the manager as XML or HTML, for browsers."""

from __future__ import annotations

import re

from offhook.markup import escape

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9]")


def blocks(text: str) -> list[list[tuple[str, str, str]]]:
    """The blocks of an answer as names, suffixes and values; text without names is one value named Opaque-data.

    A name that comes again gets its number as a suffix: ``Output``, ``Output-2``.
    """
    found = []
    for block in re.split(r"(?:\r?\n){2,}", text.strip("\r\n")):
        pairs: list[tuple[str, str, str]] = []
        counts: dict[str, int] = {}
        opaque: list[str] = []
        for line in block.splitlines():
            name, colon, value = line.rstrip().partition(":")
            if opaque or not colon:
                opaque.append(line.rstrip())
                continue
            name = name.rstrip()
            counts[name] = number = counts.get(name, 0) + 1
            pairs.append((name, f"-{number}" if number > 1 else "", value.lstrip()))
        if opaque:
            pairs.append(("Opaque-data", "", "\n".join(opaque)))
        if pairs:
            found.append(pairs)
    return found


def as_xml(text: str, destination: str = "", kind: str = "") -> str:
    """An answer for /mxml; ``destination`` and ``kind`` are the request's ajaxdest and ajaxobjtype."""
    out = ["<ajax-response>\n"]
    for pairs in blocks(text):
        attributes = "".join(f" {_attribute(name)}{suffix}='{_escape(value)}'" for name, suffix, value in pairs)
        out.append(
            f"<response type='object' id='{_escape(destination or 'unknown')}'>"
            f"<{_attribute(kind or 'generic')}{attributes} /></response>\n"
        )
    out.append("</ajax-response>\n")
    return "".join(out)


def _attribute(name: str) -> str:
    clean = _NOT_A_NAME.sub("_", name).lower()
    return "_" + clean if clean[:1].isdigit() else clean


def _escape(text: str) -> str:
    return escape(text).replace("&#x27;", "&apos;")


_FORM = """\
<form action="manager" method="post">
Action <input name="action" list="actions"> command <input name="command"><br>
user <input name="username"> secret <input type="password" name="secret"><br>
<input type="submit">
<datalist id="actions">
<option value="login"><option value="command"><option value="waitevent"><option value="listcommands">
</datalist>
</form>
"""

_DIGEST_FORM = """\
<form method="post">
Action <input name="action"> command <input name="command"> <input type="submit">
</form>
"""


def as_html(text: str, *, login: bool) -> str:
    """An answer for /manager: a table below a form to try actions with."""
    row = '<tr><td colspan="2" bgcolor="#f1f1ff">{}</td></tr>\r\n'
    out = [
        "<title>Manager Interface</title>",
        '<body bgcolor="#ffffff"><table align=center bgcolor="#f1f1f1" width="500">\r\n',
        row.format("<h1>Manager</h1>"),
        row.format(_FORM if login else _DIGEST_FORM),
    ]
    for pairs in blocks(text):
        for name, suffix, value in pairs:
            shown = escape(value).replace("\n", "<br>\n")
            out.append(f"<tr><td>{escape(name)}{suffix}</td><td>{shown}</td></tr>\n")
        out.append('<tr><td colspan="2"><hr></td></tr>\r\n')
    out.append("</table></body>\r\n")
    return "".join(out)
