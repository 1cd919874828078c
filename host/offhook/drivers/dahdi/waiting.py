"""Message waiting of a phone: stutter tone, and its lamp by data, voltage, neon or polarity (mwisendtype)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.media.callerid import Waiting, encode_waiting

if TYPE_CHECKING:
    from offhook.calls.mailboxes import Count
    from offhook.drivers.dahdi.phone_port import PhonePort

_LAMPS = {"lrev": "lrev", "hvdc": "hvdc", "hvac": "hvac", "neon": "hvac"}


class MessageLamp:
    """Watches the mailbox of a port."""

    def __init__(self, port: PhonePort) -> None:
        self._port = port
        self._pending: bool | None = None
        self._drop: Callable[[], None] | None = None
        self.kinds = frozenset(_LAMPS[word] for word in port.settings["mwisendtype"] if word in _LAMPS)
        self.by_data = "nofsk" not in port.settings["mwisendtype"]

    def begin(self) -> None:
        """Watch from now on."""
        mailbox = self._port.settings["mailbox"]
        if not mailbox:
            return
        if self.kinds:
            self._port.on_line(lambda line: line.message_lamp(self.kinds))
        mailboxes = self._port.pbx.mailboxes
        self._drop = mailboxes.watch(mailbox, self._changed)
        self._port.machine.messages = mailboxes.count(mailbox).new > 0

    def end(self) -> None:
        """Watch no more."""
        if self._drop is not None:
            self._drop()
            self._drop = None

    def _changed(self, mailbox: str, count: Count) -> None:
        self._port.machine.messages = count.new > 0
        if self.kinds:
            self._port.on_line(lambda line: line.message_waiting(count.new))
        if self.by_data:
            self.show(count.new > 0)

    def show(self, on: bool) -> None:
        """Light the lamp or put it out by data; a phone in use is told when it is on hook again."""
        if self._port.machine.idle:
            self._pending = None
            self._port.send_waiting(encode_waiting(Waiting(on)))
        else:
            self._pending = on

    def at_rest(self) -> None:
        """The phone is on hook: tell it what it missed."""
        if self._pending is not None and self._port.machine.idle:
            self.show(self._pending)
