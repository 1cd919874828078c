"""What the core raises when a peer's bytes, or our own call, break the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reasons import reason_of

if TYPE_CHECKING:
    from .message import Request


class SIPError(Exception):
    """A fault with the status code that answers it.

    `status` and `reason` are what a response to the faulty request would carry. `detail` says in words what was wrong.
    `request` is set by the message parser when enough of a faulty request was understood (Via, From, To, Call-ID and
    CSeq) to send that response; without it the bytes are dropped silently.
    """

    def __init__(
        self, status: int, reason: str = "", detail: str = "", request: Request | None = None, warning: int = 0
    ) -> None:
        self.status = status
        self.reason = reason or reason_of(status)
        self.detail = detail
        self.request = request
        self.warning = warning
        super().__init__(f"{status} {self.reason}" + (f": {detail}" if detail else ""))
