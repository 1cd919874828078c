"""The dialplan functions IAXPEER and IAXVAR."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.drivers.iax.channel import IaxChannel
from offhook.drivers.iax.module import module
from offhook.drivers.iax.stack import PART, IaxStack
from offhook.drivers.iax.variables import keep, variables_of
from offhook.iax import formats as iax_formats
from offhook.modules import Syntax

if TYPE_CHECKING:
    from offhook.dialplan.scope import Scope

log = logging.getLogger(__name__)


@module.function("IAXPEER", Syntax("peername", "item"))
def iaxpeer(scope: Scope, peername: str, item: str = "ip") -> str:
    """Gets IAX peer information.

    IAXPEER(CURRENTCHANNEL) is the address of the far end of this channel. Else item is one of: ip (the default),
    status, mailbox, context, expire (seconds, -1 when it is not registered), dynamic, callerid_name, callerid_num,
    codecs, codec[x] (the x-th in order of preference, beginning with 0).
    """
    if peername == "CURRENTCHANNEL":
        channel = scope.channel
        return channel.session.association.address[0] if isinstance(channel, IaxChannel) else ""
    stack: IaxStack = scope.pbx.parts[PART]
    peer = stack.peers.get(peername)
    if peer is None:
        return ""
    entry = peer.entry
    name, number = entry.caller_id or ("", "")
    item = item.lower()
    if item.startswith("codec["):
        place = item[len("codec[") :].rstrip("]")
        formats = list(entry.formats)
        return formats[int(place)].name if place.isdigit() and int(place) < len(formats) else ""
    found = {
        "ip": peer.address[0] if peer.address is not None else "",
        "status": peer.status(),
        "mailbox": entry["mailbox"],
        "context": entry.context,
        "expire": str(peer.expiry if peer.address is not None and entry.dynamic else -1),
        "dynamic": "yes" if entry.dynamic else "no",
        "callerid_name": name,
        "callerid_num": number,
        "codecs": f"({'|'.join(iax_formats.names(entry.capability)) or 'nothing'})",
    }
    return str(found.get(item, ""))


@module.function("IAXVAR", Syntax("varname"))
def iaxvar(scope: Scope, varname: str) -> str:
    """Sets or retrieves a remote variable.

    Reads a variable that the calling exchange sent along; assigned, it goes along with calls to other exchanges that
    are made from this channel.
    """
    channel = scope.channel
    if channel is None:
        log.warning("No channel was provided to IAXVAR function.")
        return ""
    return variables_of(channel).get(varname, "")


@iaxvar.writer
def set_iaxvar(scope: Scope, value: str, varname: str) -> None:
    """See above."""
    channel = scope.channel
    if channel is None:
        log.warning("No channel was provided to IAXVAR function.")
        return
    keep(channel, {varname: value})
