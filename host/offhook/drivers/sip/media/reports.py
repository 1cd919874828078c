"""RTCP reports and the RTP watchdog, as the manager interface and the log tell them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.drivers.sip.transport.flow import host_port
from offhook.media.events import FarEndQuiet, RtcpReceived, RtcpSent, SourceJudged

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.media.rtp import RtpLeg
    from offhook.media.rtp_figures import Report

log = logging.getLogger(__name__)

WATCHDOG_S = 10
"""So long a far end may be silent before the log says so."""

_KINDS = {200: "SR", 201: "RR"}


def tell_report(channel: Channel, leg: RtpLeg, event: RtcpSent | RtcpReceived, local_host: str) -> None:
    """Publish a report that was sent or received."""
    sent = isinstance(event, RtcpSent)
    kind = events.RtcpSent if sent else events.RtcpReceived
    bus = channel.pbx.bus
    if not bus.wants(kind):
        return
    stats = leg.stats()
    remote = leg.remote or ("0.0.0.0", 0)
    here = host_port(local_host, leg.local_port + 1)
    there = host_port(remote[0], remote[1] + 1)
    lines = {"To": there if sent else here, "From": here if sent else there}
    if not sent:
        lines["RTT"] = f"{stats.rtt:.4f}"
    lines["MES"] = f"{(stats.scores if sent else stats.remote_scores).last:.1f}"
    bus.publish(kind(channel, lines | report_lines(event.report)))


def report_lines(report: Report) -> dict[str, str]:
    """The headers of a report."""
    lines = {
        "SSRC": f"0x{report.ssrc:08x}",
        "PT": f"{report.kind}({_KINDS.get(report.kind, 'RR')})",
        "ReportCount": "1" if report.block is not None else "0",
    }
    if report.kind == 200:
        lines |= {
            "SentNTP": f"{report.ntp:.6f}",
            "SentRTP": str(report.rtp),
            "SentPackets": str(report.packets),
            "SentOctets": str(report.octets),
        }
    block = report.block
    if block is not None:
        lines |= {
            "Report0SourceSSRC": f"0x{block.source:08x}",
            "Report0FractionLost": str(block.fraction),
            "Report0CumulativeLost": str(block.lost),
            "Report0HighestSequence": str(block.highest & 0xFFFF),
            "Report0SequenceNumberCycles": str(block.highest >> 16),
            "Report0IAJitter": str(block.jitter),
            "Report0LSR": str(block.lsr),
            "Report0DLSR": f"{block.dlsr / 65536:.4f}",
        }
    return lines


def tell_far_end(channel: Channel, event: FarEndQuiet | SourceJudged) -> None:
    """Nothing comes from the far end: say where to look. Or tell who is heard and who is not."""
    if isinstance(event, SourceJudged):
        where = (("Source", host_port(event.host, event.port)),)
        state = "STRICT_RTP_LEARN" if event.heard else "STRICT_RTP_CLOSED"
        channel.pbx.bus.publish(events.TestEvent(state, where, "res_rtp_asterisk.c", "ast_rtp_read"))
    elif event.heard:
        log.warning("%s: no audio packets from the far end for %d seconds", channel.name, event.seconds)
    else:
        log.warning(
            "%s: no audio packet from the far end in the first %d seconds; look for a firewall or NAT, and at "
            "rtp_symmetric, external_media_address and direct_media of its endpoint in pjsip.conf",
            channel.name,
            event.seconds,
        )
