"""Whom a call was for: the extensions that dialled, and below each the devices that may be waited for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls.completion.parameters import Parameters

if TYPE_CHECKING:
    from offhook.calls.completion.native import CalledSide


@dataclass(slots=True)
class Dialled:
    """One destination of a Dial."""

    dial_string: str
    device: str
    valid: bool = True
    """It is called again like this; not so while a monitor has its own dial string."""


@dataclass(slots=True)
class Extension:
    """A Dial in an extension, below the one whose Local channel got there (0: the first)."""

    identity: int
    parent: int
    name: str
    dialled: list[Dialled] = field(default_factory=list)


@dataclass(slots=True)
class Offer:
    """A called device may be waited for: what its channel tells towards the caller."""

    device: str
    dial_string: str
    service: str
    """CCBS: it was busy; CCNR: nobody answered."""
    parameters: Parameters
    parent: int
    native: CalledSide | None = None
    """Its exchange watches it; else its device state is watched here."""

    def refuse(self) -> None:
        """Nobody wants it."""
        if self.native is not None:
            self.native.close()


@dataclass(slots=True)
class Monitor:
    """A device that may be waited for."""

    identity: int
    parent: int
    device: str
    dial_string: str
    service: str
    parameters: Parameters
    native: CalledSide | None = None


class Tree:
    """Extensions and devices of one call, in the order they came up."""

    __slots__ = ("_next", "core_id", "entries")

    def __init__(self, core_id: int) -> None:
        self.core_id = core_id
        self.entries: list[Extension | Monitor] = []
        self._next = 1

    def _identity(self) -> int:
        self._next += 1
        return self._next - 1

    def add_extension(self, name: str, parent: int) -> Extension:
        """A Dial begins in ``exten@context``."""
        extension = Extension(self._identity(), parent, name)
        self.entries.append(extension)
        return extension

    def add(self, offer: Offer) -> Monitor | None:
        """Take a device in; None when it is there already."""
        if any(monitor.device == offer.device for monitor in self.monitors()):
            return None
        monitor = Monitor(
            self._identity(),
            offer.parent,
            offer.device,
            offer.dial_string,
            offer.service,
            offer.parameters,
            offer.native,
        )
        if offer.native is not None:
            offer.native.begin(self.core_id)
        self.entries.append(monitor)
        self._validate(monitor, False)
        return monitor

    def drop(self, monitor: Monitor) -> None:
        """Nobody waits for a device any more: it is called again as it was at first."""
        if monitor in self.entries:
            self.entries.remove(monitor)
            self._validate(monitor, True)

    def _validate(self, monitor: Monitor, valid: bool) -> None:
        parent = self.extension(monitor.parent)
        for dialled in parent.dialled if parent is not None else ():
            if dialled.device == monitor.device:
                dialled.valid = valid
                return

    def monitors(self) -> list[Monitor]:
        """The devices."""
        return [entry for entry in self.entries if isinstance(entry, Monitor)]

    def extension(self, identity: int) -> Extension | None:
        """The extension of that number."""
        return next((one for one in self.entries if isinstance(one, Extension) and one.identity == identity), None)

    def named(self, name: str) -> Extension | None:
        """The first extension of that name."""
        return next((one for one in self.entries if isinstance(one, Extension) and one.name == name), None)

    def interfaces(self, extension: Extension) -> str:
        """What is to be dialled in an extension to reach the same again (CC_INTERFACES)."""
        found = [dialled.dial_string for dialled in extension.dialled if dialled.valid]
        found += [monitor.dial_string for monitor in self.monitors() if monitor.parent == extension.identity]
        return "&".join(dict.fromkeys(text for text in found if text))
