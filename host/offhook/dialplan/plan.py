"""The dialplan in force: contexts, finding extensions in them, and changing them while calls run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from offhook.dialplan.context import (
    HINT,
    Context,
    DialplanError,
    Extension,
    IgnorePattern,
    Include,
    Priority,
)
from offhook.dialplan.patterns import Match, matches
from offhook.dialplan.scope import Scope
from offhook.dialplan.search import (
    MOST_NESTED_INCLUDES,
    Found,
    Query,
    Question,
    ReadySwitch,
    Switch,
    SwitchMatch,
    search,
)
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Channel, Pbx

log = logging.getLogger(__name__)

_MOST_CACHED = 2048


class Dialplan:
    """All contexts. ``generation`` grows with each change, so that caches know when they are out of date."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.contexts: dict[str, Context] = {}
        self.switches: dict[str, Switch] = {}
        """By lower-case name; modules put theirs in."""
        self.autofallthrough = True
        """A channel that runs out of priorities is ended by its DIALSTATUS instead of waiting for digits."""
        self.generation = 0
        self.listeners: list[Callable[[], None]] = []
        """Called after each change (hints may have come or gone)."""
        self.places: dict[tuple[str, str, str], tuple[str, str, int]] = {}
        """Where texts such as ``sales,100,label`` lead from a context and extension, as far as it was asked."""
        self._exact: dict[tuple[str, str], tuple[Extension, ...] | None] = {}

    # ---- finding ------------------------------------------------------------------------------------

    def find(self, context: str, exten: str, number: int, caller: str = "") -> Priority | None:
        """The priority of that number of the best extension that has it; what switches have is none."""
        extensions = self.exact(context, exten)
        if extensions is not None:
            for extension in extensions:
                priority = extension.priorities.get(number)
                if priority is not None:
                    return priority
            return None
        found = self._at_once(context, Query(exten, caller, number, "", Match.EXACT))
        return found.priority if isinstance(found, Found) else None

    def exact(self, context: str, exten: str) -> tuple[Extension, ...] | None:
        """All extensions that match, best first; None when that depends on the caller, the time or a switch."""
        key = (context, exten)
        extensions = self._exact.get(key, _UNKNOWN)
        if extensions is _UNKNOWN:
            extensions = self._resolved(context, exten)
            if len(self._exact) >= _MOST_CACHED:
                self._exact.clear()
            self._exact[key] = extensions
        return extensions

    def exists(self, context: str, exten: str, number: int = 1, caller: str = "") -> bool:
        """Whether a context (with its includes) has that priority of an extension.

        Of switches those are asked that answer at once; where others may have to be, ``switched`` tells.
        """
        extensions = self.exact(context, exten)
        if extensions is not None:
            return any(number in extension.priorities for extension in extensions)
        return self._at_once(context, Query(exten, caller, number, "", Match.EXACT)) is not None

    def label(self, context: str, exten: str, label: str) -> int | None:
        """As ``find_label``, where that depends on neither caller nor time."""
        for extension in self.exact(context, exten) or ():
            labelled = extension.labels.get(label)
            if labelled is not None:
                return labelled.number
        return None

    def remember_place(self, key: tuple[str, str, str], place: tuple[str, str, int]) -> None:
        """Keep where a text leads from a context and extension, until the dialplan changes."""
        if len(self.places) >= _MOST_CACHED:
            self.places.clear()
        self.places[key] = place

    def find_label(self, context: str, exten: str, label: str, caller: str = "") -> int | None:
        """The number of a labelled priority."""
        number = self.label(context, exten, label)
        if number is not None or self.exact(context, exten) is not None:
            return number
        found = self._at_once(context, Query(exten, caller, 0, label, Match.EXACT))
        return found.priority.number if isinstance(found, Found) and found.priority is not None else None

    def can_match(self, context: str, digits: str, caller: str = "") -> bool:
        """Whether the digits are an extension or may become one; switches are asked as by ``exists``."""
        return self._progress(context, digits, caller, Match.CAN)

    def matches_more(self, context: str, digits: str, caller: str = "") -> bool:
        """Whether further digits may make a longer extension; switches are asked as by ``exists``."""
        return self._progress(context, digits, caller, Match.MORE)

    def _progress(self, context: str, digits: str, caller: str, asked: Match) -> bool:
        return self._at_once(context, Query(digits, caller, 1, "", asked)) is not None

    async def locate(
        self, channel: Channel | None, context: str, exten: str, number: int, caller: str = ""
    ) -> Priority | SwitchMatch | None:
        """As ``find``, asking switches too."""
        query = Query(exten, caller, number, "", Match.EXACT)
        found = await self._asking(channel, context, query)
        return found.priority if isinstance(found, Found) else found

    async def reaches(
        self, channel: Channel | None, context: str, exten: str, caller: str = "", asked: Match = Match.EXACT
    ) -> bool:
        """As ``exists`` (of priority 1), ``can_match`` or ``matches_more``, asking switches too."""
        return await self._asking(channel, context, Query(exten, caller, 1, "", asked)) is not None

    def switched(self, context: str) -> bool:
        """Whether a search there may have to ask a switch that takes time to answer."""
        seen: set[str] = set()
        waiting = [context]
        while waiting:
            name = waiting.pop()
            one = self.contexts.get(name)
            if one is None or name in seen:
                continue
            seen.add(name)
            if any(not isinstance(self.switches.get(use.name.lower()), ReadySwitch) for use in one.switches):
                return True
            waiting.extend(include.context for include in one.includes)
        return False

    def hint(self, context: str, exten: str) -> Priority | None:
        """The hint of an extension: ``application`` holds its devices, ``data`` its name."""
        return self.find(context, exten, HINT)

    def hint_name(self, context: str, exten: str) -> str:
        """The name that an extension's hint gives it, or ""."""
        hint = self.hint(context, exten)
        return hint.data if hint is not None else ""

    def hints(self) -> Iterator[tuple[Context, Priority]]:
        """All hints, those of patterns too, with their contexts."""
        for context in self.contexts.values():
            for extension in context.extensions:
                hint = extension.priorities.get(HINT)
                if hint is not None:
                    yield context, hint

    def ignored(self, context: str, digits: str) -> bool:
        """Whether dial tone goes on after these digits."""
        found = self.contexts.get(context)
        return found is not None and any(matches(pattern.name, digits) for pattern in found.ignored)

    def _resolved(self, context: str, exten: str) -> tuple[Extension, ...] | None:
        extensions: list[Extension] = []
        seen: set[str] = set()

        def walk(name: str) -> bool:
            one = self.contexts.get(name)
            if one is None or name.lower() in seen or len(seen) >= MOST_NESTED_INCLUDES:
                return True
            seen.add(name.lower())
            if one.switches:
                return False
            for extension in (*one.literals.get(exten.replace("-", ""), ()), *one.patterns):
                if extension.pattern.matches(exten):
                    if extension.caller is not None:
                        return False
                    extensions.append(extension)
            return all(include.timing is None and walk(include.context) for include in one.includes)

        return tuple(extensions) if walk(context) else None

    def _at_once(self, context: str, query: Query) -> Found | SwitchMatch | None:
        """Search, asking only switches that answer at once."""
        searching = search(self.contexts, self.pbx.wall, context, query)
        answer: SwitchMatch | None = None
        while True:
            try:
                question = searching.send(answer)
            except StopIteration as ended:
                result: Found | SwitchMatch | None = ended.value
                return result
            use = question.use
            switch = self.switches.get(use.name.lower())
            answer = None
            if isinstance(switch, ReadySwitch):
                data = Scope(self.pbx, None).expand(use.data) if use.evaluated else use.data
                if switch.knows(question.context, query.exten, query.number, query.caller, data, query.asked):
                    answer = SwitchMatch(switch, question.context, data)

    async def _asking(self, channel: Channel | None, context: str, query: Query) -> Found | SwitchMatch | None:
        searching = search(self.contexts, self.pbx.wall, context, query)
        answer: SwitchMatch | None = None
        while True:
            try:
                question = searching.send(answer)
            except StopIteration as ended:
                result: Found | SwitchMatch | None = ended.value
                return result
            answer = await self._ask(channel, question, query)

    async def _ask(self, channel: Channel | None, question: Question, query: Query) -> SwitchMatch | None:
        use = question.use
        switch = self.switches.get(use.name.lower())
        if switch is None:
            log.warning('[%s] uses switch "%s", which no loaded module has', question.context, use.name)
            return None
        data = use.data
        if use.evaluated:
            data = await Scope(self.pbx, channel).expanded(data)
        if await switch.exists(channel, question.context, query.exten, query.number, query.caller, data, query.asked):
            return SwitchMatch(switch, question.context, data)
        return None

    # ---- changing -----------------------------------------------------------------------------------

    def changed(self) -> None:
        """Contexts were changed: forget what was found before and tell the listeners."""
        self.generation += 1
        self._exact.clear()
        self.places.clear()
        for listener in self.listeners:
            listener()

    def create(self, name: str, registrar: str) -> Context:
        """The context of that name, made when there is none."""
        context = self.contexts.get(name)
        if context is None:
            context = self.contexts[name] = Context(name, registrar)
            self.changed()
        else:
            context.uses += 1
        return context

    def add(self, context: str, priority: Priority, *, caller: str | None = None, replace: bool = False) -> None:
        """Add a priority to an existing context. Raises DialplanError."""
        found = self._existing(context)
        if not priority.name:
            raise DialplanError(f"an extension without a name cannot be added to [{context}]; name it")
        self.prepare_hint(found, priority)
        for warning in found.add(priority, caller=caller, replace=replace):
            log.warning("%s", warning)
        self.changed()

    def prepare_hint(self, context: Context, priority: Priority) -> None:
        """Substitute variables in the devices of a hint (not of a pattern's), as is done once when it is added."""
        if priority.number == HINT and "${" in priority.application and not priority.name.startswith("_"):
            place: Any = _Place(self.pbx, context.name, priority.name)
            priority.application = Scope(self.pbx, place).expand(priority.application)

    def remove(
        self, context: str, name: str, number: int = 0, *, caller: str | None = None, registrar: str | None = None
    ) -> bool:
        """Remove a priority, or with 0 all of an extension, of that registrar (None: any); False when there is none.

        Without ``number`` and ``caller``, the extensions for single callers go too.
        """
        found = self.contexts.get(context)
        if found is None:
            return False
        plain = found.find(name, caller)
        extensions = [plain] if plain is not None else []
        if not number and caller is None and plain is not None:
            extensions = [one for one in found.extensions if one.pattern.key == plain.pattern.key]
        removed = False
        for extension in extensions:
            for priority in list(extension):
                if number in (0, priority.number) and registrar in (None, priority.registrar):
                    extension.drop(priority.number)
                    removed = True
            if not extension.priorities:
                found.remove(extension)
        if removed:
            self.changed()
        return removed

    def remove_context(self, name: str, registrar: str | None = None) -> bool:
        """Remove a context, or with a registrar what it has put there; False when there is no such context."""
        found = self.contexts.get(name)
        if found is None:
            return False
        if registrar is None:
            del self.contexts[name]
        else:
            self._withdraw(found, registrar)
        self.changed()
        return True

    def remove_registrar(self, registrar: str) -> None:
        """Remove all that a registrar has put anywhere."""
        for context in list(self.contexts.values()):
            self._withdraw(context, registrar)
        self.changed()

    def add_include(self, context: str, include: Include) -> bool:
        """Add an include; False when it is there already. Raises DialplanError."""
        done = self._existing(context).add_include(include)
        self.changed()
        return done

    def remove_include(self, context: str, name: str, registrar: str | None = None) -> bool:
        """Remove an include by its whole text; False when there is none."""
        found = self._existing(context)
        for include in found.includes:
            if include.name == name and registrar in (None, include.registrar):
                found.includes.remove(include)
                self.changed()
                return True
        return False

    def add_ignored(self, context: str, pattern: IgnorePattern) -> bool:
        """Add an ignore pattern; False when it is there already. Raises DialplanError."""
        done = self._existing(context).add_ignored(pattern)
        self.changed()
        return done

    def remove_ignored(self, context: str, name: str, registrar: str | None = None) -> bool:
        """Remove an ignore pattern; False when there is none."""
        found = self._existing(context)
        for pattern in found.ignored:
            if pattern.name == name and registrar in (None, pattern.registrar):
                found.ignored.remove(pattern)
                self.changed()
                return True
        return False

    def replace(self, registrar: str, contexts: dict[str, Context]) -> None:
        """Put a registrar's new contexts in the place of all it had; what others have added stays.

        The change is one step: calls see the old dialplan or the new one.
        """
        for old in self.contexts.values():
            new = contexts.get(old.name)
            kept = [
                (extension, priority)
                for extension in old.extensions
                for priority in extension
                if priority.registrar != registrar
            ]
            if new is None:
                foreign = old.registrar != registrar or old.uses > 1
                if not kept and not foreign:
                    continue
                owner = old.registrar if not kept else kept[0][1].registrar
                new = contexts[old.name] = Context(old.name, owner)
                new.autohints = old.autohints
            for extension, priority in kept:
                try:
                    new.add(priority, caller=extension.caller_shown)
                except DialplanError:
                    verbose(
                        3,
                        "Dropping old dialplan item %s/%s/%d [%s(%s)] (registrar=%s) due to conflict with new dialplan",
                        old.name,
                        priority.name,
                        priority.number,
                        priority.application,
                        priority.data,
                        priority.registrar,
                    )
            for include in old.includes:
                if include.registrar != registrar:
                    new.add_include(include)
            for switch in old.switches:
                if switch.registrar != registrar:
                    new.add_switch(switch)
            for pattern in old.ignored:
                if pattern.registrar != registrar:
                    new.add_ignored(pattern)
        self.contexts = contexts
        self.changed()

    def _existing(self, name: str) -> Context:
        context = self.contexts.get(name)
        if context is None:
            raise DialplanError(f"there is no context [{name}]; create it first")
        return context

    def _withdraw(self, context: Context, registrar: str) -> None:
        context.ignored = [one for one in context.ignored if one.registrar != registrar]
        context.includes = [one for one in context.includes if one.registrar != registrar]
        context.switches = [one for one in context.switches if one.registrar != registrar]
        for extension in list(context.extensions):
            for priority in list(extension):
                if priority.registrar == registrar:
                    extension.drop(priority.number)
            if not extension.priorities:
                context.remove(extension)
        empty = not (context.extensions or context.ignored or context.includes or context.switches)
        if empty and context.registrar == registrar and context.uses < 2:
            self.contexts.pop(context.name, None)


class _Place:
    """Just enough of a channel for the variables of a hint: EXTEN and CONTEXT."""

    def __init__(self, pbx: Any, context: str, exten: str) -> None:
        from offhook.dialplan.variables import Variables

        self.pbx = pbx
        self.name = self.uniqueid = ""
        self.context = context
        self.exten = exten
        self.priority = 1
        self.hangup_cause = 0
        self.caller: Any = None
        self.dialed: Any = None
        self.dialplan_state: Any = None
        self.variables = Variables()

    def set(self, name: str, value: str) -> None:
        self.variables.set(name, value)


_UNKNOWN = (Extension(Context("", ""), "s"),)
"""Stands for a search that was not made yet."""
