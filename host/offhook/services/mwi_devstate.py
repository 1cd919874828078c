"""Mailboxes as devices: ``MWI:1000@default`` is in use while it holds new messages, so hints can watch it.

A mailbox that nobody told of is no device.
"""

from __future__ import annotations

from offhook.calls.pbx import Pbx
from offhook.calls.watched_events import MessageWaiting
from offhook.modules import Module

module = Module("res_mwi_devstate", "MWI Device State Subscriptions", priority=8)

PREFIX = "MWI"
_DROP = "res_mwi_devstate"


@module.on_load
def load(pbx: Pbx) -> None:
    """Follow every mailbox."""

    def state(mailbox: str) -> str:
        if mailbox not in pbx.mailboxes:
            return "INVALID"
        return "INUSE" if pbx.mailboxes.count(mailbox).new else "NOT_INUSE"

    pbx.devices.providers[PREFIX.lower()] = state
    pbx.parts[_DROP] = pbx.bus.subscribe(MessageWaiting, lambda event: _told(pbx, event.mailbox, event.new))
    for mailbox, count in pbx.mailboxes:
        _told(pbx, mailbox, count.new)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Follow them no more."""
    pbx.parts.pop(_DROP)()
    pbx.devices.providers.pop(PREFIX.lower(), None)


def _told(pbx: Pbx, mailbox: str, new: int) -> None:
    pbx.devices.publish(f"{PREFIX}:{mailbox}", "INUSE" if new else "NOT_INUSE")
