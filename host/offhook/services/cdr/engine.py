"""The records of all channels, kept up to date by the events bus and handed to the backends when they are complete."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.outliving import OutlivesBridge
from offhook.services.cdr.chain import Chain
from offhook.services.cdr.delivery import Batch, Delivery
from offhook.services.cdr.fields import fields_of
from offhook.services.cdr.record import Disposition, Moment, Phase, Record, Rules, records_with_b

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

_END = frozenset({"RINGING", "PROCEEDING", "PROGRESS"})


class CdrEngine:
    """Follows calls and makes their records, which ``delivery`` hands to the backends."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.rules = Rules(enabled=False)
        self.delivery = Delivery(pbx)
        self._chains: dict[Channel, Chain] = {}
        self._sequence = 0
        self._subscriptions: list[Callable[[], None]] = []

    # ---- configuration ------------------------------------------------------------------------------

    def configure(self, rules: Rules, batch: Batch) -> None:
        """Take new rules; records in the making go on by those they began with."""
        enabled = rules.enabled
        self.rules, self.delivery.batch = rules, batch
        if enabled and not self._subscriptions:
            self._subscribe()
        elif not enabled and self._subscriptions:
            self._unsubscribe()

    def _subscribe(self) -> None:
        bus = self.pbx.bus
        self._subscriptions = [
            bus.subscribe(events.NewChannel, self._created),
            bus.subscribe(events.LinkedIdChange, self._relinked),
            bus.subscribe(events.NewState, self._changed),
            bus.subscribe(events.NewExten, self._changed),
            bus.subscribe(events.NewApplication, self._changed),
            bus.subscribe(events.NewCallerId, self._changed),
            bus.subscribe(events.NewAccountCode, self._changed),
            bus.subscribe(OutlivesBridge, self._changed),
            bus.subscribe(events.Hangup, self._ended),
            bus.subscribe(events.DialBegin, self._dial_begin),
            bus.subscribe(events.DialEnd, self._dial_end),
            bus.subscribe(events.BridgeEnter, self._enter),
            bus.subscribe(events.BridgeLeave, self._leave),
            bus.subscribe(events.PowerFailing, lambda _event: self.delivery.submit()),
        ]

    def _unsubscribe(self) -> None:
        for drop in self._subscriptions:
            drop()
        self._subscriptions = []
        self._chains.clear()

    async def stop(self) -> None:
        """Finish and write what is left."""
        for channel in list(self._chains):
            self._dispatch(channel)
        self._unsubscribe()
        await self.delivery.close()

    # ---- events -------------------------------------------------------------------------------------

    def now(self) -> Moment:
        """The present."""
        return Moment(self.pbx.now(), self.pbx.wall())

    def chain(self, channel: Channel) -> Chain | None:
        """The records of a channel."""
        return self._chains.get(channel)

    def _next(self) -> int:
        number, self._sequence = self._sequence, self._sequence + 1
        return number

    def _created(self, event: events.NewChannel) -> None:
        channel = event.channel
        if channel.internal:
            return
        self._chains[channel] = Chain(channel, self.rules, self._next, self._chains.get, self.now())

    def _changed(
        self,
        event: events.NewState
        | events.NewExten
        | events.NewApplication
        | events.NewCallerId
        | events.NewAccountCode
        | OutlivesBridge,
    ) -> None:
        channel = event.channel
        chain = self._chains.get(channel)
        if chain is not None:
            chain.changed(self.now(), in_hangup="hangup_logic" in channel.flags)

    def _relinked(self, event: events.LinkedIdChange) -> None:
        for record in self._chains.get(event.channel) or ():
            if record.phase is not Phase.FINAL:
                record.linkedid = event.channel.linkedid

    def _ended(self, event: events.Hangup) -> None:
        self._dispatch(event.channel)

    def _dispatch(self, channel: Channel) -> None:
        chain = self._chains.get(channel)
        if chain is None:
            return
        now = self.now()
        chain.changed(now, in_hangup="hangup_logic" in channel.flags)
        for record in chain:
            record.last = now
            record.finalize()
            record.detach()
        del self._chains[channel]
        self._party_b_ended(channel, now)
        for record in chain:
            self._finished(record, now)

    def _party_b_ended(self, channel: Channel, now: Moment) -> None:
        for record in records_with_b(channel):
            record.last = now
            if record.phase in (Phase.DIAL, Phase.BRIDGE):
                record.finish()
            else:
                record.finalize()

    def _dial_begin(self, event: events.DialBegin) -> None:
        chain = self._chains.get(event.channel or event.peer)
        if chain is not None:
            chain.dial_begin(event.channel, event.peer, self.now())

    def _dial_end(self, event: events.DialEnd) -> None:
        chain = self._chains.get(event.channel or event.peer)
        if chain is not None and event.status not in _END:
            chain.dial_end(event.peer, event.status, self.now())

    def _enter(self, event: events.BridgeEnter) -> None:
        chain = self._chains.get(event.channel)
        if chain is not None and self._counts(event.bridge) and event.bridge.kind != "parking":
            chain.enter(event.bridge, self.now())

    def _leave(self, event: events.BridgeLeave) -> None:
        chain = self._chains.get(event.channel)
        if chain is None or not self._counts(event.bridge):
            return
        now = self.now()
        chain.leave(event.bridge, now)
        if event.bridge.kind != "parking":
            for record in records_with_b(event.channel):
                if record.phase is Phase.BRIDGE and record.bridge == event.bridge.uniqueid:
                    record.last = now
                    record.finalize()

    def _counts(self, bridge: Bridge) -> bool:
        """Holding bridges are like an application to records, but for parking; ignorestatechanges lets none count."""
        return (not bridge.holding or bridge.kind == "parking") and not self.rules.ignore_state_changes

    def parked(self, channel: Channel, lot: str, space: int) -> None:
        """Parking tells that a channel is parked."""
        chain = self._chains.get(channel)
        if chain is not None and not self.rules.ignore_state_changes:
            chain.park(lot, space, self.now())

    # ---- finished records ---------------------------------------------------------------------------

    def _finished(self, record: Record, now: Moment) -> None:
        fields = fields_of(record, now)
        if fields is None or record.disabled:
            return
        unanswered = record.disposition not in (Disposition.ANSWERED, Disposition.CONGESTION, Disposition.CANCEL)
        if not self.rules.unanswered and unanswered and not (fields.channel and fields.dstchannel):
            return
        self.delivery.add(fields)


def engine_of(pbx: Pbx) -> CdrEngine | None:
    """The engine when CDRs are loaded and enabled."""
    engine: CdrEngine | None = pbx.parts.get("cdr")
    return engine if engine is not None and engine.rules.enabled else None
