"""Who owes whom a session description (RFC 3264, RFC 3261 13.2.1, RFC 3311 5, RFC 6337)."""

from __future__ import annotations

import random
from enum import Enum
from typing import Generic, TypeVar

from .errors import SIPError

D = TypeVar("D")


class Role(Enum):
    """What a received description is."""

    OFFER = "offer"
    ANSWER = "answer"
    REPEAT = "repeat"  # another answer to an offer answered before: of a fork, or a 2xx after a 183


class State(Enum):
    """STABLE: nothing owed. LOCAL_OFFER: we wait for an answer. REMOTE_OFFER: we owe one."""

    STABLE = "stable"
    LOCAL_OFFER = "local offer"
    REMOTE_OFFER = "remote offer"


class OfferAnswer(Generic[D]):
    """The offer/answer state of one session.

    `local` and `remote` are the descriptions in force, None before the first exchange; `offered` is the one that
    waits for an answer. The type of descriptions is the caller's.
    """

    __slots__ = ("_answered", "local", "offered", "remote", "state")

    def __init__(self) -> None:
        self.state = State.STABLE
        self.local: D | None = None
        self.remote: D | None = None
        self.offered: D | None = None
        self._answered = False  # our last offer has its answer, more may follow in the same transaction

    @property
    def may_offer(self) -> bool:
        """Whether we may send an offer now (RFC 3264 4)."""
        return self.state is State.STABLE

    def send_offer(self, description: D) -> None:
        """We send an offer. ValueError while an exchange is open."""
        if self.state is not State.STABLE:
            raise ValueError(f"offer in state {self.state.value}")
        self.state = State.LOCAL_OFFER
        self.offered = description
        self._answered = False

    def send_answer(self, description: D) -> None:
        """We answer the peer's offer: both descriptions come into force."""
        if self.state is not State.REMOTE_OFFER:
            raise ValueError(f"answer in state {self.state.value}")
        self.state = State.STABLE
        self.local, self.remote, self.offered = description, self.offered, None

    def receive(self, description: D) -> Role:
        """A description in a response of the peer (or in its PRACK or ACK): offer, answer or repeated answer.

        A repeated answer changes nothing; `replace_answer` takes it over when the caller follows forks.
        """
        if self.state is State.LOCAL_OFFER:
            self.state = State.STABLE
            self.local, self.remote, self.offered = self.offered, description, None
            self._answered = True
            return Role.ANSWER
        if self._answered:
            return Role.REPEAT
        self.receive_offer(description)
        return Role.OFFER

    def receive_offer(self, description: D) -> None:
        """A description in a request of the peer (INVITE, UPDATE).

        SIPError 491 when our own offer is open, 500 with Retry-After when theirs still waits for our answer.
        """
        if self.state is State.LOCAL_OFFER:
            raise SIPError(491, detail="offer crosses ours")
        if self.state is State.REMOTE_OFFER:
            raise SIPError(500, detail="offer before the answer to the last", headers=(retry_after(),))
        self.state = State.REMOTE_OFFER
        self.offered = description
        self._answered = False

    def replace_answer(self, description: D) -> None:
        """Take a repeated answer over (another fork became the call)."""
        if self.state is not State.STABLE:
            raise ValueError(f"repeated answer in state {self.state.value}")
        self.remote = description

    def settle(self) -> None:
        """The transaction that carried our offer is over: what follows is an offer again, no repeated answer."""
        self._answered = False

    def withdraw(self) -> None:
        """The open offer was refused (488, 491, CANCEL...): what was in force stays (RFC 3261 14.1)."""
        self.state = State.STABLE
        self.offered = None
        self._answered = False


def retry_after(rng: random.Random | None = None) -> tuple[str, str]:
    """The Retry-After of 0 to 10 s that RFC 3261 14.2 and RFC 3311 5.2 ask for."""
    return ("Retry-After", str((rng or random).randint(0, 10)))


def glare_delay(owner: bool, rng: random.Random | None = None) -> float:
    """Seconds to wait after a 491 (RFC 3261 14.1): 2.1 to 4 for the owner of the Call-ID, else 0 to 2."""
    return (rng or random).randint(210, 400) / 100 if owner else (rng or random).randint(0, 200) / 100
