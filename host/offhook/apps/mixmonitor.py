"""MixMonitor, StopMixMonitor and the function MIXMONITOR."""

from __future__ import annotations

from offhook.apps.monitors import begin, end, named
from offhook.calls.channel import Channel, Hangup
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

module = Module("app_mixmonitor", "Mixed Audio Monitoring Application")


@module.application(
    "MixMonitor",
    Syntax(
        "[filename.extension]",
        "[options]",
        "[command]",
        options={
            "a": "Add to files that exist.",
            "b": "Record only while the channel is in a bridge.",
            "B(seconds)": "Beep to the party every so often, 15 seconds when not said.",
            "c": "Name the caller, not the connected party, in voicemail copies.",
            "d": "Delete the files after they were copied to voicemail.",
            "D": "Two channels instead of a mix (raw, sln and wav files).",
            "i(variable)": "Set a variable to the recording's id.",
            "m(mailbox@context[,...])": "Copy to voicemail boxes.",
            "n": "Do not fill gaps with silence.",
            "p": "Beep when it begins.",
            "P": "Beep when it ends.",
            "r(file)": "Also write what comes from the party alone.",
            "s(seconds)": "Leave out the beginning.",
            "t(file)": "Also write what is sent to the party alone.",
            "v(x)": "Loudness of what comes from the party, -4 to 4.",
            "V(x)": "Loudness of what is sent to the party, -4 to 4.",
            "W(x)": "Loudness of both, -4 to 4.",
        },
        command="Run by the shell when the recording is complete; ^{NAME} are variables.",
    ),
    raw=True,
    see_also=("StopMixMonitor", "Record", "MIXMONITOR"),
)
async def mixmonitor(channel: Channel, data: str = "") -> None:
    """Record a call while it goes on.

    The file is below the folder of recordings unless its name is absolute; MIXMONITOR_FILENAME is its full name. It
    ends with StopMixMonitor or the call.
    """
    if await begin(channel, data) is None:
        raise Hangup


@module.application("StopMixMonitor", Syntax("[MixMonitorID]"), see_also=("MixMonitor",))
async def stop_mixmonitor(channel: Channel, identity: str = "") -> None:
    """End a recording that MixMonitor began; its file can be used at once."""
    await end(channel, identity)


@module.function("MIXMONITOR", Syntax("id", "key", key="filename"), see_also=("MixMonitor",))
def mixmonitor_function(scope: Scope, identity: str, key: str) -> str:
    """What is known of a recording that MixMonitor's option i named.

    The only key is "filename".
    """
    monitor = named(scope.channel, identity) if scope.channel is not None and identity else None
    if monitor is None:
        raise FunctionError(f"MIXMONITOR: there is no recording with id {identity!r} on the channel")
    if key.strip().lower() != "filename":
        raise FunctionError(f"MIXMONITOR: the key {key.strip()!r} is unknown; write filename")
    return monitor.path


# The commands and manager actions register themselves with the module above.
from offhook.apps import mixmonitor_control  # noqa: E402, F401
