"""Manager events of call detail records and channel event logging."""

from __future__ import annotations

import time

from offhook.control.manager.permissions import CALL, CDR
from offhook.control.manager.render import render
from offhook.services.cdr.fields import AMA_FLAGS
from offhook.services.cdr.manager import CdrEvent
from offhook.services.cel.core import CelEvent


@render(CdrEvent, "Cdr", CDR)
def cdr(event: CdrEvent) -> str:
    f = event.fields
    return (
        f"AccountCode: {f.accountcode}\r\n"
        f"Source: {f.src}\r\n"
        f"Destination: {f.dst}\r\n"
        f"DestinationContext: {f.dcontext}\r\n"
        f"CallerID: {f.clid}\r\n"
        f"Channel: {f.channel}\r\n"
        f"DestinationChannel: {f.dstchannel}\r\n"
        f"LastApplication: {f.lastapp}\r\n"
        f"LastData: {f.lastdata}\r\n"
        f"StartTime: {f.text('start')}\r\n"
        f"AnswerTime: {f.text('answer')}\r\n"
        f"EndTime: {f.text('end')}\r\n"
        f"Duration: {f.duration}\r\n"
        f"BillableSeconds: {f.billsec}\r\n"
        f"Disposition: {f.disposition.text}\r\n"
        f"AMAFlags: {AMA_FLAGS.get(f.amaflags, 'Unknown')}\r\n"
        f"UniqueID: {f.uniqueid}\r\n"
        f"UserField: {f.userfield}\r\n"
    ) + "".join(f"{name}: {value}\r\n" for name, value in event.mapped)


@render(CelEvent, "CEL", CALL)
def cel(event: CelEvent) -> str:
    r = event.record
    name = r.event
    user_defined = ""
    if name == "USER_DEFINED":
        if event.show_user_defined:
            user_defined = f"UserDefType: {r.user_defined}\r\n"
        else:
            name = r.user_defined
    tenant = f"TenantID: {r.tenantid}\r\n" if r.tenantid else ""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(r.time))
    return (
        f"EventName: {name}\r\n"
        f"AccountCode: {r.account}\r\n"
        f"CallerIDnum: {r.caller_number}\r\n"
        f"CallerIDname: {r.caller_name}\r\n"
        f"CallerIDani: {r.caller_ani}\r\n"
        f"CallerIDrdnis: {r.caller_rdnis}\r\n"
        f"CallerIDdnid: {r.caller_dnid}\r\n"
        f"Exten: {r.exten}\r\n"
        f"Context: {r.context}\r\n"
        f"Channel: {r.channel}\r\n"
        f"Application: {r.application}\r\n"
        f"AppData: {r.data}\r\n"
        f"EventTime: {when}\r\n"
        f"AMAFlags: {AMA_FLAGS.get(r.ama_flags, 'Unknown')}\r\n"
        f"UniqueID: {r.uniqueid}\r\n"
        f"LinkedID: {r.linkedid}\r\n"
        f"{tenant}"
        f"Userfield: {r.user_field}\r\n"
        f"Peer: {r.peer}\r\n"
        f"PeerAccount: {r.peer_account}\r\n"
        f"{user_defined}"
        f"Extra: {r.extra}\r\n"
    )
