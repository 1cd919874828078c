"""The engine's figures about an RTP stream, and RTCP reports as they were on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_MICRO = 1e-6


@dataclass(frozen=True, slots=True)
class Spread:
    """Samples of one quantity: the last, extremes, mean and standard deviation; all 0.0 when there was none."""

    last: float = 0.0
    least: float = 0.0
    most: float = 0.0
    mean: float = 0.0
    deviation: float = 0.0


SUMMARY, METRICS = 1, 2
"""Extended reports (RFC 3611): the statistics summary and VoIP metrics."""


@dataclass(frozen=True, slots=True)
class VoipMetrics:
    """One side's VoIP metrics of what arrives there (RFC 3611 4.7): shares from 0 to 1, lengths in ms, ``rating`` 0 to
    100, opinion scores (``listening``, ``conversation``) 1 to 5, None where it does not say; all 0 before a report."""

    loss: float = 0.0
    discard: float = 0.0
    burst_density: float = 0.0
    gap_density: float = 0.0
    burst_ms: int = 0
    gap_ms: int = 0
    rtt_ms: int = 0
    delay_ms: int = 0
    rating: int | None = None
    listening: float | None = None
    conversation: float | None = None


@dataclass(frozen=True, slots=True)
class RtpStats:
    """Counts and quality of one RTP stream both ways, named as ``CHANNEL(rtp,...)`` and RTCP reports use them.

    Times are in seconds, jitter is RFC 3550 A.8's in seconds; ``remote_*`` is what the far end's reports say of us;
    ``rtt`` is 0.0 until measured. ``rejected`` counts packets from addresses not believed. Spreads have a sample a
    report: ``jitters`` and ``losses`` (packets since the report before) of what arrives, ``scores`` of it from 0 to 100
    (an opinion score times 20); ``remote_losses`` are of packets lost in all.
    """

    ssrc: int = 0
    remote_ssrc: int = 0
    tx_packets: int = 0
    rx_packets: int = 0
    tx_octets: int = 0
    rx_octets: int = 0
    rx_lost: int = 0
    remote_lost: int = 0
    rx_jitter: float = 0.0
    remote_jitter: float = 0.0
    rtt: float = 0.0
    rtts: Spread = Spread()
    jitters: Spread = Spread()
    losses: Spread = Spread()
    scores: Spread = Spread()
    remote_jitters: Spread = Spread()
    remote_losses: Spread = Spread()
    remote_scores: Spread = Spread()
    metrics: VoipMetrics = VoipMetrics()
    remote_metrics: VoipMetrics = VoipMetrics()
    concealed_ms: int = 0
    late: int = 0
    reordered: int = 0
    rejected: int = 0

    @property
    def opinion(self) -> float:
        """Estimated mean opinion score (1 to 4.5) of what arrives; 0.0 before the first report."""
        return self.scores.last / 20


_UNKNOWN = 127


def _metrics(raw: Any) -> VoipMetrics:
    def score(tenths: int) -> float | None:
        return None if tenths in (0, _UNKNOWN) else tenths / 10

    return VoipMetrics(
        raw.loss / 256,
        raw.discard / 256,
        raw.burst_density / 256,
        raw.gap_density / 256,
        raw.burst_ms,
        raw.gap_ms,
        raw.rtt_ms,
        raw.delay_ms,
        raw.rating if raw.listening and raw.rating != _UNKNOWN else None,
        score(raw.listening),
        score(raw.conversation),
    )


def _spread(raw: Any) -> Spread:
    return Spread(raw.last, raw.least, raw.most, raw.mean, raw.deviation)


def statistics(figures: Any) -> RtpStats:
    """A leg's figures."""
    return RtpStats(
        ssrc=figures.ssrc,
        remote_ssrc=figures.remote_ssrc,
        tx_packets=figures.tx_packets,
        rx_packets=figures.rx_packets,
        tx_octets=figures.tx_octets,
        rx_octets=figures.rx_octets,
        rx_lost=figures.rx_lost,
        remote_lost=figures.remote_lost,
        rx_jitter=figures.rx_jitter * _MICRO,
        remote_jitter=figures.remote_jitter * _MICRO,
        rtt=figures.rtt * _MICRO,
        rtts=_spread(figures.rtt_spread),
        jitters=_spread(figures.jitter_spread),
        losses=_spread(figures.lost_spread),
        scores=_spread(figures.score_spread),
        remote_jitters=_spread(figures.remote_jitter_spread),
        remote_losses=_spread(figures.remote_lost_spread),
        remote_scores=_spread(figures.remote_score_spread),
        metrics=_metrics(figures.metrics),
        remote_metrics=_metrics(figures.remote_metrics),
        concealed_ms=figures.concealed_ms,
        late=figures.late,
        reordered=figures.reordered,
        rejected=figures.rejected,
    )


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one side finds in the other's stream (RFC 3550 6.4.1), as it is on the wire."""

    source: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class Report:
    """A sender (``kind`` 200) or receiver report (201). ``ntp`` is in seconds since 1970."""

    ssrc: int
    kind: int
    ntp: float
    rtp: int
    packets: int
    octets: int
    block: ReportBlock | None


_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


def report(raw: Any) -> Report:
    """A report of a leg's."""
    block = None
    if raw.blocks:
        block = ReportBlock(raw.source, raw.fraction, raw.lost, raw.highest, raw.jitter, raw.lsr, raw.dlsr)
    ntp = raw.ntp_seconds - _NTP_EPOCH + raw.ntp_fraction / 2**32 if raw.ntp_seconds else 0.0
    return Report(raw.ssrc, raw.type, ntp, raw.rtp, raw.packets, raw.octets, block)
