"""HASH: associative arrays kept in channel variables ``~HASH~name~key~``."""

from __future__ import annotations

from offhook.calls.channel import Channel
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.functions.strings.declaration import module
from offhook.modules import Syntax, split_arguments

_FIELDS = "~ODBCFIELDS~"


def _prefix(name: str) -> str:
    return f"~HASH~{name}~"


def _keys(channel: Channel, name: str) -> list[str]:
    prefix = _prefix(name)
    return [
        found[len(prefix) : -1]
        for found, _ in channel.variables.items()
        if found.startswith(prefix) and found.endswith("~") and len(found) > len(prefix) + 1
    ]


@module.function("HASH", Syntax("hashname", "[hashkey]"), see_also=("HASHKEYS", "ClearHash"))
def hash_value(scope: Scope, name: str, key: str | None = None) -> str:
    """The value under a key of a hash.

    Without a key: all values, separated by commas, in the order of HASHKEYS. Assigning without a key distributes the
    columns that a database function has returned.
    """
    if key is not None:
        return scope.get(f"{_prefix(name)}{key}~") or ""
    channel = need_channel(scope, "HASH")
    keys = _keys(channel, name)
    channel.set(_FIELDS, ",".join(keys))
    return ",".join(scope.get(f"{_prefix(name)}{one}~") or "" for one in keys)


@hash_value.writer
def set_hash(scope: Scope, value: str, name: str, key: str | None = None) -> None:
    """Assign under a key."""
    marks = "__" if name.startswith("__") else "_" if name.startswith("_") else ""
    prefix = marks + _prefix(name[len(marks) :])
    if key is not None:
        scope.set(f"{prefix}{key}~", value)
        return
    columns = scope.get(_FIELDS)
    if columns is None:
        raise FunctionError("HASH() without a key can only take the columns of a database function; name a key")
    values = split_arguments(value)
    for index, column in enumerate(split_arguments(columns)):
        scope.set(f"{prefix}{column}~", values[index] if index < len(values) else "")


@module.function("HASHKEYS", Syntax("hashname"), see_also=("HASH",), raw=True)
def hash_keys(scope: Scope, name: str) -> str:
    """The keys of a hash, separated by commas; the one assigned last comes first."""
    return ",".join(_keys(need_channel(scope, "HASHKEYS"), name))


@module.application("ClearHash", Syntax("hashname"), see_also=("HASH",), raw=True)
def clear_hash(channel: Channel, name: str) -> None:
    """Forget all keys of a hash."""
    for key in _keys(channel, name):
        channel.variables.pop(f"{_prefix(name)}{key}~")
