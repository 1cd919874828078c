"""Advice of charge on a D channel: what the network tells is passed on, what calls tell is sent to the user.

``aoc_enable`` says which of s, d and e pass; whatever comes is told by events. The last advice of a call (AOC-E)
travels with the message that ends it, so it is kept until then (ETSI EN 300 182-1, 9.2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.pri.charges import Asked, PriAdvice, PriAsked, PriCharge, PriRates
from offhook.calls import advice as calls
from offhook.calls.advice import Advice, AtEnd, DuringCall, Rates, Termination
from offhook.calls.frames import Condition, Control
from offhook.drivers.dahdi.isdn.prices import from_library, to_library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kernel_shims.pri.link import PriLink
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.calls import IsdnCall

LETTERS: Mapping[type, str] = {Rates: "s", DuringCall: "d", AtEnd: "e"}
"""What aoc_enable calls them."""


def granted(settings: Mapping[str, Any], advice: Advice) -> bool:
    """Whether an advice passes."""
    return LETTERS[type(advice)] in settings["aoc_enable"]


def received(channel: DahdiChannel, told: tuple[PriAdvice, ...], settings: Mapping[str, Any]) -> None:
    """What the network tells of a call's price."""
    for one in told:
        advice = from_library(one)
        calls.received(channel, advice, pass_on=granted(settings, advice))


def received_late(pbx: Pbx, told: tuple[PriAdvice, ...]) -> None:
    """The same when the call has no channel any more: managers hear what it has cost."""
    for one in told:
        if isinstance(advice := from_library(one), AtEnd):
            pbx.bus.publish(calls.AdviceReceived(None, advice))


def asked(link: PriLink, call: IsdnCall, request: PriAsked, settings: Mapping[str, Any]) -> None:
    """The user asks for advice. Rates come from the other side, if it has any before the answer."""
    if Asked.RATES in request.wanted:
        if "s" in settings["aoc_enable"]:
            call.rates_asked = request.invoke
        else:
            link.reply_rates(call.handle, request.invoke, None)
    for kind, letter in ((Asked.DURING, "d"), (Asked.AT_END, "e")):
        if kind in request.wanted:
            link.reply_charges(call.handle, request.invoke, granted=letter in settings["aoc_enable"])


def no_rates(link: PriLink, call: IsdnCall) -> None:
    """The call is answered or over, and nobody told the rates that were asked for."""
    if call.rates_asked is not None:
        link.reply_rates(call.handle, call.rates_asked, None)
        call.rates_asked = None


def send(link: PriLink, call: IsdnCall, advice: Advice, settings: Mapping[str, Any]) -> None:
    """Tell the user, if it may be told."""
    if not granted(settings, advice):
        return
    told = to_library(advice)
    if isinstance(told, PriRates) and call.rates_asked is not None:
        link.reply_rates(call.handle, call.rates_asked, told)
        call.rates_asked = None
    elif isinstance(told, PriCharge) and told.at_end:
        call.last_charge = told
    else:
        link.advise(call.handle, told)


def send_last(link: PriLink, call: IsdnCall) -> None:
    """The call is about to be cleared: what it has cost goes with that."""
    if call.last_charge is not None:
        link.advise(call.handle, call.last_charge)
        call.last_charge = None


def ask_end(channel: DahdiChannel) -> None:
    """The caller has hung up: whoever talks with it asks its network what the call has cost."""
    channel.deliver(Control(Condition.AOC, Termination()))
