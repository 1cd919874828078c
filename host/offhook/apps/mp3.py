"""MP3Player: mpg123 plays to the caller."""

from __future__ import annotations

import logging

from offhook.apps.streamed import hear
from offhook.calls.channel import Channel, Hangup
from offhook.calls.prompts import ANY_DIGIT
from offhook.media.formats import FORMATS, Kind
from offhook.media.programs import SoundError, linear, program
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_mp3", "Silly MP3 Application", support="extended")

_LIVE_S, _REMOTE_S = 0.5, 6.0
"""Seconds of sound that mpg123 gathers of a stream, and of a file that comes over the network."""


def command(location: str, rate: int) -> list[str]:
    """How mpg123 is called for a place."""
    remote, listed = location.lower().startswith("http://"), ".m3u" in location
    words = ["mpg123", "-e", "s16", "-q", "-s", "-f", "8192", "--mono", "-r", str(rate)]
    if remote:
        words += ["-b", str(max(1, int((_LIVE_S if listed else _REMOTE_S) * 2 * rate / 1000)))]
    elif listed:
        words.append("-z")
    return [*words, *(["-@"] if listed else []), location]


@module.application(
    "MP3Player",
    Syntax("location", location="An MP3 file, a list of them (.m3u), or their http:// address."),
    raw=True,
    see_also=("Playback", "MusicOnHold"),
)
async def mp3_player(channel: Channel, location: str = "") -> None:
    """Have mpg123 play to the caller, until it has done or the caller presses a key.

    Does not answer the channel. mpg123 must be installed; it plays no https:// addresses.
    """
    if not location or location.startswith("-"):  # what begins so is an option to mpg123
        log.warning("%s: MP3Player(%s): a file or an address is needed", channel.name, location)
        raise Hangup
    rates = [FORMATS[name].rate for name in channel.formats if FORMATS[name].kind is Kind.AUDIO]
    rate = rates[0] if rates else 8000
    try:
        async with program(command(location, rate)) as running:
            leg = channel.pbx.engine.stream_leg(running.descriptor, "heard", linear(rate))
            if not await hear(channel, leg, ANY_DIGIT) and not leg.heard:
                hint = "; mpg123 knows no https, use http" if location.lower().startswith("https://") else ""
                log.warning(
                    "%s: MP3Player(%s): it gave no sound%s. %s",
                    channel.name,
                    location,
                    hint,
                    await running.last_words(),
                )
    except SoundError as error:
        log.warning("%s: MP3Player(%s): %s", channel.name, location, error)
