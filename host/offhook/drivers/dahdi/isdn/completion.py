"""Call completion by ISDN's own protocols (native agents and monitors): libpri's records as sides of transactions.

The library keeps the timers (T-RETENTION, T-CCBS2, QSIG T2, ...) and tells when a record is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kernel_shims.pri.completion import (
    ACCEPTED,
    BUSY,
    CCBS,
    CCNR,
    FREE,
    QUEUE_FULL,
    SHORT_TERM_DENIAL,
    PriCompletion,
    Records,
    Told,
)
from kernel_shims.pri.events import Kind, PriEvent
from offhook.calls.completion.core import State, completion_of
from offhook.calls.completion.dialling import offer_natively
from offhook.calls.completion.native import Response
from offhook.calls.completion.parameters import parameters_of
from offhook.calls.completion.recall import mark_recall
from offhook.calls.devices import device_of
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.calls import IsdnCall
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

_ANSWERS = {
    Response.SUCCESS: ACCEPTED,
    Response.INVALID: SHORT_TERM_DENIAL,
    Response.TOO_MANY: QUEUE_FULL,
}
_REFUSED = {1: "timeout", 2: "error", 3: "reject"}
_SERVICES = {Kind.RINGING: "CCNR", Kind.HANGUP_REQUEST: "CCBS"}
_MODES = {"CCBS": CCBS, "CCNR": CCNR}
_KIND = "DAHDI"


class PriAgent:
    """A caller at the far end who waits (see CallerSide)."""

    kind = _KIND
    native = True

    def __init__(self, span: IsdnSpan, channel: DahdiChannel, core_id: int, record: int) -> None:
        self.device = device_of(channel.name)
        self.parameters = replace(parameters_of(channel))
        self.recalled: Channel | None = None
        self.core_id = core_id
        self.asked = False
        """It has asked, and has no answer yet."""
        self._span = span
        self._record = record

    @property
    def _records(self) -> Records:
        return self._span.link.completion

    def start_offer(self) -> None:
        """See CallerSide: the library has its own timer."""

    def stop_offer(self) -> None:
        """See CallerSide."""

    def respond(self, response: Response) -> None:
        """See CallerSide."""
        if self.asked:
            self.asked = False
            if not self._records.answer_request(self._record, _ANSWERS[response]):
                self._fail("the answer to the request could not be sent")
            self._span.schedule()

    def _fail(self, why: str) -> None:
        completion = completion_of(self._span.pbx)
        if completion is not None:
            completion.fail(self.core_id, f"{_KIND} agent: {why}")

    def callee_available(self) -> None:
        """See CallerSide."""
        self._records.remote_user_free(self._record)
        self._span.schedule()

    def party_b_free(self) -> None:
        """See CallerSide."""
        self._records.b_free(self._record)
        self._span.schedule()

    def status_asked(self) -> None:
        """See CallerSide."""
        self._records.ask_status(self._record)
        self._span.schedule()

    def stop_ringing(self) -> None:
        """See CallerSide."""
        self._records.stop_alerting(self._record)
        self._span.schedule()

    def start_monitoring(self) -> None:
        """See CallerSide: the library does."""

    def close(self) -> None:
        """See CallerSide."""
        self._span.completion.drop_agent(self._record)
        if not self.asked or not self._records.answer_request(self._record, SHORT_TERM_DENIAL):
            self._records.cancel(self._record)
        self._span.schedule()


class PriMonitor:
    """A called party that the far end watches for us (see CalledSide)."""

    def __init__(self, span: IsdnSpan, record: int, device: str) -> None:
        self.record = record
        self.device = device
        self.core_id = -1
        self.span = span

    def begin(self, core_id: int) -> None:
        """See CalledSide."""
        self.core_id = core_id

    def request(self, service: str) -> bool:
        """See CalledSide."""
        asked = self.span.link.completion.request(self.record, _MODES[service])
        self.span.schedule()
        return asked

    def suspend(self) -> None:
        """See CalledSide."""
        self.span.link.completion.tell_status(self.record, BUSY)
        self.span.schedule()

    def resume(self) -> None:
        """See CalledSide."""
        self.span.link.completion.tell_status(self.record, FREE)
        self.span.schedule()

    def answer_status(self, *, busy: bool) -> None:
        """See CalledSide."""
        self.span.link.completion.answer_status(self.record, BUSY if busy else FREE)
        self.span.schedule()

    def close(self) -> None:
        """See CalledSide."""
        self.span.completion.drop_monitor(self.record)


class NativeCompletion:
    """The records of a span."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span
        self._agents: dict[int, PriAgent] = {}
        self._monitors: dict[int, PriMonitor] = {}

    @property
    def waits(self) -> bool:
        """Whether there is a record of anybody."""
        return bool(self._agents or self._monitors)

    # ---- our calls -------------------------------------------------------------------------------------------

    def agent(self, channel: DahdiChannel, core_id: int) -> PriAgent | None:
        """A caller at the far end may be told of completion, if the link has a way to."""
        call = self._span.call_on(channel)
        record = self._span.link.completion.offer(call.handle) if call is not None else -1
        if record < 0:
            return None
        self._agents[record] = made = PriAgent(self._span, channel, core_id, record)
        return made

    def drop_agent(self, record: int) -> None:
        """A caller waits no more."""
        self._agents.pop(record, None)

    def drop_monitor(self, record: int) -> None:
        """A called party is waited for no more; the far end is told unless it knows."""
        if self._monitors.pop(record, None) is not None:
            self._span.link.completion.cancel(record)
            self._span.schedule()

    def watchable(self, channel: DahdiChannel) -> bool:
        """Whether a called party may be waited for by the state of its device: of devices on a bus that is our own, and
        where the far end has no service (cc_monitor_policy)."""
        span = self._span
        own_bus = span.multipoint and span.network
        if any(monitor.device == device_of(channel.name) for monitor in self._monitors.values()):
            return False
        if parameters_of(channel).cc_monitor_policy == "always":
            return own_bus or not span.multipoint
        return own_bus

    # ---- what is told ----------------------------------------------------------------------------------------

    def told(self, event: PriEvent, call: IsdnCall | None = None) -> None:
        """What a message has to say of records."""
        for one in event.completion:
            if one.told is Told.AVAILABLE:
                self._available(event, call, one)
            elif one.told is Told.CALL:
                self._recalled(call, one)
            elif one.told is Told.CANCELLED:
                self._cancelled(one)
            elif one.told in _OF_AGENTS:
                self._of_agent(one)
            else:
                self._of_monitor(one)

    def _available(self, event: PriEvent, call: IsdnCall | None, told: PriCompletion) -> None:
        channel = call.channel if call is not None else None
        service = _SERVICES.get(event.kind, "")
        policy = parameters_of(channel).cc_monitor_policy if channel is not None else "never"
        if channel is None or not service or policy not in ("native", "always"):
            self._span.link.completion.cancel(told.record)
            return
        monitor = PriMonitor(self._span, told.record, device_of(channel.name))
        self._monitors[told.record] = monitor
        if not offer_natively(channel, self._dial_string(channel), service, monitor):
            monitor.close()

    def _dial_string(self, channel: DahdiChannel) -> str:
        """How the party is called again, on the same span."""
        where, _, rest = channel.dial_string.partition("/")
        span = "" if where.startswith("i") else f"i{self._span.number}-"
        return f"DAHDI/{span}{where}/{rest}"

    def _recalled(self, call: IsdnCall | None, told: PriCompletion) -> None:
        """The call that came in is the one that completes an earlier one."""
        agent, completion = self._agents.get(told.record), completion_of(self._span.pbx)
        if agent is None or completion is None or call is None or call.channel is None:
            return
        transaction = completion.transactions.get(agent.core_id)
        if transaction is not None:
            agent.recalled = call.channel
            mark_recall(call.channel, transaction.tree)
            completion.recalling(agent.core_id, agent.device)

    def _cancelled(self, told: PriCompletion) -> None:
        completion = completion_of(self._span.pbx)
        agent = self._agents.pop(told.record, None) if told.status == 1 else None
        monitor = self._monitors.pop(told.record, None) if told.status != 1 else None
        if completion is None:
            return
        if agent is not None:
            completion.fail(agent.core_id, f"{_KIND} agent got canceled by link")
        if monitor is not None:
            completion.monitor_failed(monitor.core_id, monitor.device)

    def _of_agent(self, told: PriCompletion) -> None:
        agent, completion = self._agents.get(told.record), completion_of(self._span.pbx)
        if agent is None or completion is None:
            self._span.link.completion.cancel(told.record)
            return
        core_id = agent.core_id
        match told.told:
            case Told.REQUEST:
                agent.asked = True
                if not completion.within_limit:
                    agent.respond(Response.TOO_MANY)
                    completion.fail(core_id, f"{_KIND} agent system CC queue full")
                else:
                    completion.change(core_id, State.REQUESTED, f"{_KIND} caller accepted CC offer.")
            case Told.STATUS_ANSWERED:
                completion.status_answered(core_id, busy=told.status == BUSY)
            case Told.STATUS if told.status == BUSY:
                completion.caller_busy(core_id, agent.device)
            case Told.STATUS:
                completion.caller_available(core_id, agent.device)

    def _of_monitor(self, told: PriCompletion) -> None:
        monitor, completion = self._monitors.get(told.record), completion_of(self._span.pbx)
        if monitor is None or completion is None:
            self._span.link.completion.cancel(told.record)
            return
        core_id, agent = monitor.core_id, completion.agent_of(monitor.core_id)
        match told.told:
            case Told.REQUEST_ANSWERED if told.status == ACCEPTED:
                completion.acknowledged(core_id, f"{_KIND} far end accepted CC request")
            case Told.REQUEST_ANSWERED:
                verbose(
                    3, "%s: completion was refused (%s)", monitor.device, _REFUSED.get(told.status, "unknown status")
                )
                completion.monitor_failed(core_id, monitor.device)
            case Told.REMOTE_USER_FREE:
                completion.callee_available(core_id, f"{_KIND} callee has become available")
            case Told.B_FREE if agent is not None:
                agent.party_b_free()
            case Told.STATUS_ASKED if agent is not None:
                agent.status_asked()
            case Told.STOP_ALERTING if agent is not None:
                agent.stop_ringing()


_OF_AGENTS = frozenset({Told.REQUEST, Told.STATUS_ANSWERED, Told.STATUS})
