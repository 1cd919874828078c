"""The fields of finished records for advanced mappings (cdr_custom.conf, cdr_sqlite3_custom.conf)."""

from __future__ import annotations

from offhook.services.advanced_mapping import Kind, Known, Value
from offhook.services.cdr.fields import AMA_FLAGS, Fields
from offhook.services.cdr.record import Disposition, Moment

_TEXTS = (
    *("clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "accountcode", "peeraccount"),
    *("uniqueid", "linkedid", "tenantid", "peertenantid", "userfield"),
)


def _value(fields: Fields, name: str) -> Value:
    value: str | int | Moment | None = getattr(fields, name)
    return value.wall if isinstance(value, Moment) else value


def _variable(fields: Fields, name: str) -> str:
    name = name.lower()
    return next((value for key, value in fields.variables.items() if key.lower() == name), "")


CDR_FIELDS: Known[Fields] = Known(
    kinds={
        **dict.fromkeys(_TEXTS, (Kind.TEXT, Kind.TEXT)),
        **dict.fromkeys(("start", "answer", "end"), (Kind.TIME, Kind.TIME)),
        **dict.fromkeys(("duration", "billsec", "sequence"), (Kind.WHOLE, Kind.WHOLE)),
        "disposition": (Kind.WHOLE, Kind.DISPOSITION),
        "amaflags": (Kind.WHOLE, Kind.AMA_FLAGS),
    },
    value=_value,
    words={
        Kind.DISPOSITION: lambda number: Disposition(number).text,
        Kind.AMA_FLAGS: lambda number: AMA_FLAGS.get(number, "Unknown"),
    },
    variable=_variable,
)
