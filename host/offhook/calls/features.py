"""Features of a bridged call: what parties may do by DTMF codes while they talk.

A channel keeps the letters of what it may do (T transfer, K park, H disconnect, X record); bridges between two
parties look at them when the channel comes in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from offhook.calls.bridge import Feature
from offhook.calls.channel import Channel
from offhook.modules import Options

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

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
    wanted = set(letters) | (set() if replace else set(granted(channel)))
    channel.data[FEATURES] = "".join(letter for letter in LETTERS if letter in wanted)


def call_features(pbx: Pbx, caller: Channel, called: Channel, options: Options) -> tuple[list[Feature], list[Feature]]:
    """Grant both parties of a call what Dial's option letters and BRIDGE_FEATURES say.

    Returns what else their places in the bridge need: nothing so far.
    """
    given = set(options)
    grant(caller, (given & set(LETTERS)) | set((caller.get("BRIDGE_FEATURES") or "").upper()))
    grant(called, {letter for letter in LETTERS if letter.lower() in given})
    return [], []
