"""HANGUPCAUSE: why the channels that were dialled ended."""

from __future__ import annotations

from offhook.calls import causes
from offhook.calls.channel import Channel
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

module = Module("func_hangupcause", "HANGUPCAUSE related functions and applications")

KEY = "tech_causes"
"""In the data of a channel and of the one that dialled it: channel name -> (cause number, what the technology said)."""


@module.function("HANGUPCAUSE", Syntax("channel", "type"), see_also=("HANGUPCAUSE_KEYS", "HangupCauseClear"))
def hangup_cause(scope: Scope, name: str, kind: str) -> str:
    """Why a dialled channel ended: with type ast the text of the cause, with tech what its technology said."""
    told: dict[str, tuple[int, str]] = need_channel(scope, "HANGUPCAUSE").data.get(KEY, {})
    if name not in told:
        raise FunctionError(f'HANGUPCAUSE knows nothing of a channel "{name}"; HANGUPCAUSE_KEYS() lists those known')
    cause, said = told[name]
    if kind not in ("ast", "tech"):
        raise FunctionError(f'HANGUPCAUSE: "{kind}" is no type; write tech or ast')
    return said if kind == "tech" else causes.text(cause)


@module.function("HANGUPCAUSE_KEYS", Syntax(), see_also=("HANGUPCAUSE",))
def hangup_cause_keys(scope: Scope) -> str:
    """The names of the dialled channels whose end is known, separated by commas."""
    told: dict[str, tuple[int, str]] = need_channel(scope, "HANGUPCAUSE_KEYS").data.get(KEY, {})
    return ",".join(told)


@module.application("HangupCauseClear", see_also=("HANGUPCAUSE",))
def clear(channel: Channel) -> None:
    """Forget why the channels that were dialled so far ended."""
    channel.data.pop(KEY, None)
