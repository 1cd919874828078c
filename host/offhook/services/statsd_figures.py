"""What StatsD is told by itself: how many contacts and registrations are in which state, how fast contacts answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls.endpoints import ContactAsked, ContactChange, RegistrationChange

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

    Send = Callable[[str, str, str], None]
    """(name, kind, value)"""

_CONTACTS = "PJSIP.contacts.states"
_CONTACT_STATES = ("Unreachable", "Reachable", "Unknown", "NonQualified", "Removed")
_COUNT = "PJSIP.registrations.count"
_REGISTRATIONS = "PJSIP.registrations.state"
_REGISTRATION_STATES = ("Registered", "Unregistered", "Rejected")
_GAUGE, _TIMER = "g", "ms"


def reset(send: Send) -> None:
    """Set every gauge to nought: the program may have ended before without counting down."""
    for state in _CONTACT_STATES:
        send(f"{_CONTACTS}.{state}", _GAUGE, "0")
    send(_COUNT, _GAUGE, "0")
    for state in _REGISTRATION_STATES:
        send(f"{_REGISTRATIONS}.{state}", _GAUGE, "0")


def watch(pbx: Pbx, send: Send) -> Callable[[], None]:
    """Send figures as things change; returns the call that ends it."""

    def move(names: str, was: str, now: str) -> None:
        if was:
            send(f"{names}.{was}", _GAUGE, "-1")
        if now:
            send(f"{names}.{now}", _GAUGE, "+1")

    def contact(event: ContactChange) -> None:
        move(_CONTACTS, event.was, event.now)

    def asked(event: ContactAsked) -> None:
        figure = -1 if event.roundtrip_us is None else event.roundtrip_us // 1000
        send(f"PJSIP.contacts.{event.contact}.rtt", _TIMER, str(figure))

    def registration(event: RegistrationChange) -> None:
        if not event.was or not event.now:
            send(_COUNT, _GAUGE, "-1" if event.was else "+1")
        move(_REGISTRATIONS, event.was, event.now)

    bus = pbx.bus
    ends = (
        bus.subscribe(ContactChange, contact),
        bus.subscribe(ContactAsked, asked),
        bus.subscribe(RegistrationChange, registration),
    )

    def end() -> None:
        for each in ends:
            each()

    return end
