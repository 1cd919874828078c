"""The transactions of call completion: one a call that may be, or is to be, completed.

A transaction begins when a called device may be waited for, goes from state to state as its caller (the agent) and the
devices (the monitors) tell, and ends complete or failed. State changes are carried out one after the other on the loop,
never within the call that asked for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

from offhook.calls.completion import events
from offhook.calls.completion.agent import Agent
from offhook.calls.completion.monitoring import Monitoring
from offhook.calls.completion.native import CallerSide, Response
from offhook.calls.completion.parameters import parameters_of
from offhook.calls.completion.recall import recall_of
from offhook.calls.completion.tree import Monitor, Tree
from offhook.calls.devices import device_of
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

_PART = "completion"
"""Name among ``pbx.parts``."""


class State(IntEnum):
    """How far a transaction is."""

    AVAILABLE = 0
    OFFERED = 1
    """The call is over; the caller may ask now."""
    REQUESTED = 2
    ACTIVE = 3
    """The called devices are watched."""
    CALLEE_READY = 4
    CALLER_BUSY = 5
    RECALLING = 6
    COMPLETE = 7
    FAILED = 8

    @property
    def text(self) -> str:
        """How the console shows it."""
        return _TEXTS[self]


_TEXTS = (
    "CC is available",
    "CC offered to caller",
    "CC requested by caller",
    "CC accepted by callee",
    "Callee has become available",
    "Callee was ready, but caller is now unavailable",
    "Caller is attempting to recall",
    "Recall complete",
    "CC has failed",
)
_FROM: dict[State, frozenset[State]] = {
    State.OFFERED: frozenset({State.AVAILABLE}),
    State.REQUESTED: frozenset({State.AVAILABLE, State.OFFERED}),
    State.ACTIVE: frozenset({State.REQUESTED, State.CALLER_BUSY}),
    State.CALLEE_READY: frozenset({State.ACTIVE}),
    State.CALLER_BUSY: frozenset({State.CALLEE_READY}),
    State.RECALLING: frozenset({State.CALLEE_READY}),
    State.COMPLETE: frozenset({State.RECALLING}),
    State.FAILED: frozenset(State),
}
"""From which states each one is entered."""

DEVICE_STATES = {
    State.AVAILABLE: "NOT_INUSE",
    State.OFFERED: "NOT_INUSE",
    State.REQUESTED: "NOT_INUSE",
    State.ACTIVE: "INUSE",
    State.CALLEE_READY: "RINGING",
    State.CALLER_BUSY: "ONHOLD",
    State.RECALLING: "RINGING",
    State.COMPLETE: "NOT_INUSE",
    State.FAILED: "NOT_INUSE",
}
"""What the device ccss:TECHNOLOGY/NAME of a caller shows, unless ccss.conf says otherwise."""


class Transaction:
    """One call that may be completed."""

    __slots__ = ("_timers", "agent", "core_id", "state", "tree")

    def __init__(self, tree: Tree, agent: CallerSide) -> None:
        self.core_id = tree.core_id
        self.tree = tree
        self.agent = agent
        self.state = State.AVAILABLE
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def start_timer(self, monitor: Monitor, handle: asyncio.TimerHandle) -> None:
        """The request to a device holds until then."""
        self._timers[monitor.identity] = handle

    def stop_timer(self, monitor: Monitor) -> None:
        """A device is waited for without end, or no more."""
        timer = self._timers.pop(monitor.identity, None)
        if timer is not None:
            timer.cancel()


class Completion:
    """All transactions of an exchange."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.limit = 20
        """Requests at once."""
        self.device_states = dict(DEVICE_STATES)
        self.transactions: dict[int, Transaction] = {}
        self._monitoring = Monitoring(pbx, self._callee_available)
        self._next_id = 0

    def new_id(self) -> int:
        """Number of a call that may be completed later."""
        self._next_id += 1
        return self._next_id - 1

    @property
    def within_limit(self) -> bool:
        """Whether one more may be requested."""
        return sum(one.state >= State.REQUESTED for one in self.transactions.values()) < self.limit

    def of_device(self, device: str, *, requested: bool) -> Transaction | None:
        """The transaction of a caller that has, or has not, asked for completion."""
        for transaction in self.transactions.values():
            if (transaction.state >= State.REQUESTED) is requested and transaction.agent.device == device:
                return transaction
        return None

    def watched(self, device: str) -> int:
        """How many transactions may wait for a device."""
        trees = [transaction.tree for transaction in self.transactions.values()]
        return sum(any(monitor.device == device for monitor in tree.monitors()) for tree in trees)

    def begin(self, channel: Channel, tree: Tree) -> Transaction | None:
        """A call can be completed; None when its caller cannot wait for another one."""
        parameters = parameters_of(channel)
        device = device_of(channel.name)
        while (before := self.of_device(device, requested=False)) is not None:  # only the last call is completed
            self._end(before)
        recall = recall_of(channel)
        except_for = recall.core_id if recall is not None else -1
        waiting = [
            one
            for one in self.transactions.values()
            if one.core_id != except_for and one.state >= State.REQUESTED and one.agent.device == device
        ]
        if waiting or not parameters.cc_max_agents:
            verbose(3, "%s: %s waits for somebody already, or may not wait for anybody", channel.name, device)
            return None
        agent = self._agent(channel, device, tree.core_id)
        if agent is None:
            verbose(3, "%s: its network has no call completion", channel.name)
            return None
        transaction = Transaction(tree, agent)
        self.transactions[tree.core_id] = transaction
        return transaction

    def _agent(self, channel: Channel, device: str, core_id: int) -> CallerSide | None:
        if parameters_of(channel).cc_agent_policy == "native":
            return channel.tech_completion_agent(self, core_id)
        return Agent(self, channel, device, core_id)

    # ---- changes of state ---------------------------------------------------------------------------

    def change(self, core_id: int, state: State, reason: str) -> bool:
        """Have a transaction go to a state, if it can by then; False when there is none of that number."""
        transaction = self.transactions.get(core_id)
        if transaction is None:
            return False
        self.pbx.loop.call_soon(self._change, transaction, state, reason)
        return True

    def fail(self, core_id: int, reason: str) -> bool:
        """End a transaction without success."""
        return self.change(core_id, State.FAILED, reason)

    def caller_busy(self, core_id: int, device: str) -> None:
        """The called party is free, and the caller is not."""
        self.change(core_id, State.CALLER_BUSY, f"Agent caller {device} is busy")

    def caller_available(self, core_id: int, device: str) -> None:
        """The caller is free again."""
        self.change(core_id, State.ACTIVE, f"{device} is no longer busy")

    def recalling(self, core_id: int, device: str) -> None:
        """The caller was called back and calls again."""
        self.change(core_id, State.RECALLING, f"Agent {device} is recalling")

    def completed(self, core_id: int, reason: str) -> None:
        """The call was made again, however it went."""
        self.change(core_id, State.COMPLETE, reason)

    def _change(self, transaction: Transaction, state: State, reason: str) -> None:
        before = transaction.state
        if self.transactions.get(transaction.core_id) is not transaction or before not in _FROM[state]:
            log.debug("call completion %d cannot go from %s to %s", transaction.core_id, before.text, state.text)
            return
        log.debug("call completion %d: %s (%s)", transaction.core_id, state.text, reason)
        transaction.state = state
        device = transaction.agent.device
        if state is State.FAILED:
            self.pbx.bus.publish(events.Failure(transaction.core_id, device, reason))
            self._end(transaction)
        else:
            self._ENTER[state](self, transaction, before)
        self.pbx.devices.changed(f"ccss:{device}")

    def _offered(self, transaction: Transaction, _: State) -> None:
        agent = transaction.agent
        agent.start_offer()
        seconds = agent.parameters.cc_offer_timer
        self.pbx.bus.publish(events.OfferTimerStart(transaction.core_id, agent.device, seconds))

    def _requested(self, transaction: Transaction, _: State) -> None:
        core_id, agent = transaction.core_id, transaction.agent
        if sum(one.state >= State.REQUESTED for one in self.transactions.values()) > self.limit:
            log.warning("no more than %d requests of call completion (cc_max_requests in ccss.conf)", self.limit)
            agent.respond(Response.TOO_MANY)
            self.fail(core_id, "Too many requests in the system")
            return
        agent.stop_offer()
        for monitor in transaction.tree.monitors():
            if monitor.native is not None:
                if monitor.native.request(monitor.service):
                    self.pbx.bus.publish(events.Requested(core_id, agent.device, monitor.device))
                else:
                    self.monitor_failed(core_id, monitor.device)
                continue
            unanswered = monitor.service != "CCBS"
            self._monitoring.add(monitor.device, core_id, unanswered=unanswered)
            parameters = monitor.parameters
            seconds = parameters.ccnr_available_timer if unanswered else parameters.ccbs_available_timer
            transaction.start_timer(monitor, self.pbx.loop.call_later(seconds, self._expired, transaction, monitor))
            self.change(core_id, State.ACTIVE, f"the state of {monitor.device} is watched")
            self.pbx.bus.publish(events.Requested(core_id, agent.device, monitor.device))
        if not transaction.tree.monitors():
            self.fail(core_id, "All device monitors failed to request CC")

    def _active(self, transaction: Transaction, before: State) -> None:
        core_id, agent = transaction.core_id, transaction.agent
        if before is State.REQUESTED:
            agent.respond(Response.SUCCESS)
            self.pbx.bus.publish(events.Told(events.ACKNOWLEDGED, core_id, agent.device))
            return
        self.pbx.bus.publish(events.Told(events.STOP_MONITORING, core_id, agent.device))
        for monitor in transaction.tree.monitors():
            if monitor.native is not None:
                monitor.native.resume()
            else:
                self._monitoring.resume(monitor.device, core_id)

    def _callee_ready(self, transaction: Transaction, _: State) -> None:
        transaction.agent.callee_available()

    def _caller_busy(self, transaction: Transaction, _: State) -> None:
        for monitor in transaction.tree.monitors():
            if monitor.native is not None:
                monitor.native.suspend()
            else:
                self._monitoring.suspend(monitor.device, transaction.core_id)
        transaction.agent.start_monitoring()
        self.pbx.bus.publish(events.Told(events.START_MONITORING, transaction.core_id, transaction.agent.device))

    def _recalling(self, transaction: Transaction, _: State) -> None:
        for monitor in transaction.tree.monitors():
            transaction.stop_timer(monitor)
        self.pbx.bus.publish(events.Told(events.RECALLING, transaction.core_id, transaction.agent.device))

    def _complete(self, transaction: Transaction, _: State) -> None:
        self.pbx.bus.publish(events.Told(events.COMPLETE, transaction.core_id, transaction.agent.device))
        channel = transaction.agent.recalled
        if channel is not None and not channel.hungup:  # the next one who waits is told when this call is over
            del self.transactions[transaction.core_id]
            channel.at_end(lambda: self._release(transaction))
        else:
            self._end(transaction)

    _ENTER: ClassVar[dict[State, Callable[[Completion, Transaction, State], None]]] = {
        State.OFFERED: _offered,
        State.REQUESTED: _requested,
        State.ACTIVE: _active,
        State.CALLEE_READY: _callee_ready,
        State.CALLER_BUSY: _caller_busy,
        State.RECALLING: _recalling,
        State.COMPLETE: _complete,
    }

    def _end(self, transaction: Transaction) -> None:
        self.transactions.pop(transaction.core_id, None)
        self._release(transaction)

    def _release(self, transaction: Transaction) -> None:
        transaction.agent.close()
        for monitor in transaction.tree.monitors():
            self._stop(transaction, monitor)

    def _stop(self, transaction: Transaction, monitor: Monitor) -> None:
        """Nobody waits for a device any more."""
        transaction.stop_timer(monitor)
        if monitor.native is not None:
            monitor.native.close()
        else:
            self._monitoring.remove(monitor.device, transaction.core_id)

    def close(self) -> None:
        """Forget every transaction."""
        for transaction in list(self.transactions.values()):
            self._end(transaction)

    # ---- what the devices tell ----------------------------------------------------------------------

    def _callee_available(self, core_id: int) -> None:
        self.change(core_id, State.CALLEE_READY, "Generic monitored party has become available")

    def _expired(self, transaction: Transaction, monitor: Monitor) -> None:
        self.monitor_failed(transaction.core_id, monitor.device)

    def monitor_failed(self, core_id: int, device: str) -> None:
        """A device cannot be waited for any more."""
        transaction = self.transactions.get(core_id)
        found = [one for one in transaction.tree.monitors() if one.device == device] if transaction is not None else []
        if transaction is None or not found:
            return
        transaction.tree.drop(found[0])
        self._stop(transaction, found[0])
        self.pbx.bus.publish(events.MonitorFailed(core_id, device))
        if not transaction.tree.monitors():
            self.fail(core_id, "All monitors have failed")

    def acknowledged(self, core_id: int, reason: str) -> None:
        """The called party's exchange waits for it."""
        self.change(core_id, State.ACTIVE, reason)

    def callee_available(self, core_id: int, reason: str) -> None:
        """It is free."""
        self.change(core_id, State.CALLEE_READY, reason)

    def agent_of(self, core_id: int) -> CallerSide | None:
        """The caller's side of a transaction."""
        transaction = self.transactions.get(core_id)
        return transaction.agent if transaction is not None else None

    def status_answered(self, core_id: int, *, busy: bool) -> None:
        """The caller is busy or free: exchanges that asked are told."""
        transaction = self.transactions.get(core_id)
        for monitor in transaction.tree.monitors() if transaction is not None else ():
            if monitor.native is not None:
                monitor.native.answer_status(busy=busy)

    # ---- what is shown ------------------------------------------------------------------------------

    def device_state(self, device: str) -> str:
        """The state of ``ccss:device``."""
        for transaction in self.transactions.values():
            if transaction.agent.device == device:
                return self.device_states[transaction.state]
        return self.device_states[State.FAILED]


def completion_of(pbx: Pbx) -> Completion | None:
    """The transactions, unless ccss.conf switches call completion off."""
    found: Completion | None = pbx.parts.get(_PART)
    return found


def put(pbx: Pbx, completion: Completion | None) -> None:
    """Switch call completion on, or off."""
    if completion is None:
        pbx.parts.pop(_PART, None)
    else:
        pbx.parts[_PART] = completion
