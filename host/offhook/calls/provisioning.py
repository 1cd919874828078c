"""Who knows of phones that fetch their configuration: providers, which the provisioning server asks.

A provider gives each line of each phone as variables of the phone's templates; MAC, PROFILE and USERNAME are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

Line = dict[str, str]
Provider = Callable[[], Iterable[Line]]

_PART = "provisioning"


class Providers:
    """Providers by name; ``on_change`` is told the name of one that came, changed or went."""

    def __init__(self) -> None:
        self.by_name: dict[str, Provider] = {}
        self.on_change: Callable[[str], None] | None = None

    def add(self, name: str, provider: Provider) -> None:
        """There is one more."""
        self.by_name[name] = provider
        self.changed(name)

    def remove(self, name: str) -> None:
        """It is gone, and what it knew. Harmless twice."""
        if self.by_name.pop(name, None) is not None:
            self.changed(name)

    def changed(self, name: str) -> None:
        """What it knows has changed."""
        if self.on_change is not None:
            self.on_change(name)


def providers_of(pbx: Pbx) -> Providers:
    """The providers of an exchange."""
    found: Providers = pbx.parts.setdefault(_PART, Providers())
    return found
