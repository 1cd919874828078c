"""Headers of a call's INVITE and of its answer, read and written from the dialplan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from offhook.calls.channel import INHERITED
from offhook.dialplan.arguments import integer, need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.drivers.sip.calls.channel import SipChannel
from offhook.drivers.sip.calls.outgoing_call import INHERITABLE
from offhook.modules import Module, Syntax
from offhook.sip.errors import SIPError
from offhook.sip.grammar import split_list
from offhook.sip.message import Header
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.dialplan.scope import Scope
    from offhook.drivers.sip.calls.session import CallSession

module = Module("res_pjsip_header_funcs", "PJSIP Header Functions", depends=("chan_pjsip",), priority=26)


def _call(scope: Scope, function: str) -> CallSession:
    channel = need_channel(scope, function)
    if not isinstance(channel, SipChannel):
        raise FunctionError(f"function {function} is for PJSIP channels; {channel.name} is none")
    return channel.session


def headers_of(call: CallSession) -> list[Header]:
    """The headers the function works on: those received with the INVITE, or those to send with ours."""
    if call.added_headers is None:
        request = call.request
        call.added_headers = [] if call.uac or request is None else list(request.headers)
    return call.added_headers


_LISTS = frozenset(("Accept", "Allow", "Require", "Supported", "Unsupported"))


def _matches(name: str, pattern: str) -> bool:
    name, pattern = name.lower(), pattern.lower()
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _place(headers: Sequence[Header], pattern: str, number: int) -> int | None:
    """Where the header of a name with that number stands."""
    for place, (name, _) in enumerate(headers):
        if _matches(name, pattern):
            number -= 1
            if not number:
                return place
    return None


def _numbered(function: str, action: str, name: str, number: str) -> int:
    if not action:
        raise FunctionError(f"{function} needs an action")
    if not name:
        raise FunctionError(f"{function} needs the name of a header")
    return max(1, integer(number) or 1)


def _read(headers: Sequence[Header], name: str, number: int) -> str:
    place = _place(headers, name, number)
    return "" if place is None else _shown(*headers[place])


def _shown(name: str, value: str) -> str:
    """A value in the one way of writing it that the dialplan sees: From and To quoted, without port and blanks."""
    value = value.strip()
    if name in ("From", "To"):
        try:
            address = NameAddr.parse(value)
        except SIPError:
            return value
        if isinstance(address.uri, SipUri):
            address.uri = address.uri.replace(port=None)
        if address.tag:
            address.params = {"tag": address.tag, **address.params}
        return str(address)
    if name in _LISTS:
        return ", ".join(split_list(value))
    return value


def _names(headers: Sequence[Header], prefix: str) -> str:
    prefix = prefix.lower()
    return ",".join(name for name, _ in headers if name.lower().startswith(prefix))


def _remove(headers: list[Header], pattern: str) -> int:
    before = len(headers)
    headers[:] = [header for header in headers if not _matches(header[0], pattern)]
    return before - len(headers)


# ---- the INVITE ------------------------------------------------------------------------------------------


@module.function("PJSIP_HEADER", Syntax("action", "name", "[number]"), see_also=("PJSIP_RESPONSE_HEADER",))
def header(scope: Scope, action: str, name: str = "", number: str = "") -> str:
    """Reads, adds, changes and removes headers of an INVITE.

    On a channel that came in these are the headers received; on one that goes out those that are added to its INVITE,
    which has to happen before it is sent: in a pre-dial handler (option b of Dial).

    Read with the action read, or with remove, which tells how many were removed. Assign with add (a further header),
    update (the value of an existing one) or remove. A name ending in * stands for all names that begin so, for read
    and remove. The number says which of several of the same name is meant, 1 being the first.
    """
    place = _numbered("PJSIP_HEADER", action, name, number)
    headers = headers_of(_call(scope, "PJSIP_HEADER"))
    if action.lower() == "read":
        return _read(headers, name, place)
    if action.lower() == "remove":
        return str(_remove(headers, name))
    raise FunctionError(f'PJSIP_HEADER: "{action}" cannot be read; the actions are read and remove')


@header.writer
def set_header(scope: Scope, value: str, action: str, name: str = "", number: str = "") -> None:
    """Add, change or remove a header."""
    place = _numbered("PJSIP_HEADER", action, name, number)
    _change("PJSIP_HEADER", headers_of(_call(scope, "PJSIP_HEADER")), action, name, place, value)


def _change(function: str, headers: list[Header], action: str, name: str, number: int, value: str) -> None:
    action = action.lower()
    if action == "add":
        if any(mark in value or mark in name for mark in "\r\n"):
            raise FunctionError(f"{function}: a header is one line; {name[:40]} holds a line break")
        headers.append((name, value))
        return
    if action not in ("update", "remove"):
        raise FunctionError(f'{function}: "{action}" is no action; they are add, update and remove')
    if action == "remove":
        _remove(headers, name)
        return
    place = _place(headers, name, number)
    if place is None:
        raise FunctionError(f"{function}: there is no header {name} number {number} to update")
    headers[place] = (headers[place][0], value)


@module.function("PJSIP_HEADERS", Syntax("[prefix]"), see_also=("PJSIP_HEADER",))
def headers(scope: Scope, prefix: str = "") -> str:
    """The names of a call's headers that begin with a prefix, separated by commas.

    They are those of the INVITE received, or of the headers added to the INVITE to be sent.
    """
    return _names(headers_of(_call(scope, "PJSIP_HEADERS")), prefix)


@module.function(
    "PJSIP_INHERITABLE_HEADER", Syntax("action", "name", "[number]"), see_also=("PJSIP_HEADER",), write_only=True
)
def set_inheritable(scope: Scope, value: str, action: str, name: str = "", number: str = "") -> None:
    """Adds headers to the INVITEs of all PJSIP channels that are called from this channel.

    It can be used on any channel, also before a Local channel; whatever is called later inherits the headers.
    Assign with the action add, update or remove; name and number are as in PJSIP_HEADER.
    """
    channel = need_channel(scope, "PJSIP_INHERITABLE_HEADER")
    place = _numbered("PJSIP_INHERITABLE_HEADER", action, name, number)
    kept: list[Header] = channel.data.setdefault(INHERITED, {}).setdefault(INHERITABLE, [])
    _change("PJSIP_INHERITABLE_HEADER", kept, action, name, place, value)


# ---- the answer ------------------------------------------------------------------------------------------


def _answered(scope: Scope, function: str) -> list[Header]:
    response = _call(scope, function).response
    return [] if response is None else response.headers


@module.function("PJSIP_RESPONSE_HEADER", Syntax("action", "name", "[number]"), see_also=("PJSIP_RESPONSE_HEADERS",))
def response_header(scope: Scope, action: str, name: str = "", number: str = "") -> str:
    """A header of the 200 that answered a call of ours.

    The action is always read. A name ending in * stands for all names that begin so; the number says which one is
    meant.
    """
    place = _numbered("PJSIP_RESPONSE_HEADER", action, name, number)
    if action.lower() != "read":
        raise FunctionError(f'PJSIP_RESPONSE_HEADER: "{action}" is no action, it is read')
    return _read(_answered(scope, "PJSIP_RESPONSE_HEADER"), name, place)


@module.function("PJSIP_RESPONSE_HEADERS", Syntax("prefix"), see_also=("PJSIP_RESPONSE_HEADER",))
def response_headers(scope: Scope, prefix: str) -> str:
    """The names of the headers of the 200 that answered a call of ours, those beginning with a prefix."""
    if not prefix:
        raise FunctionError("PJSIP_RESPONSE_HEADERS needs the beginning of a name")
    return _names(_answered(scope, "PJSIP_RESPONSE_HEADERS"), prefix)


# ---- parameters of From ----------------------------------------------------------------------------------


def _parameter(header_name: str, kind: str, name: str) -> None:
    if header_name.lower() != "from":
        raise FunctionError("PJSIP_HEADER_PARAM knows the header From only")
    if kind.lower() not in ("header", "uri"):
        raise FunctionError(f'PJSIP_HEADER_PARAM: "{kind}" is none of header and uri')
    if not name:
        raise FunctionError("PJSIP_HEADER_PARAM needs the name of a parameter")


@module.function("PJSIP_HEADER_PARAM", Syntax("header", "kind", "name"), see_also=("PJSIP_HEADER",))
def header_parameter(scope: Scope, header_name: str, kind: str, name: str) -> str:
    """A parameter of the header From, of the header itself or of its URI.

    Read, it is the far end's; assigned before the INVITE is sent (in a pre-dial handler), it is put into ours.
    """
    _parameter(header_name, kind, name)
    session = _call(scope, "PJSIP_HEADER_PARAM").session
    if session is None:
        return ""
    try:
        address = NameAddr.parse(session.dialog.remote)
    except SIPError:
        return ""
    params = address.params if kind.lower() == "header" else address.uri.params
    return next((value or "" for key, value in params.items() if key.lower() == name.lower()), "")


@header_parameter.writer
def set_header_parameter(scope: Scope, value: str, header_name: str, kind: str, name: str) -> None:
    """Put a parameter into the From of the INVITE to be sent."""
    _parameter(header_name, kind, name)
    notes = _call(scope, "PJSIP_HEADER_PARAM").notes
    notes.setdefault("from parameters", []).append((kind.lower(), name, value))
