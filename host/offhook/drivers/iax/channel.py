"""IAX2 channels: what calls/ asks of a technology, spoken in IAX2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Digit, Text
from offhook.calls.music import INTERPRETED
from offhook.calls.party import Connected, Redirecting
from offhook.drivers.iax.identities import connected_payload, redirecting_payload
from offhook.drivers.iax.session import CONDITIONS
from offhook.iax.frames import Signal

if TYPE_CHECKING:
    from offhook.drivers.iax.session import Session

_SHORTEST_MS = 80
_LOCAL = frozenset({Condition.SOURCE_UPDATE, Condition.SOURCE_CHANGE})
"""What means nothing over there."""


class IaxChannel(Channel):
    """One party reached by IAX2."""

    technology = "IAX2"
    texts = "BASIC"
    __slots__ = ("_digit_began", "session")

    def __init__(self, session: Session, state: State, **options: Any) -> None:
        self.session = session
        self._digit_began: tuple[str, float] | None = None
        stack = session.stack
        name = f"IAX2/{session.host}-{session.association.number}"
        super().__init__(stack.pbx, name, state=state, media=session.leg, **options)
        session.channel = self

    # ---- calling ------------------------------------------------------------------------------------------------

    def tech_call(self, destination: str) -> None:
        """Send NEW."""
        from offhook.drivers.iax.outgoing import OutgoingSession

        session = self.session
        assert isinstance(session, OutgoingSession)
        session.place_call()

    def tech_secures(self, *, signaling: bool, media: bool) -> bool:
        """By encryption that is insisted on."""
        return not (signaling or media) or self.session.call.force_encryption

    # ---- answering and indicating -------------------------------------------------------------------------------

    def tech_answer(self) -> None:
        """Tell that the call is answered."""
        self._signal(Signal.ANSWER)

    def _signal(self, signal: int, payload: bytes = b"") -> None:
        stack = self.session.stack
        self.session.call.signal(signal, stack.now(), payload)
        stack.rearm()

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        """Send a control frame. Music for whom we hold comes from here unless mohinterpret=passthrough."""
        session = self.session
        if condition in (Condition.HOLD, Condition.UNHOLD) and session.music_interpreted.lower() != "passthrough":
            if condition is Condition.HOLD:
                self.data[INTERPRETED] = session.music_interpreted
                self.pbx.start_music(self, str(payload or ""))
            else:
                self.pbx.stop_music(self)
            return True
        if condition is Condition.CONNECTED_LINE:
            if session.sends_connected and isinstance(payload, Connected):
                self._signal(Signal.CONNECTED_LINE, connected_payload(payload))
            return True
        if condition is Condition.REDIRECTING:
            if session.sends_connected and isinstance(payload, Redirecting):
                self._signal(Signal.REDIRECTING, redirecting_payload(payload))
            return True
        if condition in _LOCAL:
            return True
        signal = CONDITIONS.get(condition)
        if signal is None:
            return False
        body = str(payload).encode() + b"\0" if condition is Condition.HOLD and payload else b""
        self._signal(signal, body)
        return True

    # ---- digits and text ------------------------------------------------------------------------------------------

    def tech_digit_begin(self, digit: str) -> None:
        """Send its begin."""
        session = self.session
        session.call.digit(digit, session.stack.now(), ended=False)
        session.stack.rearm()

    def tech_digit_end(self, digit: str, duration_ms: int) -> None:
        """Send its end."""
        session = self.session
        session.call.digit(digit, session.stack.now(), ended=True)
        session.stack.rearm()

    def digit_heard(self, digit: str, *, ended: bool) -> None:
        """The far end sent a digit; one whose begin did not come lasts a little."""
        now = self.pbx.now()
        if not ended:
            self._digit_began = (digit, now)
            self.deliver(Digit(digit, end=False))
            return
        began, self._digit_began = self._digit_began, None
        if began is None or began[0] != digit:
            self.deliver(Digit(digit, end=False))
            self.deliver(Digit(digit, end=True, duration_ms=_SHORTEST_MS))
        else:
            self.deliver(Digit(digit, end=True, duration_ms=max(_SHORTEST_MS, int((now - began[1]) * 1000))))

    def tech_send_text(self, text: Text) -> bool:
        """Send a text frame."""
        session = self.session
        session.call.text(text.body, session.stack.now())
        session.stack.rearm()
        return True

    def tech_transfer(self, destination: str) -> bool:
        """Ask the far end to call elsewhere: "exten[@context]"."""
        exten, _, context = destination.partition("@")
        session = self.session
        session.call.redirect(exten, context, session.stack.now())
        session.stack.rearm()
        return True

    # ---- the end ------------------------------------------------------------------------------------------------

    def tech_hangup(self, cause: int) -> None:
        """Send HANGUP, unless the far end did."""
        self.session.end(cause)

    # ---- CHANNEL() ------------------------------------------------------------------------------------------------

    def tech_function(self, item: str) -> str | None:
        """CHANNEL(peerip), (peername), (auth_method), (secure_signaling), (secure_media), (osptoken)."""
        session = self.session
        call = session.call
        match item.lower():
            case "peerip":
                return session.association.address[0]
            case "peername":
                return session.username
            case "auth_method":
                return call.method or "none"
            case "secure_signaling" | "secure_media":
                return "1" if call.state.encrypted else ""
            case "secure_bridge_signaling" | "secure_bridge_media":
                return None
            case "osptoken":
                return ""
        return None
