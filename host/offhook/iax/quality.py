"""How well a call is heard: what both ends say of what they receive (RFC 5456 8.6.36 to 8.6.41)."""

from __future__ import annotations

from dataclasses import dataclass, field

from offhook.iax.elements import Elements


@dataclass(slots=True)
class Report:
    """What the far end says of what it receives (RFC 5456 8.6.36 to 8.6.41)."""

    jitter: int = 0
    loss_percent: int = 0
    lost: int = 0
    packets: int = 0
    delay: int = 0
    dropped: int = 0
    out_of_order: int = 0

    def elements(self) -> Elements:
        """As PONG has it."""
        return Elements(
            rr_jitter=self.jitter,
            rr_loss=(self.loss_percent & 0xFF) << 24 | (self.lost & 0xFFFFFF),
            rr_pkts=self.packets,
            rr_delay=min(0xFFFF, self.delay),
            rr_dropped=self.dropped,
            rr_ooo=self.out_of_order,
        )

    @classmethod
    def read(cls, elements: Elements) -> Report:
        """From a PONG."""
        loss = elements.number("rr_loss")
        return cls(
            elements.number("rr_jitter"),
            loss >> 24,
            loss & 0xFFFFFF,
            elements.number("rr_pkts"),
            elements.number("rr_delay"),
            elements.number("rr_dropped"),
            elements.number("rr_ooo"),
        )


@dataclass(slots=True)
class Quality:
    """What pings and reports tell."""

    ping_ms: int = 0
    lag_ms: int = 0
    remote: Report = field(default_factory=Report)
