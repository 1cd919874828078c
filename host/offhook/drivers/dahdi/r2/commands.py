"""The CLI commands ``mfcr2 ...`` and the application of MFC/R2 channels, in Asterisk's shape."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from kernel_shims.dahdi.system_conf import ranges
from offhook.config.model import TRUE_WORDS
from offhook.drivers.dahdi.module import lines_of, module
from offhook.drivers.dahdi.r2.port import R2Port
from offhook.modules import CommandError, Request, Syntax

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

_LINK = 30
"""Channels of a link: an E1."""
_LEVELS = ("all", "error", "warning", "debug", "notice", "cas", "mf", "stack", "nothing")
_ACCEPT_TICKS, _ACCEPT_TICK_S = 50, 0.1
_ROW = "{:>4} {:>4} {:<7.7} {:<7.7} {:<8.8} {:<9.9} {:<16.16} {:<8.8} {:<8.8}"
_LINK_ROW = "{:<5} {:<10} {:<15} {:<10} {}"


def _ports(pbx: Pbx) -> list[R2Port]:
    return [port for port in lines_of(pbx) if isinstance(port, R2Port)]


def _links(ports: list[R2Port]) -> dict[int, int]:
    """The link of each channel, by number: channels in a row with the same terms, 30 at most."""
    found: dict[int, int] = {}
    link = count = 0
    before: R2Port | None = None
    for port in ports:
        if before is None or count == _LINK or before.r2.terms != port.r2.terms:
            link, count = link + 1, 0
        found[port.number] = link
        before, count = port, count + 1
    return found


def _chosen(request: Request, place: int) -> list[R2Port]:
    """The channel that a word names, or all when there is no such word."""
    ports = _ports(request.pbx)
    if len(request.args) <= place:
        return ports
    word = request.args[place]
    chosen = [port for port in ports if str(port.number) == word]
    if not chosen:
        raise CommandError(f"MFC/R2 channel {word} not found.")
    return chosen


def _complete_channel(place: int, *words: tuple[str, ...]) -> Callable[[Pbx, list[str], str], Iterable[str]]:
    def complete(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
        if len(args) < place:
            return words[len(args)]
        return [str(port.number) for port in _ports(pbx)] if len(args) == place else ()

    return complete


@module.command("mfcr2 show version", "Show OpenR2 library version")
def show_version(request: Request) -> None:
    """Shows the version of the OpenR2 library being used."""
    from kernel_shims.r2.line import version

    request.print("OpenR2 version: {}, revision: {}".format(*version()))


@module.command("mfcr2 show variants", "Show supported MFC/R2 variants")
def show_variants(request: Request) -> None:
    """Shows the list of MFC/R2 variants supported."""
    from kernel_shims.r2.line import variants

    request.print(f"{'Variant Code':>4} {'Country':>40}")
    request.print(*(f"{code:>4} {country:>40}" for code, country in variants()))


def _complete_filter(_pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
    return () if args else ("group", "context")


@module.command("mfcr2 show channels", "Show MFC/R2 channels", complete=_complete_filter)
def show_channels(request: Request) -> None:
    """Shows the channels with MFC/R2: all, or with "group <group>" or "context <context>" behind it those of one."""
    ports = _ports(request.pbx)
    links = _links(ports)
    match request.args:
        case []:
            pass
        case ["group", number] if number.isdigit() and int(number) <= 63:
            ports = [port for port in ports if port.settings["group"] == {int(number)}]
        case ["context", name]:
            ports = [port for port in ports if port.settings["context"].lower() == name.lower()]
        case _:
            raise request.usage()
    columns = ("Chan", "Link#", "Variant", "Max ANI", "Max DNIS", "ANI First", "Immediate Accept", "Tx CAS", "Rx CAS")
    request.print(_ROW.format(*columns))
    for port in ports:
        terms = port.r2.in_force()
        request.print(
            _ROW.format(
                str(port.number),
                str(links[port.number]),
                terms.variant.upper(),
                str(terms.max_ani),
                str(terms.max_dnis),
                "Yes" if terms.ani_first else "No",
                "Yes" if terms.immediate_accept else "No",
                *port.r2.states,
            )
        )


@module.command("mfcr2 show links", "Show MFC/R2 links")
def show_links(request: Request) -> None:
    """Shows the channels by links: an E1's worth at most that have the same terms. No link has a thread here."""
    ports = _ports(request.pbx)
    links = _links(ports)
    if not ports:
        return
    request.print("Live links", "", _LINK_ROW.format("Index", "Thread", "Dahdi-Device", "Channels", "Channel-List"))
    for link in sorted(set(links.values())):
        numbers = [number for number, one in links.items() if one == link]
        request.print(_LINK_ROW.format(link, "none", "OK", len(numbers), ranges(numbers)))


@module.command("mfcr2 set debug", "Set MFC/R2 channel logging level", complete=_complete_channel(1, _LEVELS))
def set_debug(request: Request) -> None:
    """Set what is logged of a channel: "mfcr2 set debug <levels> [<channel>]", levels with "," between; or of all."""
    from kernel_shims.r2.line import log_level

    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    words = request.args[0].lower().split(",")
    known = []
    for place, word in enumerate(words):
        try:
            log_level([word])
            known.append(word)
        except ValueError:
            if not place:
                raise CommandError(f"Invalid MFC/R2 logging level '{request.args[0]}'.") from None
            request.print(f"Ignoring invalid logging level: '{word}'.")
    ports = _chosen(request, 1)
    for port in ports:
        port.r2.set_log(known)
    where = f"channel {ports[0].number}" if len(request.args) == 2 else "all channels"
    request.print(f"MFC/R2 debugging set to '{request.args[0]}' for {where}.")


@module.command(
    "mfcr2 call files {on|off}", "Enable/Disable MFC/R2 call files", complete=_complete_channel(1, ("on", "off"))
)
def call_files(request: Request) -> None:
    """Have each call of a channel, or of all, leave a file in the folder that mfcr2_logdir names, or not."""
    if not 1 <= len(request.args) <= 2 or request.args[0].lower() not in ("on", "off"):
        raise request.usage()
    on = request.args[0].lower() == "on"
    ports = _chosen(request, 1)
    for port in ports:
        port.r2.set_call_files(on)
    state = "enabled" if on else "disabled"
    if len(request.args) == 2:
        request.print(f"MFC/R2 call files {state} for channel {ports[0].number}.")
    else:
        request.print(f"MFC/R2 Call files {state} for all channels.")


@module.command("mfcr2 set idle", "Reset MFC/R2 channel forcing it to IDLE", complete=_complete_channel(0))
def set_idle(request: Request) -> None:
    """Force a channel, or all, into IDLE. Calls there lose their line: use it only if you know what you are doing."""
    for port in _chosen(request, 0):
        port.set_idle()


@module.command("mfcr2 set blocked", "Reset MFC/R2 channel forcing it to BLOCKED", complete=_complete_channel(0))
def set_blocked(request: Request) -> None:
    """Force a channel, or all, into BLOCKED: the far end is told to make no calls there."""
    for port in _chosen(request, 0):
        port.set_blocked()


@module.application("DAHDIAcceptR2Call", Syntax("charge"))
async def accept_call(channel: Channel, charge: str) -> None:
    """Accept an R2 call if its not already accepted (you still need to answer it).

    charge is yes or no: whether the far end is to charge for the call. For mfcr2_accept_on_offer=no.
    """
    from offhook.drivers.dahdi.channel import DahdiChannel

    port = channel.port if isinstance(channel, DahdiChannel) else None
    if not charge or not isinstance(port, R2Port):
        log.warning("%s: DAHDIAcceptR2Call wants yes or no, on a channel with MFC/R2", channel.name)
        return
    if port.accepted:
        return
    if not port.accept(charge=charge.strip().lower() in TRUE_WORDS):
        log.warning("%s: the MFC/R2 call cannot be accepted", channel.name)
        return
    for _ in range(_ACCEPT_TICKS):
        if port.accepted or channel.hungup:
            return
        await asyncio.sleep(_ACCEPT_TICK_S)
    log.warning("%s: the MFC/R2 call was not accepted in time", channel.name)
