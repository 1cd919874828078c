"""What the dialplan asks of the layers above it: a channel and the PBX, as protocols they fulfil."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from offhook.dialplan.outcome import Interruption
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
    callid: str
    context: str
    exten: str
    priority: int
    application: str
    application_data: str
    hangup_cause: int
    hangup_requested: bool
    caller: Any
    dialed: Any
    data: dict[str, Any]
    flags: set[str]
    hangup_handlers: list[str]
    announced: tuple[str, str, int]
    """The place where the last application was announced."""
    dialplan_state: Any
    interruption: Interruption | None
    """Set before the channel's task is cancelled."""

    def get(self, name: str) -> str | None:
        """A channel variable, or None."""

    def set(self, name: str, value: str) -> None:
        """Assign a variable and tell the bus."""

    def announce_variable(self, name: str, value: str) -> None:
        """Tell the bus of an assignment made elsewhere."""

    def goto(self, context: str, exten: str, priority: int) -> None:
        """Continue there once the running application returns."""

    def take_goto(self) -> bool:
        """Whether ``goto`` was called since the last asking."""

    def change_application(self, name: str, data: str) -> None:
        """Another application runs at the place of the last one."""

    def begin_application(self, name: str, data: str) -> None:
        """An application starts at the channel's place: tell the bus."""

    def finish_dialplan(self) -> None:
        """Only h and the hangup handlers still run: tell the bus."""

    def take_hangup_handler(self) -> str | None:
        """The next hangup handler to run, announced."""

    async def read_digit(self, timeout: float | None = None) -> str | None:
        """The next digit; None after ``timeout`` seconds."""


Answer = str | Awaitable[str]
"""What a function's reader returns: at once, or something to wait for."""
