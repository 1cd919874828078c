"""One-way audio: which side of a call is silent, from the packets counted on both sides."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Side:
    """Packets that came from one side."""

    packets: int = 0
    since: float = 0.0
    """When the last new one was seen (monotonic seconds)."""


@dataclass(slots=True)
class Silence:
    """The watch over one call between the cloud and somebody here."""

    limit_s: float
    began: float
    cloud: Side = field(default_factory=Side)
    here: Side = field(default_factory=Side)
    told: str = ""
    """What was told last."""

    def __post_init__(self) -> None:
        self.cloud.since = self.here.since = self.began

    def look(self, cloud_packets: int, here_packets: int | None, now: float, *, held: bool = False) -> str:
        """Take counts (``here_packets`` None: that side is no RTP and is never silent); news, or "".

        Nothing is told while the call is on hold, and each change once.
        """
        for side, packets in ((self.cloud, cloud_packets), (self.here, here_packets)):
            if packets is None or packets != side.packets or held:
                side.packets, side.since = packets or 0, now
        silent = [
            name
            for name, side in (("the cloud", self.cloud), ("our side", self.here))
            if now - side.since >= self.limit_s
        ]
        verdict = f"no audio from {' and from '.join(silent)}" if silent else ""
        if verdict == self.told:
            return ""
        self.told = verdict
        return verdict or "audio both ways again"
