"""The event packages ``presence`` and ``dialog``: what an extension's hint says (RFC 3856, 4235)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel, State
from offhook.calls.devices import EXTENSION_TEXTS
from offhook.calls.hints import Hint
from offhook.calls.pbx import Pbx
from offhook.calls.presence import Report
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.subscriptions.package import EXTENSION_STATE, pubsub_of
from offhook.modules import Module
from offhook.sip.message import Header

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.subscriptions.branch import Branch

log = logging.getLogger(__name__)

module = Module(
    "res_pjsip_exten_state", "PJSIP Extension State Notifications", depends=("res_pjsip_pubsub",), priority=33
)


@dataclass(frozen=True, slots=True)
class ExtensionState:
    """An extension as bodies tell it."""

    exten: str
    number: int
    """AST_EXTENSION_*."""
    presence: Report
    has_devices: bool
    ringing: Channel | None
    """The channel that has been ringing longest on one of its devices."""


def state_of(pbx: Pbx, hint: Hint) -> ExtensionState:
    """What a hint says now."""
    return ExtensionState(hint.exten, hint.state, hint.report, bool(hint.devices), ringing_channel(pbx, hint))


def state_without_channels(hint: Hint) -> ExtensionState:
    """What a hint says now, for those who are not to know who rings."""
    return ExtensionState(hint.exten, hint.state, hint.report, has_devices=False, ringing=None)


def ringing_channel(pbx: Pbx, hint: Hint) -> Channel | None:
    """The channel that has been ringing longest on one of a hint's devices."""
    ringing = [
        channel
        for device in hint.devices
        for channel in pbx.channels.of_device(device)
        if channel.state is State.RINGING
    ]
    return min(ringing, key=lambda channel: channel.created_at, default=None)


class HintWatch:
    """One extension being watched."""

    __slots__ = ("_branch", "_drop", "_hint", "_last", "_pbx")

    def __init__(self, pbx: Pbx, branch: Branch, hint: Hint) -> None:
        self._pbx = pbx
        self._branch = branch
        self._hint = hint
        self._last: int | None = None
        self._drop = pbx.hints.watch(hint.context, hint.exten, self.changed)

    def changed(self, hint: Hint) -> None:
        """The hint says something else."""
        self._hint = hint
        self._last = hint.state
        self._branch.changes(state_of(self._pbx, hint), terminate=hint.state < 0)

    def state(self) -> ExtensionState | None:
        """What it says now; None when it is gone."""
        return state_of(self._pbx, self._hint) if self._hint.state >= 0 else None

    def shown(self) -> list[Header]:
        """What manager clients are told."""
        return [
            ("SubscriptionType", "extension_state"),
            ("Extension", self._hint.exten),
            ("ExtensionStates", EXTENSION_TEXTS.get(self._last, "Unknown") if self._last is not None else "Unknown"),
        ]

    def close(self) -> None:
        """Watch no more."""
        if self._drop is not None:
            self._drop()
            self._drop = None


class ExtensionPackage:
    """``presence`` or ``dialog``."""

    kind = EXTENSION_STATE

    def __init__(self, stack: SipStack, event: str, accept: str) -> None:
        self.event = event
        self.accept = accept
        self._pbx = stack.pbx

    def admit(self, endpoint: Endpoint, resource: str) -> int:
        """An extension with a hint may be watched."""
        return 200 if self._pbx.hints.find(_context(endpoint), resource) is not None else 404

    def watch(self, branch: Branch) -> HintWatch | None:
        """Watch an extension."""
        hint = self._pbx.hints.find(_context(branch.subscription.endpoint), branch.resource)
        return HintWatch(self._pbx, branch, hint) if hint is not None else None

    def display_name(self, endpoint: Endpoint, resource: str) -> str:
        """The name that its hint gives it."""
        return self._pbx.dialplan.hint_name(_context(endpoint), resource)


def _context(endpoint: Endpoint) -> str:
    return endpoint.subscribe_context or endpoint.context


_EVENTS = {"presence": "application/pidf+xml", "dialog": "application/dialog-info+xml"}


@module.on_load
def load(pbx: Pbx) -> None:
    """Offer both packages."""
    stack: SipStack = pbx.parts[PART]
    pubsub = pubsub_of(pbx)
    for event, accept in _EVENTS.items():
        pubsub.packages[event] = ExtensionPackage(stack, event, accept)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Offer them no more."""
    for event in _EVENTS:
        pubsub_of(pbx).packages.pop(event, None)
