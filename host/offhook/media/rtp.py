"""RTP legs: a party reached by RTP, and relays for video and text that pass through packet by packet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from offhook.media.formats import Format
from offhook.media.leg import Leg

StreamDirection = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


@dataclass(frozen=True, slots=True)
class RtpStats:
    """Counts and quality of one RTP stream both ways, named as ``CHANNEL(rtp,...)`` and RTCP reports use them.

    Times are in seconds, jitter is RFC 3550 A.8's in seconds; ``remote_*`` is what the far end's reports say of us;
    ``rtt`` is 0.0 until measured. MES is Asterisk's media experience score, 0 to 100.
    """

    ssrc: int
    remote_ssrc: int
    tx_packets: int
    rx_packets: int
    tx_octets: int
    rx_octets: int
    rx_lost: int
    remote_lost: int
    rx_jitter: float
    remote_jitter: float
    rtt: float
    min_rtt: float
    max_rtt: float
    min_rx_jitter: float
    max_rx_jitter: float
    mean_rx_jitter: float
    deviation_rx_jitter: float
    concealed_ms: int
    late: int
    reordered: int
    rejected: int


class RtpLeg(Leg):
    """A party reached by RTP. Its port is bound (or reserved) when the leg is made, so that it can be offered in SDP."""

    __slots__ = ()

    @property
    def local_address(self) -> str:
        """The address given when the leg was made; a wildcard when it was."""
        raise NotImplementedError

    @property
    def local_port(self) -> int:
        """Our RTP port (even); RTCP is the next one."""
        raise NotImplementedError

    @property
    def remote(self) -> tuple[str, int] | None:
        """Where packets are sent now: what SDP said, or what was learned."""
        raise NotImplementedError

    def set_remote(self, host: str, port: int, rtcp_port: int | None = None) -> None:
        """Where SDP says the far end receives (a numeric address; port 0: send nothing). ``rtcp_port`` None is
        ``port`` + 1, equal to ``port`` is rtcp-mux (RFC 5761)."""
        raise NotImplementedError

    def set_codecs(
        self,
        receive: Mapping[int, Format],
        send: tuple[int, Format] | None,
        digits: tuple[int, int] | None = None,
        ptime: int = 0,
        *,
        comfort_noise: int | None = None,
    ) -> None:
        """What was negotiated: formats by payload type that may arrive, the payload type and format to send, payload type
        and clock of telephone events (None: digits are sent as tones), packet time to send in ms (0: the format's),
        and the payload type of comfort noise when agreed."""
        raise NotImplementedError

    @property
    def send_format(self) -> Format | None:
        """The format being sent."""
        raise NotImplementedError

    @property
    def receive_format(self) -> Format | None:
        """The format that arrived last (or the only one that may arrive)."""
        raise NotImplementedError

    def set_direction(self, direction: StreamDirection) -> None:
        """SDP's direction from our side: what is not received is not heard, what is not sent is not sent."""
        raise NotImplementedError

    def set_options(
        self,
        *,
        symmetric: bool | None = None,
        strict: bool | None = None,
        inband_digits: bool | None = None,
        timeout: int | None = None,
        hold_timeout: int | None = None,
        keepalive: int | None = None,
        rtcp_interval: int | None = None,
    ) -> None:
        """Change what is given and leave the rest.

        symmetric: send to where packets come from, whatever SDP said. strict: once an address has proved itself, packets
        from elsewhere are dropped. inband_digits: send digits as tones even when events are agreed. Times in
        seconds, 0 is never: timeout without packets, the same while on hold, silence before a keepalive
        packet (comfort noise) is sent, between RTCP reports (5 unless set).
        """
        raise NotImplementedError

    def set_hold(self, on: bool) -> None:
        """Tell that the far end put us on hold: the hold timeout counts instead of the timeout."""
        raise NotImplementedError

    def stats(self) -> RtpStats:
        """Counts and quality up to now (also after ``close``)."""
        raise NotImplementedError

    @property
    def ssrc(self) -> int:
        """Our SSRC."""
        raise NotImplementedError

    @property
    def cname(self) -> str:
        """Our RTCP CNAME."""
        raise NotImplementedError


class RelayLeg(RtpLeg):
    """A video or text stream (or audio no codec here can decode): packets pass to the connected leg as they are, payload
    types translated by format name. Playing and recording are not possible and raise UnsupportedMedia."""

    __slots__ = ()


class UnsupportedMedia(Exception):
    """The leg, the format or this build of the engine cannot do that; the sentence says what and why."""
