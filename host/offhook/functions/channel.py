"""CHANNEL and its companions: what a channel is and how it is set."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from offhook.calls.capability import capability_of, set_capability
from offhook.calls.channel import Channel
from offhook.calls.requesting import SECURE, max_forwards, set_max_forwards
from offhook.dialplan.arguments import find_channel, integer, need_channel
from offhook.dialplan.condition import truth
from offhook.dialplan.executor import Run
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.location import parse_location
from offhook.dialplan.posix import RegexError, compile_regex
from offhook.dialplan.scope import Scope
from offhook.dialplan.subroutine import complete_arguments
from offhook.functions.gains import apply_gains
from offhook.media.formats import Kind, format_named
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_channel", "Channel information dialplan functions")

_MOST_GROUP = 63
_ADSI = ("unknown", "available", "unavailable", "offhookonly")
_AMA_FLAGS = {"none": 0, "omit": 1, "billing": 2, "documentation": 3, "default": 3}
_FEATURES = "dtmf features"
_SWITCHES = ("tdd", "digitdetect", "faxdetect", "relaxdtmf")


def _formats(channel: Channel, kind: Kind) -> str:
    names = []
    for name in channel.native_formats:
        found = format_named(str(name))
        if found is not None and found.kind is kind:
            names.append(found.name)
    return f"({'|'.join(names) if names else 'nothing'})"


def _flow(channel: Channel, direction: str) -> str:
    """The format of the audio that comes from the party ("read") or goes to it ("write")."""
    if channel.media is None:
        return "slin"
    return str(channel.media.figures().get(f"{direction}_format") or "slin")


def _peer(channel: Channel) -> str:
    peer = channel.bridge.peer(channel) if channel.bridge is not None else None
    return peer.name if peer is not None else ""


def _last(channel: Channel, index: int) -> str:
    run = channel.dialplan_state
    return run.last[index] if isinstance(run, Run) else ""


def _numeric(groups: frozenset[str]) -> str:
    return ", ".join(map(str, sorted(int(group) for group in groups if group.isdigit())))


def _named(groups: frozenset[str]) -> str:
    return ", ".join(sorted(group for group in groups if not group.isdigit()))


_READ: dict[str, Callable[[Channel], str]] = {
    "audionativeformat": lambda channel: _formats(channel, Kind.AUDIO),
    "videonativeformat": lambda channel: _formats(channel, Kind.VIDEO),
    "audioreadformat": lambda channel: _flow(channel, "read"),
    "audiowriteformat": lambda channel: _flow(channel, "write"),
    "tonezone": lambda channel: channel.tone_zone,
    "adsicpe": lambda channel: _ADSI[channel.adsicpe],
    "dtmf_features": lambda channel: channel.data.get(_FEATURES, ""),
    "language": lambda channel: channel.language,
    "musicclass": lambda channel: channel.music_class,
    "name": lambda channel: channel.name,
    "channame": lambda channel: channel.name,
    "parkinglot": lambda channel: channel.parking_lot,
    "state": lambda channel: channel.state.text,
    "onhold": lambda channel: "1" if channel.data.get("held") else "0",
    "channeltype": lambda channel: channel.technology,
    "accountcode": lambda channel: channel.accountcode,
    "checkhangup": lambda channel: "0" if channel.alive else "1",
    "peeraccount": lambda channel: channel.peer_account,
    "hangupsource": lambda channel: channel.hangup_source,
    "appname": lambda channel: channel.application,
    "appdata": lambda channel: channel.application_data,
    "exten": lambda channel: channel.exten,
    "context": lambda channel: channel.context,
    "lastexten": lambda channel: _last(channel, 1),
    "lastcontext": lambda channel: _last(channel, 0),
    "userfield": lambda channel: channel.data.get("userfield", ""),
    "linkedid": lambda channel: channel.linkedid or channel.uniqueid,
    "peer": _peer,
    "uniqueid": lambda channel: channel.uniqueid,
    "transfercapability": capability_of,
    "callgroup": lambda channel: _numeric(channel.call_groups),
    "pickupgroup": lambda channel: _numeric(channel.pickup_groups),
    "namedcallgroup": lambda channel: _named(channel.call_groups),
    "namedpickupgroup": lambda channel: _named(channel.pickup_groups),
    "after_bridge_goto": lambda channel: channel.data.get("after bridge goto", ""),
    "amaflags": lambda channel: str(channel.ama_flags),
    "secure_bridge_signaling": lambda channel: channel.data.get(SECURE, {}).get("signaling", ""),
    "secure_bridge_media": lambda channel: channel.data.get(SECURE, {}).get("media", ""),
    "max_forwards": lambda channel: str(max_forwards(channel)),
    "callid": lambda channel: f"[{channel.callid}]" if channel.callid else "",
    "device_name": lambda channel: channel.name.rpartition("-")[0],
    "tenantid": lambda channel: channel.tenantid,
}


@module.function("CHANNEL", Syntax("item"), see_also=("CHANNELS", "CHANNEL_EXISTS", "MASTER_CHANNEL"), raw=True)
def channel_item(scope: Scope, item: str) -> str:
    """Something about the channel.

    Read and assigned: accountcode, adsicpe, after_bridge_goto, amaflags, callgroup, pickupgroup, namedcallgroup,
    namedpickupgroup, dtmf_features, hangupsource, language, max_forwards, musicclass, parkinglot, peeraccount,
    secure_bridge_media, secure_bridge_signaling, tenantid, tonezone, transfercapability, userfield. Read only:
    appdata, appname, audionativeformat, audioreadformat, audiowriteformat, callid, channeltype, checkhangup, context,
    exten, lastcontext, lastexten, linkedid, name, onhold, peer, state, uniqueid, videonativeformat. Assigned only:
    hangup_handler_push, hangup_handler_pop, hangup_handler_wipe (context,extension,priority(arguments)), rxgain,
    txgain (dB). The technology of the channel may have further items, such as rtp,... and pjsip,... .
    """
    channel = need_channel(scope, "CHANNEL")
    read = _READ.get(item.lower())
    if read is not None:
        return read(channel)
    value = channel.tech_function(item)
    if value is None:
        raise FunctionError(f'CHANNEL: a {channel.technology} channel has no item "{item}"')
    return value


@channel_item.writer
def set_channel_item(scope: Scope, value: str, item: str) -> None:
    """Assign something about the channel.

    On a Local channel it holds for both halves, except for hangup handlers; account and peer account change places.
    """
    channel = need_channel(scope, "CHANNEL")
    _write(channel, item, value)
    twin = channel.tech_twin()
    if twin is not None and not twin.hungup and not item.lower().startswith("hangup_handler_"):
        _write(twin, _CROSSED.get(item.lower(), item), value)


def _write(channel: Channel, item: str, value: str) -> None:
    write = _WRITE.get(item.lower())
    if write is not None:
        write(channel, value)
    elif item.lower() in _SWITCHES:
        channel.data[item.lower()] = truth(value) or value.lower() == "mate"
        if item.lower() == "relaxdtmf" and channel.media is not None:
            channel.media.detect_digits(True, relax=truth(value))
    elif not channel.tech_set_function(item, value):
        raise FunctionError(f'CHANNEL: a {channel.technology} channel has no item "{item}" to assign')


def _set_account(channel: Channel, value: str) -> None:
    if channel.accountcode != value:
        channel.set_accountcode(value)


def _set_zone(channel: Channel, value: str) -> None:
    if value not in channel.pbx.zones:
        raise FunctionError(f'CHANNEL(tonezone): indications.conf has no zone "{value}"')
    channel.tone_zone = value


def _set_adsi(channel: Channel, value: str) -> None:
    if value.lower() not in _ADSI:
        raise FunctionError(f'CHANNEL(adsicpe): "{value}" is none of {", ".join(_ADSI)}')
    channel.adsicpe = _ADSI.index(value.lower())


def _set_ama(channel: Channel, value: str) -> None:
    number = integer(value) if value[:1].isdigit() else _AMA_FLAGS.get(value.lower(), 0)
    channel.ama_flags = number or 0


def group_numbers(text: str) -> frozenset[str]:
    """The numbers of a list of call groups such as ``1,3-5``."""
    numbers: set[str] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start = integer(first)
        end = integer(last) if dash else start
        if start is None or end is None:
            if part.strip():
                log.error('"%s" in the groups "%s" is no number', part, text)
            continue
        for number in range(start, end + 1):
            if 0 <= number <= _MOST_GROUP:
                numbers.add(str(number))
            else:
                log.warning("call groups go from 0 to %d; %d is left out", _MOST_GROUP, number)
    return frozenset(numbers)


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _numbers_changed(groups: frozenset[str], text: str) -> frozenset[str]:
    return frozenset(group for group in groups if not group.isdigit()) | group_numbers(text)


def _names_changed(groups: frozenset[str], text: str) -> frozenset[str]:
    return frozenset(group for group in groups if group.isdigit()) | _names(text)


def _set_groups(kind: str, change: Callable[[frozenset[str], str], frozenset[str]]) -> Callable[[Channel, str], None]:
    def write(channel: Channel, value: str) -> None:
        setattr(channel, kind, change(getattr(channel, kind), value))

    return write


def _set_gain(direction: str) -> Callable[[Channel, str], None]:
    def write(channel: Channel, value: str) -> None:
        decibels = float(integer(value) or 0)
        if direction == "in_db":
            apply_gains(channel, "CHANNEL", in_db=decibels)
        else:
            apply_gains(channel, "CHANNEL", out_db=decibels)

    return write


def _set_after_bridge(channel: Channel, value: str) -> None:
    if not value:
        channel.data.pop("after bridge goto", None)
        channel.after_bridge = None
        return
    context, exten, priority = parse_location(channel, value)
    channel.data["after bridge goto"] = value

    def go(one: Channel) -> None:
        one.data.pop("after bridge goto", None)
        one.async_goto(context, exten, priority)

    channel.after_bridge = go


def _set_secure(what: str) -> Callable[[Channel, str], None]:
    def write(channel: Channel, value: str) -> None:
        channel.data.setdefault(SECURE, {})[what] = "1" if truth(value) else ""

    return write


def _set_forwards(channel: Channel, value: str) -> None:
    number = integer(value)
    if number is None or number < 0:
        raise FunctionError(f'CHANNEL(max_forwards): "{value}" is no number')
    set_max_forwards(channel, number)


def _set_capability(channel: Channel, value: str) -> None:
    set_capability(channel, value)


def _push_handler(channel: Channel, value: str) -> None:
    if value:
        channel.push_hangup_handler(complete_arguments(channel, value))


def _pop_handler(channel: Channel, value: str) -> None:
    channel.pop_hangup_handler()
    _push_handler(channel, value)


def _wipe_handlers(channel: Channel, value: str) -> None:
    while channel.pop_hangup_handler():
        pass
    _push_handler(channel, value)


def _set(attribute: str) -> Callable[[Channel, str], None]:
    return lambda channel, value: setattr(channel, attribute, value)


def _keep(key: str) -> Callable[[Channel, str], None]:
    return lambda channel, value: channel.data.__setitem__(key, value)


_CROSSED = {"accountcode": "peeraccount", "peeraccount": "accountcode"}
_WRITE: dict[str, Callable[[Channel, str], None]] = {
    "language": _set("language"),
    "parkinglot": _set("parking_lot"),
    "musicclass": _set("music_class"),
    "peeraccount": _set("peer_account"),
    "hangupsource": lambda channel, value: channel.name_hangup_source(value),
    "tenantid": _set("tenantid"),
    "userfield": _keep("userfield"),
    "dtmf_features": _keep(_FEATURES),
    "accountcode": _set_account,
    "after_bridge_goto": _set_after_bridge,
    "amaflags": _set_ama,
    "tonezone": _set_zone,
    "adsicpe": _set_adsi,
    "callgroup": _set_groups("call_groups", _numbers_changed),
    "pickupgroup": _set_groups("pickup_groups", _numbers_changed),
    "namedcallgroup": _set_groups("call_groups", _names_changed),
    "namedpickupgroup": _set_groups("pickup_groups", _names_changed),
    "rxgain": _set_gain("in_db"),
    "txgain": _set_gain("out_db"),
    "transfercapability": _set_capability,
    "hangup_handler_push": _push_handler,
    "hangup_handler_pop": _pop_handler,
    "hangup_handler_wipe": _wipe_handlers,
    "secure_bridge_signaling": _set_secure("signaling"),
    "secure_bridge_media": _set_secure("media"),
    "max_forwards": _set_forwards,
}


@module.function("CHANNELS", Syntax("[regular_expression]"), see_also=("CHANNEL_EXISTS",), raw=True)
def channels(scope: Scope, expression: str) -> str:
    """The names of all channels that fit a regular expression (in any case), separated by blanks; all without one."""
    try:
        fits = compile_regex(expression, True) if expression else None
    except RegexError as error:
        raise FunctionError(f'CHANNELS: "{expression}" is no regular expression: {error}') from error
    return " ".join(one.name for one in scope.pbx.channels if fits is None or fits.search(one.name) is not None)


@module.function("CHANNEL_EXISTS", Syntax("name_or_uid"), see_also=("CHANNELS",), raw=True)
def channel_exists(scope: Scope, name: str) -> str:
    """1 when there is a channel of that name or unique id, else 0."""
    if not name:
        raise FunctionError("CHANNEL_EXISTS needs the name or unique id of a channel")
    return "1" if find_channel(scope, name) is not None else "0"


def _master(scope: Scope) -> Channel:
    channel = need_channel(scope, "MASTER_CHANNEL")
    return find_channel(scope, channel.linkedid) or channel


@module.function("MASTER_CHANNEL", Syntax("variable"), see_also=("CHANNEL", "SHARED"), raw=True)
async def master_channel(scope: Scope, name: str) -> str:
    """A variable or function of the channel that the call began with; of this one when that is gone."""
    return await Scope(scope.pbx, _master(scope), restricted=scope.restricted).expanded(f"${{{name}}}")


@master_channel.writer
def set_master_channel(scope: Scope, value: str, name: str) -> Awaitable[None] | None:
    """Assign a variable of the channel that the call began with."""
    return Scope(scope.pbx, _master(scope), restricted=scope.restricted).set(name, value)
