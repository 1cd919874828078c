"""A session: one call of the protocol and the channel that it is here, and what passes between the two."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.frames import Condition, Control, Text
from offhook.calls.transfer import blind_transfer
from offhook.drivers.iax.identities import connected_of, redirecting_of
from offhook.drivers.iax.variables import keep
from offhook.iax import formats as iax_formats
from offhook.iax.call import Call
from offhook.iax.elements import Elements
from offhook.iax.frames import STOP_SOUNDS, Command, Signal
from offhook.iax.quality import Report
from offhook.iax.transfer import Stage
from offhook.log import verbose
from offhook.media.errors import EngineError
from offhook.media.formats import FORMATS

if TYPE_CHECKING:
    from offhook.drivers.iax.channel import IaxChannel
    from offhook.drivers.iax.stack import IaxStack
    from offhook.iax.association import Association
    from offhook.media.formats import Format
    from offhook.media.iax import IaxLeg

log = logging.getLogger(__name__)

SIGNALS = {
    Signal.RING: Condition.RING,
    Signal.RINGING: Condition.RINGING,
    Signal.ANSWER: Condition.ANSWER,
    Signal.BUSY: Condition.BUSY,
    Signal.TAKE_OFF_HOOK: Condition.TAKE_OFF_HOOK,
    Signal.CONGESTION: Condition.CONGESTION,
    Signal.FLASH: Condition.FLASH,
    Signal.WINK: Condition.WINK,
    Signal.PROGRESS: Condition.PROGRESS,
    Signal.PROCEEDING: Condition.PROCEEDING,
    Signal.HOLD: Condition.HOLD,
    Signal.UNHOLD: Condition.UNHOLD,
    Signal.VIDEO_UPDATE: Condition.VIDEO_UPDATE,
    Signal.INCOMPLETE: Condition.INCOMPLETE,
    Signal.MCID: Condition.MCID,
    STOP_SOUNDS: Condition.STOP,
}
CONDITIONS = {condition: signal for signal, condition in SIGNALS.items()}
"""The other way round."""
_CAUSES = {Signal.BUSY: causes.USER_BUSY, Signal.CONGESTION: causes.NORMAL_CIRCUIT_CONGESTION}


class Session:
    """One call. ``leg`` is its voice; ``channel`` comes when the call is let in, or with the call."""

    channel: IaxChannel

    def __init__(self, stack: IaxStack, association: Association) -> None:
        """Raises EngineError when there is no leg to be had."""
        self.stack = stack
        self.association = association
        self.call = Call(association, self)
        self.call.reports = self._report
        general = stack.reading.general
        self.call.ping_s, self.call.lag_s = float(general["pingtime"]), float(general["lagrqtime"])
        self.call.reject_delay = 1.0 if general["delayreject"] else 0.0
        self.leg: IaxLeg = stack.ports[association.local].carrier.leg()
        self.leg.on_voice = self._say
        self.format: Format | None = None
        self.heard: Format | None = None
        self.trunk = False
        self.music_suggested = self.music_interpreted = ""
        self.sends_connected = self.takes_connected = False
        self.variables: dict[str, str] = {}
        """Remote variables that came before there was a channel."""
        self.username = ""
        self.host = ""
        """The peer's name, or its address."""
        self._keys: tuple[bytes, bytes] = (b"", b"")
        stack.sessions[association.number] = self

    # ---- voice --------------------------------------------------------------------------------------------------

    def aim(self) -> None:
        """Tell the engine where voice goes to and comes from."""
        association, transfer = self.association, self.call.transfer
        address, theirs = association.address, association.peer_number
        if transfer.stage is Stage.MEDIA and transfer.address is not None:
            address, theirs = transfer.address, transfer.number
        ms = association.elapsed(self.stack.now())
        timed = self.stack.reading.general["trunktimestamps"]
        self.leg.call(address, association.number, theirs, ms, trunk=self.trunk, timestamps=timed)

    def speak(self, bit: int) -> None:
        """A format (a bit) was agreed on."""
        name = iax_formats.name(bit)
        self.format = FORMATS.get(name)
        self.heard = self.format
        self.leg.set_formats(self.heard, self.format)
        self.aim()
        self.channel.formats = (name,)

    def _say(self, ms: int, payload: bytes) -> None:
        """The engine has voice that must go in a full frame."""
        bit = iax_formats.BITS.get(self.format.name, 0) if self.format is not None else 0
        if bit and self.call.voice(bit, ms, payload, self.stack.now()):
            self.leg.opened(ms)
            self.stack.rearm()

    def _report(self) -> Report:
        stats = self.leg.stats()
        expected = stats.rx_packets + stats.rx_lost
        percent = stats.rx_lost * 100 // expected if expected else 0
        delay = int(self.leg.figures()["delay_ms"])
        jitter = int(stats.rx_jitter * 1000)
        return Report(jitter, percent, stats.rx_lost, stats.rx_packets, delay, 0, self.leg.reordered)

    @property
    def local_report(self) -> Report:
        """What we find of what comes."""
        return self._report()

    # ---- Listener: being called -----------------------------------------------------------------------------------

    def asked(self, elements: Elements, now: float) -> None:
        """See Listener; incoming.py has the calls that come in."""

    def proven(self, method: str, elements: Elements, now: float) -> None:
        """See Listener."""

    def established(self, now: float) -> None:
        """See Listener."""

    # ---- Listener: calling ------------------------------------------------------------------------------------------

    def accepted(self, bit: int, now: float) -> None:
        """See Listener."""

    # ---- Listener: in a call ----------------------------------------------------------------------------------------

    def given(self, variables: dict[str, str]) -> None:
        """See Listener."""
        self.variables.update(variables)
        channel = getattr(self, "channel", None)
        if channel is not None:
            keep(channel, variables)

    def signalled(self, signal: int, payload: bytes) -> None:
        """See Listener."""
        channel = self.channel
        if signal == Signal.HANGUP:
            channel.far_end_hangup(0)
        elif signal == Signal.CONNECTED_LINE:
            if self.takes_connected:
                party = connected_of(payload)
                channel.caller.id = party.id.copy()
                channel.tell_caller()
                channel.deliver(Control(Condition.CONNECTED_LINE, party))
        elif signal == Signal.REDIRECTING:
            if self.takes_connected:
                channel.deliver(Control(Condition.REDIRECTING, redirecting_of(payload)))
        elif (condition := SIGNALS.get(signal)) is not None:
            if signal in _CAUSES:
                channel.hangup_cause = _CAUSES[Signal(signal)]
            if condition is Condition.RINGING and channel.state in (State.DOWN, State.DIALING):
                channel.set_state(State.RINGING)
            music = payload.split(b"\0", 1)[0].decode("utf-8", "replace") if condition is Condition.HOLD else None
            channel.deliver(Control(condition, music))

    def digit(self, digit: str, *, ended: bool) -> None:
        """See Listener."""
        self.channel.digit_heard(digit, ended=ended)

    def text(self, body: str) -> None:
        """See Listener."""
        self.channel.deliver(Text(body))

    def voice(self, bit: int, time: int, payload: bytes) -> None:
        """See Listener."""
        arrives = FORMATS.get(iax_formats.name(bit))
        if arrives is None:
            return
        if arrives is not self.heard:
            self.heard = arrives
            self.leg.set_formats(arrives, self.format)
        self.leg.voice(time, payload)

    def held(self, music: str) -> None:
        """See Listener."""
        if music:
            self.channel.deliver(Control(Condition.HOLD, self.music_suggested or ("" if music == "default" else music)))

    def unheld(self) -> None:
        """See Listener."""
        self.channel.deliver(Control(Condition.UNHOLD))

    def wants_transfer(self, number: str, context: str) -> None:
        """See Listener."""
        channel = self.channel
        result = blind_transfer(channel, number, context or channel.context)
        verbose(3, "%s: transfer to %s@%s: %s", channel.name, number, context or channel.context, result.value)

    def moved(self, now: float) -> None:
        """See Listener."""
        if self.call.transfer.stage is not Stage.MEDIA:
            self.heard = self.format
            verbose(3, "%s: the call goes on with %s:%d", self.channel.name, *self.association.address)
        self.aim()

    def keyed(self) -> None:
        """See Listener."""
        association = self.association
        ours, theirs = (each.key if each is not None else b"" for each in (association.seal, association.unseal))
        try:
            if ours and ours != self._keys[0]:
                self.leg.seal(ours, sends=True)
            if theirs and theirs != self._keys[1]:
                self.leg.seal(theirs, sends=False)
        except EngineError as error:
            log.error("%s", error)
        self._keys = (ours, theirs)

    def ended(self, cause: int, command: int, text: str) -> None:
        """See Listener."""
        channel = self.channel
        if command:
            told = (cause, f"IAX2 {Command(command).name}({cause})")
            for each in (channel, channel.data.get("dialed_by")):
                if each is not None and not each.hungup:
                    each.data.setdefault("tech_causes", {})[channel.name] = told
        if command == Command.REJECT:
            log.warning("Call rejected by %s: %s", self.association.address[0], text or "<Unknown>")
        elif text:
            log.log(logging.WARNING if not command else logging.INFO, "%s: %s", channel.name, text)
        channel.far_end_hangup(cause)

    # ---- the end ------------------------------------------------------------------------------------------------

    def end(self, cause: int) -> None:
        """The channel is over."""
        self.call.hangup(cause, self.stack.now())
        self.forget()
        self.stack.rearm()

    def forget(self) -> None:
        """Nothing is left of it here."""
        if self.stack.sessions.get(self.association.number) is self:
            del self.stack.sessions[self.association.number]
        self.leg.close()
