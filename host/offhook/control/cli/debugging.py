"""Commands that have parts of the exchange tell what they do."""

from __future__ import annotations

from typing import Any

from offhook.calls import events
from offhook.calls.advice import DEBUG as ADVICE_DEBUG
from offhook.calls.watching import trace
from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.control.cli.completion import channels, first
from offhook.log import verbose
from offhook.modules import Module, Request

module = Module("cli_debugging", "Commands that have parts tell what they do")

_REPORTS = "reports watched"
"""Part of the exchange: the call that ends the watching of RTCP reports."""


def _switch(_pbx: Any) -> tuple[str, str]:
    return ("on", "off")


def _on(request: Request) -> bool:
    word = request.args[0].lower() if len(request.args) == 1 else ""
    if word not in TRUE_WORDS and word not in FALSE_WORDS:
        raise request.usage()
    return word in TRUE_WORDS


@module.command("aoc set debug {on|off}", "Enable or disable debugging of AOC messages", complete=first(_switch))
def set_aoc_debug(request: Request) -> None:
    """Tell each advice of charge on the console, or no more."""
    request.pbx.parts[ADVICE_DEBUG] = on = _on(request)
    request.print(f"aoc debug {'enabled' if on else 'disabled'}")


@module.command("rtcp set stats {on|off}", "Enable/Disable RTCP stats", complete=first(_switch))
def set_rtcp_stats(request: Request) -> None:
    """Tell what RTCP reports say, as they are sent and received."""
    pbx, on = request.pbx, _on(request)
    for stop in pbx.parts.pop(_REPORTS, ()):
        stop()
    if on:
        pbx.parts[_REPORTS] = [pbx.bus.subscribe(kind, _show_report) for kind in (events.RtcpSent, events.RtcpReceived)]
    request.print(f"RTCP Stats {'Enabled' if on else 'Disabled'}")


def _show_report(event: events.RtcpSent | events.RtcpReceived) -> None:
    way = "sent" if isinstance(event, events.RtcpSent) else "received"
    lines = "".join(f"\n  {name}: {value}" for name, value in event.report.items())
    verbose(0, "RTCP report %s on %s%s", way, event.channel.name, lines)


# ---- channels ---------------------------------------------------------------------------------------

_NEW_CHANNELS = "new channels traced"
"""Part of the exchange: the call that ends the tracing of channels to come."""


def _all(_kind: str) -> bool:
    return True


def _begin(event: events.NewChannel) -> None:
    trace(event.channel, _all)


def _channels(pbx: Any, args: list[str], _typed: str) -> list[str]:
    return ["off"] if args else ["all", *channels(pbx)]


@module.command(
    "core set debug channel <all|channel> [off]", "Enable/disable debugging on a channel", complete=_channels
)
def set_channel_debug(request: Request) -> None:
    """Tell which digits, conditions and texts pass on a channel, or on all of them and those to come."""
    name, *more = request.args or [""]
    if not name or more not in ([], ["off"]):
        raise request.usage()
    pbx, wanted = request.pbx, None if more else _all
    if name.lower() != "all":
        channel = pbx.channels.find(name)
        if channel is None:
            request.print(f"No such channel {name}")
            return
        trace(channel, wanted)
        request.print(f"Debugging {'disabled' if more else 'enabled'} on channel {channel.name}")
        return
    stop = pbx.parts.pop(_NEW_CHANNELS, None)
    if stop is not None:
        stop()
    if not more:
        pbx.parts[_NEW_CHANNELS] = pbx.bus.subscribe(events.NewChannel, _begin)
    for channel in pbx.channels:
        trace(channel, wanted)
    request.print(f"Debugging on new channels is {'disabled' if more else 'enabled'}")
