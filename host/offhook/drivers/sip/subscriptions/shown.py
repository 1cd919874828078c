"""Subscriptions as the CLI and manager clients see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.drivers.sip.configuration.sections import ResourceList
from offhook.drivers.sip.showing.details import detail
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.subscriptions.package import Pubsub, pubsub_of
from offhook.drivers.sip.subscriptions.resource import module
from offhook.modules import ActionError, ActionRequest, Request, Syntax
from offhook.sip.subscription import TERMINATED

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.subscriptions.subscription import Subscription
    from offhook.sip.message import Header

SYSTEM = ("system",)
_ROLES = ("inbound", "outbound")

# ---- manager ------------------------------------------------------------------------------------------


def _caller_id(endpoint: Endpoint, none: str) -> str:
    name, number = endpoint.callerid
    if name and number:
        return f'"{name}" <{number}>'
    return name or number or none


def _state(subscription: Subscription) -> str:
    return "TERMINATED" if subscription.core.status is TERMINATED else subscription.core.status.name


def _details(subscription: Subscription) -> list[Header]:
    headers = [
        ("Role", "Notifier"),
        ("Endpoint", subscription.endpoint.name),
        ("Callid", subscription.core.dialog.call_id),
        ("State", _state(subscription)),
        ("Callerid", _caller_id(subscription.endpoint, "Unknown")),
    ]
    watch = subscription.root.watch
    return headers + (watch.shown() if watch is not None else [])


@module.action("PJSIPShowSubscriptionsInbound", SYSTEM, Syntax())
def show_inbound(request: ActionRequest) -> None:
    """List the subscriptions of others with us.

    Sends an InboundSubscriptionDetail event for each.
    """
    request.listed("Following are Events for each inbound Subscription")
    found = list(pubsub_of(request.pbx).subscriptions)
    for subscription in found:
        request.event("InboundSubscriptionDetail", _details(subscription))
    request.complete("InboundSubscriptionDetailComplete", len(found))


@module.action("PJSIPShowSubscriptionsOutbound", SYSTEM, Syntax())
def show_outbound(request: ActionRequest) -> None:
    """List our subscriptions with others.

    There are none: nothing here subscribes elsewhere.
    """
    request.listed("Following are Events for each outbound Subscription")
    request.complete("OutboundSubscriptionDetailComplete", 0)


@module.action("PJSIPShowResourceLists", SYSTEM, Syntax())
def show_resource_lists(request: ActionRequest) -> None:
    """List the resource lists of pjsip.conf.

    Sends a ResourceListDetail event for each.
    """
    stack: SipStack = request.pbx.parts[PART]
    lists = stack.config.of(ResourceList)
    if not lists:
        raise ActionError("No resource lists found\n")
    request.listed("A listing of resource lists follows, presented as ResourceListDetail events")
    for each in lists.values():
        request.event("ResourceListDetail", detail(stack, each))
    request.complete("ResourceListDetailComplete", len(lists))


# ---- CLI ------------------------------------------------------------------------------------------------


def _complete_role(pbx: Pbx, args: list[str], typed: str) -> list[str]:
    if not args:
        return list(_ROLES)
    return ["like"] if len(args) == 1 else []


def _complete_call(pbx: Pbx, args: list[str], typed: str) -> list[str]:
    if not args:
        return list(_ROLES)
    return [each.core.dialog.call_id for each in _of_role(pubsub_of(pbx), args[0])] if len(args) == 1 else []


def _of_role(pubsub: Pubsub, role: str) -> list[Subscription]:
    return list(pubsub.subscriptions) if role.lower() == "inbound" else []


def _table(request: Request, header: list[str], write: Callable[[Subscription], str], before_total: str) -> None:
    args = request.args
    if len(args) not in (1, 3) or args[0].lower() not in _ROLES or (len(args) == 3 and args[1].lower() != "like"):
        raise request.usage()
    wanted = None
    if len(args) == 3:
        try:
            wanted = re.compile(args[2])
        except re.error as error:
            request.print(f"Regular expression '{args[2]}' failed to compile: {error}")
            return
    blocks = [write(each) for each in _of_role(pubsub_of(request.pbx), args[0])]
    blocks = [block for block in blocks if wanted is None or wanted.search(block)]
    request.print(*header)
    for block in blocks:
        request.print(*block.split("\n"))
    matched = f' matched "{args[2]}"' if wanted is not None else ""
    request.print(f"{before_total}{len(blocks)} active subscriptions{matched}")


@module.command(
    "pjsip show subscriptions {inbound|outbound} [like]",
    "Show active inbound/outbound subscriptions",
    complete=_complete_role,
)
def show_subscriptions(request: Request) -> None:
    """Show the subscriptions of others with us (inbound), or ours with others (outbound).

    With "like <regex>" only those whose lines match, taken as a block.
    """
    header = [
        "Endpoint: <Endpoint/Caller-ID.............................................>",
        "Resource: <Resource/Event.................................................>",
        "  Expiry: <Expiry>  <Call-id..............................................>",
        "=" * 75,
        "",
    ]

    def write(each: Subscription) -> str:
        return (
            f"Endpoint: {each.endpoint.name}/{_caller_id(each.endpoint, '<none>')}\n"
            f"Resource: {each.root.resource}/{each.package.event}\n"
            f"  Expiry: {each.seconds_left:8}  {each.core.dialog.call_id}\n"
        )

    _table(request, header, write, "")


@module.command(
    "pjsip list subscriptions {inbound|outbound} [like]",
    "List active inbound/outbound subscriptions",
    complete=_complete_role,
)
def list_subscriptions(request: Request) -> None:
    """List the subscriptions of others with us (inbound), or ours with others (outbound), one a line.

    With "like <regex>" only the lines that match.
    """

    def line(who: str, what: str, expiry: str, call_id: str) -> str:
        return f"{who[:30]:<30} {what[:30]:<30} {expiry:>6} {call_id}"

    def write(each: Subscription) -> str:
        name, number = each.endpoint.callerid
        who = f"{each.endpoint.name}/{name or number or '<none>'}"
        what = f"{each.root.resource}/{each.package.event}"
        return line(who, what, str(each.seconds_left), each.core.dialog.call_id)

    _table(request, [line("Endpoint/CLI", "Resource/Event", "Expiry", "Call-id")], write, "\n")


@module.command(
    "pjsip show subscription {inbound|outbound} <call-id>",
    "Show active subscription details",
    complete=_complete_call,
)
def show_subscription(request: Request) -> None:
    """Show one subscription by the Call-ID of its dialog."""
    if len(request.args) != 2 or request.args[0].lower() not in _ROLES:
        raise request.usage()
    for each in _of_role(pubsub_of(request.pbx), request.args[0]):
        if each.core.dialog.call_id != request.args[1]:
            continue
        pairs = [("Resource", each.root.resource), ("Event", each.package.event), ("Expiry", str(each.seconds_left))]
        request.print(f"{'ParameterName':<20}: ParameterValue", "=" * 75)
        request.print(*(f"{name:<20}: {value}" for name, value in (*pairs, *_details(each))), "")
        return
