"""The exception that answers an offer nobody can take."""

from __future__ import annotations

from offhook.sip.errors import SIPError


class Refused(SIPError):
    """The description cannot be used; the status answers the offer."""

    def __init__(self, detail: str, status: int = 488) -> None:
        super().__init__(status, detail=detail)
