"""Hints: the states of the devices behind an extension, combined and watched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls import events, watched_events
from offhook.calls.devices import EXTENSION_NUMBERS, combine
from offhook.calls.presence import UNKNOWN, Report
from offhook.dialplan.context import HINT, Priority

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

REMOVED = -1


@dataclass(slots=True)
class Hint:
    """One extension's hint: its devices, its presence providers, and the states they make now."""

    context: str
    exten: str
    devices: tuple[str, ...]
    presence: tuple[str, ...]
    text: str
    state: int = 0
    report: Report = UNKNOWN
    """The presence they make together."""
    watchers: list[Callable[[Hint], None]] = field(default_factory=list)


class Hints:
    """All hints of the dialplan; follows its changes and the devices' states.

    A pattern's hint becomes one of its own as soon as somebody asks for an extension that it matches.
    """

    __slots__ = ("_drops", "_due", "_hints", "_pbx")

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._hints: dict[tuple[str, str], Hint] = {}
        self._drops: list[Callable[[], None]] = []
        self._due = False

    def start(self) -> None:
        """Read the hints of the dialplan in force and follow its changes."""
        self._pbx.dialplan.listeners.append(self._plan_changed)
        self._pbx.bus.subscribe(watched_events.PresenceStateChange, self._presence_changed)
        # Modules that know devices may have come after the hints that name them.
        self._pbx.bus.subscribe(events.FullyBooted, lambda _: self.refresh())
        self.refresh()

    def find(self, context: str, exten: str) -> Hint | None:
        """The hint of an extension, made from a pattern's if need be; None when it has none."""
        found = self._hints.get((context, exten))
        if found is None and (priority := self._pbx.dialplan.hint(context, exten)) is not None:
            found = self._add(context, exten, self._expanded(context, exten, priority.application))
        return found

    def state(self, context: str, exten: str) -> int:
        """The extension's state number (AST_EXTENSION_*); -1 when it has no hint."""
        found = self.find(context, exten)
        return found.state if found is not None else REMOVED

    def watch(self, context: str, exten: str, watcher: Callable[[Hint], None]) -> Callable[[], None] | None:
        """Call watcher with the hint whenever its state or presence changes, or it is gone (state REMOVED).

        Returns the call that ends it, or None without a hint.
        """
        found = self.find(context, exten)
        if found is None:
            return None
        found.watchers.append(watcher)
        return lambda: found.watchers.remove(watcher) if watcher in found.watchers else None

    def __iter__(self) -> Iterator[Hint]:
        return iter(sorted(self._hints.values(), key=lambda hint: (hint.context, hint.exten)))

    def __len__(self) -> int:
        return len(self._hints)

    def refresh(self) -> None:
        """Take over what the dialplan says now; hints that are gone tell their watchers."""
        self._due = False
        old = self._hints
        self._hints = {}
        for drop in self._drops:
            drop()
        self._drops = []
        if any(context.autohints for context in self._pbx.dialplan.contexts.values()):
            self._drops.append(self._pbx.bus.subscribe(watched_events.DeviceStateChange, self._device_changed))
        for context, priority in self._pbx.dialplan.hints():
            if not priority.name.startswith("_"):
                self._add(context.name, priority.name, priority.application, old.get((context.name, priority.name)))
        for key, hint in old.items():
            if key in self._hints:
                continue
            again = self.find(*key) if hint.watchers else None
            if again is not None:
                again.watchers = hint.watchers
            elif hint.state != REMOVED:
                self._set(hint, REMOVED)

    def _presence_changed(self, event: watched_events.PresenceStateChange) -> None:
        presentity = event.presentity.lower()
        for hint in list(self._hints.values()):
            if any(each.lower() == presentity for each in hint.presence):
                hint.report = self._pbx.presence.combined(hint.presence)
                self._pbx.bus.publish(
                    watched_events.ExtensionPresence(hint.exten, hint.context, hint.text, *hint.report)
                )
                for watcher in list(hint.watchers):
                    watcher(hint)

    def _device_changed(self, event: watched_events.DeviceStateChange) -> None:
        """Contexts with autohints get a hint for each device that is heard of: alice for PJSIP/alice."""
        name = re.split(r"[:/]", event.device, maxsplit=1)[-1]
        if not name or name == event.device:
            return
        plan = self._pbx.dialplan
        for context in list(plan.contexts.values()):
            if context.autohints and plan.hint(context.name, name) is None:
                plan.add(context.name, Priority(name, HINT, event.device, registrar=context.registrar))
                self.find(context.name, name)

    def _plan_changed(self) -> None:
        if not self._due and not self._pbx.stopping:
            self._due = True
            self._pbx.loop.call_soon(self.refresh)

    def _expanded(self, context: str, exten: str, text: str) -> str:
        return text.replace("${EXTEN}", exten).replace("${CONTEXT}", context)

    def _add(self, context: str, exten: str, text: str, old: Hint | None = None) -> Hint:
        devices, _, presence = text.partition(",")
        hint = Hint(context, exten, _split(devices), _split(presence), text)
        hint.report = self._pbx.presence.combined(hint.presence)
        self._hints[context, exten] = hint
        for device in hint.devices:
            self._drops.append(self._pbx.devices.watch(device, lambda: self._set(hint, self._combined(hint))))
        state = self._combined(hint)
        if old is not None:
            hint.watchers = old.watchers
            hint.state = old.state
            self._set(hint, state)
        else:
            # That there is a new one is news for those who follow all hints.
            hint.state = state
            self._pbx.bus.publish(watched_events.ExtensionState(exten, context, text, state))
        return hint

    def _combined(self, hint: Hint) -> int:
        return EXTENSION_NUMBERS.get(combine(self._pbx.devices.state(device) for device in hint.devices), 4)

    def _set(self, hint: Hint, state: int) -> None:
        if state == hint.state:
            return
        hint.state = state
        self._tell(hint)

    def _tell(self, hint: Hint) -> None:
        self._pbx.bus.publish(watched_events.ExtensionState(hint.exten, hint.context, hint.text, hint.state))
        for watcher in list(hint.watchers):
            watcher(hint)


def _split(text: str) -> tuple[str, ...]:
    return tuple(device.strip() for device in text.split("&") if device.strip())
