"""A channel's side of what is shown and sent to the party: conditions, tones, digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.frames import Condition, Control, Digit, Frame
from offhook.calls.watching import WRITE

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

WAITS = "waits on hold"
"""Flag of a channel whose party was put on hold by another."""

HOOKS = "indication_hooks"
"""Key in a channel's data of a list of calls that are given each condition; true keeps it from the party."""


class Indicates:
    """What the party of a channel sees and hears that is no media."""

    __slots__ = ()

    @property
    def _channel(self) -> Channel:
        """The whole channel that this is a side of."""
        return self  # type: ignore[return-value]

    def indicate(self, condition: Condition, payload: object = None) -> None:
        """Show a condition to the party: by the technology's signal, else by the zone's tone."""
        channel = self._channel
        if channel.hungup:
            return
        for hook in tuple(channel.data.get(HOOKS, ())):
            if hook(condition):
                return
        if WRITE in channel.data and self._kept(Control(condition, payload)):
            return
        if condition is Condition.HOLD:
            channel.flags.add(WAITS)
        elif condition is Condition.UNHOLD:
            channel.flags.discard(WAITS)
        shown = channel.tech_indicate(condition, payload)
        if condition is Condition.HOLD and not shown:
            channel.pbx.start_music(channel, str(payload or ""))
        elif condition is Condition.UNHOLD and not shown:
            channel.pbx.stop_music(channel)
        elif condition in _TONES and not shown:
            self.play_zone_tone(_TONES[condition])
            if "tone" in channel.data and channel.pbx.bus.wants(events.TestEvent):
                where = (("Channel", channel.name),)
                channel.pbx.bus.publish(events.TestEvent("RINGING_INBAND", where, "channel.c", "ast_indicate_data"))
        elif condition is Condition.STOP or (condition in _TONES and shown):
            self.stop_tones()

    def _kept(self, frame: Frame) -> bool:
        """Whether somebody who looks at what is sent to the party keeps it back."""
        return any(look(frame) for look in self._channel.data[WRITE])

    def play_zone_tone(self, name: str) -> None:
        """Play a tone of the channel's indications zone ("ring", "busy", "congestion", ...) until told to stop."""
        channel = self._channel
        self.stop_tones()
        if channel.media is not None:
            tone = channel.pbx.zone_tone(channel.tone_zone, name)
            if tone is not None:
                channel.data["tone"] = channel.media.tones(tone)

    def stop_tones(self) -> None:
        """Stop the tone that an indication started."""
        channel = self._channel
        playing = channel.data.pop("tone", None)
        if playing is not None:
            playing.stop()

    def send_digit_begin(self, digit: str) -> None:
        """Begin a digit towards the party."""
        channel = self._channel
        if WRITE in channel.data and self._kept(Digit(digit, end=False)):
            return
        channel.pbx.bus.publish(events.DtmfBegin(channel, digit, "Sent"))
        channel.tech_digit_begin(digit)

    def send_digit_end(self, digit: str, duration_ms: int) -> None:
        """End a digit towards the party."""
        channel = self._channel
        if WRITE in channel.data and self._kept(Digit(digit, duration_ms=duration_ms)):
            return
        channel.pbx.bus.publish(events.DtmfEnd(channel, digit, duration_ms, "Sent"))
        channel.tech_digit_end(digit, duration_ms)

    async def send_digit(self, digit: str, duration_ms: int = 100) -> None:
        """Send one whole digit."""
        channel = self._channel
        self.send_digit_begin(digit)
        try:
            await channel.sleep(duration_ms / 1000)
        finally:
            self.send_digit_end(digit, duration_ms)


_TONES = {
    Condition.RINGING: "ring",
    Condition.BUSY: "busy",
    Condition.CONGESTION: "congestion",
}
