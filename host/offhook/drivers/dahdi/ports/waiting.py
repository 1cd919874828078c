"""Message waiting of a phone: stutter tone, and its lamp by data, voltage, neon or polarity (mwisendtype).

A phone is told when it is on hook: what changes at once, and after each call again, for many phones forget while they
are in use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from kernel_shims.line import Hook
from offhook.drivers.dahdi.ports.identity import call_of
from offhook.media.callerid import Waiting, encode_waiting

if TYPE_CHECKING:
    from offhook.calls.mailboxes import Count
    from offhook.drivers.dahdi.ports.phone import PhonePort

_LAMPS = {"lrev": "lrev", "hvdc": "hvdc", "hvac": "hvac", "neon": "hvac"}
_QUIET_S = 3.0
"""A phone that was put down is left alone for that long."""
_ALERT_MS = (250, 10_000)
"""The short ring that announces data (mwisendtype = rpas)."""


class MessageLamp:
    """Watches the mailbox of a port."""

    def __init__(self, port: PhonePort, override: bool | None = None) -> None:
        self._port = port
        self._drop: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._shown: bool | None = None
        """What the phone was told last; None: it has to be told."""
        self.alerting = False
        """The short ring before data goes on."""
        self.override = override
        """What was set by hand; None: the mailbox counts."""
        words = port.settings["mwisendtype"]
        self.kinds = frozenset(_LAMPS[word] for word in words if word in _LAMPS)
        self._by_data = "nofsk" not in words
        self._alerts = "rpas" in words

    @property
    def count(self) -> int:
        """Messages that wait, or 1 and 0 when it was set by hand."""
        if self.override is not None:
            return int(self.override)
        return self._port.pbx.mailboxes.count(self._port.settings["mailbox"]).new

    def begin(self) -> None:
        """Watch from now on."""
        mailbox = self._port.settings["mailbox"]
        if mailbox:
            self._drop = self._port.pbx.mailboxes.watch(mailbox, self._changed)
        if mailbox or self.override is not None:
            if self.kinds:
                self._port.on_line(lambda line: line.message_lamp(self.kinds))
            self._tell(_QUIET_S)

    def end(self) -> None:
        """Watch no more."""
        self._cancel()
        if self._drop is not None:
            self._drop()
            self._drop = None

    def set_by_hand(self, on: bool | None) -> None:
        """Have messages wait, or none, whatever the mailbox holds; None: as it says again."""
        self.override = on
        self._tell()

    def at_rest(self) -> None:
        """The phone was put down: tell it again after a while."""
        self._shown = None
        if self._port.settings["mailbox"] or self.override is not None:
            self._tell(_QUIET_S)

    def lifted(self) -> None:
        """The handset is up: it is told later."""
        self._cancel()
        self.alerting = False

    def alerted(self) -> None:
        """The short ring is over: the data follows."""
        if self.alerting:
            self.alerting = False
            self._port.on_line(lambda line: line.hook(Hook.RINGOFF))
            self._send()

    def _changed(self, mailbox: str, count: Count) -> None:
        self._tell()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self, after_s: float = 0.0) -> None:
        self._port.machine.messages = self.count > 0
        if after_s or self._timer is None:
            self._cancel()
            self._timer = self._port.pbx.loop.call_later(after_s, self._show)

    def _show(self) -> None:
        self._timer = None
        port, count = self._port, self.count
        if not port.machine.idle or self._shown == (count > 0) or port.line is None:
            return
        self._shown = count > 0
        if self.kinds:
            port.on_line(lambda line: line.message_waiting(count))
        if self._alerts:
            self.alerting = True
            port.on_line(lambda line: line.cadence(_ALERT_MS))
            port.on_line(lambda line: line.hook(Hook.RING))
        else:
            self._send()

    def _send(self) -> None:
        port = self._port
        if self._by_data and port.machine.idle:
            box = call_of(port.calls.caller().id, port.pbx.wall())
            port.send_waiting(encode_waiting(Waiting(bool(self._shown)), call=box))
