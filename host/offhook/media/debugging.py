"""Watching packets on the CLI: rtp set debug, rtcp set debug, stun set debug."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.log import verbose
from offhook.media.engine import Traced
from offhook.media.rtp import Packet
from offhook.modules import Module, Request

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

module = Module("stun", "Watching STUN, RTP and RTCP packets", priority=6)

_PART = "packets watched"
_REPORTS = {200: "SR", 201: "RR", 202: "SDES", 203: "BYE", 204: "APP", 205: "RTPFB", 206: "PSFB", 207: "XR"}


@dataclass
class Watched:
    """What is shown: of all packets, or of one host (and port)."""

    rtp: bool = False
    rtcp: bool = False
    host: str = ""
    port: int = 0


def _watched(pbx: Pbx) -> Watched:
    found: Watched = pbx.parts.setdefault(_PART, Watched())
    return found


@module.command("rtp set debug {on|off|ip} [<host>]", "Enable/Disable RTP debugging")
def set_rtp_debug(request: Request) -> None:
    """Show all RTP packets; with ip those to and from a host, or host:port."""
    _set(request, "RTP", "rtp")


@module.command("rtcp set debug {on|off|ip} [<host>]", "Enable/Disable RTCP debugging")
def set_rtcp_debug(request: Request) -> None:
    """Show all RTCP packets; with ip those to and from a host, or host:port."""
    _set(request, "RTCP", "rtcp")


def _set(request: Request, name: str, kind: str) -> None:
    engine, watched = request.pbx.engine, _watched(request.pbx)
    what, *more = request.args or [""]
    if what not in ("on", "off", "ip") or len(more) != (what == "ip"):
        raise request.usage()
    watched.host, watched.port = _split(more[0]) if more else ("", 0)
    setattr(watched, kind, what != "off")
    try:
        engine.trace(rtp=watched.rtp, rtcp=watched.rtcp, host=watched.host, port=watched.port)
    except ValueError:
        setattr(watched, kind, False)
        request.print(f"Lookup failed for '{more[0]}'")
        return
    engine.on_trace = _show if watched.rtp or watched.rtcp else None
    where = f" for address: {more[0]}" if more else ""
    request.print(f"{name} Packet Debugging {'Disabled' if what == 'off' else 'Enabled'}{where}")


def _split(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return text.strip("[]"), 0


def _show(packet: Traced) -> None:
    address = f"[{packet.host}]:{packet.port}" if ":" in packet.host else f"{packet.host}:{packet.port}"
    if packet.rtcp:
        way = "Sent RTCP {} to" if packet.sent else "Got  RTCP {} from"
        verbose(0, f"{way.format(_REPORTS.get(packet.type, packet.type))} {address} (len {packet.length:06d})")
        return
    way = "Sent RTP packet to     " if packet.sent else "Got  RTP packet from   "
    verbose(
        0,
        f"{way} {address} (type {packet.type:02d}, seq {packet.sequence:06d}, ts {packet.timestamp:06d}, "
        f"len {packet.length:06d})",
    )


@module.command("stun set debug {on|off}", "Enable/Disable STUN debugging")
def set_stun_debug(request: Request) -> None:
    """Show the STUN messages of ICE and of STUN and TURN servers."""
    if request.args not in (["on"], ["off"]):
        raise request.usage()
    on = request.args == ["on"]
    request.pbx.engine.on_packet = _show_stun if on else None
    request.print(f"STUN Debugging {'Enabled' if on else 'Disabled'}")


def _show_stun(packet: Packet, sent: bool) -> None:
    from offhook.ice.stun import Class, Message, Method, StunError, is_stun

    if not is_stun(packet.data):
        return
    try:
        message = Message.parse(packet.data)
    except StunError as error:
        what = f"that is broken ({error})"
    else:
        known = message.method in Method._value2member_map_
        name = Method(message.method).name if known else f"{message.method:#05x}"
        what = f"{name} {Class(message.kind).name} {message.transaction.hex()}"
        if message.error is not None:
            what += " ({} {})".format(*message.error)
    verbose(0, f"STUN packet {'to' if sent else 'from'} {packet.host}:{packet.port}: {what}")
