"""Candidates for the arguments of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Complete = Callable[[Any, list[str], str], Iterable[str]]


def first(candidates: Callable[[Any], Iterable[str]]) -> Complete:
    """Completes the first argument only."""
    return lambda pbx, args, _typed: () if args else candidates(pbx)


def every(candidates: Callable[[Any], Iterable[str]]) -> Complete:
    """Completes every argument, without those already typed."""
    return lambda pbx, args, _typed: (one for one in candidates(pbx) if one not in args)


def channels(pbx: Any) -> Iterator[str]:
    """The names of all channels."""
    return (channel.name for channel in pbx.channels)


def applications(pbx: Any) -> list[str]:
    """The names of all applications."""
    return [application.name for application in pbx.registry.applications.values()]


def functions(pbx: Any) -> list[str]:
    """The names of all functions."""
    return list(pbx.registry.functions)


def technologies(pbx: Any) -> list[str]:
    """The names of all channel technologies."""
    return [driver.technology for driver in pbx.registry.drivers.values()]


def running_modules(pbx: Any) -> list[str]:
    """Modules that run, as files."""
    return [loaded.file for loaded in pbx.loader.running]


def reloadable_modules(pbx: Any) -> list[str]:
    """Modules that can read their configuration again."""
    return [loaded.file for loaded in pbx.loader.running if loaded.module and loaded.module.reload]


def stopped_modules(pbx: Any) -> list[str]:
    """Modules that do not run."""
    from offhook.modules.loader import State

    return [loaded.file for loaded in pbx.loader.known.values() if loaded.state is not State.RUNNING]
