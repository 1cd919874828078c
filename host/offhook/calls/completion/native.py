"""Call completion by a technology's own protocol: what its caller's side and its called side are to the transaction.

The caller's side comes from ``Channel.tech_completion_agent``; the called side travels with an Offer.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.completion.parameters import Parameters


class Response(Enum):
    """What becomes of a caller's request."""

    SUCCESS = 0
    INVALID = 1
    TOO_MANY = 2


class CallerSide(Protocol):
    """The caller who waits."""

    device: str
    parameters: Parameters
    kind: str
    """"Generic", or the technology."""
    recalled: Channel | None
    """Its channel while it completes the call."""

    @property
    def native(self) -> bool:
        """It asks by its own protocol, and keeps the time in which it may."""

    def start_offer(self) -> None:
        """The call is over: completion may be asked for from now on, for a while."""

    def stop_offer(self) -> None:
        """It was asked for."""

    def respond(self, response: Response) -> None:
        """The request is accepted, or not."""

    def callee_available(self) -> None:
        """The called party is free."""

    def party_b_free(self) -> None:
        """It is, though the caller has said it is busy."""

    def status_asked(self) -> None:
        """The far end wants to know whether the caller is free: Completion.status_answered."""

    def stop_ringing(self) -> None:
        """Somebody else has taken the recall."""

    def start_monitoring(self) -> None:
        """Wait until the caller is free."""

    def close(self) -> None:
        """The transaction is over."""


class CalledSide(Protocol):
    """A called party whose own exchange watches it."""

    def begin(self, core_id: int) -> None:
        """It belongs to that transaction."""

    def request(self, service: str) -> bool:
        """Ask for completion, CCBS or CCNR; False when it cannot be asked for."""

    def suspend(self) -> None:
        """The caller is busy."""

    def resume(self) -> None:
        """The caller is free again."""

    def answer_status(self, *, busy: bool) -> None:
        """Whether the caller is busy, since the far end asks."""

    def close(self) -> None:
        """It is waited for no more."""
