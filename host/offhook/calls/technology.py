"""What calls ask of a channel technology: the hooks that a driver's channel class implements."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from offhook.calls.frames import Condition, Text

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.completion.core import Completion
    from offhook.calls.completion.native import CallerSide
    from offhook.media.events import MediaEvent
    from offhook.media.leg import Leg


class Technology:
    """The driver's side of a channel.

    Hooks never block and never raise for a far end's misbehaviour: they start something, and what comes of it is
    delivered to the channel later. Only ``tech_call`` may raise, a RequestError, when nothing can be started.
    """

    __slots__ = ()
    technology: ClassVar[str] = ""
    internal: ClassVar[bool] = False
    """A channel of the exchange itself: no manager event tells of it, no record is made of it."""
    texts: ClassVar[str] = "NONE"
    """What it knows of text messages: NONE, BASIC (plain text) or ENHANCED (any type, with names)."""
    media: Leg | None

    def tech_call(self, destination: str) -> None:
        """Start the outgoing call; answers, ringing and failures are delivered later."""
        raise NotImplementedError(f"{self.technology} channels cannot be called")

    def tech_answer(self) -> None:
        """Answer an incoming call."""

    def tech_indicate(self, condition: Condition, payload: object = None) -> bool:
        """Show a condition to the party; False when the technology has no signal for it (a tone is played then)."""
        return False

    def tech_digit_begin(self, digit: str) -> None:
        """Begin a digit towards the party."""
        if self.media is not None:
            self.media.begin_digit(digit)

    def tech_digit_end(self, digit: str, duration_ms: int) -> None:
        """End a digit towards the party."""
        if self.media is not None:
            self.media.end_digit(digit, duration_ms)

    def tech_send_text(self, text: Text) -> bool:
        """Send a text message; False when the technology has none."""
        return False

    def tech_transfer(self, destination: str) -> bool:
        """Ask the far end to call elsewhere; False when the technology cannot."""
        return False

    def tech_completion_agent(self, completion: Completion, core_id: int) -> CallerSide | None:
        """The caller's side of call completion by the technology's own protocol; None when it has none."""
        return None

    def tech_watchable(self) -> bool:
        """Whether the state of the channel's device tells when the called party is free."""
        return True

    def tech_hangup(self, cause: int) -> None:
        """End the protocol's side and give up its resources. Called exactly once."""

    def tech_paired(self, other: Channel) -> None:
        """From now on the party hears the other one and nobody else, and the other way round: a call of two."""

    def tech_unpaired(self) -> None:
        """That is over."""

    def tech_bridged(self) -> None:
        """The channel has just entered a bridge (or its bridge changed)."""

    def tech_operate(self, operator: Channel, *, by_flash: bool) -> bool:
        """Leave the line to the operator whom its party called: until the operator ends the call the party cannot.

        A party that hangs up is rung at once, or with ``by_flash`` when the operator flashes. False when the
        technology cannot.
        """
        return False

    def tech_secures(self, *, signaling: bool, media: bool) -> bool:
        """Whether the outgoing call is protected as its caller asks (CHANNEL(secure_bridge_...)), or sees to it."""
        return not (signaling or media)

    def tech_call_id(self) -> str:
        """How the protocol names the call (SIP: Call-ID), "" when it does not."""
        return ""

    def tech_twin(self) -> Channel | None:
        """Another channel on which everything assigned with CHANNEL(...) is repeated (a Local channel's other half)."""
        return None

    def tech_function(self, item: str) -> str | None:
        """The technology's own items of CHANNEL(...), e.g. "pjsip,..."; None when it has no such item."""
        return None

    def tech_set_function(self, item: str, value: str) -> bool:
        """Assign one of the technology's own items of CHANNEL(...); False when it has no such item."""
        return False

    def tech_media_event(self, event: MediaEvent) -> None:
        """The driver's view of a media event (RTP timeout, RTCP report...), before others see it."""
