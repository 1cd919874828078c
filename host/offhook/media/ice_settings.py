"""What rtp.conf says about ICE, STUN and TURN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


def _everybody(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Server:
    """A STUN or TURN server; ``host`` may be a name. ``transport``: "udp", "tcp", or "auto" for TCP where
    no datagram is answered."""

    host: str
    port: int = 3478
    username: str = ""
    password: str = ""
    transport: str = "auto"


@dataclass(slots=True)
class IceSettings:
    """``allows`` judges an address of ours by ice_acl, ``stun_allows`` by stun_acl; ``overrides`` are the
    [ice_host_candidates]: what is advertised for an address of ours, and whether the address itself is as well."""

    enabled: bool = True
    stun: Server | None = None
    turn: Server | None = None
    software: bool = True
    allows: Callable[[str], bool] = _everybody
    stun_allows: Callable[[str], bool] = _everybody
    overrides: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def advertised(self, host: str) -> list[str]:
        """What is told of an address of ours."""
        override = self.overrides.get(host)
        if override is None:
            return [host]
        other, too = override
        return [host, other] if too else [other]
