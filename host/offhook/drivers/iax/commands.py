"""The CLI commands ``iax2 ...``, in Asterisk's shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from offhook.drivers.iax.module import REGISTRATIONS, module, reload
from offhook.drivers.iax.resolving import resolve
from offhook.drivers.iax.showing import (
    channel_table,
    net_table,
    peer_block,
    peer_table,
    registry_table,
    user_table,
)
from offhook.drivers.iax.stack import PART, IaxStack
from offhook.iax.frames import MOST_CALLS
from offhook.modules import CommandError, Request


def _stack(request: Request) -> IaxStack:
    found: IaxStack = request.pbx.parts[PART]
    return found


def _peers(pbx: Any, args: list[str], _typed: str) -> Iterable[str]:
    """Completion by the names of peers."""
    stack: IaxStack | None = pbx.parts.get(PART)
    return list(stack.peers) if stack is not None and not args else []


def _registered(pbx: Any, args: list[str], _typed: str) -> Iterable[str]:
    stack: IaxStack | None = pbx.parts.get(PART)
    peers = stack.peers.values() if stack is not None and not args else ()
    return [peer.name for peer in peers if peer.entry.dynamic and peer.address is not None]


def _like(request: Request, args: list[str]) -> re.Pattern[str] | None:
    """The expression after "like"; None when there is none."""
    match args:
        case []:
            return None
        case ["like", pattern]:
            try:
                return re.compile(pattern)
            except re.error as error:
                raise CommandError(f'"{pattern}" is no regular expression: {error}') from None
    raise request.usage()


@module.command("iax2 show peers [registered] [like]", "List defined IAX peers")
def show_peers(request: Request) -> None:
    """Lists all known IAX2 peers.

    iax2 show peers [registered] [like <pattern>]: optional 'registered' argument lists only peers with known
    addresses; optional regular expression pattern is used to filter the peer list.
    """
    args = list(request.args)
    registered = args[:1] == ["registered"]
    pattern = _like(request, args[1:] if registered else args)
    request.print(
        *peer_table(
            peer
            for peer in _stack(request).peers.values()
            if (not registered or peer.address is not None) and (pattern is None or pattern.search(peer.name))
        )
    )


@module.command("iax2 show users [like]", "List defined IAX users")
def show_users(request: Request) -> None:
    """Lists all known IAX2 users.

    iax2 show users [like <pattern>]: optional regular expression pattern is used to filter the user list.
    """
    pattern = _like(request, request.args)
    users = _stack(request).reading.users()
    request.print(*user_table(user for user in users if pattern is None or pattern.search(user.name)))


@module.command("iax2 show peer <name>", "Show details on specific IAX peer", complete=_peers)
def show_peer(request: Request) -> None:
    """Display details on specific IAX peer."""
    if not request.args:
        raise request.usage()
    peer = _stack(request).peers.get(request.args[0])
    if peer is None:
        request.print(f"Peer {request.args[0]} not found.", "")
        return
    request.print(*peer_block(peer))


@module.command("iax2 show channels", "List active IAX channels")
def show_channels(request: Request) -> None:
    """Lists all currently active IAX channels."""
    request.print(*channel_table(_stack(request)))


@module.command("iax2 show netstats", "List active IAX channel netstats")
def show_netstats(request: Request) -> None:
    """Lists network status for all currently active IAX channels."""
    request.print(*net_table(_stack(request)))


@module.command("iax2 show registry", "Display IAX registration status")
def show_registry(request: Request) -> None:
    """Lists all registration requests and status."""
    request.print(*registry_table(request.pbx.parts[REGISTRATIONS]))


@module.command("iax2 show stats", "Display IAX statistics")
def show_stats(request: Request) -> None:
    """Display statistics on IAX channel driver."""
    waiting = final = again = 0
    for association in _stack(request).exchange:
        waiting += association.waiting
        final += association.final_waiting
        again += association.retransmitted
    figures = request.pbx.engine.figures()
    request.print(
        "    IAX Statistics",
        "---------------------",
        f"Outstanding frames: {waiting} (0 ingress, {waiting} egress)",
        f"Frames repeated in calls that go on: {again}",
        f"Packets in transmit queue: 0 dead, {final} final, {waiting} total",
        f"Media: {figures.packets_in} packets in, {figures.packets_out} out, {figures.packets_bad} of no call",
        "",
    )


@module.command("iax2 show threads", "Display IAX helper thread info")
def show_threads(request: Request) -> None:
    """Lists status of IAX helper threads. There are none: calls share one loop, voice the media thread."""
    request.print("IAX2 Thread Information", "Idle Threads:", "Active Threads:", "Dynamic Threads:")
    request.print("0 of 0 threads accounted for with 0 dynamic threads")


@module.command("iax2 show cache", "Display IAX cached dialplan")
def show_cache(request: Request) -> None:
    """Display currently cached IAX Dialplan results. There are none: no dialplan is looked up elsewhere."""
    request.print(f"{'Peer/Context':<20.20} {'Exten':<12.12} {'Exp.':<9.9} {'Wait.':<8.8} Flags")


@module.command("iax2 show firmware", "List available IAX firmware")
def show_firmware(request: Request) -> None:
    """Lists all known IAX firmware images. There are none."""
    request.print(f"{'Device':<15.15}  {'Version':<15.15} {'Size':<15.15}")


@module.command("iax2 show callnumber usage [address]", "Show current entries in IP call number limit table")
def show_call_numbers(request: Request) -> None:
    """Shows current IP addresses which are consuming iax2 call numbers."""
    stack = _stack(request)
    used = stack.call_numbers
    title = f"{'Address':<45} {'Callno Usage':<12} {'Callno Limit':<12}"
    wanted = request.args[0] if request.args else ""
    if wanted and wanted not in used:
        request.print(f"No call number table entries for {wanted} found")
        return
    request.print(title)
    for host, count in used.items():
        if wanted in ("", host):
            request.print(f"{host:<45} {count:<12d} {stack.limit(host):<12d}")
    if not wanted:
        free = MOST_CALLS - 2 - len(stack.exchange)
        request.print(
            "",
            f"Non-CallToken Validation Callno Limit: {stack.reading.general['maxcallnumbers_nonvalidated']}",
            f"Non-CallToken Validated Callno Used:   {stack.unproven}",
            f"Total Available Callno:                {free}",
            f"Regular Callno Available:              {free}",
            "Trunk Callno Available:                0",
        )


@module.command("iax2 set debug {on|off|peer} [name]", "Enable/Disable IAX debugging")
async def set_debug(request: Request) -> None:
    """Show every IAX2 full frame on the console, or those of one peer or host.

    iax2 set debug {on|off|peer peername}
    """
    stack = _stack(request)
    match request.args:
        case ["on"]:
            stack.watch.host, stack.exchange.trace = "", True
            request.print("IAX2 Debugging Enabled")
        case ["off"]:
            stack.exchange.trace = False
            request.print("IAX2 Debugging Disabled")
        case ["peer", name]:
            peer = stack.peers.get(name)
            where = peer.where if peer is not None else await resolve(request.pbx, name, None)
            if where is None:
                raise CommandError(f"IAX2 peer '{name}' does not exist or has no address.")
            stack.watch.host, stack.exchange.trace = where[0], True
            request.print(f"IAX2 Debugging Enabled for {where[0]}")
        case _:
            raise request.usage()


@module.command("iax2 unregister <peername>", "Unregister (force expiration) an IAX2 peer", complete=_registered)
def unregister(request: Request) -> None:
    """Unregister (force expiration) an IAX2 peer from the registry."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    peer = _stack(request).peers.get(name)
    if peer is None:
        request.print(f"Peer unknown: {name}. Not unregistered")
    elif not peer.entry.dynamic or peer.address is None:
        request.print(f"Peer {name} not registered")
    else:
        peer.expired()
        request.print(f"Peer {name} unregistered")


@module.command("iax2 reload", "Reload IAX configuration")
async def reload_command(request: Request) -> None:
    """Reloads IAX configuration from iax.conf."""
    done = reload(request.pbx)
    if done is not None:
        await done


def _remembered(pbx: Any, args: list[str], _typed: str) -> Iterable[str]:
    stack: IaxStack | None = pbx.parts.get(PART)
    if stack is None or args:
        return []
    return ["all", *stack.friends.users, *(peer.name for peer in stack.peers.values() if peer.entry.realtime)]


@module.command("iax2 prune realtime [name]", "Prune a cached realtime lookup", complete=_remembered)
def prune(request: Request) -> None:
    """Prunes object(s) from the cache.

    iax2 prune realtime [<peername>|all]
    """
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    gone = _stack(request).friends.prune(name)
    if name == "all":
        request.print("Cache flushed successfully.")
    else:
        request.print(f"Peer {name} was removed from the cache." if gone else f"{name} was not found in the cache.")
