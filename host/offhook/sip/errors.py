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
    CSeq) to send that response; without it the bytes are dropped silently. `headers` belong into that response
    (Min-SE of a 422, Unsupported of a 420...).
    """

    def __init__(
        self,
        status: int,
        reason: str = "",
        detail: str = "",
        request: Request | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.status = status
        self.reason = reason or reason_of(status)
        self.detail = detail
        self.request = request
        self.headers = headers
        super().__init__(f"{status} {self.reason}" + (f": {detail}" if detail else ""))
