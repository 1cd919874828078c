"""A port with a line from an exchange: the trunk machine's orders carried out."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from kernel_shims.line import Happening, LineEvent, LinePort
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition
from offhook.calls.party import Caller, Number, Party
from offhook.calls.requesting import RequestError
from offhook.dialplan.patterns import shrink_number
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.trunk import Manners, Trunk
from offhook.drivers.dahdi.care import busy_tone
from offhook.drivers.dahdi.care.termination import kept
from offhook.drivers.dahdi.port import Port
from offhook.drivers.dahdi.ports.evidence import Evidence
from offhook.drivers.dahdi.ports.identity import QUALIFIER, REASONS
from offhook.drivers.dahdi.ports.listening import BusyListener, CallerIdListener, ProgressListener, SilenceListener
from offhook.drivers.dahdi.ports.trunk_waiting import WaitingWatch
from offhook.log import NOTICE, verbose
from offhook.media.callerid import Call, JapaneseReceiver, Receiver, Waiting
from offhook.media.tones import ToneZone

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings

log = logging.getLogger(__name__)

_STEADY_EVERY_S = 0.25
_WITHHELD, _UNAVAILABLE = 0x20, 0x43
_REASONS = {number: word for word, number in REASONS.items()}


def manners_of(settings: ChannelSettings, signalling: str) -> Manners:
    """The line's manners by its settings."""
    distinctive = tuple(
        (settings[f"dring{ring}"], settings[f"dring{ring}range"], settings[f"dring{ring}context"]) for ring in "123"
    )
    automatic = settings["cidsignalling"] == "auto"
    return Manners(
        ground_start=signalling == "fxs_gs",
        caller_id=settings["usecallerid"],
        caller_id_start="any" if automatic else settings["cidstart"],
        lifts_for_caller_id=settings["cidsignalling"] == "v23_jp",
        ring_timeout=settings["ringtimeout"] / 1000,
        immediate=settings["immediate"],
        distinctive=distinctive if settings["usedistinctiveringdetection"] else (),
        distinctive_after_id=settings["distinctiveringaftercid"],
        answer_on_polarity=settings["answeronpolarityswitch"],
        hang_up_on_polarity=settings["hanguponpolarityswitch"],
        polarity_delay=settings["polarityonanswerdelay"] / 1000,
        wait_for_dial_tone=settings["waitfordialtone"] / 1000,
        dial_tone_ends=_ALWAYS if settings["dialtone_detect"] < 0 else settings["dialtone_detect"] / 1000,
        progress=settings["callprogress"],
        pulses=settings["pulsedial"],
        tone_s=settings["toneduration"] / 1000,
    )


_ALWAYS = float("inf")
_RECEIVERS: dict[str, type[Receiver | JapaneseReceiver]] = {
    **dict.fromkeys(("bell", "v23", "auto"), Receiver),
    "v23_jp": JapaneseReceiver,
}
"""Who reads FSK, where caller ID comes so."""
_SMDI, _SMDI_S = "smdi", 1.5
_SMDI_KINDS = {"B": "b", "N": "u"}
"""What a call's kind is to voicemail: busy, unavailable."""


class TrunkPort(Port):
    """See the text of this file."""

    machine: Trunk
    is_trunk = True

    def __init__(self, pbx: Pbx, line: LinePort, settings: ChannelSettings, signalling: str) -> None:
        super().__init__(pbx, line, settings, signalling)
        self.machine = Trunk(manners_of(settings, signalling))
        self.heard_busy: tuple[int, int] = (0, 0)
        """On-time and pause of the busy tone that ended a call last."""
        self.learned_busy: busy_tone.Cadence = ()
        """What ``line learn-busy`` found."""
        self._identity: CallerIdListener | None = None
        self._evidence: Evidence | None = None
        self._waiting = WaitingWatch(self)
        self._busy: BusyListener | None = None
        self._progress: ProgressListener | None = None
        self._silence: SilenceListener | None = None
        self._steady: asyncio.TimerHandle | None = None
        self._waits_s: float | None = None
        """How long the next call is to wait for dial tone, if a dialplan said so."""

    def begin(self) -> None:
        """See Port; the line is met as it was tuned."""
        super().begin()
        found = kept(self.pbx, self.number)
        if found is not None:
            self.on_line(lambda line: line.terminate(found))
        self.learned_busy = busy_tone.kept(self.pbx, self.number)
        self._waiting.rest()

    def leave_alone(self) -> None:
        """See Port."""
        self._waiting.pause()

    def is_idle(self) -> None:
        """See Port."""
        self._waiting.rest()

    def settings_changed(self) -> None:
        """See Port."""
        super().settings_changed()
        self.machine.manners = manners_of(self.settings, self.signalling)
        self._waiting.pause()
        self._waiting.rest()

    def _happened(self, event: LineEvent) -> None:
        waiting = event.kind is Happening.NEON_WAITING
        if (waiting or event.kind is Happening.NEON_NOT_WAITING) and "neon" in self.settings["mwimonitor"]:
            self._waiting.told(waiting)
        super()._happened(event)

    # ---- orders ----------------------------------------------------------------------------------------------

    def carry_out(self, order: Order) -> None:
        """See Port."""
        match order:
            case orders.NewCall():
                self.calls.make_from_line(order.call, State.RING)
            case orders.Start():
                self._start(order)
            case orders.HearCallerId():
                self._hear_caller_id(order.on)
            case orders.Dial():
                self.dial(order)
            case orders.Listen():
                super().carry_out(order)
                self._supervise(order.on)
            case _:
                super().carry_out(order)

    def _start(self, order: orders.Start) -> None:
        channel = self.calls.get(order.call)
        if channel is None:
            return
        if self.settings["usedistinctiveringdetection"]:
            verbose(3, "Detected ring pattern: %d,%d,%d", *self.machine.ring_pattern)
        if self.machine.context:
            verbose(3, "Matched Distinctive Ring context %s", self.machine.context)
            channel.context = self.machine.context
        channel.exten = order.exten
        if not channel.caller.id.number.valid and self.settings["cid_number"]:
            channel.caller = self.calls.caller()
        channel.set_state(State.RING)
        if self.settings["usesmdi"]:
            self.pbx.spawn(self._start_with_smdi(channel), f"SMDI of {channel.name}")
        else:
            channel.start_pbx()

    async def _start_with_smdi(self, channel: DahdiChannel) -> None:
        """The exchange tells over a serial line whose calls these are; the dialplan runs at that station."""
        desk = self.pbx.parts.get(_SMDI)
        found = await desk.next_call(self.settings["smdiport"], _SMDI_S) if desk is not None else None
        if channel.hungup:
            return
        if found is None:
            log.warning("channel %d: SMDI enabled but no SMDI message present", self.number)
        else:
            channel.exten = found.station or channel.exten
            kind = _SMDI_KINDS.get(found.kind)
            if kind:
                channel.set("_SMDI_VM_TYPE", kind)
            if self.settings["cidsignalling"] == "smdi" and found.caller:
                party = Party.of(found.caller)
                channel.caller = Caller(id=party, ani=party.copy())
                channel.tell_caller()
        channel.start_pbx()

    # ---- what is heard ---------------------------------------------------------------------------------------

    def _hear_caller_id(self, on: bool) -> None:
        if on and self._identity is None and self.leg is not None:
            signalling = self.settings["cidsignalling"]
            receiver = _RECEIVERS[signalling]() if signalling in _RECEIVERS else None
            digits = signalling in ("dtmf", "auto")
            self.set_gains(self.settings["cid_rxgain"] + self.settings["rxgain"], self.settings["txgain"])
            self._identity = CallerIdListener(self.leg, receiver, digits, self._caller_told, self._caller_lost)
            self._evidence = Evidence(self.pbx, self.leg, self.number)
        elif not on and self._identity is not None:
            identity, self._identity = self._identity, None
            identity.finish()
            for error in identity.errors:
                log.warning("channel %d: %s", self.number, error)
            identity.close()
            if self._evidence is not None:
                self._evidence.finish(keep=not identity.way and bool(identity.errors))
                self._evidence = None
            self.set_gains(self.settings["rxgain"], self.settings["txgain"])

    def _caller_told(self, message: Call | Waiting) -> None:
        if isinstance(message, Waiting):
            self._waiting.told(message.lamp)
            if "rpas" in self.settings["mwimonitor"]:
                self.obey(self.machine.message_only(self.now()))
            return
        for number in self.machine.calls:
            channel = self.calls.get(number)
            if channel is not None:
                channel.caller = _caller(message)
                channel.redirecting.reason = _REASONS.get(message.reason, channel.redirecting.reason)
                if message.long_distance:
                    channel.set(QUALIFIER, "1")
                channel.tell_caller()
                verbose(3, "channel %d: caller ID: %s", self.number, channel.caller.id)
        self.obey(self.machine.caller_id(self.now()))

    def _caller_lost(self) -> None:
        self.obey(self.machine.caller_id_failed(self.now()))

    def _supervise(self, on: bool) -> None:
        for listener in (self._busy, self._progress, self._silence):
            if listener is not None:
                listener.close()
        self._busy = self._progress = self._silence = None
        if self._steady is not None:
            self._steady.cancel()
            self._steady = None
        if not on or self.leg is None:
            return
        settings = self.settings
        if self.detects_busy:
            self._busy = BusyListener(self.leg, settings["busycount"], self.busy_pattern, self.now, self._busy_heard)
        if settings["silencecap"]:
            self._silence = SilenceListener(self.leg, settings["silencecap"], self.pbx.loop, self._nothing_heard)
        if settings["callprogress"] or settings["dialtone_detect"]:
            self._follow_progress()

    @property
    def detects_busy(self) -> bool:
        """See Port; a tone that was learned is there to be heard."""
        return super().detects_busy or bool(self.learned_busy)

    @property
    def busy_pattern(self) -> busy_tone.Cadence:
        """See Port."""
        return super().busy_pattern or self.learned_busy

    def learn_busy(self, cadence: busy_tone.Cadence) -> None:
        """The busy tone of the line's exchange, from now on; nothing forgets it."""
        busy_tone.keep(self.pbx, self.number, cadence)
        self.learned_busy = cadence

    def _follow_progress(self) -> None:
        if self.leg is not None:
            zone = self.pbx.zones.get(self.settings["progzone"]) or self.pbx.zones.get(self.pbx.default_zone)
            self._progress = ProgressListener(self.leg, zone or ToneZone("none"), self.now, self._progress_heard)
            self._steady = self.pbx.loop.call_later(_STEADY_EVERY_S, self._time_passes)

    def _time_passes(self) -> None:
        self._steady = None
        if self._progress is not None:
            self._progress.time()
        if self._progress is not None:
            self._steady = self.pbx.loop.call_later(_STEADY_EVERY_S, self._time_passes)

    def _busy_heard(self, on_ms: int, off_ms: int) -> None:
        self.heard_busy = (on_ms, off_ms)
        verbose(3, "channel %d: busy tone, %d ms on, %d ms off", self.number, on_ms, off_ms)
        self.obey(self.machine.hears_busy(self.now()))

    def _nothing_heard(self) -> None:
        log.log(NOTICE, "channel %d: silence for %d s", self.number, self.settings["silencecap"])
        self.obey(self.machine.hears_nothing(self.now()))

    def _progress_heard(self, tone: str) -> None:
        log.debug("channel %d: %s tone", self.number, tone)
        self.obey(self.machine.hears_progress(tone, self.now()))

    def _sound(self, on: bool) -> None:
        if not on:
            self._hear_caller_id(False)
            self._supervise(False)
        super()._sound(on)
        if on and self.machine.awaits_dial_tone:
            self._follow_progress()

    def digit_heard(self, digit: str, duration_ms: int | None) -> None:
        """See Port; before the answer digits are caller ID."""
        if self._identity is not None:
            if duration_ms is not None:
                self._identity.digit(digit)
            return
        super().digit_heard(digit, duration_ms)

    def digit_before_ring(self, digit: str) -> None:
        """The idle line said a digit: a call is about to come, and this begins its caller's number."""
        self.obey(self.machine.warned(self.now()))
        if self._identity is not None:
            self._identity.digit(digit)

    # ---- calls -----------------------------------------------------------------------------------------------

    def refusal(self) -> int:
        """See Port."""
        if self.line is None:
            return causes.DESTINATION_OUT_OF_ORDER
        return self.machine.takes_call()

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: the line is not free")
        return self.calls.make(self.machine.new_number(), State.DOWN, requester, uniqueid=ids[0])

    def call(self, channel: DahdiChannel) -> None:
        """See Port: seize the line and dial."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: the line is not free any more")
        digits = self.stripped(channel.address)
        channel.set_state(State.DIALING)
        waits_s, self._waits_s = self._waits_s, None
        self.obey(self.machine.call(channel.call, digits, self.now(), waits_s))

    def set_channel_item(self, channel: DahdiChannel, item: str, value: str) -> bool:
        """See Port; the next call alone waits for dial tone as long as a dialplan says, in ms."""
        if item != "waitfordialtone":
            return super().set_channel_item(channel, item, value)
        if value.strip().isdigit():
            self._waits_s = int(value) / 1000 or None
        else:
            log.warning("%s: CHANNEL(waitfordialtone): %r is no time in ms", channel.name, value)
        return True

    def answered(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.obey(self.machine.answered(channel.call, self.now()))
        self.listen_for_fax(channel, "incoming")

    def up(self, channel: DahdiChannel) -> None:
        """See Port."""
        if not self.machine.incoming:
            self.listen_for_fax(channel, "outgoing")

    def indicated(self, channel: DahdiChannel, condition: Condition, payload: object) -> bool:
        """See Port."""
        if condition is Condition.FLASH:
            self.obey(self.machine.flash(channel.call))
            return True
        return super().indicated(channel, condition, payload)


def _caller(message: Call) -> Caller:
    number = shrink_number(message.number) if message.number is not None else None
    party = Party.of(number, message.name)
    if message.number is None and message.no_number:
        party.number = Number(True, presentation=_WITHHELD if message.no_number == "P" else _UNAVAILABLE)
    return Caller(id=party, ani=party.copy())
