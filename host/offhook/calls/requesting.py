"""Outgoing channels: made for a dial string, and given what they have from their caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.channel import Channel
from offhook.calls.party import Connected, Name, Number, Party

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

DEFAULT_MAX_FORWARDS = 20
SECURE = "secure bridge"
"""Key of Channel.data: what CHANNEL(secure_bridge_signaling) and (secure_bridge_media) demand of called parties."""
STREAMS = "streams to offer"
"""Key of a requester's Channel.data: the streams (a list of Stream, as they are towards the requester) that called
parties are offered instead of those it has now."""


class RequestError(Exception):
    """No channel could be made for a dial string; ``cause`` says why (Q.850)."""

    def __init__(self, cause: int, text: str) -> None:
        super().__init__(text)
        self.cause = cause


def request(
    pbx: Pbx,
    dial_string: str,
    requester: Channel | None = None,
    formats: tuple[str, ...] = (),
    ids: tuple[str, str] = ("", ""),
) -> Channel:
    """Make an outgoing channel for "Technology/address" without calling yet.

    ``ids`` are unique ids to use for it and, for a Local channel, its other half. Raises RequestError.
    """
    technology, slash, address = dial_string.partition("/")
    driver = pbx.registry.driver(technology)
    if driver is None:
        raise RequestError(causes.CHAN_NOT_IMPLEMENTED, f"no channel type registered for {technology!r}")
    if not slash or not address:
        raise RequestError(causes.NO_ROUTE_DESTINATION, f"{dial_string!r}: dial as technology/address")
    if not formats and requester is not None:
        formats = requester.formats
    channel: Channel = driver.request(pbx, address, formats, requester, ids)
    channel.outgoing = True
    wanted = requester.data.get(SECURE, {}) if requester is not None else {}
    if not channel.tech_secures(signaling=bool(wanted.get("signaling")), media=bool(wanted.get("media"))):
        channel.hangup(causes.BEARERCAPABILITY_NOTAVAIL)
        raise RequestError(causes.BEARERCAPABILITY_NOTAVAIL, f"{dial_string} is not secure, as its caller demands")
    if requester is not None:
        cross_accountcodes(channel, requester, keep=True)
        if requester.callid:
            channel.callid = requester.callid
    return channel


def cross_accountcodes(channel: Channel, requester: Channel, *, keep: bool = False) -> None:
    """Give a dialled channel its requester's peer account, or account, as its own account code."""
    if not keep or not channel.accountcode:
        if requester.peer_account:
            channel.set_accountcode(requester.peer_account)
        elif not keep and requester.accountcode and requester.accountcode != channel.accountcode:
            channel.set_accountcode(requester.accountcode)
    if requester.accountcode:
        channel.peer_account = requester.accountcode


_FORWARDS = "max_forwards"
_FORWARDS_START = "max_forwards start"


def set_max_forwards(channel: Channel, hops: int) -> None:
    """Let a call take so many further hops, and as many again once it is answered."""
    channel.data[_FORWARDS] = channel.data[_FORWARDS_START] = hops


def inherit_max_forwards(channel: Channel, parent: Channel, *, hops: int = 0) -> None:
    """Give a channel what its parent may still take, less so many hops."""
    channel.data[_FORWARDS] = max_forwards(parent) - hops
    channel.data[_FORWARDS_START] = parent.data.get(_FORWARDS_START, DEFAULT_MAX_FORWARDS)


def reset_max_forwards(channel: Channel) -> None:
    """The call is answered: what becomes of it later counts its hops anew."""
    channel.data[_FORWARDS] = channel.data.get(_FORWARDS_START, DEFAULT_MAX_FORWARDS)


def max_forwards(channel: Channel) -> int:
    """How many further hops of forwarding and Local channels the call may take."""
    found = channel.data.get(_FORWARDS, DEFAULT_MAX_FORWARDS)
    assert isinstance(found, int)
    return found


def connected_from(caller: Channel) -> Connected:
    """What a called party is told: the caller's identity as the connected party."""
    return Connected(id=caller.caller.id.copy(), ani=caller.caller.ani.copy(), ani2=caller.caller.ani2)


def prepare(
    channel: Channel,
    caller: Channel | None,
    address: str,
    *,
    forced: Party | None = None,
    application: str = "AppDial",
    keep_account: bool = False,
) -> bool:
    """Give a requested channel what it has from its caller: variables, identities, accounts, manners.

    ``forced`` is the identity shown to the called party instead of the caller's own (Dial's f option),
    ``application`` what the channel is said to run ("": nothing); with ``keep_account`` an account code of the
    channel's own is not replaced. Returns whether the channel has an identity of its own: otherwise the extension
    that was dialled stands for it.
    """
    channel.set("DIALEDPEERNUMBER", address)
    if caller is None:
        channel.begin_application("AppDial2", "(Outgoing Line)")
        return False
    channel.inherit_from(caller)
    inherit_max_forwards(channel, caller, hops=1)
    channel.exten = caller.exten
    if application:
        channel.begin_application(application, "(Outgoing Line)")
    pbx = channel.pbx
    known = bool(channel.caller.id.number.valid and channel.caller.id.number.text)
    if not known:
        party = Party(number=Number(True, caller.exten))
        name = pbx.dialplan.hint_name(caller.context, caller.exten) if caller.exten else ""
        if name:
            party.name = Name(True, name)
        elif caller.connected.id.name.text:
            party.name = Name(True, caller.connected.id.name.text)
        channel.caller.id = party
        channel.tell_caller()
    elif not channel.caller.id.name.text and caller.connected.id.name.text:
        channel.caller.id.name = Name(True, caller.connected.id.name.text)
        channel.tell_caller()
    channel.connected = Connected(id=forced.copy()) if forced is not None else connected_from(caller)
    channel.tell_connected()
    channel.redirect_like(caller)
    channel.dialed.transit_network = caller.dialed.transit_network
    cross_accountcodes(channel, caller, keep=keep_account)
    if not channel.music_class:
        channel.music_class = caller.music_class
    channel.adsicpe = caller.adsicpe
    if caller.hangup_cause == causes.ANSWERED_ELSEWHERE:
        channel.hangup_cause = causes.ANSWERED_ELSEWHERE
    return known


def split_destinations(text: str) -> list[str]:
    """The dial strings of "A/1&B/2", blanks and empty places dropped."""
    return [part.strip() for part in text.split("&") if part.strip()]
