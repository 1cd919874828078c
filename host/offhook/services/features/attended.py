"""Attended transfer by codes: the transferer talks to the target first, between two bridges.

The transferee's bridge is the one that lives on. While a transfer is under way it minds both bridges; what
happens to the parties are stimuli, and a table (attended_states) says which state follows which.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.dialing import Dialing
from offhook.calls.features import grant, granted
from offhook.calls.frames import Condition, Control, Frame
from offhook.calls.member import Member, Work
from offhook.calls.requesting import RequestError, connected_from, request
from offhook.calls.transfer import TRANSFERRING, hold_others, set_transfer_variables, unhold_others
from offhook.log import NOTICE, verbose
from offhook.services.features.attended_states import FINAL, NEXT, RECALL, State, Stimulus
from offhook.services.features.builtin import sound_to
from offhook.services.features.configuration import General
from offhook.services.features.detection import detection_of
from offhook.services.features.dialling import dial_extension, transfer_context

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)


class AttendedTransfer:
    """One attended transfer under way; minds the transferee's and the target's bridge."""

    def __init__(self, transferer: Channel, target: Channel, place: str, general: General) -> None:
        bridge = transferer.bridge
        assert bridge is not None
        self.pbx: Pbx = transferer.pbx
        self.transferer = transferer
        self.target = target
        self.place = place
        self.general = general
        self.transferee_bridge = bridge
        self.target_bridge: Bridge | None = Bridge(self.pbx)
        self.state = State.CALLING_TARGET
        self.recalled: Channel | None = None
        self.retries = 0
        self._letters = granted(transferer)
        self._identity = transferer.connected.copy()
        self._stimuli: asyncio.Queue[Stimulus] = asyncio.Queue()
        self._deadline: float | None = None
        self._recall: asyncio.Task[None] | None = None

    # ---- the course of it ---------------------------------------------------------------------------

    def begin(self) -> None:
        """Take both bridges over, call the target, and bring both together next. Raises RequestError."""
        target_bridge = self.target_bridge
        assert target_bridge is not None
        self._watch(self.target)
        for bridge in (self.transferee_bridge, target_bridge):
            bridge.minder = self
            bridge.data["transfer_prohibited"] = True
        self.target.tech_call(self.place)
        self.transferer.data[TRANSFERRING] = self
        target_bridge.impart(self.target)
        self._refresh(self.transferee_bridge)
        self.pbx.spawn(self._run(), f"attended transfer of {self.transferer.name}")

    async def _run(self) -> None:
        try:
            self._enter(State.CALLING_TARGET)
            while self.state not in FINAL:
                stimulus = await self._stimulus()
                following = NEXT[self.state].get(stimulus)
                log.debug("attended transfer of %s: %s in state %s", self.transferer.name, stimulus, self.state)
                if following is not None:
                    self._exit(stimulus)
                    self._enter(self._chosen(following))
        finally:
            self.end()

    async def _stimulus(self) -> Stimulus:
        left = None if self._deadline is None else max(0.0, self._deadline - self.pbx.now())
        try:
            return await asyncio.wait_for(self._stimuli.get(), left)
        except TimeoutError:
            self._deadline = None
            return Stimulus.TIMEOUT

    def _chosen(self, state: State) -> State:
        """The state to enter, where the settings have a say."""
        if state is State.BLOND and not self.general.atxferdropcall:
            return State.BLOND_RECALLING
        if self.state is State.RECALLING and state is State.WAIT_TO_RETRANSFER:
            self.retries += 1
            if self.retries >= self.general.atxfercallbackretries:
                return State.FAIL
            return state if self.general.atxferloopdelay else State.RETRANSFER
        if state is State.WAIT_TO_RECALL and not self.general.atxferloopdelay:
            return State.RECALLING
        return state

    def stimulate(self, stimulus: Stimulus) -> None:
        """Something happened to a party."""
        self._stimuli.put_nowait(stimulus)

    def codes(self, member: Member) -> dict[str, Work]:
        """What the transferer may dial meanwhile."""
        if member.channel is not self.transferer:
            return {}
        found: dict[str, Work] = {}
        for code, stimulus in (
            (self.general.atxferswap, Stimulus.SWAP),
            (self.general.atxferthreeway, Stimulus.THREEWAY),
            (self.general.atxfercomplete, Stimulus.COMPLETE),
            (self.general.atxferabort, Stimulus.ABORT),
        ):
            if code:
                found[code] = self._dialled(stimulus)
        return found

    def _dialled(self, stimulus: Stimulus) -> Work:
        async def dialled(member: Member) -> None:
            self.stimulate(stimulus)

        return dialled

    def end(self) -> None:
        """Give the transferee's bridge back to itself, and end what else is left."""
        self.transferer.data.pop(TRANSFERRING, None)
        if self._recall is not None:
            self._recall.cancel()
        self._give_back(self.transferee_bridge)
        if self.target_bridge is not None:
            self.target_bridge.dissolve(causes.NORMAL_CLEARING)

    def _give_back(self, bridge: Bridge) -> None:
        bridge.minder = None
        bridge.data.pop("transfer_prohibited", None)
        if not bridge.dissolved:
            self._refresh(bridge)
            if len(bridge) < 2:
                bridge.dissolve(causes.NORMAL_CLEARING)

    def _refresh(self, bridge: Bridge) -> None:
        for channel in bridge:
            if (found := detection_of(channel)) is not None:
                found.refresh()

    # ---- leaving a state ----------------------------------------------------------------------------

    def _exit(self, stimulus: Stimulus) -> None:
        state, general = self.state, self.general
        if state is State.RECALLING and self._recall is not None and stimulus is not Stimulus.RECALL_ANSWER:
            self._recall.cancel()
            self._recall = None
        if state in (State.WAIT_TO_RETRANSFER, State.WAIT_TO_RECALL):
            self._indicate(self.transferee_bridge, Condition.UNHOLD)
        if state in RECALL:
            if stimulus is Stimulus.TIMEOUT and self.recalled is not None:
                gone, self.recalled = self.recalled, None
                gone.request_hangup()
            return
        if stimulus is Stimulus.TRANSFEREE_HANGUP:
            if state is State.CONSULTING and self.target_bridge is not None:
                kept, self.target_bridge = self.target_bridge, None
                self._give_back(kept)
                sound_to(self.transferer, general.xferfailsound)
            else:
                sound_to(self.transferer, general.xferfailsound)
                self._tell("Fail", None, None, "Fail")
        elif stimulus in (Stimulus.TARGET_HANGUP, Stimulus.TIMEOUT, Stimulus.ABORT):
            if (state, stimulus) != (State.CONSULTING, Stimulus.TARGET_HANGUP):
                sound_to(self.transferer, general.xferfailsound)
        elif stimulus is Stimulus.SWAP:
            if state is not State.CALLING_TARGET:
                hold_others(self.transferer)
        elif stimulus in (Stimulus.TRANSFERER_HANGUP, Stimulus.COMPLETE, Stimulus.THREEWAY):
            if state is State.DOUBLE_CHECKING and self.target_bridge is not None:
                self._indicate(self.target_bridge, Condition.UNHOLD)
            elif state is not State.HESITANT:
                self._indicate(self.transferee_bridge, Condition.UNHOLD)

    # ---- entering a state ---------------------------------------------------------------------------

    def _enter(self, state: State) -> None:
        self.state = state
        if state in (State.CALLING_TARGET, State.RECALLING, State.RETRANSFER):
            self._deadline = self.pbx.now() + self.general.atxfernoanswertimeout
        elif state in (State.WAIT_TO_RECALL, State.WAIT_TO_RETRANSFER):
            self._deadline = self.pbx.now() + self.general.atxferloopdelay
        elif state not in (State.HESITANT, State.BLOND_RECALLING):
            self._deadline = None
        actions: dict[State, Callable[[], None]] = {
            State.CALLING_TARGET: lambda: self._to_target(False),
            State.HESITANT: self._to_transferee,
            State.REBRIDGE: self._to_transferee,
            State.CONSULTING: lambda: self._to_target(True),
            State.DOUBLE_CHECKING: self._to_transferee,
            State.THREEWAY: self._threeway,
            State.COMPLETE: self._complete,
            State.BLOND: self._blond,
            State.BLOND_RECALLING: self._blond_recalling,
            State.RECALLING: self._recall_transferer,
            State.RETRANSFER: self._retransfer,
            State.WAIT_TO_RECALL: lambda: self._indicate(self.transferee_bridge, Condition.HOLD),
            State.WAIT_TO_RETRANSFER: lambda: self._indicate(self.transferee_bridge, Condition.HOLD),
            State.FAIL: lambda: self.transferee_bridge.dissolve(causes.NORMAL_CLEARING),
        }
        if (action := actions.get(state)) is not None:
            action()

    def _to_target(self, unhold: bool) -> None:
        if self._move(self.transferer, self.transferee_bridge, self.target_bridge) and unhold:
            unhold_others(self.transferer)

    def _to_transferee(self) -> None:
        if self._move(self.transferer, self.target_bridge, self.transferee_bridge):
            unhold_others(self.transferer)

    def _move(self, channel: Channel, source: Bridge | None, target: Bridge | None) -> bool:
        if source is None or target is None or channel.bridge is not source or target.dissolved:
            return False
        source.move(channel, target)
        return True

    def _threeway(self) -> None:
        transferee, target = self._parties()
        merged = self._merge(())
        for channel in (self.target, self.transferer):
            sound_to(channel, self.general.xfersound)
        self._tell("Success", transferee, target, "Threeway", merged, (self.transferer,))

    def _complete(self) -> None:
        transferee, target = self._parties()
        merged = self._merge((self.transferer,))
        sound_to(self.target, self.general.xfersound)
        self._introduce(transferee, target)
        self._tell("Success", transferee, target, "Bridge", merged)

    def _blond(self) -> None:
        transferee, target = self._parties()
        merged = self._merge((self.transferer,))
        if self.target.bridge is not None:
            self.target.bridge.write(self.target, Control(Condition.RINGING))
        self._introduce(transferee, target)
        self._tell("Success", transferee, target, "Bridge", merged)

    def _blond_recalling(self) -> None:
        self.recalled = self.target
        self._blond()
        if self.target.hungup:
            self.recalled = None
            self.stimulate(Stimulus.RECALL_HANGUP)

    def _merge(self, kick: tuple[Channel, ...]) -> Bridge:
        """Bring all together in the transferee's bridge; gives the target's bridge, which is over."""
        source, self.target_bridge = self.target_bridge, None
        assert source is not None
        source.minder = None
        self.transferee_bridge.merge(source, kick)
        return source

    def _introduce(self, transferee: Channel | None, target: Channel | None) -> None:
        if transferee is None or target is None or transferee.hungup or target.hungup:
            return
        for channel, other in ((transferee, target), (target, transferee)):
            connected = connected_from(other)
            connected.source = "transfer"
            channel.set_connected(connected)

    def _parties(self) -> tuple[Channel | None, Channel | None]:
        """The transferee and the target, where there is just one."""
        found: list[Channel | None] = []
        for bridge in (self.transferee_bridge, self.target_bridge):
            others = [channel for channel in bridge or () if channel is not self.transferer]
            found.append(others[0] if len(others) == 1 else None)
        return found[0], found[1]

    def _tell(
        self,
        result: str,
        transferee: Channel | None,
        target: Channel | None,
        kind: str,
        second: Bridge | None = None,
        channels: tuple[Channel, ...] = (),
    ) -> None:
        event = events.AttendedTransfer(
            result,
            self.transferer,
            self.transferee_bridge,
            self.transferer,
            second or self.target_bridge,
            transferee,
            target,
            kind,
            False,
            dest_bridge=self.transferee_bridge,
            dest_channels=channels,
        )
        self.pbx.bus.publish(event)

    def _indicate(self, bridge: Bridge, condition: Condition) -> None:
        for channel in bridge:
            channel.indicate(condition)

    # ---- calling back -------------------------------------------------------------------------------

    def _recall_transferer(self) -> None:
        self.recalled = None
        self._indicate(self.transferee_bridge, Condition.RINGING)
        self._recall = self.pbx.spawn(self._call_back(), f"recall of {self.transferer.name}")

    async def _call_back(self) -> None:
        name = self.transferer.name
        dial_string = name.rpartition("-")[0]
        dialing = Dialing(self.pbx)
        try:
            try:
                channel = request(self.pbx, dial_string)
            except RequestError as error:
                log.warning("%s cannot be called back for the transferee: %s", name, error)
                self.stimulate(Stimulus.RECALL_HANGUP)
                return
            self._equip(channel)
            channel.caller = self.transferer.caller
            dialing.add(channel, dial_string)
            dialing.start()
            outcome = await dialing.run()
            if outcome.channel is None:
                self.stimulate(Stimulus.RECALL_HANGUP)
                return
            channel = outcome.channel
            dialing.finish()
            grant(channel, self._letters)
            self.recalled = channel
            self.transferee_bridge.impart(channel)
            self.stimulate(Stimulus.RECALL_ANSWER)
        finally:
            dialing.finish()

    def _retransfer(self) -> None:
        try:
            channel = request(self.pbx, f"Local/{self.place}")
            self._equip(channel)
            self._watch(channel)
            channel.tech_call(self.place)
        except RequestError as error:
            log.warning("%s: the target %s cannot be called again: %s", self.transferer.name, self.place, error)
            self.stimulate(Stimulus.RECALL_HANGUP)
            return
        self.recalled = channel
        self.transferee_bridge.impart(channel)

    def _equip(self, channel: Channel) -> None:
        channel.callid = self.transferer.callid
        channel.connected = self._identity.copy()
        channel.inherit_from(self.transferer)
        if self.transferer.accountcode:
            channel.set_accountcode(self.transferer.accountcode)

    # ---- what the bridges tell ----------------------------------------------------------------------

    def _watch(self, channel: Channel) -> None:
        """Wait for a called channel's answer."""

        def answered(frame: Frame) -> bool:
            if isinstance(frame, Control) and frame.condition is Condition.ANSWER and channel.alive:
                hooks.remove(answered)
                recalling = self.state in RECALL
                self.stimulate(Stimulus.RECALL_ANSWER if recalling else Stimulus.TARGET_ANSWER)
            return False

        hooks: list[Callable[[Frame], bool]] = channel.data.setdefault("frame_hooks", [])
        hooks.append(answered)

    def entered(self, bridge: Bridge, channel: Channel, swap: Channel | None) -> None:
        """A channel may take a party's place (a Local channel that takes itself out)."""
        if swap is None:
            return
        if swap is self.target:
            self.target = channel
        if swap is self.recalled:
            self.recalled = channel

    def departed(self, bridge: Bridge, channel: Channel) -> None:
        """A party is gone."""
        if channel is self.transferer:
            self.stimulate(Stimulus.TRANSFERER_HANGUP)
        elif channel is self.recalled:
            self.recalled = None
            self.stimulate(Stimulus.RECALL_HANGUP)
        elif bridge is self.target_bridge:
            if not any(other is not self.transferer for other in bridge):
                self.stimulate(Stimulus.TARGET_HANGUP)
        elif not any(other is not self.transferer and other is not self.recalled for other in bridge):
            self.stimulate(Stimulus.TRANSFEREE_HANGUP)


async def transfer_attended(member: Member, general: General) -> None:
    """Ask a party for an extension, call it, and let the party talk to whoever answers."""
    channel, bridge, pbx = member.channel, member.bridge, member.channel.pbx
    verbose(3, "Channel %s: Started DTMF attended transfer.", channel.name)
    if bridge.data.get("transfer_prohibited"):
        log.log(NOTICE, "%s: another attended transfer of this call is under way", channel.name)
        return
    bridge.data["transfer_prohibited"] = True
    transfer = None
    try:
        context = transfer_context(channel)
        hold_others(channel)
        exten = await dial_extension(channel, context, general)
        if exten is None:
            unhold_others(channel)
            return
        place = f"{exten}@{context}"
        try:
            target = request(pbx, f"Local/{place}", channel)
        except RequestError as error:
            log.warning("%s: no channel for the target of the transfer: %s", channel.name, error)
            unhold_others(channel)
            sound_to(channel, general.xferfailsound)
            return
        target.set("TRANSFERERNAME", channel.name)
        set_transfer_variables(target, channel.name, attended=True)
        target.connected = connected_from(channel)
        target.inherit_from(channel)
        transfer = AttendedTransfer(channel, target, place, general)
        try:
            transfer.begin()
        except RequestError as error:
            log.warning("%s: the target of the transfer cannot be called: %s", channel.name, error)
            transfer.end()
            target.hangup()
            unhold_others(channel)
            sound_to(channel, general.xferfailsound)
    finally:
        if transfer is None:
            bridge.data.pop("transfer_prohibited", None)
