"""Tones towards the caller."""

from __future__ import annotations

import asyncio
import logging

from offhook.calls.channel import Channel
from offhook.media.tones import parse_tone_list
from offhook.modules import Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("app_playtones", "Playtones Application")
milliwatt_module = Module("app_milliwatt", "Digital Milliwatt (mu-law) Test Application")

_MILLIWATT_LEVEL = 23170
"""0 dBm0 of a sine in 16-bit linear: 3.14 dB below full scale of mu-law (G.711)."""


@module.application("PlayTones", Syntax(rest="arg"), see_also=("StopPlayTones",))
def play_tones(channel: Channel, tone: str = "") -> None:
    """Play a tone until StopPlayTones or the next tone, while the dialplan goes on.

    The argument is a tone's name in indications.conf ("dial", "busy" ...) or a tone list such as 425/500,0/500.
    """
    channel.stop_tones()
    spec = channel.pbx.zone_tone(channel.tone_zone, tone)
    if spec is None:
        try:
            spec = parse_tone_list(tone)
        except ValueError as error:
            log.warning("%s: PlayTones(%s): %s", channel.name, tone, error)
            return
    if channel.media is not None:
        channel.data["tone"] = channel.media.tones(spec)


@module.application("StopPlayTones", see_also=("PlayTones",))
def stop_play_tones(channel: Channel) -> None:
    """Stop the tone that PlayTones started."""
    channel.stop_tones()


@milliwatt_module.application(
    "Milliwatt", Syntax("[options]", options={"m": "Silence for a second after each nine.", "o": "1000 Hz."})
)
async def milliwatt(channel: Channel, options: str = "") -> None:
    """Answer and play 1004 Hz at 0 dBm0 for line measurements, until the caller hangs up."""
    letters = Options(options)
    channel.answer()
    spec = parse_tone_list(
        "1000/0" if "o" in letters else "1004/9000,0/1000" if "m" in letters else "1004/0", level=_MILLIWATT_LEVEL
    )
    if channel.media is not None:
        channel.data["tone"] = channel.media.tones(spec)
    await asyncio.get_running_loop().create_future()
