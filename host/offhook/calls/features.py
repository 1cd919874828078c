"""Features of a bridged call: what parties may do by DTMF codes while they talk.

A feature is found by registration: a module adds a builder under an option letter of Dial; ``call_features``
asks the builders whose letters are given. Without builders an option is accepted and does nothing but say so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls.bridge import Feature
from offhook.calls.channel import Channel
from offhook.modules import Options

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

Builder = Callable[["Pbx", Channel, Channel, Options], tuple[list[Feature], list[Feature]]]
"""(pbx, caller, called, options) -> features of the caller, features of the called party."""


def call_features(pbx: Pbx, caller: Channel, called: Channel, options: Options) -> tuple[list[Feature], list[Feature]]:
    """The features both parties of a call get, by Dial's option letters and the channels' own settings."""
    mine: list[Feature] = []
    theirs: list[Feature] = []
    builders: list[Builder] = pbx.parts.get("features", [])
    for builder in builders:
        for_caller, for_called = builder(pbx, caller, called, options)
        mine += for_caller
        theirs += for_called
    return mine, theirs
