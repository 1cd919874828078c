"""Copies of a recording in voicemail boxes: MixMonitor's options m, c and d."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel
from offhook.calls.party import Party
from offhook.modules import Options
from offhook.services.voicemail.deposit import DepositError, Origin, box_in, leave, recipients

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)


class Copies:
    """Who gets copies of a recording, and what they are told of its call. Made while the channel is there."""

    __slots__ = ("_boxes", "_delete", "_name", "_origin")

    def __init__(self, channel: Channel, letters: Options) -> None:
        self._name = channel.name
        self._delete = "d" in letters
        self._boxes: list[tuple[str, str, str]] = []
        if "m" in letters:
            try:
                self._boxes = list(recipients(letters["m"])) if letters["m"] else []
            except DepositError as error:
                log.error("%s: MixMonitor: option m: %s", channel.name, error)
            else:
                if not self._boxes:
                    log.warning("%s: MixMonitor: option m names no voicemail boxes", channel.name)
        party = channel.caller.id if "c" in letters else channel.connected.id
        self._origin = Origin(channel.context, channel.exten, channel.priority, channel.name, _text(party))

    async def deliver(self, pbx: Pbx, files: Iterable[tuple[str, float]]) -> None:
        """Put files (path, seconds) into the boxes; with option d they are deleted afterwards."""
        files = list(files)
        config = pbx.config.load("voicemail.conf") if self._boxes else None
        for path, seconds in files:
            for mailbox, context, folder in self._boxes:
                try:
                    box = box_in(config, mailbox, context)
                    counts = await pbx.off_loop(leave, pbx, box, folder, path, int(seconds), self._origin)
                except (DepositError, OSError) as error:
                    log.error("%s: MixMonitor: no copy of %s to voicemail: %s", self._name, path, error)
                else:
                    pbx.mailboxes.publish(box.name, *counts)
        if self._delete:
            for path, _ in files:
                with suppress(FileNotFoundError):
                    await pbx.off_loop(os.remove, path)


def _text(party: Party) -> str:
    """``"Name" <number>``, or whichever of them is there."""
    name, number = party.name.text, party.number.text
    if name and number:
        return f'"{name}" <{number}>'
    return f'"{name}"' if name else number
