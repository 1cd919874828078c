"""Hold and retrieval: asked for by the far end, and by our side as ``moh_signaling`` has it.

What our side does is a small machine a call (``Hold``): HOLD and RETRIEVE take a while, and what is wanted may change
meanwhile. Where the far end cannot be put on hold it hears music.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kernel_shims.pri.events import Kind, PriEvent
from offhook.calls import causes
from offhook.calls.frames import Condition, Control
from offhook.drivers.dahdi.isdn.calls import REMOTE_HOLD, REMOTE_RETRIEVAL, Hold, IsdnCall, Level

if TYPE_CHECKING:
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

log = logging.getLogger(__name__)


class Holding:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span

    # ---- the far end holds -----------------------------------------------------------------------------------

    def told(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        """What came about hold and retrieval."""
        match event.kind:
            case Kind.HOLD:
                self._held(call, channel)
            case Kind.RETRIEVE:
                self._retrieved(call, channel, event)
            case Kind.HOLD_ACK:
                self._parked(call)
            case Kind.HOLD_REJECT:
                self._not_parked(call)
            case Kind.RETRIEVE_ACK:
                self._back(call, event)
            case Kind.RETRIEVE_REJECT:
                self._not_back(call)

    def _held(self, call: IsdnCall, channel: DahdiChannel) -> None:
        link = self._span.link
        if call.level is not Level.CONNECT or not call.port.has_sound or not self._span.bearerless.park(call):
            link.reply_hold(call.handle, causes.RESOURCE_UNAVAILABLE)
            return
        link.reply_hold(call.handle)
        channel.deliver(Control(Condition.HOLD, call.port.settings["mohsuggest"] or None))

    def _retrieved(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        span = self._span
        if not event.on_hold or call.port.has_sound:
            span.link.reply_retrieve(call.handle, 0, causes.RESOURCE_UNAVAILABLE)
            return
        port = span.choose(event.channel, flexible=event.flexible or event.channel <= 0)
        if isinstance(port, int):
            span.link.reply_retrieve(call.handle, 0, port)
            return
        self._take(call, port.place)
        span.link.reply_retrieve(call.handle, call.port.address)
        channel.deliver(Control(Condition.UNHOLD))
        if call.hold in (Hold.RETRIEVING, Hold.NOT_RETRIEVED):
            call.hold = Hold.IDLE
        elif call.hold in (Hold.HELD, Hold.RETRIEVING_IN_VAIN):
            self._music(call, True)

    def notified(self, channel: DahdiChannel, event: PriEvent) -> None:
        """NOTIFY: the far end's party holds, or not any more."""
        if self._span.settings["discardremoteholdretrieval"]:
            return
        if event.notification == REMOTE_HOLD:
            channel.deliver(Control(Condition.HOLD))
        elif event.notification == REMOTE_RETRIEVAL:
            channel.deliver(Control(Condition.UNHOLD))

    # ---- our side holds --------------------------------------------------------------------------------------

    def wanted(self, call: IsdnCall, on: bool, music: str) -> bool:
        """Our side wants the far end on hold, or back."""
        if on:
            call.music = music
            self._hold(call)
        else:
            self._retrieve(call)
        self._span.schedule()
        return True

    def _hold(self, call: IsdnCall) -> None:
        match call.hold:
            case Hold.IDLE:
                self._begin(call)
            case Hold.MUSIC | Hold.NOTIFIED:
                self._music(call, True, call.hold)
            case Hold.ASKED_IN_VAIN:
                call.hold = Hold.ASKED
            case Hold.RETRIEVING:
                call.hold = Hold.RETRIEVING_IN_VAIN
            case Hold.NOT_RETRIEVED:
                call.hold = Hold.HELD

    def _begin(self, call: IsdnCall) -> None:
        way = self._span.settings["moh_signaling"]
        passes = call.port.settings["mohinterpret"] == "passthrough"
        if way == "notify" or passes:
            self._span.link.notify(call.handle, call.port.address, REMOTE_HOLD)
            self._music(call, not passes, Hold.NOTIFIED)
        elif way == "hold" and self._span.link.hold(call.handle):
            call.hold = Hold.ASKED
        else:
            self._music(call, True)

    def _retrieve(self, call: IsdnCall) -> None:
        match call.hold:
            case Hold.NOTIFIED:
                self._span.link.notify(call.handle, call.port.address, REMOTE_RETRIEVAL)
                self._music(call, False)
            case Hold.MUSIC:
                self._music(call, False)
            case Hold.ASKED:
                call.hold = Hold.ASKED_IN_VAIN
            case Hold.HELD | Hold.NOT_RETRIEVED:
                self._ask_back(call)
            case Hold.RETRIEVING_IN_VAIN:
                call.hold = Hold.RETRIEVING

    def _music(self, call: IsdnCall, on: bool, state: Hold = Hold.MUSIC) -> None:
        call.hold = state if on or state is Hold.NOTIFIED else Hold.IDLE
        channel = call.channel
        if channel is not None and on:
            channel.pbx.start_music(channel, call.music)
        elif channel is not None:
            channel.pbx.stop_music(channel)

    def _ask_back(self, call: IsdnCall) -> None:
        """RETRIEVE: the network names a channel, the user leaves that to it."""
        span = self._span
        address = 0
        if span.network:
            port = span.choose(-1, flexible=True)
            if isinstance(port, int):
                call.hold = Hold.NOT_RETRIEVED
                return
            address = port.address
        call.hold = Hold.RETRIEVING if span.link.retrieve(call.handle, address) else Hold.NOT_RETRIEVED

    def _parked(self, call: IsdnCall) -> None:
        """HOLD ACKNOWLEDGE."""
        if not self._span.bearerless.park(call):
            self._span.clearing.kill(call, causes.RESOURCE_UNAVAILABLE)
        elif call.hold is Hold.ASKED_IN_VAIN:
            self._ask_back(call)
        else:
            call.hold = Hold.HELD

    def _not_parked(self, call: IsdnCall) -> None:
        """HOLD REJECT: music instead, if it is still wanted."""
        if call.hold is Hold.ASKED:
            self._music(call, True)
        else:
            call.hold = Hold.IDLE

    def _back(self, call: IsdnCall, event: PriEvent) -> None:
        """RETRIEVE ACKNOWLEDGE on a channel."""
        if not self._take(call, event.channel):
            self._span.clearing.kill(call, causes.CHANNEL_UNACCEPTABLE)
            return
        again = call.hold is Hold.RETRIEVING_IN_VAIN
        call.hold = Hold.IDLE
        if again:
            self._begin(call)

    def _not_back(self, call: IsdnCall) -> None:
        """RETRIEVE REJECT."""
        call.hold = Hold.HELD if call.hold is Hold.RETRIEVING_IN_VAIN else Hold.NOT_RETRIEVED

    def _take(self, call: IsdnCall, place: int) -> bool:
        """Put a call on a B channel; False when that is not free."""
        port = self._span.bearers.get(place)
        if port is None or not port.free:
            return False
        self._span.move(call, port)
        port.through()
        return True
