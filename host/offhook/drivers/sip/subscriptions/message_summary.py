"""The event package ``message-summary`` (RFC 3842): message waiting for those who subscribe to it.

Its module also tells those who do not subscribe: see ``unsolicited``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from offhook.calls.mailboxes import Count, Mailboxes
from offhook.calls.pbx import Pbx
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.subscriptions.package import MESSAGE_COUNT, Body, View, pubsub_of
from offhook.drivers.sip.subscriptions.unsolicited import Unsolicited, names_in
from offhook.drivers.sip.transport.routing import sip_uri
from offhook.modules import Module
from offhook.sip.message import Header

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.sections import Aor
    from offhook.drivers.sip.subscriptions.branch import Branch

log = logging.getLogger(__name__)

module = Module("res_pjsip_mwi", "PJSIP MWI resource", depends=("res_pjsip_pubsub",), priority=37)
body_module = Module(
    "res_pjsip_mwi_body_generator", "PJSIP MWI body generator", depends=("res_pjsip_pubsub",), priority=36
)

EVENT = "message-summary"
CONTENT_TYPE = "application/simple-message-summary"


class MessageCount(NamedTuple):
    """What is waiting in some mailboxes, and the URI to call for it ("" when there is none)."""

    new: int
    old: int
    account: str = ""


def summary(state: MessageCount, view: View) -> str:
    """application/simple-message-summary."""
    account = f"Message-Account: {state.account}\r\n" if state.account else ""
    waiting = "yes" if state.new else "no"
    return f"Messages-Waiting: {waiting}\r\n{account}Voice-Message: {state.new}/{state.old} (0/0)\r\n"


BODY = Body(CONTENT_TYPE, MESSAGE_COUNT, summary)


def account_uri(stack: SipStack, uri: str, extension: str) -> str:
    """The URI to call for messages: a URI with the voicemail extension as its user; "" when there is no extension."""
    user = extension or stack.config.settings.default_voicemail_extension
    found = sip_uri(uri)
    return str(found.replace(user=user)) if user and found is not None else ""


class MailWatch:
    """Some mailboxes being watched for a subscription."""

    __slots__ = ("_branch", "_drops", "_extension", "_package", "mailboxes")

    def __init__(self, package: MessageSummary, branch: Branch, mailboxes: Sequence[str], extension: str) -> None:
        self._package = package
        self._branch = branch
        self._extension = extension
        self.mailboxes = list(dict.fromkeys(mailboxes))
        boxes: Mailboxes = package.stack.pbx.mailboxes
        self._drops: list[Callable[[], None]] = [boxes.watch(each, self._changed) for each in self.mailboxes]

    def _changed(self, mailbox: str, count: Count) -> None:
        self._branch.changes(self.state())

    def state(self) -> MessageCount | None:
        """What waits in all of them; None when there are none."""
        if not self.mailboxes:
            return None
        stack = self._package.stack
        counts = [stack.pbx.mailboxes.count(each) for each in self.mailboxes]
        account = account_uri(stack, self._branch.uri, self._extension)
        return MessageCount(sum(each.new for each in counts), sum(each.old for each in counts), account)

    def shown(self) -> list[Header]:
        """What manager clients are told."""
        return [("SubscriptionType", "mwi"), ("Mailboxes", ",".join(self.mailboxes))]

    def give_way(self) -> None:
        """Somebody else tells of these mailboxes from now on: end the subscription."""
        self._branch.changes(self.state(), terminate=True)

    def close(self) -> None:
        """Watch no more; who does not subscribe is told unasked again."""
        for drop in self._drops:
            drop()
        self._drops.clear()
        endpoint = self._branch.subscription.endpoint
        self._package.stack.loop.call_soon(self._package.unsolicited.watch, endpoint.name, True)


class MessageSummary:
    """``message-summary``: an AOR's mailboxes, or those of all AORs of the endpoint."""

    event = EVENT
    kind = MESSAGE_COUNT
    accept = CONTENT_TYPE

    def __init__(self, stack: SipStack, unsolicited: Unsolicited) -> None:
        self.stack = stack
        self.unsolicited = unsolicited

    def _aors(self, endpoint: Endpoint, resource: str) -> list[Aor]:
        """The AORs that a resource means: of that name, with that voicemail extension, or all of the endpoint's."""
        known = self.stack.config.aors
        own = [known[name] for name in endpoint.aors if name in known]
        if not resource:
            return own
        if resource in known:
            return [known[resource]]
        return [aor for aor in own if aor.voicemail_extension.lower() == resource.lower()][:1]

    def admit(self, endpoint: Endpoint, resource: str) -> int:
        """An AOR with mailboxes may be watched, unless its endpoint is told of them unasked and that comes first."""
        aors = self._aors(endpoint, resource)
        mailboxes = [name for aor in aors for name in names_in(aor.mailboxes)]
        if resource and not mailboxes:
            return 404
        return 200 if self.unsolicited.give_up(endpoint, mailboxes) else 500

    def watch(self, branch: Branch) -> MailWatch | None:
        """Watch the mailboxes of an AOR."""
        aors = self._aors(branch.subscription.endpoint, branch.resource)
        if not aors:
            return None
        extension = aors[0].voicemail_extension if branch.resource else ""
        return MailWatch(self, branch, [name for aor in aors for name in names_in(aor.mailboxes)], extension)

    def display_name(self, endpoint: Endpoint, resource: str) -> str:
        """None."""
        return ""


@module.on_load
def load(pbx: Pbx) -> None:
    """Offer the package, and begin to tell those who do not subscribe."""
    stack: SipStack = pbx.parts[PART]
    pubsub = pubsub_of(pbx)
    unsolicited = Unsolicited(stack, pubsub, _write(stack))
    unsolicited.start()
    pubsub.packages[EVENT] = MessageSummary(stack, unsolicited)


def _write(stack: SipStack) -> Callable[[Count, str, str], tuple[str, bytes]]:
    def write(count: Count, uri: str, extension: str) -> tuple[str, bytes]:
        text = summary(MessageCount(count.new, count.old, account_uri(stack, uri, extension)), View(uri, uri))
        return CONTENT_TYPE, text.encode()

    return write


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Look again at who is to be told."""
    _unsolicited(pbx).configure()


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Tell nobody any more."""
    _unsolicited(pbx).stop()
    pubsub_of(pbx).packages.pop(EVENT, None)


def _unsolicited(pbx: Pbx) -> Unsolicited:
    package = pubsub_of(pbx).packages[EVENT]
    assert isinstance(package, MessageSummary)
    return package.unsolicited


@body_module.on_load
def load_body(pbx: Pbx) -> None:
    """Offer it."""
    pubsub_of(pbx).add_bodies((BODY,))


@body_module.on_unload
def unload_body(pbx: Pbx) -> None:
    """Offer it no more."""
    pubsub_of(pbx).drop_bodies((BODY,))
