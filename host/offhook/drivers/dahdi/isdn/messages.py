"""Message waiting (ETSI EN 300 745-1): the devices of a BRI are told of new messages in mailboxes.

``mwi_mailboxes`` are watched, ``mwi_vm_boxes`` what each is called on the interface, ``mwi_vm_numbers`` whom to call to
hear them; a number that is left out is the one before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from offhook.calls.mailboxes import Count
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

log = logging.getLogger(__name__)


class Box(NamedTuple):
    """A mailbox, its number on the interface, and that of the voicemail."""

    mailbox: str
    number: str
    voicemail: str


def boxes_of(settings: Mapping[str, Any]) -> list[Box]:
    """The mailboxes that are told of; those without a number are left out."""
    names = ("mwi_mailboxes", "mwi_vm_boxes", "mwi_vm_numbers")
    columns = [[word.strip() for word in settings[name].split(",")] for name in names]
    found, last = [], ""
    for mailbox, number, voicemail in zip_longest(*columns, fillvalue=""):
        last = voicemail or last
        if mailbox and number:
            found.append(Box(mailbox, number, last))
    return found


class MessageWaiting:
    """Watches the mailboxes of a span."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span
        self._drops: list[Callable[[], None]] = []
        self._boxes = boxes_of(span.settings)
        if self._boxes and not (span.multipoint and span.network):
            text = "span %d: mwi_mailboxes is for a BRI to several devices (bri_net_ptmp): nobody is told of messages"
            log.warning(text, span.number)
            self._boxes = []
        mailboxes = span.pbx.mailboxes
        for box in self._boxes:
            if not box.voicemail:
                log.warning("span %d: mwi_vm_numbers has no number to hear %s with", span.number, box.mailbox)
            self._drops.append(mailboxes.watch(box.mailbox, partial(self._changed, box)))

    def _changed(self, box: Box, _: str, count: Count) -> None:
        if self._span.takes_calls:
            self._span.link.services.messages(box.number, box.voicemail, count.new)
            self._span.schedule()

    def up(self) -> None:
        """The D channel came up: tell of what there is."""
        for box in self._boxes:
            self._changed(box, box.mailbox, self._span.pbx.mailboxes.count(box.mailbox))

    def stop(self) -> None:
        """Watch no more."""
        while self._drops:
            self._drops.pop()()
