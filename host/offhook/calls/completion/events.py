"""What happens to call completion, for the manager interface. ``core_id`` numbers the transaction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Available:
    """A called device may be waited for."""

    core_id: int
    callee: str
    service: str


@dataclass(slots=True)
class OfferTimerStart:
    """The caller has so many seconds to ask for completion."""

    core_id: int
    caller: str
    expires: int


@dataclass(slots=True)
class Requested:
    """A caller asked to be called back."""

    core_id: int
    caller: str
    callee: str


@dataclass(slots=True)
class Told:
    """A step that only the caller is named for: its kind is the manager event's name."""

    kind: str
    core_id: int
    caller: str


@dataclass(slots=True)
class Failure:
    """A transaction is over without success, or was cancelled."""

    core_id: int
    caller: str
    reason: str


@dataclass(slots=True)
class MonitorFailed:
    """A device is not waited for any more."""

    core_id: int
    callee: str


ACKNOWLEDGED = "CCRequestAcknowledged"
START_MONITORING = "CCCallerStartMonitoring"
STOP_MONITORING = "CCCallerStopMonitoring"
RECALLING = "CCCallerRecalling"
COMPLETE = "CCRecallComplete"
