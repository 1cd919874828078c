"""How a running application leaves the usual course of the dialplan."""

from __future__ import annotations

from enum import Enum


class Interruption(Enum):
    """Why a running application was interrupted."""

    HANGUP = "hangup"
    GOTO = "goto"
    TIMEOUT = "timeout"
    """The absolute timeout of the call is over: extension T, else e, else the end."""


class Hangup(Exception):
    """Raised by an application: the call ends here, with this cause unless one is set already."""

    def __init__(self, cause: int = 0) -> None:
        super().__init__(cause)
        self.cause = cause


class Incomplete(Exception):
    """Raised by an application: the extension is not complete, and more digits are asked for."""


class ApplicationError(Exception):
    """Raised by an application that failed: extension e when there is one, else the end of the call."""


class Returned(Exception):
    """A subroutine that was called from outside the dialplan has returned."""


Outcome = (Hangup, Incomplete, ApplicationError, Returned)
"""What an application may raise on purpose."""
