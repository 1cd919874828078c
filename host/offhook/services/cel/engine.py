"""Channel events: from the bus to records, and from records to the backends that cel.conf turns on."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, State

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

EVENTS = (
    "CHAN_START",
    "CHAN_END",
    "HANGUP",
    "ANSWER",
    "APP_START",
    "APP_END",
    "BRIDGE_ENTER",
    "BRIDGE_EXIT",
    "PARK_START",
    "PARK_END",
    "BLINDTRANSFER",
    "ATTENDEDTRANSFER",
    "PICKUP",
    "FORWARD",
    "LINKEDID_END",
    "LOCAL_OPTIMIZE",
    "LOCAL_OPTIMIZE_BEGIN",
    "USER_DEFINED",
)
_STATUSES = frozenset(
    {"CHANUNAVAIL", "CONGESTION", "NOANSWER", "BUSY", "ANSWER", "CANCEL", "DONTCALL", "TORTURE", "INVALIDARGS"}
)


@dataclass(slots=True)
class CelRecord:
    """One channel event as backends get it."""

    event: str
    time: float
    user_defined: str
    caller_name: str
    caller_number: str
    caller_ani: str
    caller_rdnis: str
    caller_dnid: str
    exten: str
    context: str
    channel: str
    application: str
    data: str
    ama_flags: int
    account: str
    peer_account: str
    uniqueid: str
    linkedid: str
    tenantid: str
    user_field: str
    peer: str
    extra: str


Backend = Callable[[CelRecord], None]


class CelEngine:
    """Makes records of the events that are asked for."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.enabled = False
        self.tracked: frozenset[str] = frozenset()
        self.applications: frozenset[str] = frozenset()
        self.date_format = ""
        self.backends: dict[str, Backend] = {}
        self._drops: list[Callable[[], None]] = []
        self._linked: dict[str, int] = {}
        self._running: dict[Channel, tuple[str, str]] = {}
        self._statuses: dict[Channel, str] = {}

    def configure(self, *, enabled: bool, tracked: frozenset[str], applications: frozenset[str], form: str) -> None:
        """Take what cel.conf says."""
        self.tracked, self.applications, self.date_format = tracked, applications, form
        if enabled == self.enabled:
            return
        self.enabled = enabled
        if enabled:
            self._subscribe()
        else:
            self.stop()

    def stop(self) -> None:
        """Follow calls no longer."""
        for drop in self._drops:
            drop()
        self._drops = []
        self._linked.clear()
        self._running.clear()
        self._statuses.clear()

    def _subscribe(self) -> None:
        bus = self.pbx.bus
        self._drops = [
            bus.subscribe(events.NewChannel, self._created),
            bus.subscribe(events.LinkedIdChange, self._relinked),
            bus.subscribe(events.NewState, self._state),
            bus.subscribe(events.NewExten, self._application),
            bus.subscribe(events.Hangup, self._ended),
            bus.subscribe(events.BridgeEnter, lambda e: self._bridge("BRIDGE_ENTER", e.channel, e.bridge)),
            bus.subscribe(events.BridgeLeave, lambda e: self._bridge("BRIDGE_EXIT", e.channel, e.bridge)),
            bus.subscribe(events.DialEnd, self._dial_end),
            bus.subscribe(events.BlindTransfer, self._blind_transfer),
            bus.subscribe(events.AttendedTransfer, self._attended_transfer),
            bus.subscribe(events.Pickup, self._pickup),
            bus.subscribe(events.LocalOptimizationBegin, self._optimize_begin),
            bus.subscribe(events.LocalOptimizationEnd, self._optimize_end),
        ]

    # ---- records ------------------------------------------------------------------------------------

    def report(
        self,
        channel: Channel,
        event: str,
        *,
        extra: dict[str, object] | None = None,
        peer: str = "",
        user_defined: str = "",
        application: tuple[str, str] | None = None,
        linkedid: str = "",
    ) -> None:
        """Make a record of an event, if it is tracked, and hand it to the backends."""
        if not self.enabled or event not in self.tracked or not self.backends or channel.internal:
            return
        name, data = application or (channel.application, channel.application_data)
        caller = channel.caller
        record = CelRecord(
            event,
            self.pbx.wall(),
            user_defined,
            caller.id.name.text,
            caller.id.number.text,
            caller.ani.number.text,
            channel.redirecting.from_.number.text,
            channel.dialed.number,
            channel.exten,
            channel.context,
            channel.name,
            name,
            data,
            channel.ama_flags,
            channel.accountcode,
            channel.peer_account,
            channel.uniqueid,
            linkedid or channel.linkedid,
            channel.tenantid,
            str(channel.data.get("userfield", "")),
            peer,
            json.dumps(extra, separators=(",", ":")) if extra is not None else "",
        )
        for backend in self.backends.values():
            try:
                backend(record)
            except Exception:
                log.exception("a channel event of %s was not written", channel.name)

    def _created(self, event: events.NewChannel) -> None:
        channel = event.channel
        self._link(channel.linkedid)
        self.report(channel, "CHAN_START")

    def _relinked(self, event: events.LinkedIdChange) -> None:
        self._link(event.channel.linkedid)
        self._unlink(event.channel, event.old)

    def _link(self, linkedid: str) -> None:
        self._linked[linkedid] = self._linked.get(linkedid, 0) + 1

    def _unlink(self, channel: Channel, linkedid: str) -> None:
        """A channel has a linked id no more; it may have been the last with it."""
        left = self._linked.get(linkedid, 1) - 1
        if left:
            self._linked[linkedid] = left
        else:
            self._linked.pop(linkedid, None)
            self.report(channel, "LINKEDID_END", linkedid=linkedid)

    def _state(self, event: events.NewState) -> None:
        if event.channel.state is State.UP:
            self.report(event.channel, "ANSWER")

    def _application(self, event: events.NewExten) -> None:
        channel = event.channel
        self._end_application(channel)
        if channel.application.lower() in self.applications:
            self._running[channel] = (channel.application, channel.application_data)
            self.report(channel, "APP_START")

    def _end_application(self, channel: Channel) -> None:
        running = self._running.pop(channel, None)
        if running is not None:
            self.report(channel, "APP_END", application=running)

    def _ended(self, event: events.Hangup) -> None:
        channel = event.channel
        self._end_application(channel)
        extra: dict[str, object] = {
            "hangupcause": channel.hangup_cause,
            "hangupsource": channel.hangup_source,
            "dialstatus": self._statuses.pop(channel, ""),
        }
        self.report(channel, "HANGUP", extra=extra)
        self.report(channel, "CHAN_END")
        self._unlink(channel, channel.linkedid)

    def _bridge(self, name: str, channel: Channel, bridge: Bridge) -> None:
        extra: dict[str, object] = {"bridge_id": bridge.uniqueid, "bridge_technology": bridge.technology}
        peers = ",".join(other.name for other in bridge if other is not channel)
        self.report(channel, name, extra=extra, peer=peers)

    def _dial_end(self, event: events.DialEnd) -> None:
        caller = event.channel
        if caller is None:
            return
        if event.forward:
            self.report(caller, "FORWARD", extra={"forward": event.forward})
        if event.status in _STATUSES and (caller not in self._statuses or event.status == "ANSWER"):
            self._statuses[caller] = event.status

    def _blind_transfer(self, event: events.BlindTransfer) -> None:
        if event.result != "Success":
            return
        extra: dict[str, object] = {
            "extension": event.exten,
            "context": event.context,
            "bridge_id": event.bridge.uniqueid if event.bridge is not None else "",
            **_named("transferee_channel", event.transferee),
        }
        self.report(event.transferer, "BLINDTRANSFER", extra=extra)

    def _attended_transfer(self, event: events.AttendedTransfer) -> None:
        if event.dest_type == "Fail" or event.result != "Success":
            return
        first, second = (event.first_bridge, event.first_transferer), (event.second_bridge, event.second_transferer)
        if first[0] is None:
            first, second = second, first
        assert first[0] is not None
        extra: dict[str, object] = {
            "bridge1_id": first[0].uniqueid,
            "channel2_name": second[1].name,
            "channel2_uniqueid": second[1].uniqueid,
        }
        if event.dest_type == "App":
            extra["app"] = event.dest_app
        else:
            extra["bridge2_id"] = second[0].uniqueid if second[0] is not None else ""
        extra.update(_named("transferee_channel", event.transferee))
        extra.update(_named("transfer_target_channel", event.target))
        self.report(first[1], "ATTENDEDTRANSFER", extra=extra)

    def _pickup(self, event: events.Pickup) -> None:
        self.report(event.target, "PICKUP", extra=_named("pickup_channel", event.channel, bare=True))

    def _optimize_begin(self, event: events.LocalOptimizationBegin) -> None:
        self.report(event.one, "LOCAL_OPTIMIZE_BEGIN", extra=_named("local_two", event.two, bare=True))

    def _optimize_end(self, event: events.LocalOptimizationEnd) -> None:
        self.report(event.one, "LOCAL_OPTIMIZE", extra=_named("local_two", event.two, bare=True))

    # ---- services ------------------------------------------------------------------------------------

    def parked(self, channel: Channel, parker: str, lot: str) -> None:
        """Parking tells that a channel is parked."""
        self.report(channel, "PARK_START", extra={"parker_dial_string": parker, "parking_lot": lot})

    def unparked(self, channel: Channel, reason: str, retriever: Channel | None) -> None:
        """Parking tells that a channel is parked no longer."""
        extra: dict[str, object] = {"reason": reason}
        if retriever is not None:
            extra["retriever"] = retriever.name
        self.report(channel, "PARK_END", extra=extra)


def _named(prefix: str, channel: Channel | None, *, bare: bool = False) -> dict[str, object]:
    name = prefix if bare else f"{prefix}_name"
    if channel is None:
        return {name: "N/A", f"{prefix}_uniqueid": "N/A"}
    return {name: channel.name, f"{prefix}_uniqueid": channel.uniqueid}
