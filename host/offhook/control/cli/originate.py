"""``channel originate`` and ``channel redirect``."""

from __future__ import annotations

from typing import Any

from offhook.control.cli.completion import applications, channels, first
from offhook.dialplan.context import DialplanError
from offhook.dialplan.location import parse_location
from offhook.modules import CommandError, Module, Request

module = Module("res_clioriginate", "Call origination and redirection from the CLI")

TIMEOUT_S = 30.0


def _complete(pbx: Any, args: list[str], _typed: str) -> list[str]:
    if len(args) == 1:
        return ["application", "extension"]
    if len(args) == 2 and args[1].lower() == "application":
        return applications(pbx)
    return []


@module.command(
    "channel originate <tech/data> {application|extension} [<name> [<data>]]", "Originate a call", complete=_complete
)
def originate(request: Request) -> None:
    """Call a device, and connect what answers to an application or an extension.

    channel originate <tech/data> application <name> [<arguments>]
    channel originate <tech/data> extension [<exten>@][<context>]

    Arguments with blanks need quotes. Without an extension it is s, without a context default. The call is given
    30 seconds to be answered; the command does not wait for it.
    """
    from offhook.calls.originate import Origination
    from offhook.calls.originate import originate as run

    args = request.args
    if len(args) < 2:
        raise request.usage()
    where = args[1].lower()
    if where == "application" and len(args) > 2:
        order = Origination(args[0], application=args[2], data=args[3] if len(args) > 3 else "", timeout=TIMEOUT_S)
    elif where == "extension":
        exten, _, context = (args[2] if len(args) > 2 else "").partition("@")
        order = Origination(args[0], context=context or "default", exten=exten or "s", timeout=TIMEOUT_S)
    else:
        raise request.usage()
    if "/" not in args[0]:
        request.print("*** No data provided after channel type! ***")
        raise request.usage()
    request.pbx.spawn(run(request.pbx, order), "channel originate")


@module.command("channel redirect <channel> <[[context,]exten,]priority>", "Redirect a call", complete=first(channels))
def redirect(request: Request) -> None:
    """Continue a channel's call at another place in the dialplan."""
    if len(request.args) != 2:
        raise request.usage()
    name, place = request.args
    channel = request.pbx.channels.find(name)
    if channel is None:
        request.print(f"Channel '{name}' not found")
        raise CommandError(f"Command '{request.line}' failed.")
    try:
        context, exten, priority = parse_location(channel, place)
    except DialplanError as error:
        request.print(f"Channel '{name}' failed to be redirected to {place}: {error}")
        raise CommandError(f"Command '{request.line}' failed.") from None
    channel.async_goto(context, exten, priority)
    request.print(f"Channel '{name}' successfully redirected to {place}")
