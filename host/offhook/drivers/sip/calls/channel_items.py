"""CHANNEL(pjsip,...), CHANNEL(rtp,...), CHANNEL(rtcp,...) and the figures about RTP kept as variables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from offhook.dialplan.invocation import FunctionError
from offhook.drivers.sip.media.negotiation import MediaStream
from offhook.drivers.sip.transport.flow import Flow, host_port
from offhook.media.rtp_figures import RtpStats, Spread, VoipMetrics
from offhook.sip.errors import SIPError
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.media.rtp import RtpLeg


def channel_item(call: CallSession, item: str) -> str | None:
    """An item of CHANNEL() that belongs to SIP; None when it is no such item. FunctionError for a wrong one."""
    words = [word.strip() for word in item.split(",", 2)]
    what, kind, field = words + [""] * (3 - len(words))
    if what == "pjsip":
        return _signalling(call, kind)
    if what in ("rtp", "rtcp"):
        if not kind:
            raise FunctionError(f"CHANNEL({what}) needs to be told what: CHANNEL({what},...)")
        stream = _stream(call, field or "audio", what)
        return _rtp(call, stream, kind) if what == "rtp" else _rtcp(stream.leg.stats(), kind)
    if what == "endpoint":
        return call.endpoint.name
    contact = call.notes.get("contact")
    if what == "contact":
        return contact.id if contact is not None else ""
    if what == "aor":
        return contact.aor if contact is not None else ""
    return None


# ---- signalling ------------------------------------------------------------------------------------------


def _signalling(call: CallSession, kind: str) -> str:
    session = call.session
    dialog = session.dialog if session is not None else None
    flow = call.peer_flow
    if kind == "t38state":
        return "DISABLED"
    if kind == "local_addr":
        return host_port(flow.carrier.host, flow.carrier.port) if isinstance(flow, Flow) else ""
    if kind == "remote_addr":
        return host_port(flow.host, flow.port) if isinstance(flow, Flow) else ""
    if kind == "request_uri":
        return call.request.target if call.request is not None and not call.uac else ""
    known = ("call-id", "secure", "target_uri", "local_uri", "local_tag", "remote_uri", "remote_tag")
    if kind not in known:
        raise FunctionError(f'CHANNEL(pjsip,...): "{kind}" is no item; they are {", ".join(known)}')
    if dialog is None:
        return ""
    if kind == "call-id":
        return dialog.call_id
    if kind == "secure":
        return "1" if is_secure(dialog.remote_target, flow) else "0"
    if kind == "target_uri":
        return dialog.remote_target
    if kind in ("local_tag", "remote_tag"):
        return dialog.local_tag if kind == "local_tag" else dialog.remote_tag
    return _address(dialog.local if kind == "local_uri" else dialog.remote)


def is_secure(target: str, flow: Flow | None) -> bool:
    """Whether what is sent to a target, or over a flow, goes by TLS."""
    try:
        uri = SipUri.parse(target)
    except SIPError:
        return False
    return uri.scheme == "sips" or uri.transport in ("tls", "wss") or (flow is not None and flow.protocol == "TLS")


def _address(text: str) -> str:
    """An address as From and To have it: without port and parameters, its quotes escaped."""
    try:
        address = NameAddr.parse(text)
    except SIPError:
        return ""
    address.params = {}
    if isinstance(address.uri, SipUri):
        address.uri = address.uri.replace(port=None)
    return str(address).replace("\\", "\\\\").replace('"', '\\"')


# ---- RTP -------------------------------------------------------------------------------------------------


def _stream(call: CallSession, kind: str, what: str) -> MediaStream:
    if kind not in ("audio", "video"):
        raise FunctionError(f'CHANNEL({what},...): "{kind}" is none of audio and video')
    stream = call.media.audio if kind == "audio" else call.media.video
    if stream is None or stream.leg is None:
        raise FunctionError(f"CHANNEL({what},...): {call.name} has no {kind}")
    return stream


def _rtp(call: CallSession, stream: MediaStream, kind: str) -> str:
    leg: Any = stream.leg
    if kind == "src":
        bound = leg.local_address
        return host_port(call.media.address if bound in ("0.0.0.0", "::") else bound, leg.local_port)
    if kind == "dest":
        return host_port(*leg.remote) if leg.remote is not None else "(null)"
    if kind == "direct":
        return host_port(*stream.direct) if stream.direct is not None else "(null)"
    if kind == "secure":
        return "1" if stream.encryption in ("sdes", "dtls") else "0"
    if kind == "hold":
        return "1" if stream.remote_hold else "0"
    raise FunctionError(f'CHANNEL(rtp,...): "{kind}" is none of src, dest, direct, secure and hold')


_COUNTS: dict[str, Callable[[RtpStats], int]] = {
    "txcount": lambda stats: stats.tx_packets,
    "rxcount": lambda stats: stats.rx_packets,
    "txploss": lambda stats: stats.remote_lost,
    "rxploss": lambda stats: stats.rx_lost,
    "local_ssrc": lambda stats: stats.ssrc,
    "remote_ssrc": lambda stats: stats.remote_ssrc,
}
_FIGURES: dict[str, Callable[[RtpStats], float]] = {
    "txjitter": lambda stats: stats.rx_jitter,
    "rxjitter": lambda stats: stats.remote_jitter,
    "rtt": lambda stats: stats.rtt,
    "maxrtt": lambda stats: stats.rtts.most,
    "minrtt": lambda stats: stats.rtts.least,
    "normdevrtt": lambda stats: stats.rtts.mean,
    "stdevrtt": lambda stats: stats.rtts.deviation,
    "rxmes": lambda stats: stats.remote_scores.last,
    "txmes": lambda stats: stats.scores.last,
    "local_maxjitter": lambda stats: stats.jitters.most,
    "local_minjitter": lambda stats: stats.jitters.least,
    "local_normdevjitter": lambda stats: stats.jitters.mean,
    "local_stdevjitter": lambda stats: stats.jitters.deviation,
    "local_maxrxploss": lambda stats: stats.losses.most,
    "local_minrxploss": lambda stats: stats.losses.least,
    "local_normdevrxploss": lambda stats: stats.losses.mean,
    "local_stdevrxploss": lambda stats: stats.losses.deviation,
    "local_maxmes": lambda stats: stats.scores.most,
    "local_minmes": lambda stats: stats.scores.least,
    "local_normdevmes": lambda stats: stats.scores.mean,
    "local_stdevmes": lambda stats: stats.scores.deviation,
    "remote_maxjitter": lambda stats: stats.remote_jitters.most,
    "remote_minjitter": lambda stats: stats.remote_jitters.least,
    "remote_normdevjitter": lambda stats: stats.remote_jitters.mean,
    "remote_stdevjitter": lambda stats: stats.remote_jitters.deviation,
    "remote_maxrxploss": lambda stats: stats.remote_losses.most,
    "remote_minrxploss": lambda stats: stats.remote_losses.least,
    "remote_normdevrxploss": lambda stats: stats.remote_losses.mean,
    "remote_stdevrxploss": lambda stats: stats.remote_losses.deviation,
    "remote_maxmes": lambda stats: stats.remote_scores.most,
    "remote_minmes": lambda stats: stats.remote_scores.least,
    "remote_normdevmes": lambda stats: stats.remote_scores.mean,
    "remote_stdevmes": lambda stats: stats.remote_scores.deviation,
}


def _rtcp(stats: RtpStats, kind: str) -> str:
    name = kind.lower()
    if name in _SUMMARIES:
        return _SUMMARIES[name](stats)
    if name.startswith("all"):
        return summary(stats)
    if name in _COUNTS:
        return str(_COUNTS[name](stats))
    if name in _FIGURES:
        return f"{_FIGURES[name](stats):f}"
    raise FunctionError(f'CHANNEL(rtcp,...): "{kind}" is no figure of RTCP')


def summary(stats: RtpStats) -> str:
    """The line RTPAUDIOQOS and CHANNEL(rtcp,all) have."""
    return (
        f"ssrc={stats.ssrc};themssrc={stats.remote_ssrc};lp={stats.rx_lost};rxjitter={stats.remote_jitter:f};"
        f"rxcount={stats.rx_packets};txjitter={stats.rx_jitter:f};txcount={stats.tx_packets};"
        f"rlp={stats.remote_lost};rtt={stats.rtt:f};rxmes={stats.remote_scores.last:f};txmes={stats.scores.last:f}"
    )


def _spread(name: str, spread: Spread, indent: str = "") -> str:
    figures = {"min": spread.least, "max": spread.most, "avg": spread.mean, "stdev": spread.deviation}
    return "".join(f"{indent}{which}{name}={value:010.6f};" for which, value in figures.items())


def _jitter(stats: RtpStats) -> str:
    return _spread("rxjitter", stats.jitters) + _spread("txjitter", stats.remote_jitters)


def _loss(stats: RtpStats) -> str:
    return _spread("rxlost", stats.losses, "  ") + _spread("txlost", stats.remote_losses, "  ")


def _rtt(stats: RtpStats) -> str:
    return _spread("rtt", stats.rtts, "     ")


def _score(stats: RtpStats) -> str:
    return _spread("rxmes", stats.scores, "   ") + _spread("txmes", stats.remote_scores, "   ")


def _extended(found: VoipMetrics) -> str:
    """VoIP metrics (RFC 3611 4.7) as one line; "" before a report."""
    if found.listening is None:
        return ""
    return (
        f"loss={found.loss:.4f};discard={found.discard:.4f};burstdensity={found.burst_density:.4f};"
        f"gapdensity={found.gap_density:.4f};burst={found.burst_ms};gap={found.gap_ms};rtt={found.rtt_ms};"
        f"delay={found.delay_ms};r={found.rating};moslq={found.listening};moscq={found.conversation}"
    )


_SUMMARIES: dict[str, Callable[[RtpStats], str]] = {
    "local_xr": lambda stats: _extended(stats.metrics),
    "remote_xr": lambda stats: _extended(stats.remote_metrics),
    "all_jitter": _jitter,
    "all_loss": _loss,
    "all_rtt": _rtt,
    "all_mes": _score,
}


_KEPT: dict[str, Callable[[RtpStats], str]] = {
    "RTPAUDIOQOS": summary,
    "RTPAUDIOQOSJITTER": _jitter,
    "RTPAUDIOQOSLOSS": _loss,
    "RTPAUDIOQOSRTT": _rtt,
    "RTPAUDIOQOSMES": _score,
}


_BRIDGED = tuple(f"{name}BRIDGED" for name in _KEPT)


def keep_figures(channel: Channel, leg: RtpLeg) -> None:
    """Leave RTPAUDIOQOS and its relatives with a channel whose call is over, and with the one it was bridged with."""
    if "RTPAUDIOQOS" in channel.variables:
        return
    written = partial(_written, leg)
    channel.promise(_KEPT, written)
    peer = channel.bridge.peer(channel) if channel.bridge is not None else None
    if peer is not None:
        peer.promise(_BRIDGED, written)


def _written(leg: RtpLeg, name: str) -> str:
    return _KEPT[name.removesuffix("BRIDGED")](leg.stats())
