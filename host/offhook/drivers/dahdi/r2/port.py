"""A channel with MFC/R2: while a call is set up its sound is libopenr2's, once it is accepted the engine's."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from kernel_shims.line import Happening, LineError, LineEvent, LinePort
from kernel_shims.r2.events import COLLECT_CALL, Cause, Direction, Kind, R2Event
from kernel_shims.r2.line import R2Line, category_name, category_of, cause_name, error_name
from kernel_shims.simulator.sound import SILENT
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control
from offhook.calls.party import Caller, Party
from offhook.calls.requesting import RequestError
from offhook.calls.signalling import LineSignal
from offhook.config.model import TRUE_WORDS
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.isdn.bearer import Bearer
from offhook.drivers.dahdi.port import Port
from offhook.drivers.dahdi.r2.showing import shown
from offhook.drivers.dahdi.r2.terms import q850, r2_cause, terms_of
from offhook.drivers.dahdi.sounding import AHEAD, BLOCK
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings

log = logging.getLogger(__name__)

_LEVELS = {1: logging.ERROR, 2: logging.WARNING, 4: logging.INFO}
"""libopenr2's levels; the others are traces."""
_MOST_BLOCKS = 8
_MOST_UNSAID = _MOST_BLOCKS * BLOCK


class R2Port(Port):
    """See the text of this file. ``accepted`` tells that the tones of the present call are over."""

    machine: Bearer
    two_wire = False

    def __init__(self, pbx: Pbx, line: LinePort, settings: ChannelSettings, signalling: str) -> None:
        super().__init__(pbx, line, settings, signalling)
        self.machine = Bearer()
        self.r2 = R2Line(line.number, line.law, terms_of(settings.values, pbx.paths.log), self.now)
        self.r2.wants_digit = self._wants_digit
        self.r2.on_message = self._message
        self.accepted = False
        self.far_end_blocked = False
        self.blocked = False
        self._busy = False
        """The line is not idle, whether a channel is there for it or not."""
        self._answer_pending = False
        self._dnis = self._ani = ""
        self._category = 0
        self._bits: int | None = None
        self._listening_to = -1
        """The descriptor whose sound is libopenr2's now."""
        self._unsaid = b""
        """Sound of libopenr2's that the line has not taken yet."""
        self._due: asyncio.TimerHandle | None = None

    # ---- the line --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """See Port: idle both ways."""
        super().begin()
        if self.line is not None:
            self.r2.begin(self.line.bits())
            self._settle()

    def settings_changed(self) -> None:
        """See Port; what is logged changes at once, how R2 is spoken with the next start of the channel."""
        super().settings_changed()
        if self.line is None:
            return
        try:
            terms = terms_of(self.settings.values, self.pbx.paths.log)
        except LineError as error:
            log.warning("channel %d: %s", self.number, error)
            return
        self.r2.set_log(terms.log)
        self.r2.set_call_files(terms.call_files)
        before = self.r2.terms
        if replace(terms, log=before.log, call_files=before.call_files) != before:
            log.warning(
                "channel %d: MFC/R2 goes on as it was; dahdi restart puts the new settings in force", self.number
            )

    def _happened(self, event: LineEvent) -> None:
        super()._happened(event)
        if self.line is None:
            return
        if event.kind is Happening.BITS_CHANGED:
            self.r2.bits(self.line.bits())
        elif event.kind in (Happening.ALARM, Happening.NO_ALARM):
            self.r2.alarm(event.kind is Happening.ALARM)
        self._settle()

    def remove(self) -> None:
        """See Port."""
        self._exchange(False)
        if self._due is not None:
            self._due.cancel()
            self._due = None
        super().remove()
        self.r2.close()

    def _settle(self) -> None:
        """Carry out what the library wants: bits, events, its next timer."""
        if self.line is None:
            return
        self._send_bits()
        for event in self.r2.take_events():
            self._told(event)
            self._send_bits()
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self.line is not None and (delay := self.r2.delay()) is not None:
            self._due = self.pbx.loop.call_later(delay, self._run_timers)

    def _send_bits(self) -> None:
        bits = self.r2.sent_bits
        if bits != self._bits and self.line is not None:
            self._bits = bits
            self._signal("<--", f"bits {bits:04b}")
            self.on_line(lambda line: line.set_bits(bits))

    def _run_timers(self) -> None:
        self._due = None
        self.r2.tick()
        self._settle()

    def _message(self, level: int, text: str) -> None:
        log.log(_LEVELS.get(level, logging.DEBUG), "Chan %d - %s", self.number, text)

    # ---- tones -----------------------------------------------------------------------------------------------

    def _exchange(self, on: bool) -> None:
        """From now on the channel's sound is libopenr2's, or no longer.

        What is said goes out behind a few blocks of silence: a gap in a tone, where we came late by as much as a block,
        is its end to the far end's detector.
        """
        if on and self._listening_to < 0 and self.line is not None:
            line = self.line
            self._try(lambda: line.ready_audio(BLOCK))
            self._unsaid = SILENT[line.law] * AHEAD
            self._listening_to = line.descriptor
            self.pbx.loop.add_reader(line.descriptor, self._sound_there)
        elif not on and self._listening_to >= 0:
            self.pbx.loop.remove_reader(self._listening_to)
            self._listening_to = -1

    def _sound_there(self) -> None:
        for _ in range(_MOST_BLOCKS):
            descriptor = self._listening_to
            if descriptor < 0:
                return
            try:
                codes = os.read(descriptor, BLOCK)
                if not codes:
                    return
                self._unsaid = (self._unsaid + self.r2.hear(codes))[-_MOST_UNSAID:]
                self._say(descriptor)
            except BlockingIOError:
                return
            except OSError as error:
                # An event is in the way (ELAST), which the system tells of; or the channel was removed.
                log.debug("channel %d: %s", self.number, error)
                return
            finally:
                self._settle()

    def _say(self, descriptor: int) -> None:
        """Give the line what it takes now. Raises OSError; what it did not take is kept."""
        while self._unsaid:
            self._unsaid = self._unsaid[os.write(descriptor, self._unsaid[:BLOCK]) :]

    # ---- what the far end says -------------------------------------------------------------------------------

    def _told(self, event: R2Event) -> None:
        if self.pbx.bus.wants(LineSignal):
            self._signal("-->", event.kind.name.lower().replace("_", " "))
        channel = next(iter(self.calls), None)
        match event.kind:
            case Kind.CALL_INIT:
                self._begun()
            case Kind.ANI_DIGIT:
                self._ani += chr(event.value)
            case Kind.OFFERED:
                self._offered(event)
            case Kind.ACCEPTED:
                self._accepted(channel)
            case Kind.ANSWERED if channel is not None:
                self.obey([orders.Tell(channel.call, Condition.ANSWER)])
            case Kind.DISCONNECTED:
                self._disconnected(channel, Cause(event.value))
            case Kind.ENDED:
                self._over()
            case Kind.PROTOCOL_ERROR:
                log.error("MFC/R2 protocol error on chan %d: %s", self.number, error_name(event.value))
                self._over()
                if channel is not None:
                    channel.far_end_hangup(causes.PROTOCOL_ERROR)
            case Kind.SYSTEM_ERROR:
                log.error("channel %d: %s", self.number, os.strerror(event.value))
            case Kind.BLOCKED:
                self.far_end_blocked = True
                verbose(3, "Far end blocked on chan %d", self.number)
            case Kind.IDLE:
                self.far_end_blocked = False
                verbose(3, "Far end unblocked on chan %d", self.number)
            case Kind.BILLING_PULSE:
                verbose(3, "MFC/R2 billing pulse received on channel %d", self.number)

    def _begun(self) -> None:
        """The far end seized the line."""
        if self._busy:
            log.error("Collision of calls on chan %d detected", self.number)
            return
        self._busy, self.accepted, self._answer_pending = True, False, False
        self._dnis = self._ani = ""
        self._exchange(True)

    def _over(self) -> None:
        """The line is idle again."""
        self._busy = False
        self._exchange(False)

    def _wants_digit(self, digit: str) -> bool:
        """A digit of the called number came; whether the dialplan may need another."""
        if self.settings["immediate"]:
            return False
        self._dnis += digit
        plan, context = self.pbx.dialplan, self.settings["context"]
        known = plan.exists(context, self._dnis, 1, self._ani)
        return not known or plan.matches_more(context, self._dnis, self._ani)

    def _offered(self, event: R2Event) -> None:
        settings = self.settings
        self._category = event.value
        self._dnis, self._ani = event.dnis, event.ani or ""
        verbose(
            3,
            "MFC/R2 call offered on chan %d. ANI = %s, DNIS = %s, Category = %s",
            self.number,
            event.ani or "(restricted)",
            event.dnis,
            category_name(event.value),
        )
        exten = "s" if settings["immediate"] or not settings["mfcr2_max_dnis"] else event.dnis
        number = self._ani if settings["usecallerid"] else ""
        if event.value == COLLECT_CALL and not settings["mfcr2_allow_collect_calls"]:
            verbose(3, "channel %d: a collect call is refused", self.number)
            self._disconnect(Cause.COLLECT_REJECTED)
        elif not self.pbx.dialplan.exists(settings["context"], exten, 1, number):
            verbose(
                3,
                "MFC/R2 call on channel %d requested non-existent extension '%s' in context '%s'. Rejecting call.",
                self.number,
                exten,
                settings["context"],
            )
            self._disconnect(Cause.UNALLOCATED)
        elif settings["mfcr2_accept_on_offer"]:
            self.accept(charge=settings["mfcr2_charge_calls"])
        else:
            self._start(exten)

    def _start(self, exten: str) -> None:
        """A channel for the call that came in, with the dialplan running on it."""
        number = self._ani if self.settings["usecallerid"] else ""
        party = Party.of(number or None, number or None)
        channel = self.calls.make(self.machine.take(), State.RING, caller=Caller(id=party, ani=party.copy()))
        channel.set("MFCR2_CATEGORY", category_name(self._category))
        channel.exten = exten
        channel.dialed.number = exten
        if self._dnis:
            channel.redirecting.from_ = Party.of(self._dnis)
        channel.start_pbx()

    def _accepted(self, channel: DahdiChannel | None) -> None:
        """The tones are over."""
        self.accepted = True
        self._exchange(False)
        if self.r2.direction is Direction.FORWARD:
            self.obey(self.machine.through())
            if channel is not None:
                self.obey([orders.Tell(channel.call, one) for one in (Condition.RINGING, Condition.PROGRESS)])
            return
        if channel is None and self.settings["mfcr2_accept_on_offer"]:
            immediate = self.settings["immediate"] or not self.settings["mfcr2_max_dnis"]
            self._start("s" if immediate else self._dnis)
        self.obey(self.machine.through())
        if self._answer_pending and channel is not None:
            self._answer(channel)

    def _disconnected(self, channel: DahdiChannel | None, cause: Cause) -> None:
        """The far end clears; our own clearing follows with the channel's end."""
        if channel is None:
            self._disconnect(Cause.NORMAL)
            return
        verbose(3, "channel %d: R2 DISCONNECT (%s)", self.number, cause_name(cause))
        found = q850(cause)
        if channel.state is State.UP or self.r2.direction is not Direction.FORWARD:
            channel.far_end_hangup(found)
            return
        channel.hangup_cause = found
        if cause in (Cause.COLLECT_REJECTED, Cause.FORCED_RELEASE, Cause.NUMBER_CHANGED):
            channel.far_end_hangup(found)
        else:
            channel.deliver(Control(Condition.BUSY if cause is Cause.BUSY else Condition.CONGESTION))

    # ---- calls: our side -------------------------------------------------------------------------------------

    def _disconnect(self, cause: Cause) -> None:
        if not self.r2.disconnect(cause):
            verbose(
                3, "channel %d: the call could not be cleared (%s); the line is forced idle", self.number, cause.name
            )
            self.r2.idle()
            self._over()

    def refusal(self) -> int:
        """See Port."""
        if self.line is None:
            return causes.DESTINATION_OUT_OF_ORDER
        if self.machine.alarm:
            return causes.NETWORK_OUT_OF_ORDER
        taken = self._busy or self.machine.calls or self.blocked or self.far_end_blocked
        return causes.NORMAL_CIRCUIT_CONGESTION if taken else 0

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: the channel is not free, or blocked")
        return self.calls.make(self.machine.take(), State.DOWN, requester, uniqueid=ids[0])

    def call(self, channel: DahdiChannel) -> None:
        """See Port."""
        digits = self.stripped(channel.address)
        caller = channel.connected.id.number
        shown = caller.valid and not self.settings["hidecallerid"]
        ani = caller.text if shown else None
        if self.line is None or self._busy or not self.r2.make_call(ani, digits, self._category_for(channel)):
            raise RequestError(causes.NORMAL_CIRCUIT_CONGESTION, f"DAHDI/{self.number}: the line is not idle any more")
        self._busy, self.accepted = True, False
        channel.set_state(State.DIALING)
        self._exchange(True)
        self._settle()

    def _category_for(self, channel: DahdiChannel) -> int:
        usual: str = self.settings["mfcr2_category"]
        wanted = channel.get("MFCR2_CATEGORY") or usual
        found = category_of(wanted)
        if found is None:
            log.warning("%s: there is no MFC/R2 category %r; %s is sent", channel.name, wanted, usual)
            found = category_of(usual)
        assert found is not None
        return found

    def accept(self, *, charge: bool) -> bool:
        """Take the call that is offered; its tones go on for a moment. False when there is none to take."""
        done = self.line is not None and self.r2.accept(charge=charge)
        self._settle()
        return done

    def answered(self, channel: DahdiChannel) -> None:
        """See Port. A call that was not accepted yet is, and answered then."""
        if self.line is None or self.r2.direction is not Direction.BACKWARD:
            return
        if self.accepted:
            self._answer(channel)
        else:
            self._answer_pending = True
            self.accept(charge=self.settings["mfcr2_charge_calls"])

    def _answer(self, channel: DahdiChannel) -> None:
        self._answer_pending = False
        wanted = channel.get("MFCR2_DOUBLE_ANSWER")
        self.r2.answer(None if wanted is None else wanted.strip().lower() in TRUE_WORDS)
        self._settle()

    def indicated(self, channel: DahdiChannel, condition: Condition, payload: object) -> bool:
        """See Port; nothing is played as long as tones of the signalling are."""
        return not self.accepted or super().indicated(channel, condition, payload)

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """See Port."""
        super().ended(channel, cause)
        direction = self.r2.direction if self.line is not None else Direction.STOPPED
        if direction is Direction.STOPPED:
            return
        if direction is Direction.BACKWARD and self.settings["mfcr2_forced_release"]:
            self._disconnect(Cause.FORCED_RELEASE)
        else:
            wanted = channel.get("MFCR2_CAUSE") or ""
            self._disconnect(r2_cause(int(wanted) if wanted.isdigit() and int(wanted) else cause))
        self._settle()

    def set_idle(self) -> None:
        """Force the line idle, whatever there is on it."""
        self.blocked = False
        self.r2.idle()
        self._over()
        self._settle()

    def set_blocked(self) -> None:
        """Tell the far end that no calls are taken."""
        self.blocked = True
        self.r2.block()
        self._settle()

    def signalling_lines(self) -> Iterator[str]:
        """See Port."""
        return shown(self.r2, self.settings)

    def channel_item(self, channel: DahdiChannel, item: str) -> str | None:
        """See Port."""
        return "mfc/r2" if item == "dahdi_type" else super().channel_item(channel, item)
