"""The sound of a port: its leg in the engine, the level, echo, tones, and the digits that are heard."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import LineError, LinePort
from offhook.calls.fax_detection import listen_for_fax
from offhook.calls.frames import Condition, Control, Digit, Media
from offhook.drivers.dahdi.tones import tone_of, zone_of
from offhook.media.events import DigitBegin, DigitEnd

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.analog import orders
    from offhook.drivers.dahdi.calls import Calls
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings
    from offhook.media.events import MediaEvent
    from offhook.media.line import LineLeg
    from offhook.media.playing import Playback
    from offhook.media.tones import ToneSpec

log = logging.getLogger(__name__)

CONFIRMING = "dahdi_confirming"
"""Key in the data of a called channel whose answer counts only once a digit was pressed (option c)."""
BLOCK = 80
"""Samples of a read and a write: one tick of the engine."""
AHEAD = 3
_TAPS_A_MS = 8
_USUAL_TAPS = 128
_LONGEST_ECHO_MS = 128


class Sounding:
    """What a port does with its sound; the rest of it is port.py's."""

    pbx: Pbx
    number: int
    line: LinePort | None
    law: str
    settings: ChannelSettings
    calls: Calls
    two_wire = True
    """Sound of both directions shares a pair of wires: there is echo."""

    def __init__(self, settings: ChannelSettings) -> None:
        self.leg: LineLeg | None = None
        self.gains = (settings["rxgain"], settings["txgain"])
        self.sound_since = 0.0
        """When the present sound path was opened."""
        self._tone: Playback | None = None
        self._listening = False
        self._echo_off = False
        """A dialplan wants the present call's echo as it is."""

    def now(self) -> float:
        """The machine's clock."""
        return self.pbx.now()

    def on_line(self, work: Callable[[LinePort], None]) -> None:
        """Do something to the line."""
        raise NotImplementedError

    def leave_alone(self) -> None:
        """Somebody takes the idle line's sound for a while: what listens on it stops."""

    def is_idle(self) -> None:
        """The line's sound is nobody's: what listens on an idle line may do so."""

    # ---- echo ------------------------------------------------------------------------------------------------

    def echo_lines(self) -> Iterator[str]:
        """The echo canceller as ``dahdi show channel`` tells of it."""
        taps = self.echo_ms * _TAPS_A_MS
        if not taps:
            yield "\tnone"
            return
        yield f"\t{taps} taps"
        found = self.leg.echo_state() if self.leg is not None else None
        where = "" if self.settings["echocancelwhenbridged"] else "(unless TDM bridged) "
        yield f"\t{where}currently {'OFF' if found is None or found.state == 'off' else 'ON'}"
        if found is not None:
            yield f"\t{found.state}, ERL {found.return_loss_db:.1f} dB, ERLE {found.enhancement_db:.1f} dB"

    @property
    def echo_ms(self) -> int:
        """The longest echo that is cancelled: 8 taps are a millisecond."""
        taps = self.settings["echocancel"]
        if taps is None:
            taps = _USUAL_TAPS if self.two_wire else 0
        return min(_LONGEST_ECHO_MS, max(1, taps // _TAPS_A_MS)) if taps else 0

    def cancel_echo(self, on: bool) -> None:
        """Have the present call's echo cancelled, or not."""
        self._echo_off = not on
        if self.leg is not None:
            self.leg.echo(on)

    # ---- the leg ----------------------------------------------------------------------------------------------

    def _sound(self, on: bool) -> None:
        if on and self.leg is None and self.line is not None:
            self.leave_alone()
            self._open_sound(self.line)
        elif not on and self.leg is not None:
            leg, self.leg = self.leg, None
            self._tone = None
            self._listening = self._echo_off = False
            self.calls.rejoin(None)
            leg.close()
            self.is_idle()

    def _open_sound(self, line: LinePort) -> None:
        try:
            line.ready_audio(BLOCK)
        except LineError as error:
            log.warning("%s: no sound", error)
            return
        self.leg = leg = self.pbx.engine.line_leg(
            line.descriptor, self.law, block=BLOCK, ahead=AHEAD, echo_ms=self.echo_ms
        )
        leg.name = f"DAHDI/{self.number}"
        leg.on_event = self._media_event
        if self.settings["rxdrc"] or self.settings["txdrc"]:
            leg.line_range(self.settings["rxdrc"], self.settings["txdrc"])
        if self._echo_off:
            leg.echo(False)
        self.sound_since = self.now()
        self.set_gains(*self.gains)
        self.calls.rejoin(leg)

    def set_gains(self, receive_db: float, transmit_db: float) -> None:
        """Change the level of the line's sound, in dB."""
        self.gains = (receive_db, transmit_db)
        if self.leg is not None:
            self.leg.line_gain(receive_db, transmit_db)

    def _play(self, name: str) -> None:
        if self._tone is not None:
            self._tone.stop()
            self._tone = None
        if name and self.leg is not None:
            self._tone = self.leg.tones(self.tone(name))

    def tone(self, name: str) -> ToneSpec:
        """A tone of the port's zone, or what stands for it where the zone has none such."""
        return tone_of(self.pbx, name, zone_of(self.settings["tonezone"]))

    def _listen(self, on: bool) -> None:
        self._listening = on
        if self.leg is not None:
            self.leg.detect_digits(on, relax=self.settings["relaxdtmf"])

    def _media_event(self, event: MediaEvent) -> None:
        if isinstance(event, DigitBegin):
            self.digit_heard(event.digit, None)
        elif isinstance(event, DigitEnd):
            self.digit_heard(event.digit, event.duration_ms)
        else:
            for number in self.calls.heard:
                channel = self.calls.get(number)
                if channel is not None:
                    channel.deliver(Media(event))

    def digit_heard(self, digit: str, duration_ms: int | None) -> None:
        """DTMF on the line: it begins (None), or ended. It is for the calls that hear the line."""
        if self.confirmed(duration_ms is not None):
            return
        for number in self.calls.heard:
            channel = self.calls.get(number)
            if channel is not None:
                channel.deliver(Digit(digit, duration_ms is not None, duration_ms or 0))

    def confirmed(self, over: bool) -> bool:
        """A digit was pressed, or let go (``over``): whether it is the confirmation that an answer waits for."""
        for number in self.calls.heard:
            channel = self.calls.get(number)
            if channel is not None and channel.data.get(CONFIRMING):
                if over:
                    del channel.data[CONFIRMING]
                    channel.deliver(Control(Condition.ANSWER))
                return True
        return False

    def listen_for_fax(self, channel: DahdiChannel, way: str) -> None:
        """Watch a call for a fax machine, if that is wanted of calls that way."""
        if self.settings["faxdetect"] in (way, "both"):
            listen_for_fax(channel, self.settings["faxdetect_timeout"])

    def dial(self, order: orders.Dial) -> None:
        """Dial in pulses, which the driver makes, or in tones of the engine's."""
        if order.way == "P":
            self.on_line(lambda line: line.dial(f"P{order.digits}"))
        elif self.leg is not None:
            for digit in order.digits:
                self.leg.send_digit(digit, self.settings["toneduration"])
