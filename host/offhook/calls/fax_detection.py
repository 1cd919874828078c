"""Fax machines that call: their tone (CNG, ITU-T T.30 4.1: 1100 Hz for half a second) sends a call to extension fax."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from offhook.log import NOTICE, verbose
from offhook.media.detecting import ListenedTone, detect_tones
from offhook.media.events import MediaEvent, ToneHeard

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)

CALLING_TONE: Final = ListenedTone(1100, least_ms=425)
_BLOCK_MS = 10
"""Filters so wide that the tolerance of 38 Hz fits."""
_KEY = "fax detection"
EXTENSION: Final = "fax"


def listen_for_fax(channel: Channel, timeout_s: int = 0) -> None:
    """Watch for a calling fax machine until one is heard, once a channel; ``timeout_s`` after the answer it is late."""
    if channel.media is None or _KEY in channel.data:
        return
    detector = detect_tones(channel.media, [CALLING_TONE], block_ms=_BLOCK_MS)
    channel.data[_KEY] = detector

    def heard(event: MediaEvent) -> None:
        if not isinstance(event, ToneHeard) or not event.begins:
            return
        detector.close()
        answered = channel.answered_at
        late = timeout_s and answered is not None and channel.pbx.now() - answered >= timeout_s
        if not late:
            fax_heard(channel)

    detector.on_event = heard


def fax_heard(channel: Channel) -> None:
    """A fax machine calls: go to extension fax of the channel's context, remembering in FAXEXTEN where it was."""
    if channel.exten == EXTENSION or not channel.alive:
        return
    if not channel.pbx.dialplan.exists(channel.context, EXTENSION, 1, channel.caller.id.number.text):
        log.log(NOTICE, "FAX CNG detected on '%s' but no fax extension in '%s'", channel.name, channel.context)
        return
    verbose(2, "Redirecting '%s' to fax extension due to CNG detection", channel.name)
    channel.set("FAXEXTEN", channel.exten)
    channel.async_goto(channel.context, EXTENSION, 1)
