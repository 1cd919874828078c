"""What the loader tells on the bus."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Reload:
    """A module was reloaded; status 0 is success."""

    module: str
    status: int


@dataclass(slots=True)
class ModuleLoad:
    """A module was loaded ("Load") or unloaded ("Unload")."""

    action: str
    module: str
    status: str
