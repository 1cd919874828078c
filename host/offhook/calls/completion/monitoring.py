"""Waiting for called devices by their device states, for any number of callers at once (the generic monitor)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

FREE = frozenset({"NOT_INUSE", "UNKNOWN"})
"""States of a device that can be called."""
_TAKEN = frozenset({"INUSE", "UNAVAILABLE", "BUSY"})
"""States that a device comes from when it has become free: one that only rang has not."""


@dataclass(slots=True)
class _Waiting:
    """A caller who waits for a device."""

    core_id: int
    suspended: bool = False
    """Is busy itself."""
    watching: bool = True
    """Has not been told yet."""


@dataclass(slots=True)
class _Device:
    """A device that is waited for."""

    name: str
    state: str
    fit: bool = False
    """It became free while it was waited for, and nobody has found it unanswered since."""
    waiting: list[_Waiting] = field(default_factory=list)
    drop: Callable[[], None] | None = None


class Monitoring:
    """All devices that are waited for; ``available(core_id)`` is called when one is free for that caller."""

    def __init__(self, pbx: Pbx, available: Callable[[int], None]) -> None:
        self._pbx = pbx
        self._available = available
        self._devices: dict[str, _Device] = {}

    def add(self, device: str, core_id: int, *, unanswered: bool) -> None:
        """Wait for a device; ``unanswered``: it was free, and nobody answered."""
        found = self._devices.get(device.lower())
        if found is None:
            found = self._devices[device.lower()] = _Device(device, self._pbx.devices.state(device))
            found.drop = self._pbx.devices.watch(device, partial(self._changed, found))
        found.waiting.append(_Waiting(core_id))
        if unanswered:
            found.fit = False

    def _changed(self, device: _Device) -> None:
        before, device.state = device.state, self._pbx.devices.state(device.name)
        if device.state in FREE and before in _TAKEN:
            for one in device.waiting:
                if not one.suspended and one.watching:
                    one.watching = False
                    device.fit = True
                    self._available(one.core_id)
                    return

    def suspend(self, device: str, core_id: int) -> None:
        """The caller is busy now: if the device is free, another one who waits may call it."""
        found = self._devices.get(device.lower())
        if found is None:
            return
        for one in found.waiting:
            if one.core_id == core_id:
                one.suspended = True
        if self._pbx.devices.state(device) in FREE:
            self._tell_next(found)

    def resume(self, device: str, core_id: int) -> None:
        """The caller is free again."""
        found = self._devices.get(device.lower())
        if found is None:
            return
        for one in found.waiting:
            if one.core_id == core_id:
                one.suspended, one.watching = False, True
        if self._pbx.devices.state(device) in FREE:
            self._available(core_id)

    def remove(self, device: str, core_id: int) -> None:
        """A caller waits no more; if the device is free the next one may call it."""
        found = self._devices.get(device.lower())
        if found is None:
            return
        found.waiting = [one for one in found.waiting if one.core_id != core_id]
        if not found.waiting:
            if found.drop is not None:
                found.drop()
            del self._devices[device.lower()]
        elif found.fit and self._pbx.devices.state(device) in FREE:
            self._tell_next(found, watching=True)

    def _tell_next(self, device: _Device, *, watching: bool = False) -> None:
        for one in device.waiting:
            if not one.suspended and (one.watching or not watching):
                self._available(one.core_id)
                return
