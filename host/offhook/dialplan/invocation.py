"""Calls of dialplan functions as they are written: ``NAME(arguments)``."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from inspect import iscoroutine
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.modules import Function

log = logging.getLogger(__name__)


class FunctionError(Exception):
    """A dialplan function cannot give a value; the sentence is logged and the value is empty."""


def split_call(text: str) -> tuple[str, str]:
    """``NAME(arguments)`` as name and argument string: from the first parenthesis to the last one."""
    name, opened, rest = text.partition("(")
    if not opened:
        log.warning('function "%s" is written without parentheses; no argument is assumed', name)
        return name, ""
    end = rest.rfind(")")
    if end < 0:
        log.warning('function "%s(%s" has no closing parenthesis', name, rest)
        return name, rest
    return name, rest[:end]


def bind(entry: Function, arguments: str, *, writing: bool = False) -> list[str]:
    """The arguments as the function takes them. Raises FunctionError when one is missing."""
    found = entry.arguments(arguments, writing=writing)
    if len(found) < (entry.write_arity if writing else entry.read_arity)[0]:
        raise FunctionError(f"function {entry.name} needs more arguments: {entry.name}({entry.syntax})")
    return found


def refused(name: str, answer: Awaitable[str]) -> str:
    """Where nothing can wait: an error in place of the answer of a function that has to."""
    if iscoroutine(answer):
        answer.close()
    log.error("function %s has to wait for its answer and cannot be used here; assign it to a variable first", name)
    return ""
