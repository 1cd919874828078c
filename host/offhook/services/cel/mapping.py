"""The fields of channel events for advanced mappings (cel_custom.conf, cel_sqlite3_custom.conf)."""

from __future__ import annotations

from functools import partial

from offhook.calls.pbx import Pbx
from offhook.services.advanced_mapping import Kind, Known, Value
from offhook.services.cdr.fields import AMA_FLAGS
from offhook.services.cel.engine import CelRecord
from offhook.services.cel.stand_in import event_time

_TEXTS = {
    "usereventname": "user_defined",
    "userdeftype": "user_defined",
    "name": "caller_name",
    "num": "caller_number",
    "ani": "caller_ani",
    "rdnis": "caller_rdnis",
    "dnid": "caller_dnid",
    "exten": "exten",
    "context": "context",
    "channame": "channel",
    "appname": "application",
    "appdata": "data",
    "accountcode": "account",
    "peeraccount": "peer_account",
    "uniqueid": "uniqueid",
    "linkedid": "linkedid",
    "userfield": "user_field",
    "peer": "peer",
    "bridgepeer": "peer",
    "eventextra": "extra",
    "tenantid": "tenantid",
    "eventenum": "event",
}
"""Names in mappings -> what of the record they are."""


def _value(record: CelRecord, name: str) -> Value:
    match name:
        case "eventtype":
            return record.user_defined if record.event == "USER_DEFINED" else record.event
        case "eventtime":
            return record.time
        case "eventtimeusec":
            return int(record.time % 1 * 1_000_000)
        case "amaflags":
            return record.ama_flags
    text: str = getattr(record, _TEXTS[name])
    return text


def cel_fields(pbx: Pbx) -> Known[CelRecord]:
    """The fields, with times as cel.conf has them."""
    return Known(
        kinds={
            **dict.fromkeys((*_TEXTS, "eventtype"), (Kind.TEXT, Kind.TEXT)),
            "eventtime": (Kind.TIME, Kind.EVENT_TIME),
            "eventtimeusec": (Kind.WHOLE, Kind.WHOLE),
            "amaflags": (Kind.WHOLE, Kind.WHOLE),
        },
        value=_value,
        words={Kind.AMA_FLAGS: lambda number: AMA_FLAGS.get(number, "Unknown")},
        event_time=partial(event_time, pbx),
    )
