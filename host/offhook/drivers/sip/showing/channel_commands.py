"""The CLI commands that show SIP channels and how their audio fares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from offhook.drivers.sip.calls.channel import SipChannel
from offhook.drivers.sip.calls.direct import is_direct
from offhook.drivers.sip.resource import module
from offhook.drivers.sip.showing import tables
from offhook.drivers.sip.showing.commands import object_name, print_table
from offhook.media.rtp import RtpLeg
from offhook.modules import Request

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx

FIGURES_HEADER = (
    "                                             ...........Receive......... .........Transmit..........",
    " BridgeId ChannelId ........ UpTime.. Codec.   Count    Lost Pct  Jitter   Count    Lost Pct  Jitter RTT....",
)
MOST_S = 999.999


def _names(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
    return [] if args else [channel.name for channel in pbx.channels if channel.name.startswith("PJSIP/")]


def _channels(request: Request) -> Iterable[Channel]:
    return [channel for channel in request.pbx.channels if channel.name.startswith("PJSIP/")]


@module.command("pjsip list channels [like <pattern>]", "List PJSIP Channels")
def list_channels(request: Request) -> None:
    """List the SIP channels, a line each.

    A regular expression on their names may follow "like".
    """
    header = tables.channel_header(False)
    print_table(request, header, _channels(request), lambda each: tables.channel_body(each, False))


@module.command("pjsip show channels [like <pattern>]", "Show PJSIP Channels")
def show_channels(request: Request) -> None:
    """Show the SIP channels and whom they are connected to.

    A regular expression on their names may follow "like".
    """
    header = tables.channel_header(True)
    print_table(request, header, _channels(request), lambda each: tables.channel_body(each, True))


@module.command("pjsip show channel <id>", "Show PJSIP Channel", complete=_names)
def show_channel(request: Request) -> None:
    """Show one SIP channel."""
    name = object_name(request)
    found = request.pbx.channels.find(name)
    if found is None or not found.name.startswith("PJSIP/"):
        request.print(f"Unable to find object {name}.", "")
        return
    request.print("", *tables.channel_header(True), tables.RULE, "", *tables.channel_body(found, True), "")


@module.command("pjsip show channelstats [like <pattern>]", "Show PJSIP Channel Stats")
def show_figures(request: Request) -> None:
    """Show packets, losses, jitter and round trip (in seconds) of SIP channels' audio.

    A regular expression on their names may follow "like".
    """
    print_table(request, FIGURES_HEADER, _channels(request), _figures)


def _figures(channel: Channel) -> Iterator[str]:
    audio = channel.session.media.audio if isinstance(channel, SipChannel) else None
    if audio is None or not isinstance(audio.leg, RtpLeg):
        yield f" {channel.name} no audio streams"
        return
    if isinstance(channel, SipChannel) and is_direct(channel):
        yield f"{channel.name} direct media"
        return
    stats, heard = audio.leg.stats(), audio.leg.receive_format
    bridge = channel.bridge.uniqueid if channel.bridge is not None else ""
    age = int(channel.pbx.now() - channel.created_at)
    clock = f"{age // 3600:02}:{age // 60 % 60:02}:{age % 60:02}"
    yield (
        f" {bridge:>8.8} {channel.name.partition('/')[2]:<18.18} {clock:<8.8} {heard.name if heard else '':<6.6}"
        f" {_way(stats.rx_packets, stats.rx_lost, stats.rx_jitter)}"
        f" {_way(stats.tx_packets, stats.remote_lost, stats.remote_jitter)}"
        f" {min(stats.rtt, MOST_S):7.3f}"
    )


def _way(packets: int, lost: int, jitter: float) -> str:
    share = lost * 100 // packets if packets else 0
    return f"{_count(packets)} {_count(lost)} {share:3} {min(jitter, MOST_S):7.3f}"


def _count(packets: int) -> str:
    return f"{packets // 1000:6}K" if packets > 100000 else f"{packets:6} "
