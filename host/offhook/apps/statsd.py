"""StatsD: figures from the dialplan to a server of statistics."""

from __future__ import annotations

import logging
import re

from offhook.calls.channel import Channel, Hangup
from offhook.modules import Module, Syntax
from offhook.services.statsd import statsd_of

log = logging.getLogger(__name__)
module = Module("app_statsd", "StatsD Dialplan Application", depends=("res_statsd",), support="extended")

_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")
_LARGEST, _LARGEST_TIME = 2.0**63, 2.0**64


@module.application(
    "StatsD",
    Syntax(
        "metric_type",
        "statistic_name",
        "value",
        "[sample_rate]",
        metric_type="g (gauge), c (counter), ms (time) or s (set).",
        value="A number; with + or - a gauge or counter changes by it. A set takes any text without |.",
        sample_rate="From 0 (never sent) to 1 (always).",
    ),
)
def statsd(channel: Channel, kind: str = "", name: str = "", value: str = "", rate: str = "") -> None:
    """Send a figure to the server of statsd.conf. What is written wrongly ends the call."""
    wrong = _wrong(kind, name, value, rate)
    if wrong:
        log.error("%s: StatsD(%s,%s,%s): %s", channel.name, kind, name, value, wrong)
        raise Hangup
    client = statsd_of(channel.pbx)
    if client is not None:
        client.send(name, kind, value, float(rate) if rate else 1.0)


def _wrong(kind: str, name: str, value: str, rate: str) -> str:
    """What is wrong with a figure; "" when nothing is."""
    if kind not in ("g", "c", "ms", "s"):
        return f'"{kind}" is no type; g, c, ms and s are'
    if not name or "|" in name:
        return "a name without | is needed"
    if not value:
        return "a value is needed"
    if kind == "s":
        return "the value of a set has no |" if "|" in value else ""
    number = value[1:] if kind != "ms" and value[0] in "+-" else value
    if not _NUMBER.fullmatch(number):
        return f'"{value}" is no number'
    if float(number) > (_LARGEST_TIME if kind == "ms" else _LARGEST):
        return f"{value} is too large"
    if rate and not _NUMBER.fullmatch(rate):
        return f'the sample rate "{rate}" is no number'
    return ""
