"""Call completion as libpri has it (ETSI EN 300 359-1, ECMA-186): a record a call, known by its number.

The library keeps the timers of the service and knows what each side of each kind of link has to say. Agents are those
who wait for a call of theirs to be completed, monitors those who wait on their behalf for the called party.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel_shims.pri.link import PriLink

BUSY, FREE = 1, 0
"""State of the caller."""
ACCEPTED, SHORT_TERM_DENIAL, QUEUE_FULL = 0, 2, 5
"""Answers to a request."""
CCBS, CCNR = 0, 1
"""What is asked for: the called party was busy, or did not answer."""


class Told(IntEnum):
    """What is told of a record; the numbers are PRI_SUBCMD_CC_*."""

    AVAILABLE = 6
    REQUEST = 7
    REQUEST_ANSWERED = 8
    REMOTE_USER_FREE = 9
    B_FREE = 10
    STATUS_ASKED = 11
    STATUS_ANSWERED = 12
    STATUS = 13
    CALL = 14
    """The call is the one that completes it."""
    CANCELLED = 15
    STOP_ALERTING = 16


@dataclass(frozen=True, slots=True)
class PriCompletion:
    """Something is told. ``status``: the mode of a request, the answer to one (0: accepted, 1 timeout, 2 error, 3
    reject), busy or free; of CANCELLED: 1 when the record is an agent's."""

    told: Told
    record: int
    status: int = -1


def read(ffi: Any, lib: Any, one: Any) -> PriCompletion:
    """A subcommand PRI_SUBCMD_CC_*."""
    status = ffi.new("int *")
    record = lib.pri_subcommand_completion(one, status)
    return PriCompletion(Told(one.cmd), int(record), int(status[0]))


class Records:
    """What can be done with the records of a D channel."""

    def __init__(self, link: PriLink) -> None:
        self._lib, self._handle = link.lib, link.handle

    # ---- of callers that wait here ---------------------------------------------------------------------------

    def offer(self, call: Any) -> int:
        """A call of the far end's can be completed: its record; -1 when the link has no way to tell."""
        return int(self._lib.pri_cc_available(self._handle, call))

    def answer_request(self, record: int, status: int) -> bool:
        """Accept a request, or not; False when it cannot be told."""
        return bool(self._lib.pri_cc_req_rsp(self._handle, record, status) == 0)

    def remote_user_free(self, record: int) -> None:
        """The called party is free: the caller may call."""
        self._lib.pri_cc_remote_user_free(self._handle, record)

    def b_free(self, record: int) -> None:
        """It is, but the caller is busy."""
        self._lib.pri_cc_b_free(self._handle, record)

    def stop_alerting(self, record: int) -> None:
        """Somebody else has answered the recall."""
        self._lib.pri_cc_stop_alerting(self._handle, record)

    def ask_status(self, record: int) -> None:
        """Is the caller free? The answer is STATUS_ANSWERED."""
        self._lib.pri_cc_status_req(self._handle, record)

    # ---- of called parties that are waited for at the far end --------------------------------------------------

    def request(self, record: int, mode: int) -> bool:
        """Ask for completion; False when it cannot be asked for."""
        return bool(self._lib.pri_cc_req(self._handle, record, mode) == 0)

    def tell_status(self, record: int, status: int) -> None:
        """The caller has become busy or free."""
        self._lib.pri_cc_status(self._handle, record, status)

    def answer_status(self, record: int, status: int) -> None:
        """The caller is busy or free, since the far end asks."""
        self._lib.pri_cc_status_req_rsp(self._handle, record, status)

    # ---- of both -----------------------------------------------------------------------------------------------

    def cancel(self, record: int) -> None:
        """Forget about it, and tell the far end so."""
        self._lib.pri_cc_cancel(self._handle, record)
