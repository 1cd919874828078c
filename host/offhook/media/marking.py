"""How packets are marked for the networks on their way."""

from __future__ import annotations

from typing import NamedTuple


class Marking(NamedTuple):
    """The octet of type of service (in IPv6 the traffic class: DSCP << 2, RFC 2474), and the priority from 0 to 7 by
    which queues of this host and VLAN tags go."""

    traffic_class: int = 0
    priority: int = 0


UNMARKED = Marking()
