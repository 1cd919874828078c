"""What stands for a channel where the dialplan's functions read a channel event."""

from __future__ import annotations

import time
from types import SimpleNamespace

from offhook.calls.party import Caller, Connected, Dialed, Name, Number, Party, Redirecting
from offhook.calls.pbx import Pbx
from offhook.dialplan.variables import Variables
from offhook.services.cel.engine import CelEngine, CelRecord


def event_time(pbx: Pbx, wall: float) -> str:
    """A time as cel.conf's dateformat has it, by default seconds with six decimals."""
    engine: CelEngine = pbx.parts["cel"]
    if engine.date_format:
        return time.strftime(engine.date_format, time.localtime(wall))
    return f"{wall:.6f}"


def stand_in(pbx: Pbx, record: CelRecord) -> SimpleNamespace:
    """What the templates' functions read instead of a channel: the record's facts under a channel's names."""
    variables = Variables()
    variables.set("eventtype", record.user_defined if record.event == "USER_DEFINED" else record.event)
    variables.set("eventtime", event_time(pbx, record.time))
    variables.set("eventenum", record.event)
    variables.set("userdeftype", record.user_defined)
    variables.set("eventextra", record.extra)
    variables.set("BRIDGEPEER", record.peer)
    identity = Party(Name(True, record.caller_name), Number(True, record.caller_number))
    redirecting = Redirecting()
    redirecting.from_ = Party.of(record.caller_rdnis)
    return SimpleNamespace(
        pbx=pbx,
        variables=variables,
        get=variables.get,
        name=record.channel,
        uniqueid=record.uniqueid,
        linkedid=record.linkedid,
        tenantid=record.tenantid,
        context=record.context,
        exten=record.exten,
        priority=1,
        application=record.application,
        application_data=record.data,
        ama_flags=record.ama_flags,
        accountcode=record.account,
        peer_account=record.peer_account,
        caller=Caller(identity, Party.of(record.caller_ani)),
        connected=Connected(),
        redirecting=redirecting,
        dialed=Dialed(record.caller_dnid),
        data={"userfield": record.user_field},
        dialplan_state=None,
        hangup_cause=0,
    )
