"""CALLCOMPLETION: what a channel allows of call completion."""

from __future__ import annotations

import logging

from offhook.calls.completion.parameters import NAMES, parameters_of
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_callcompletion", "Call Control Configuration Function")


@module.function(
    "CALLCOMPLETION",
    Syntax("option", option=f"One of {', '.join(NAMES)}."),
    see_also=("CallCompletionRequest", "CallCompletionCancel"),
)
def call_completion(scope: Scope, option: str) -> str:
    """A parameter of call completion, for the rest of the channel's life.

    Of the caller, cc_agent_policy says whether completion may be asked for; of the called party, cc_monitor_policy
    whether it may be waited for. Both are "never" until set: for all calls of a SIP endpoint with set_var in
    pjsip.conf, for a line in chan_dahdi.conf.
    """
    try:
        return parameters_of(need_channel(scope, "CALLCOMPLETION")).read(option)
    except ValueError as error:
        raise FunctionError(f"CALLCOMPLETION: {error}") from None


@call_completion.writer
def set_call_completion(scope: Scope, value: str, option: str) -> None:
    """Set a parameter."""
    channel = need_channel(scope, "CALLCOMPLETION")
    try:
        parameters_of(channel).assign(option, value)
    except ValueError as error:
        log.warning("%s: CALLCOMPLETION: %s", channel.name, error)
