"""A member of a queue: whom it calls, what is known of its device, and what it has done."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls.devices import STATES
from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.services.queues.moments import Moment, epoch_of, since

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.calls.pbx import Pbx
    from offhook.services.queues.queue import Queue

log = logging.getLogger(__name__)

STATIC, DYNAMIC, REALTIME = "static", "dynamic", "realtime"
FREE = ("NOT_INUSE", "UNKNOWN")
ENGAGED = ("INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD")
_BY_EXTENSION = {0: "NOT_INUSE", 1: "INUSE", 2: "BUSY", 4: "UNAVAILABLE", 8: "RINGING", 9: "RINGINUSE", 16: "ONHOLD"}
_HOLD_INUSE = 17


@dataclass(slots=True, eq=False)
class Talk:
    """A talk that a member has, until it is counted."""

    began: Moment
    in_level: bool
    """The caller had not waited longer than the service level."""
    counts: bool = True
    """No: the queue's figures were forgotten meanwhile."""


@dataclass(slots=True, eq=False)
class Member:
    """Somebody who takes calls of a queue."""

    interface: str
    """What is dialled."""
    name: str = ""
    penalty: int = 0
    state_interface: str = ""
    """Whose device state counts; "hint:exten@context" is an extension's."""
    ringinuse: bool = True
    wrapuptime: int = 0
    """Seconds; 0 is the queue's."""
    paused: bool = False
    reason: str = ""
    """Why it is paused."""
    kind: str = STATIC
    row: str = ""
    """Its row's uniqueid in a database."""
    state: str = "INVALID"
    """Of its device."""
    calls: int = 0
    last_call: Moment | None = None
    last_queue: Queue | None = None
    """Which queue that was of: its wrapuptime counts."""
    last_pause: Moment | None = None
    login: Moment | None = None
    talks: list[Talk] = field(default_factory=list)
    """Those that go on; more than one where members who talk are called."""
    drop: Callable[[], None] = field(default=lambda: None)
    """Ends the watching of its device."""

    def __post_init__(self) -> None:
        """What is not said is the interface."""
        self.name = self.name or self.interface
        self.state_interface = self.state_interface or self.interface

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.interface.lower()

    @property
    def status(self) -> int:
        """Its state's number."""
        return STATES.index(self.state)

    @property
    def reachable(self) -> bool:
        """Whether its device is there."""
        return self.state not in ("UNAVAILABLE", "INVALID")

    def wrapup_s(self, queue: Queue) -> int:
        """Seconds that it has after a call of this queue."""
        return self.wrapuptime or queue.settings.wrapuptime

    def wraps_up(self, queue: Queue) -> bool:
        """Whether it still has its time after the last call, as this queue counts it."""
        return self.last_call is not None and since(queue.pbx, self.last_call) < self.wrapup_s(queue)

    def available(self, queue: Queue) -> bool:
        """Whether it could take a call of this queue."""
        free = self.state in FREE or (self.ringinuse and self.state in ENGAGED)
        return free and not self.paused and not self.wraps_up(queue)

    def headers(self, queue: Queue) -> list[tuple[str, str]]:
        """What events tell of it."""
        return [
            ("Queue", queue.name),
            ("MemberName", self.name),
            ("Interface", self.interface),
            ("StateInterface", self.state_interface),
            ("Membership", self.kind),
            ("Penalty", str(self.penalty)),
            ("CallsTaken", str(self.calls)),
            ("LastCall", str(epoch_of(self.last_call))),
            ("LastPause", str(epoch_of(self.last_pause))),
            ("LoginTime", str(epoch_of(self.login))),
            ("InCall", str(int(bool(self.talks)))),
            ("Status", str(self.status)),
            ("Paused", str(int(self.paused))),
            ("PausedReason", self.reason),
            ("Ringinuse", str(int(self.ringinuse))),
            ("Wrapuptime", str(self.wrapuptime)),
        ]


def state_of(pbx: Pbx, member: Member) -> str:
    """What its device, or its extension, is doing now."""
    place = _hint(member)
    if place is None:
        return pbx.devices.state(member.state_interface)
    number = pbx.hints.state(*place)
    return "INUSE" if number == _HOLD_INUSE else _BY_EXTENSION.get(number, "INVALID")


def watch(pbx: Pbx, member: Member, changed: Callable[[], None]) -> None:
    """Have ``changed`` called when its device's state may be another one."""
    place = _hint(member)
    if place is not None:
        drop = pbx.hints.watch(*place, lambda _hint: changed())
        if drop is None:
            log.warning("member %s: extension %s of [%s] has no hint", member.name, place[1], place[0])
            return
        member.drop = drop
        return
    device = member.state_interface
    if device.startswith("Local/"):  # options after the place are no part of the device
        device = "/".join(device.split("/")[:2])
    member.drop = pbx.devices.watch(device, changed)


def _hint(member: Member) -> tuple[str, str] | None:
    """Context and extension whose hint tells its state."""
    if not member.state_interface.startswith("hint:"):
        return None
    exten, _, context = member.state_interface.removeprefix("hint:").partition("@")
    return context or "default", exten


def parse_member(text: str, ringinuse: bool, complain: Callable[[str], None]) -> Member:
    """A member line of queues.conf. Raises ValueError when it names nobody; smaller mistakes are complained of."""
    fields = [part.strip() for part in text.split(",")]
    interface, penalty, name, state, rings, wrapup, paused = (*fields, *[""] * 7)[:7]
    if not interface:
        raise ValueError("write interface[,penalty[,name[,state interface[,ringinuse[,wrapuptime[,paused]]]]]]")

    def seconds_or_so(value: str, what: str) -> int:
        if value and not value.isdigit():
            complain(f'{what} "{value}" of member {interface} is no number; 0 is taken')
        return int(value) if value.isdigit() else 0

    def truth(value: str, what: str, default: bool) -> bool:
        word = value.lower()
        if word and word not in TRUE_WORDS and word not in FALSE_WORDS:
            complain(f'{what} "{value}" of member {interface} is neither yes nor no')
        return word in TRUE_WORDS if word in TRUE_WORDS or word in FALSE_WORDS else default

    return Member(
        interface,
        name,
        seconds_or_so(penalty, "penalty"),
        state,
        truth(rings, "ringinuse", ringinuse),
        seconds_or_so(wrapup, "wrapuptime"),
        truth(paused, "paused", False),
    )
