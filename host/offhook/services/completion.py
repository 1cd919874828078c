"""Call completion for the dialplan and the console: ccss.conf, its applications and commands."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.completion.core import DEVICE_STATES, Completion, State, completion_of, put
from offhook.calls.completion.dialling import offer_to_caller
from offhook.calls.completion.tree import Extension, Monitor
from offhook.calls.devices import STATES, device_of
from offhook.calls.pbx import Pbx
from offhook.config.model import ConfigError
from offhook.modules import Module, Syntax
from offhook.modules.command import CommandError, Request

log = logging.getLogger(__name__)
module = Module("ccss", "Call Completion Supplementary Services", priority=8)

_PREFIX = "ccss"
_DROP = "ccss.drop"
_MAX_REQUESTS = 20
_STATE_OPTIONS = {
    "cc_available_devstate": State.AVAILABLE,
    "cc_caller_offered_devstate": State.OFFERED,
    "cc_caller_requested_devstate": State.REQUESTED,
    "cc_active_devstate": State.ACTIVE,
    "cc_callee_ready_devstate": State.CALLEE_READY,
    "cc_caller_busy_devstate": State.CALLER_BUSY,
    "cc_recalling_devstate": State.RECALLING,
    "cc_complete_devstate": State.COMPLETE,
    "cc_failed_devstate": State.FAILED,
}


@module.on_load
def start(pbx: Pbx) -> None:
    """Have calls completed, unless ccss.conf says enabled = no."""
    completion = Completion(pbx)
    config = pbx.config.load("ccss.conf", module.name)
    general = config.get("general") if config is not None else None
    if general is not None:
        if not general.boolean("enabled", True):
            log.debug("ccss.conf: call completion is switched off")
            return
        for entry in general:
            try:
                _configure(completion, entry.name.lower(), entry.value)
            except ValueError as error:
                log.warning("%s", ConfigError(entry.file, entry.line, str(error)))
    put(pbx, completion)
    pbx.devices.providers[_PREFIX] = completion.device_state
    pbx.parts[_DROP] = pbx.bus.subscribe(events.Hangup, lambda event: offer_to_caller(event.channel))


def _configure(completion: Completion, name: str, value: str) -> None:
    """Take one option of [general]. Raises ValueError with what is wrong."""
    if name == "cc_max_requests":
        if not value.isdigit():
            raise ValueError(f"cc_max_requests = {value}: a whole number is needed; {_MAX_REQUESTS} is used")
        completion.limit = int(value)
    elif name in _STATE_OPTIONS:
        if value.upper() not in STATES or value.upper() == "UNKNOWN":
            default = DEVICE_STATES[_STATE_OPTIONS[name]]
            raise ValueError(f"{name} = {value}: no device state ({', '.join(STATES[1:])}); {default} is used")
        completion.device_states[_STATE_OPTIONS[name]] = value.upper()
    elif name != "enabled":
        known = ", ".join(("enabled", "cc_max_requests", *_STATE_OPTIONS))
        raise ValueError(f"unknown option {name!r}; here are {known}; what a device allows is set on its channels")


@module.on_unload
def stop(pbx: Pbx) -> None:
    """Forget who waits."""
    drop = pbx.parts.pop(_DROP, None)
    if drop is not None:
        drop()
    pbx.devices.providers.pop(_PREFIX, None)
    completion = completion_of(pbx)
    if completion is not None:
        completion.close()
        put(pbx, None)


@module.application("CallCompletionRequest", Syntax(), see_also=("CallCompletionCancel", "CALLCOMPLETION"))
def call_completion_request(channel: Channel) -> None:
    """Ask to be called back when the party of the last call is free.

    CC_REQUEST_RESULT is SUCCESS or FAIL; CC_REQUEST_REASON says why it failed: NO_CORE_INSTANCE (nothing to complete),
    NOT_GENERIC, TOO_MANY_REQUESTS or UNSPECIFIED.
    """
    completion = completion_of(channel.pbx)
    device = device_of(channel.name)
    transaction = completion.of_device(device, requested=False) if completion is not None else None
    if completion is None or transaction is None:
        _result(channel, "REQUEST", "NO_CORE_INSTANCE")
    elif transaction.agent.native:
        _result(channel, "REQUEST", "NOT_GENERIC")
    elif not completion.within_limit:
        completion.fail(transaction.core_id, "Too many CC requests")
        _result(channel, "REQUEST", "TOO_MANY_REQUESTS")
    else:
        reason = f"CallCompletionRequest called by caller {device} for core_id {transaction.core_id}"
        completion.change(transaction.core_id, State.REQUESTED, reason)
        _result(channel, "REQUEST", "")


@module.application("CallCompletionCancel", Syntax(), see_also=("CallCompletionRequest",))
def call_completion_cancel(channel: Channel) -> None:
    """Take back a request to be called back.

    CC_CANCEL_RESULT is SUCCESS or FAIL; CC_CANCEL_REASON says why it failed: NO_CORE_INSTANCE (nothing was requested),
    NOT_GENERIC or UNSPECIFIED.
    """
    completion = completion_of(channel.pbx)
    device = device_of(channel.name)
    transaction = completion.of_device(device, requested=True) if completion is not None else None
    if completion is None or transaction is None:
        _result(channel, "CANCEL", "NO_CORE_INSTANCE")
        return
    if transaction.agent.native:
        _result(channel, "CANCEL", "NOT_GENERIC")
        return
    core_id = transaction.core_id
    completion.fail(core_id, f"Call completion request Cancelled for core ID {core_id} by caller {device}")
    _result(channel, "CANCEL", "")


def _result(channel: Channel, what: str, why: str) -> None:
    channel.set(f"CC_{what}_RESULT", "FAIL" if why else "SUCCESS")
    if why:
        channel.set(f"CC_{what}_REASON", why)


@module.command("cc report status")
def cc_report_status(request: Request) -> None:
    """Report the calls that may be, or are to be, completed.

    Of each the caller, how far it is, and the extensions and devices that were called.
    """
    completion = _running(request)
    transactions = completion.transactions.values()
    if not transactions:
        request.print("There are currently no active call completion transactions")
        return
    request.print(f"{len(transactions)} Call completion transactions", "Core ID\t\tCaller\t\t\t\tStatus", "-" * 76)
    for transaction in transactions:
        request.print(f"{transaction.core_id}\t\t{transaction.agent.device}\t\t{transaction.state.text}")
        request.print(*_branch(transaction.tree.entries, 0))


def _branch(entries: list[Extension | Monitor], parent: int) -> Iterable[str]:
    for entry in entries:
        if entry.parent == parent:
            text = entry.name if isinstance(entry, Extension) else f"{entry.device}({entry.service})"
            yield f"\t\t|-->{text}"
            yield from _branch(entries, entry.identity)


def _core_ids(pbx: Pbx, before: list[str], word: str) -> Iterable[str]:
    if not before:
        return [candidate for candidate in ("all", "core") if candidate.startswith(word)]
    completion = completion_of(pbx)
    if before != ["core"] or completion is None:
        return []
    return [str(core_id) for core_id in completion.transactions if str(core_id).startswith(word)]


@module.command("cc cancel [core|all]", complete=_core_ids)
def cc_cancel(request: Request) -> None:
    """Cancel call completion.

    "cc cancel core ID" ends the transaction of that number, "cc cancel all" every one; "cc report status" lists them.
    """
    completion = _running(request)
    reason = "CC transaction canceled administratively"
    match request.args:
        case ["all"]:
            for core_id in list(completion.transactions):
                completion.fail(core_id, reason)
        case ["core", number] if number.isdigit():
            if not completion.fail(int(number), reason):
                raise CommandError(f'There is no transaction {number}; "cc report status" lists them')
        case _:
            raise request.usage()


def _running(request: Request) -> Completion:
    completion = completion_of(request.pbx)
    if completion is None:
        raise CommandError("Call completion is switched off (enabled = no in ccss.conf)")
    return completion
