"""What the dialplan asks of the layers above it: a channel and the PBX, as protocols they fulfil."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from offhook.dialplan.plan import Dialplan
    from offhook.dialplan.variables import Variables
    from offhook.modules import Application, Function


class Registry(Protocol):
    """What is loaded."""

    @property
    def functions(self) -> Mapping[str, Function]:
        """By exact name."""

    @property
    def applications(self) -> Mapping[str, Application]:
        """By lower-case name."""


class Pbx(Protocol):
    """The running PBX as the dialplan sees it."""

    @property
    def registry(self) -> Registry: ...

    @property
    def dialplan(self) -> Dialplan: ...

    @property
    def globals(self) -> Variables: ...

    def set_global(self, name: str, value: str) -> None:
        """Assign a global variable and tell the bus."""

    def wall(self) -> float:
        """Seconds since 1970."""


class Channel(Protocol):
    """A channel as the dialplan sees it."""

    @property
    def pbx(self) -> Any: ...

    @property
    def variables(self) -> Variables: ...

    name: str
    uniqueid: str
    context: str
    exten: str
    priority: int
    hangup_cause: int
    caller: Any
    dialed: Any
    dialplan_state: Any

    def set(self, name: str, value: str) -> None:
        """Assign a variable and tell the bus."""


Answer = str | Awaitable[str]
"""What a function's reader returns: at once, or something to wait for."""
