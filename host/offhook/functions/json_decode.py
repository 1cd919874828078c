"""JSON_DECODE: a value out of a JSON text."""

from __future__ import annotations

import json
import logging
from typing import Any

from offhook.dialplan.arguments import variable
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_json", "JSON related dialplan function")

_MOST_DEEP = 32


@module.function(
    "JSON_DECODE",
    Syntax("varname", "item", "[separator]", "[options]", options={"c": "For an array: how many elements it has."}),
    see_also=("CURL",),
)
def decode(scope: Scope, name: str, item: str, separator: str = "", options: str = "") -> str:
    """A value of the JSON text in a variable.

    The item is a key, or keys and array indexes (from 0) from the outside to the inside with a separator between
    them, a point by default: city.name, list.0. Truth values are 1 and 0, null and what does not exist are empty,
    arrays and objects come as JSON.
    """
    if not name or not item:
        raise FunctionError("JSON_DECODE needs a variable and a key: JSON_DECODE(varname,item)")
    if len(separator) > 1:
        log.warning('JSON_DECODE: "%s" is no single character to separate keys with; the point is taken', separator)
    text = variable(scope, name)
    if not text:
        return ""
    try:
        node = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FunctionError(f"JSON_DECODE: {name} holds no JSON: {error}") from error
    path = item.split(separator if len(separator) == 1 else ".")
    if not isinstance(node, dict | list):
        return ""
    for key in path[:_MOST_DEEP]:
        if isinstance(node, dict):
            node = node.get(key)
        elif isinstance(node, list):
            node = node[int(key)] if key.isdecimal() and int(key) < len(node) else None
        else:
            break
    return _shown(node, count="c" in options)


def _shown(node: Any, *, count: bool) -> str:
    if node is None:
        return ""
    if isinstance(node, bool):
        return str(int(node))
    if isinstance(node, str | int):
        return str(node).partition("\0")[0]
    if isinstance(node, float):
        return f"{node:.17g}" if node == int(node) else repr(node)
    if isinstance(node, list) and count:
        return str(len(node))
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"))
