"""Who is told what the stack hears: owners of dialogs, of server transactions and of timers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from offhook.sip.events import AckReceived, CancelReceived, Event, TransactionTimeout, TransportFailed

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.requests.incoming import IncomingRequest

ServerEvent = CancelReceived | AckReceived | TransactionTimeout | TransportFailed
Undo = Callable[[], None]


class DialogOwner(Protocol):
    """Who owns a dialog: gets its requests."""

    endpoint: Endpoint

    @property
    def routed(self) -> bool:
        """Whether its requests go by a route set, so that the peer's Contact is not where they are sent."""

    def on_request(self, incoming: IncomingRequest) -> None: ...


class TransactionOwner(Protocol):
    """What a server transaction's ``user`` may be: told of CANCEL, ACK, time-outs and a lost transport."""

    def on_transaction_event(self, event: ServerEvent) -> None: ...


class TimerOwner(Protocol):
    """What the ``user`` of a timer watched by the layer (session timer, reliable provisionals, subscription) is."""

    def on_timer_event(self, event: Event) -> None: ...
