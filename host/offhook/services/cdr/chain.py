"""The records of one channel, in order, and how dialling and bridging split them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.services.cdr.record import Moment, Phase, Record, Rules, Side, pick_party_a


class Chain:
    """All records of one channel; the last one is current."""

    __slots__ = ("_find", "_next", "_rules", "channel", "records")

    def __init__(
        self,
        channel: Channel,
        rules: Rules,
        next_sequence: Callable[[], int],
        find: Callable[[Channel], Chain | None],
        now: Moment,
    ) -> None:
        self.channel = channel
        self._rules = rules
        self._next = next_sequence
        self._find = find
        first = Record(Side(channel), rules, next_sequence(), now)
        first.disabled = first.disabled_for_good = not rules.channel_default_enabled
        self.records = [first]

    @property
    def current(self) -> Record:
        """The last record."""
        return self.records[-1]

    def __iter__(self) -> Iterator[Record]:
        return iter(list(self.records))

    def append(self, now: Moment) -> Record:
        """A further record for the same party A."""
        last = self.current
        record = Record(last.party_a.copy(), self._rules, self._next(), now)
        record.linkedid = last.linkedid
        record.application, record.data = last.application, last.data
        record.context, record.exten = last.context, last.exten
        record.disabled = record.disabled_for_good = last.disabled_for_good
        self.records.append(record)
        return record

    def changed(self, now: Moment, *, in_hangup: bool) -> None:
        """The channel changed: state, place in the dialplan, identity."""
        moved = self.current.place_changed(in_hangup)
        taken = False
        for record in self:
            record.last = now
            taken |= record.update_a(in_hangup=in_hangup)
        if not taken and moved and self.channel.application and not self._rules.ignore_state_changes:
            self.append(now).update_a(in_hangup=in_hangup)

    def dial_begin(self, caller: Channel | None, peer: Channel, now: Moment) -> None:
        """The channel calls somebody, or is called for its own sake."""
        if self._rules.ignore_dial_changes:
            return
        taken = False
        for record in self:
            record.last = now
            taken |= record.dial_begin(caller, peer)
        if not taken:
            self.append(now).dial_begin(caller, peer)

    def dial_end(self, peer: Channel, status: str, now: Moment) -> None:
        """One of the channel's dial attempts ended."""
        for record in self:
            record.last = now
            if self._rules.ignore_dial_changes:
                record.disposition = record.of_status(status)
            else:
                record.dial_end(peer, status)

    # ---- bridges ------------------------------------------------------------------------------------

    def enter(self, bridge: Bridge, now: Moment) -> None:
        """The channel is in a bridge: find a party B in it, or be one."""
        handled: Record | None = None
        for attempt in range(2):
            for record in self:
                record.last = now
                record.update_a(in_hangup=False)
                if record.phase in (Phase.SINGLE, Phase.DIAL, Phase.PENDING):
                    self._enter(record, bridge)
                    handled = handled or record
            if handled is not None:
                break
            if attempt == 0:
                self.append(now)
        if handled is not None:
            self._pair(handled, bridge)

    def _enter(self, record: Record, bridge: Bridge) -> None:
        dialling = record.phase is not Phase.SINGLE
        record.bridge = bridge.uniqueid
        record.phase = Phase.BRIDGE
        if len(bridge) <= 1:
            return
        for other in self._others(bridge):
            for candidate in other:
                if candidate.phase is not Phase.BRIDGE or candidate.bridge != record.bridge:
                    continue
                found = _dialled_b(record, candidate) if dialling else _new_b(record, candidate)
                if found is not None:
                    record.party_b = found
                    if found.channel is candidate.party_a.channel and candidate.party_b is None:
                        candidate.finalize()
                    return
        self.records[0].finalize()

    def _pair(self, record: Record, bridge: Bridge) -> None:
        """Make records with everybody in the bridge that this one is not paired with yet."""
        for other in self._others(bridge):
            candidates = [one for one in other if one.bridge == record.bridge]
            candidate = next((one for one in candidates if one.phase is Phase.BRIDGE), next(iter(candidates), None))
            if candidate is None:
                continue
            if record.party_b is not None and record.party_b.channel is candidate.party_a.channel:
                continue
            if pick_party_a(record.party_a, candidate.party_a) is record.party_a:
                if record.party_b is None and candidate.phase is Phase.FINAL:
                    # Their record ended with a party B who hung up: they were passed over when this one looked for its
                    # own. Asterisk makes two records here, and the talk counts twice once they come a second time.
                    record.pair(candidate.party_a)
                else:
                    self._add(record, candidate.party_a, record.last)
            elif candidate.party_b is not None and candidate.party_b.channel is not record.party_a.channel:
                other._add(candidate, record.party_a, record.last)
            else:
                candidate.pair(record.party_a)

    def _add(self, record: Record, party_b: Side, now: Moment) -> None:
        new = self.append(now)
        new.party_b = party_b.copy()
        new.check_answer()
        new.bridge = record.bridge
        new.phase = Phase.BRIDGE

    def _others(self, bridge: Bridge) -> Iterator[Chain]:
        for channel in bridge:
            if channel is not self.channel and (chain := self._find(channel)) is not None:
                yield chain

    def leave(self, bridge: Bridge, now: Moment) -> None:
        """The channel left a bridge."""
        for record in self:
            record.last = now
            if record.phase is Phase.PARKED or (record.phase is Phase.BRIDGE and record.bridge == bridge.uniqueid):
                record.finish()
                record.bridge = ""

    def park(self, lot: str, space: int, now: Moment) -> None:
        """The channel was parked."""
        taken = False
        for record in self:
            record.last = now
            free = record.phase is Phase.SINGLE or (record.phase is Phase.PENDING and record.party_b is None)
            if free:
                record.phase = Phase.PARKED
                taken = True
        record = self.current if taken else self.append(now)
        record.phase = Phase.PARKED
        record.application, record.data = "Park", f"{lot}:{space}"
        record.lock_application = True

    # ---- what the dialplan asks for -----------------------------------------------------------------

    def reset(self, now: Moment, *, keep_variables: bool) -> None:
        """Start the records' clocks again."""
        for record in self.records:
            if not keep_variables:
                record.party_a.variables.clear()
                if record.party_b is not None:
                    record.party_b.variables.clear()
            record.start = record.last = now
            record.answer = record.end = None
            record.check_answer()

    def fork(self, now: Moment, options: str) -> bool:
        """Go on with a further record beside (or, finalizing, instead of) the present one; False when all is over."""
        current, first = self.current, self.records[0]
        if current.phase is Phase.FINAL:
            return False
        new = self.append(now)
        new.phase = current.phase
        new.bridge = first.bridge
        new.application, new.data = first.application, first.data
        new.context, new.exten = first.context, first.exten
        new.disabled, new.disabled_for_good = first.disabled, first.disabled_for_good
        if current.party_b is not None:
            new.party_b = Side(current.party_b.channel, {}, current.party_b.user_field, current.party_b.party_a)
            if "v" in options:
                new.party_b.variables = dict(current.party_b.variables)
        new.start, new.answer = current.start, current.answer
        if "a" in options and new.answer is not None:
            new.answer = now
        if "r" in options:
            new.start = now
            new.answer = now if new.answer is not None else None
        if "v" not in options:
            new.party_a.variables.clear()
        if "e" in options:
            for record in self.records[:-1]:
                if record.phase is not Phase.FINAL:
                    record.finalize()
                    record.finish()
        return True


def _new_b(record: Record, candidate: Record) -> Side | None:
    """A party B for a record that called nobody: the candidate's party A or B, if record's party A outranks it."""
    if candidate.party_a.channel is record.party_a.channel:
        return None
    if pick_party_a(record.party_a, candidate.party_a) is record.party_a:
        return candidate.party_a.copy()
    other = candidate.party_b
    if other is None or other.channel is record.party_a.channel:
        return None
    return other.copy() if pick_party_a(record.party_a, other) is record.party_a else None


def _dialled_b(record: Record, candidate: Record) -> Side | None:
    """The party that the record's channel called, if the candidate is it."""
    if record.party_b is not None and record.party_b.channel is candidate.party_a.channel:
        return candidate.party_a.copy()
    return None
