"""REFER inside a call (RFC 3515, 3891, 3892): the far end transfers whom it talks to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.transfer import Transfer, attended_transfer, blind_transfer
from offhook.drivers.sip.calls.capabilities import ALLOW, supported
from offhook.drivers.sip.transfers.referral import EXPIRES_S, Referral
from offhook.log import NOTICE
from offhook.sip.errors import SIPError
from offhook.sip.headers import Replaces
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.sip.message import Request

log = logging.getLogger(__name__)

REMOTE_CALL = "external_replaces"
"""The extension that transfers to a call of another exchange run."""
_STATUSES = {
    Transfer.SUCCESS: 200,
    Transfer.INVALID: 400,
    Transfer.NOT_PERMITTED: 403,
    Transfer.FAIL: 500,
}


def receive_refer(call: CallSession, incoming: IncomingRequest) -> None:
    """Take a REFER: carry out what it asks for, and tell how it goes."""
    channel, message = call.channel, incoming.message
    if channel is None:
        incoming.respond(404)
        return
    if not call.endpoint.allow_transfer:
        log.warning("%s asks for a transfer, which allow_transfer of its endpoint forbids", call.name)
        incoming.respond(603)
        return
    target = _target(message)
    if target is None:
        log.log(NOTICE, "%s asks for a transfer without saying where: Refer-To is missing or no SIP URI", call.name)
        incoming.respond(400)
        return
    try:
        noted = [undo for look in call.stack.on_refer if (undo := look(channel, message)) is not None]
    except SIPError as error:
        incoming.respond(error.status)
        return
    wish = message.get("Refer-Sub")
    referral = Referral(call, subscribed=wish is None or wish.strip().lower().startswith("true"))
    call.notes["referral"] = referral
    if referral.subscribed:
        headers = [("Expires", str(EXPIRES_S)), ("Contact", call.contact), ALLOW, supported(call)]
        if wish is not None:
            headers.append(("Refer-Sub", "true"))
        incoming.respond(202, headers=headers)
    replaces = _replaces(target)
    if replaces is None:
        status = _blind(call, channel, message, target, referral)
    else:
        try:
            status = _attended(call, channel, message, target, Replaces.parse(replaces), referral)
        except SIPError as error:
            log.warning("%s asks for a transfer to a call that cannot be told: %s", call.name, error)
            status = 400
    if status != 200:
        for undo in noted:
            undo()
    if not referral.subscribed:
        incoming.respond(status, headers=[("Refer-Sub", "false")])
    elif status != 200 or referral.transferee is None:
        referral.notify(status)


def _target(message: Request) -> SipUri | None:
    text = (message.get("Refer-To") or "").strip()
    try:
        uri = NameAddr.parse(text if "<" in text else f"<{text}>").uri
    except SIPError:
        return None
    return uri if isinstance(uri, SipUri) else None


def _replaces(target: SipUri) -> str | None:
    try:
        fields = target.header_fields
    except SIPError:
        return None
    found = next((value for name, value in fields if name.lower() == "replaces"), None)
    return found if found is not None else target.params.get("replaces")


def _context(call: CallSession, channel: Channel) -> str:
    return channel.get("TRANSFER_CONTEXT") or call.endpoint.context


def _blind(call: CallSession, channel: Channel, message: Request, target: SipUri, referral: Referral) -> int:
    context = _context(call, channel)
    exten = target.user
    if call.stack.config.settings.ignore_uri_user_options:
        exten = exten.partition(";")[0]
    exten = exten or "s"
    if not channel.pbx.dialplan.exists(context, exten, 1, ""):
        log.error("%s asks for a transfer to %s@%s, which does not exist", call.name, exten, context)
        return 404
    monitor = referral if call.endpoint.refer_blind_progress else None
    return _send_elsewhere(call, channel, message, target, (context, exten), "", monitor)


def _attended(
    call: CallSession, channel: Channel, message: Request, target: SipUri, replaced: Replaces, referral: Referral
) -> int:
    other = call.stack.dialogs.get(replaced.dialog_id)
    if other is None:
        context = _context(call, channel)
        if not channel.pbx.dialplan.exists(context, REMOTE_CALL, 1, ""):
            log.error(
                "%s asks for a transfer to a call elsewhere, and there is no extension %s in context %s",
                call.name,
                REMOTE_CALL,
                context,
            )
            return 404
        return _send_elsewhere(call, channel, message, target, (context, REMOTE_CALL), str(replaced), referral)
    second = getattr(other, "channel", None)
    if second is None:
        return 603
    call.keep_for_bye()
    status = _STATUSES[attended_transfer(channel, second)]
    if status != 200:
        call.keep_no_longer()
    return status


def _send_elsewhere(
    call: CallSession,
    channel: Channel,
    message: Request,
    target: SipUri,
    place: tuple[str, str],
    replaces: str,
    monitor: Referral | None,
) -> int:
    context, exten = place

    def prepare(transferee: Channel) -> None:
        _note(transferee, message, target, context, replaces)
        if monitor is not None:
            monitor.watch(transferee)

    call.keep_for_bye()
    status = _STATUSES[blind_transfer(channel, context, exten, prepare=prepare)]
    if status != 200:
        call.keep_no_longer()
    return status


def _note(transferee: Channel, message: Request, target: SipUri, context: str, replaces: str) -> None:
    """Leave what the REFER said in variables of the channel that runs the extension."""
    transferee.set("SIPTRANSFER", "yes")
    transferee.set("SIPREFERRINGCONTEXT", context)
    wanted = transferee.get("GET_TRANSFERRER_DATA")
    if wanted:
        prefix = "" if wanted == "*" else wanted.lower()
        for name, value in message.headers:
            if name.lower().startswith(prefix):
                transferee.set(f"~HASH~TRANSFER_DATA~{name}~", value.strip())
    referred_by = message.get("Referred-By")
    if referred_by:
        transferee.set("__SIPREFERREDBYHDR", referred_by)
    else:
        transferee.variables.pop("SIPREFERREDBYHDR")
    if replaces:
        transferee.set("__SIPREPLACESHDR", replaces)
    else:
        transferee.variables.pop("SIPREPLACESHDR")
    transferee.set("SIPREFERTOHDR", str(target.replace(headers="")))


def receive_subscribe(call: CallSession, incoming: IncomingRequest) -> None:
    """The transferer refreshes or ends the subscription its REFER made (RFC 6665 4.1.2)."""
    referral = call.notes.get("referral")
    event = incoming.message.valued("Event")
    if not isinstance(referral, Referral) or referral.over or event is None or event.value.lower() != "refer":
        incoming.respond(481)
        return
    expires = incoming.message.expires
    seconds = EXPIRES_S if expires is None else min(expires, EXPIRES_S)
    referral.ends_at = call.stack.now() + seconds
    incoming.respond(200, headers=[("Expires", str(seconds)), ("Contact", call.contact)])
    if not seconds:
        referral.end()
