"""pbx_lua: extensions.lua as dialplan.

The file fills the table ``extensions`` (contexts of functions by extension or pattern, ``include`` lists other
contexts), and perhaps ``hints``. An extension's function gets context and extension, runs applications by
``app.name(...)`` and reads and writes ``channel.VARIABLE`` and ``channel.FUNCTION(arguments)``. It runs as a Lua
coroutine: what has to wait is done on the loop between two of its steps.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from inspect import isawaitable
from typing import Any

from offhook.dialplan.context import HINT, Context, DialplanError, Priority, SwitchUse
from offhook.dialplan.outcome import Hangup
from offhook.dialplan.patterns import Match, compile_pattern
from offhook.dialplan.scope import Scope, scope_of
from offhook.log import verbose
from offhook.modules import Module
from offhook.modules.module import LoadError

log = logging.getLogger(__name__)
module = Module("pbx_lua", "Lua PBX Switch", priority=46, needs="extensions.lua")

_FILE = "extensions.lua"
_PRELUDE = """
local log, hung = ...
local yield = coroutine.yield
local function words_of(...)
    local words = {}
    for index = 1, select("#", ...) do
        local word = (select(index, ...))
        words[index] = word == nil and "" or tostring(word)
    end
    return words
end
local item
item = function(name)
    return setmetatable({
        get = function() return yield("get", name) end,
        set = function(_, value) return yield("set", name, tostring(value)) end,
    }, {
        __call = function(_, ...) return item(name .. "(" .. table.concat(words_of(...), ",") .. ")") end,
    })
end
channel = setmetatable({}, {
    __index = function(_, name) return item(tostring(name)) end,
    __newindex = function(_, name, value) yield("set", tostring(name), tostring(value)) end,
})
app = setmetatable({}, {
    __index = function(_, name)
        return function(...) return yield("app", tostring(name), table.concat(words_of(...), ",")) end
    end,
})
function autoservice_start() return true end
function autoservice_stop() return true end
function autoservice_status() return true end
function check_hangup() return hung() end
function print(...) log(table.concat(words_of(...), "\\t")) end
"""


def _refuse(_object: Any, name: Any, _setting: bool) -> Any:
    raise AttributeError(f"Lua may not touch {name} of the daemon")


class LuaState:
    """One run of extensions.lua: its tables, for looking up and for running one channel."""

    def __init__(self, text: bytes, path: str, hung: Any = None) -> None:
        from lupa import LuaError, LuaRuntime

        self.error_type: type[Exception] = LuaError
        self.runtime: Any = LuaRuntime(
            unpack_returned_tuples=True, register_eval=False, register_builtins=False, attribute_filter=_refuse
        )
        prelude = self.runtime.compile(_PRELUDE)
        prelude(lambda line: verbose(3, "lua: %s", line), hung or (lambda: False))
        try:
            chunk = self.runtime.compile(text.decode("utf-8", "replace"), name=path.encode())
            chunk()
        except LuaError as error:
            raise LoadError(f"{error}; correct {path}") from error

    def table(self, name: str) -> Any:
        """A global table, or None."""
        return self.runtime.globals()[name]

    def contexts(self) -> dict[str, tuple[list[str], list[str]]]:
        """Extensions and includes of each context."""
        found: dict[str, tuple[list[str], list[str]]] = {}
        extensions = self.table("extensions")
        for name, table in extensions.items() if extensions is not None else ():
            names, includes = [], []
            for key, value in table.items():
                if key == "include":
                    includes = [str(entry) for entry in value.values()]
                else:
                    names.append(str(key))
            found[str(name)] = (names, includes)
        return found

    def function(self, context: str, exten: str) -> Any:
        """The function of an extension by its name as written."""
        table = self.table("extensions")[context]
        found = table[exten]
        return table[int(exten)] if found is None and exten.isdigit() else found


class LuaSwitch:
    """Answers for the contexts of extensions.lua."""

    def __init__(self, text: bytes, path: str) -> None:
        self.text = text
        self.path = path
        first = LuaState(text, path)
        self.contexts = first.contexts()
        self.hints: list[tuple[str, str, str]] = []
        hints = first.table("hints")
        for context, table in hints.items() if hints is not None else ():
            self.hints += [(str(context), str(exten), str(devices)) for exten, devices in table.items()]

    def find(self, context: str, exten: str, asked: Match) -> tuple[str, str] | None:
        """Context and extension name that match, own extensions before included contexts."""
        for name in self._chain(context, set()):
            patterns = sorted((compile_pattern(written) for written in self.contexts[name][0]), key=lambda p: p.key)
            for pattern in patterns:
                if pattern.progress(exten, asked)[0]:
                    return name, pattern.text
        return None

    def _chain(self, context: str, seen: set[str]) -> Iterator[str]:
        if context in self.contexts and context not in seen:
            seen.add(context)
            yield context
            for name in self.contexts[context][1]:
                yield from self._chain(name, seen)

    def knows(self, context: str, exten: str, priority: int, caller: str, data: str, asked: Match) -> bool:
        """Whether the file has such an extension; each has priority 1 only."""
        return priority == 1 and self.find(context, exten, asked) is not None

    async def exists(
        self, channel: Any, context: str, exten: str, priority: int, caller: str, data: str, asked: Match
    ) -> bool:
        """As ``knows``."""
        return self.knows(context, exten, priority, caller, data, asked)

    async def execute(self, channel: Any, context: str, exten: str, priority: int, caller: str, data: str) -> object:
        """Run the extension's function to its end, or until an application leads elsewhere."""
        found = self.find(context, exten, Match.EXACT)
        if found is None:
            raise Hangup
        state: LuaState | None = channel.data.get("lua")
        if state is None or state.runtime is None:
            state = channel.data["lua"] = LuaState(self.text, self.path, lambda: channel.hangup_requested)
        channel.context, channel.exten = context, exten
        run = state.function(*found).coroutine(context, exten)
        answer: Any = None
        started = False
        while True:
            try:
                step = run.send(answer) if started else next(run)
            except StopIteration:
                return None
            except state.error_type as error:
                log.error("%s: extension %s@%s: %s", self.path, exten, context, error)
                raise Hangup from error
            started = True
            answer, over = await _step(channel, step)
            if over is not None:
                return over


_GO_ON = ""


async def _step(channel: Any, step: Any) -> tuple[Any, str | None]:
    """Do what a coroutine asked for: its answer, and when the function must not go on, what the switch returns."""
    from offhook.dialplan.executor import run_application

    kind, name, *rest = step
    if kind == "get":
        return await _read(channel, name), None
    if kind == "set":
        done = scope_of(channel).set(name, rest[0])
        if done is not None:
            await done
        return None, None
    dialled = await run_application(channel, name, rest[0] if rest else "")
    state = channel.dialplan_state
    if dialled:
        return None, dialled
    if state is not None and state.dialled:
        return None, _GO_ON
    if "goto" in channel.flags or channel.interruption is not None or channel.hangup_requested:
        return None, _GO_ON
    return None, None


async def _read(channel: Any, name: str) -> str | None:
    scope: Scope = scope_of(channel)
    if not name.endswith(")"):
        return scope.lookup(name)
    value = scope.read(name)
    return await value if isawaitable(value) else str(value)


@module.on_load
@module.on_reload
async def load(pbx: Any) -> None:
    """Read extensions.lua and put its contexts into the dialplan. Raises LoadError."""
    try:
        import lupa  # noqa: F401
    except ImportError as error:
        raise LoadError("extensions.lua needs the Python package lupa; install it (Debian: python3-lupa)") from error
    path = os.path.join(pbx.config.etc_dir, _FILE)
    try:
        text: bytes = await pbx.off_loop(_contents, path)
    except FileNotFoundError as error:
        raise LoadError(f"there is no {_FILE}") from error
    switch = LuaSwitch(text, path)
    contexts: dict[str, Context] = {}
    for name in switch.contexts:
        context = contexts.setdefault(name, Context(name, module.name))
        context.add_switch(SwitchUse("Lua", "", module.name))
    for name, exten, devices in switch.hints:
        context = contexts.setdefault(name, Context(name, module.name))
        try:
            context.add(Priority(exten, HINT, devices, "", registrar=module.name))
        except DialplanError as error:
            log.warning("%s: hint of %s@%s: %s", path, exten, name, error)
    pbx.dialplan.switches["lua"] = switch
    pbx.dialplan.replace(module.name, contexts)


def _contents(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@module.on_unload
def unload(pbx: Any) -> None:
    """Take its contexts out of the dialplan."""
    pbx.dialplan.remove_registrar(module.name)
    pbx.dialplan.switches.pop("lua", None)
