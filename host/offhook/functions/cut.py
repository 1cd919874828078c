"""CUT and SORT."""

from __future__ import annotations

import logging
import re
import sys

from offhook.dialplan.arguments import escaped_char, number, variable
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_cut", "Cut out information from a string")

_RANGE = re.compile(r"\s*([-+]?\d+)(-)?\s*([-+]?\d+)?", re.ASCII)


@module.function("CUT", Syntax("varname", "char-delim", "range-spec"), see_also=("FIELDQTY", "SORT"))
def cut(scope: Scope, name: str, separator: str, ranges: str) -> str:
    """Some fields of the value of a variable.

    The delimiter is - unless another character is given. Fields count from 1 and are chosen as 2, 2-4, -3, 2- or
    several of these with & between, in rising order: ${CUT(list,/,1&3-)}.
    """
    between = escaped_char(separator)[0] if separator else "-"
    value = variable(scope, name)
    fields = value.split(between) if value else []
    at = 1
    chosen: list[str] = []
    for part in ranges.split("&"):
        if at > len(fields):
            break
        start, stop = _range(part)
        if at > start:
            log.warning("CUT(%s,%s,%s): fields are taken in rising order only", name, separator, ranges)
        at = max(at, start)
        if at <= stop:
            chosen += fields[at - 1 : stop]
            at = min(stop, len(fields)) + 1
    return between.join(chosen)


def _range(text: str) -> tuple[int, int]:
    if text.startswith("-") and text[1:2].isdigit():
        end = _RANGE.match(text, 1)
        assert end is not None
        return 1, int(end.group(1))
    found = _RANGE.match(text)
    if found is None:
        raise FunctionError(f'CUT: "{text}" chooses no fields; write 2, 2-4, -3 or 2-')
    start = int(found.group(1))
    if found.group(2) is None:
        return start, start
    return start, int(found.group(3)) if found.group(3) else sys.maxsize


@module.function("SORT", Syntax("key1:val1", "[key2:val2[,...]]"), see_also=("CUT",), raw=True)
def sort(scope: Scope, data: str) -> str:
    """The keys of a list of key:value, sorted by their values as numbers.

    ${SORT(a:3,b:1,c:2)} is b,c,a.
    """
    pairs = [entry.partition(":") for entry in data.split(",")]
    return ",".join(key for key, _, _ in sorted((pair for pair in pairs if pair[1]), key=lambda p: number(p[2]) or 0.0))
