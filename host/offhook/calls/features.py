"""Features of a bridged call: what parties may do by DTMF codes while they talk.

A channel keeps the letters of what it may do (T transfer, K park, H disconnect, X record); bridges between two
parties look at them when the channel comes in.
"""

from __future__ import annotations

from collections.abc import Iterable

from offhook.calls.channel import Channel
from offhook.modules import Options

LETTERS = "TKHWX"
"""Transfer, park, disconnect, one-touch Monitor, one-touch MixMonitor."""
FEATURES = "dtmf features"
"""Key in a channel's data of the letters of what it may do."""


def granted(channel: Channel) -> str:
    """The letters of what a channel may do by code."""
    letters: str = channel.data.get(FEATURES, "")
    return letters


def grant(channel: Channel, letters: Iterable[str], *, replace: bool = False) -> None:
    """Let a channel use features from the next bridge on, besides what it may already or instead of that."""
    wanted = set(letters)
    if not replace:
        if not wanted:
            return
        wanted.update(granted(channel))
    channel.data[FEATURES] = "".join(letter for letter in LETTERS if letter in wanted)


def grant_by_options(caller: Channel, called: Channel, options: Options) -> None:
    """Grant both parties what option letters and BRIDGE_FEATURES say: capitals the caller, others the called."""
    given = set(options) | set(caller.get("BRIDGE_FEATURES") or "")
    grant(caller, given & set(LETTERS))
    grant(called, {letter for letter in LETTERS if letter.lower() in given})
