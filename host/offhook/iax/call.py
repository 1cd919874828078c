"""A call (RFC 5456 6.2, 6.3): set up from either side, what goes on in it, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from offhook.iax.elements import Elements
from offhook.iax.frames import Command, FullFrame, Kind
from offhook.iax.proof import MD5, RSA, Credentials, Expectation, Unproven, new_challenge
from offhook.iax.quality import Quality, Report
from offhook.iax.seal import AES128, KEY_ROTATION, Seal, key_of, new_key, seals_for
from offhook.iax.transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.iax.association import Association
    from offhook.iax.exchange import Timer

PROTOCOL = 2
PING_S, LAG_S = 21.0, 10.0
ROTATION_S = (120.0, 300.0)
REJECT_DELAY = 1.0
"""Seconds that a refusal for want of a password is held back, against guessing."""
PROOF_S = 30.0
"""Seconds that a caller may take to answer a challenge."""
LINGER = 10.0
"""Seconds that an ended call waits for its acknowledgement."""
_REJECTED, _UNPROVEN, _GONE, _NORMAL = 21, 50, 27, 16
"""Causes (Q.850)."""


class Listener(Protocol):
    """Who has a call. Nothing but ``ended`` comes before the call is accepted, and nothing after ``ended``."""

    def asked(self, elements: Elements, now: float) -> None:
        """A NEW came: ``accept``, ``challenge`` or ``reject`` it."""

    def proven(self, method: str, elements: Elements, now: float) -> None:
        """Who calls has answered the challenge: ``accept`` or ``reject``."""

    def established(self, now: float) -> None:
        """Whoever calls knows our call number: dialplan may run."""

    def accepted(self, bit: int, now: float) -> None:
        """The far end takes our call, in this format."""

    def given(self, variables: dict[str, str]) -> None:
        """Remote variables came."""

    def signalled(self, signal: int, payload: bytes) -> None:
        """A control frame came."""

    def digit(self, digit: str, *, ended: bool) -> None:
        """A DTMF digit begins, or has ended."""

    def text(self, body: str) -> None:
        """A text came."""

    def voice(self, bit: int, time: int, payload: bytes) -> None:
        """Voice came in a full frame."""

    def held(self, music: str) -> None:
        """We are to be silent, and to play music when ``music`` is not "" (True: any)."""

    def unheld(self) -> None:
        """We may speak again."""

    def wants_transfer(self, number: str, context: str) -> None:
        """The far end wants our party called elsewhere."""

    def moved(self, now: float) -> None:
        """Voice goes to and comes from another address or call number now."""

    def keyed(self) -> None:
        """Keys have changed."""

    def ended(self, cause: int, command: int, text: str) -> None:
        """The call is over: by the far end's command, or because it is gone (command 0)."""


@dataclass(slots=True)
class State:
    """How far a call is."""

    started: bool = False
    challenged: bool = False
    waiting: bool = False
    """For the far end's first frame after our ACCEPT."""
    gone: bool = False
    """The far end has ended it, or nobody may be told any more."""
    quelched: bool = False
    encrypted: bool = False


class Call:
    """One call. ``local_report`` gives what we say of what we receive."""

    def __init__(self, association: Association, listener: Listener) -> None:
        self.association = association
        self.listener: Listener | None = listener
        self.state = State()
        self.quality = Quality()
        self.credentials = Credentials()
        self.expectation = Expectation()
        self.encryption = 0
        """Bits that may be agreed on (ours), then those that are."""
        self.force_encryption = False
        self.method = ""
        self.challenge_sent = b""
        self.reject_delay = REJECT_DELAY
        self.doomed = False
        """Whatever is answered to our challenge, it is refused: nobody of that name."""
        self.reports: Callable[[], Report] = Report
        self.transfer = Transfer(self)
        self.pings = True
        self.ping_s, self.lag_s = PING_S, LAG_S
        self._timers: list[Timer] = []
        self._rotation: Timer | None = None
        association.role = self

    # ---- calling --------------------------------------------------------------------------------------------

    def call(self, elements: Elements, now: float, *, patience: float = 0.0) -> None:
        """Call the far end; ``patience``: seconds until it has to say something (0: as frames are repeated)."""
        if self.encryption:
            elements.add("encryption", self.encryption)
        association = self.association
        association.token = elements
        elements.add("calltoken", b"")
        association.command(Command.NEW, elements, now)
        if patience:
            self._after(patience, self._silent, now)

    def _silent(self, now: float) -> None:
        if not self.state.started and not self.association.frames_received:
            self.association.end(now, lost=True)

    def _challenged(self, elements: Elements, now: float) -> None:
        """The far end wants proof."""
        if self.state.started:
            return
        methods, challenge = elements.number("authmethods"), elements.get("challenge", b"")
        theirs = elements.number("encryption") if methods & MD5 or methods & RSA else 0
        self.encryption = self.encryption & theirs if theirs & AES128 else 0
        try:
            if self.force_encryption and not self.encryption:
                raise Unproven("the call must be encrypted, and they do not encrypt")
            answer, self.method = self.credentials.answer(methods, challenge)
            if self.encryption and not self.credentials.secret:
                raise Unproven("they encrypt, and we have no secret for them")
        except Unproven as error:
            self._give_up(str(error), now)
            return
        if self.encryption:
            key = key_of(challenge, self.credentials.secret)
            self.association.seal, self.association.unseal = Seal(key), Seal(key)
            self.state.encrypted = True
            if self.listener is not None:
                self.listener.keyed()
            self._rotate_later(now)
        self.association.command(Command.AUTHREP, answer, now)

    def _accepted(self, elements: Elements, now: float) -> None:
        if self.state.started:
            return
        if self.force_encryption and not self.state.encrypted:
            self._give_up("the call must be encrypted, and they took it in the clear", now)
            return
        self.state.started = True
        self.keep_alive(now)
        if self.listener is not None:
            self.listener.accepted(elements.format, now)

    # ---- being called ---------------------------------------------------------------------------------------

    def challenge(self, username: str, now: float, theirs: int) -> None:
        """Ask for proof; ``theirs``: the encryption the caller offers."""
        methods = self.expectation.methods
        agreed = self.encryption & theirs if theirs & AES128 and methods & (MD5 | RSA) else 0
        self.encryption = agreed
        elements = Elements(authmethods=methods)
        if methods & (MD5 | RSA):
            self.challenge_sent = new_challenge()
            elements.add("challenge", self.challenge_sent)
        if agreed:
            elements.add("encryption", agreed)
        elements.add("username", username)
        self.state.challenged = True
        self.association.command(Command.AUTHREQ, elements, now)
        self._after(PROOF_S, self._not_proven, now)
        if agreed:
            self.association.unseals = list(seals_for(self.challenge_sent, self.expectation.secrets))

    def _not_proven(self, now: float) -> None:
        if not self.state.started and not self.state.gone:
            self.reject(_UNPROVEN, "No authority found", now)

    def _answered(self, frame: FullFrame, elements: Elements, now: float) -> None:
        if self.state.started or not self.state.challenged:
            return
        self.association.acknowledge_now(frame, now)
        method = "" if self.doomed else self.expectation.met_by(self.challenge_sent, elements)
        if not method or (self.force_encryption and not self.encryption):
            self.refuse(now)
            return
        self.method = method
        if self.listener is not None:
            self.listener.proven(method, elements, now)

    def accept(self, bit: int, now: float) -> None:
        """Take the call in a format."""
        self.association.command(Command.ACCEPT, Elements(format=bit & 0xFFFFFFFF, format2=bit), now)
        self.state.started = True
        if self.state.challenged:
            self._establish(now)
        else:
            self.state.waiting = True
        self.keep_alive(now)
        if self.encryption:
            self._rotate_later(now)

    def _establish(self, now: float) -> None:
        self.state.waiting = False
        if self.listener is not None:
            self.listener.established(now)

    def reject(self, cause: int, text: str, now: float) -> None:
        """Refuse the call."""
        self.state.gone = True
        self.association.command(Command.REJECT, Elements(cause=text or None, causecode=cause), now, final=True)
        self._end_later(now)

    def refuse(self, now: float) -> None:
        """Refuse whoever did not prove himself, after a while."""
        self.state.gone = True
        self._after(self.reject_delay, lambda later: self.reject(_UNPROVEN, "No authority found", later), now)

    # ---- in a call ------------------------------------------------------------------------------------------

    def signal(self, signal: int, now: float, payload: bytes = b"") -> None:
        """Send a control frame."""
        if not self.state.gone:
            self.association.hold_back(Kind.CONTROL, signal, payload, now)

    def digit(self, digit: str, now: float, *, ended: bool) -> None:
        """Send a DTMF digit's begin or end."""
        if not self.state.gone:
            self.association.hold_back(Kind.DTMF_END if ended else Kind.DTMF_BEGIN, ord(digit), b"", now)

    def text(self, body: str, now: float) -> None:
        """Send a text."""
        if not self.state.gone:
            self.association.hold_back(Kind.TEXT, 0, body.encode() + b"\0", now)

    def voice(self, bit: int, time: int, payload: bytes, now: float) -> bool:
        """Send voice in a full frame; False when nobody wants it."""
        if self.state.gone or not self.state.started or not self.association.peer_number:
            return False
        return self.association.send(Kind.VOICE, bit, payload, now, time=time) is not None

    def quelch(self, now: float, *, music: bool) -> None:
        """Ask the far end to be silent."""
        self.association.command(Command.QUELCH, Elements(musiconhold=True) if music else None, now)

    def unquelch(self, now: float) -> None:
        """Let it speak again."""
        self.association.command(Command.UNQUELCH, None, now)

    def redirect(self, number: str, context: str, now: float) -> None:
        """Ask the far end to call its party elsewhere."""
        if not self.state.gone:
            elements = Elements(called_number=number, called_context=context or None)
            self.association.command(Command.TRANSFER, elements, now)

    def keep_alive(self, now: float) -> None:
        """Ask now and then whether the far end is still there, and how far away."""
        if self.pings:
            self._after(self.ping_s, self._ping, now)
            self._after(self.lag_s, self._lag, now)

    def _ping(self, now: float) -> None:
        if not self.state.gone and self.association.peer_number:
            self.association.command(Command.PING, None, now)
        self._after(self.ping_s, self._ping, now)

    def _lag(self, now: float) -> None:
        if not self.state.gone and self.association.peer_number:
            self.association.command(Command.LAGRQ, None, now)
        self._after(self.lag_s, self._lag, now)

    def _rotate_later(self, now: float) -> None:
        if self.encryption & KEY_ROTATION:
            least, most = ROTATION_S
            share = (self.association.number * 2654435761 % 1000) / 1000
            self._after(least + share * (most - least), self.rotate, now)

    def rotate(self, now: float) -> None:
        """Encrypt what we send with another key from now on (RTKEY)."""
        association = self.association
        if self.state.gone or association.seal is None or association.dead:
            return
        key = new_key()
        association.command(Command.RTKEY, Elements(challenge=key), now)
        association.seal = Seal(key)
        if self.listener is not None:
            self.listener.keyed()
        self._rotate_later(now)

    # ---- the end --------------------------------------------------------------------------------------------

    def hangup(self, cause: int, now: float) -> None:
        """End the call. Nothing is told any more."""
        self.listener = None
        if not self.association.frames_sent:
            self.association.end(now)  # nobody has been called yet
            return
        if self.state.gone or self.association.dead:
            if not self.association.dead and not self.association.waiting:
                self.association.end(now)
            return
        self.state.gone = True
        self.association.command(Command.HANGUP, Elements(causecode=cause & 0xFF), now, final=True)
        self._end_later(now)

    def _give_up(self, why: str, now: float) -> None:
        """We cannot go on with a call of ours."""
        listener = self.listener
        self.hangup(_REJECTED, now)
        if listener is not None:
            listener.ended(0, 0, why)

    def _tell_end(self, cause: int, command: int, text: str) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.ended(cause, command, text)

    def _end_later(self, now: float) -> None:
        self._cancel_timers()
        self.association.exchange.after(LINGER, self.association.end, now)

    def _after(self, seconds: float, work: Callable[[float], None], now: float) -> None:
        self._timers = [timer for timer in self._timers if timer.ring is not None]
        self._timers.append(self.association.exchange.after(seconds, work, now))

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    # ---- what comes (Role) -----------------------------------------------------------------------------------

    def received(self, frame: FullFrame, elements: Elements, now: float) -> None:
        """See Role."""
        if self.state.waiting and frame.kind in (Kind.VOICE, Kind.VIDEO, Kind.IAX):
            self._establish(now)
        if frame.is_command:
            self._command(frame, elements, now)
            return
        listener = self.listener
        if listener is None or not self.state.started or self.state.gone:
            return
        match frame.kind:
            case Kind.CONTROL:
                listener.signalled(frame.subclass, frame.payload)
            case Kind.DTMF_BEGIN | Kind.DTMF_END:
                listener.digit(chr(frame.subclass & 0x7F), ended=frame.kind == Kind.DTMF_END)
            case Kind.VOICE:
                listener.voice(frame.subclass, frame.time, frame.payload)
            case Kind.TEXT:
                listener.text(frame.payload.split(b"\0", 1)[0].decode("utf-8", "replace"))

    def _command(self, frame: FullFrame, elements: Elements, now: float) -> None:
        association, listener = self.association, self.listener
        if listener is not None and (variables := elements.variables()):
            listener.given(variables)
        match frame.subclass:
            case Command.NEW:
                if not self.state.started and not self.state.challenged and listener is not None:
                    association.acknowledge_now(frame, now)
                    listener.asked(elements, now)
            case Command.AUTHREQ:
                self._challenged(elements, now)
            case Command.AUTHREP:
                self._answered(frame, elements, now)
            case Command.ACCEPT:
                self._accepted(elements, now)
            case Command.HANGUP | Command.REJECT:
                association.acknowledge_now(frame, now)
                self.state.gone = True
                self._tell_end(elements.number("causecode"), frame.subclass, elements.text("cause"))
                association.end(now)
            case Command.PING:
                association.send(Kind.IAX, Command.PONG, self.reports().elements().encode(), now, time=frame.time)
            case Command.POKE:
                association.send(Kind.IAX, Command.PONG, b"", now, time=frame.time)
            case Command.PONG:
                self.quality.ping_ms = max(0, association.elapsed(now) - frame.time)
                self.quality.remote = Report.read(elements)
                association.round_trip = max(0.001, self.quality.ping_ms / 1000)
            case Command.LAGRQ:
                association.send(Kind.IAX, Command.LAGRP, b"", now, time=frame.time)
            case Command.LAGRP:
                self.quality.lag_ms = max(0, association.elapsed(now) - frame.time)
            case Command.QUELCH if self.state.started and listener is not None:
                self.state.quelched = True
                music = elements.get("musiconhold")
                listener.held("" if music is None else music if isinstance(music, str) else "default")
            case Command.UNQUELCH if self.state.started and listener is not None:
                self.state.quelched = False
                listener.unheld()
            case Command.TRANSFER if listener is not None:
                listener.wants_transfer(elements.text("called_number"), elements.text("called_context"))
            case Command.RTKEY:
                self._rekeyed(elements)
            case command if command in self.transfer.commands:
                self.transfer.received(frame, elements, now)
            case Command.ACK | Command.UNSUPPORT | Command.QUELCH | Command.UNQUELCH | Command.TRANSFER | Command.MWI:
                pass
            case unknown:
                association.command(Command.UNSUPPORT, Elements(iax_unknown=unknown & 0xFF), now)

    def _rekeyed(self, elements: Elements) -> None:
        key = elements.get("challenge", b"")
        if self.association.unseal is not None and len(key) >= 16:
            self.association.unseal = Seal(key[:16])
            if self.listener is not None:
                self.listener.keyed()

    def keyed(self) -> None:
        """See Role."""
        self.state.encrypted = True
        if self.listener is not None:
            self.listener.keyed()

    def lost(self, now: float) -> None:
        """See Role."""
        self._over(_GONE, "no answer to what we sent")

    def invalid(self, now: float) -> None:
        """See Role."""
        self._over(_NORMAL, "the far end knows nothing of the call")

    def finished(self, now: float) -> None:
        """See Role."""
        self._over(_NORMAL, "")

    def _over(self, cause: int, text: str) -> None:
        self.state.gone = True
        self._cancel_timers()
        self._tell_end(cause, 0, text)
