"""The fields of a finished record, by the names that backends, CDR() and cdr.conf use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from offhook.services.cdr.record import Disposition, Moment, Record

AMA_FLAGS = {1: "OMIT", 2: "BILLING", 3: "DOCUMENTATION"}


@dataclass(slots=True)
class Fields:
    """A finished record as backends get it."""

    accountcode: str
    src: str
    dst: str
    dcontext: str
    clid: str
    channel: str
    dstchannel: str
    lastapp: str
    lastdata: str
    start: Moment
    answer: Moment | None
    end: Moment | None
    duration: int
    billsec: int
    disposition: Disposition
    amaflags: int
    uniqueid: str
    userfield: str
    linkedid: str
    peeraccount: str
    sequence: int
    tenantid: str = ""
    peertenantid: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def text(self, name: str, *, raw: bool = False, utc: bool = False) -> str:
        """A field or variable of the record as text; unknown names are empty."""
        name = name.lower()
        if name in ("start", "answer", "end"):
            return stamp(getattr(self, name), raw=raw, utc=utc)
        if name == "disposition":
            return str(int(self.disposition)) if raw else self.disposition.text
        if name == "amaflags":
            return str(self.amaflags) if raw else AMA_FLAGS.get(self.amaflags, "Unknown")
        if name in Fields.__slots__ and name != "variables":
            return str(getattr(self, name))
        return next((value for key, value in self.variables.items() if key.lower() == name), "")


def stamp(moment: Moment | None, *, raw: bool = False, utc: bool = False) -> str:
    """A moment as "YYYY-MM-DD hh:mm:ss", raw as seconds.microseconds; nothing when there was none."""
    if moment is None:
        return "0.000000" if raw else ""
    if raw:
        return f"{moment.wall:.6f}"
    when = datetime.fromtimestamp(moment.wall, UTC) if utc else datetime.fromtimestamp(moment.wall)
    return when.strftime("%Y-%m-%d %H:%M:%S")


def caller_text(name: str, number: str) -> str:
    """Caller ID as records have it: always ``"Name" <number>``, whichever of them is there."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{number}>'


def fields_of(record: Record, now: Moment) -> Fields | None:
    """The finished form of a record; None when it is none of its own (a called channel nobody talked to)."""
    if record.dialed and record.party_b is None:
        return None
    return present_fields(record, now)


def present_fields(record: Record, now: Moment) -> Fields:
    """What a record says now, whether or not it will be written."""
    a, b = record.party_a, record.party_b
    party = a.channel.caller.id
    user_field = a.user_field
    if b is not None and b.user_field:
        user_field = f"{a.user_field};{b.user_field}"
    variables = dict(a.variables)
    if b is not None:
        taken = {name.lower() for name in variables}
        variables.update((name, value) for name, value in b.variables.items() if name.lower() not in taken)
    return Fields(
        accountcode=a.channel.accountcode,
        src=party.number.text,
        dst=record.exten,
        dcontext=record.context,
        clid=caller_text(party.name.text, party.number.text),
        channel=a.channel.name,
        dstchannel=b.channel.name if b is not None else "",
        lastapp=record.application,
        lastdata=record.data,
        start=record.start,
        answer=record.answer,
        end=record.end,
        duration=record.duration(now),
        billsec=record.billed(now),
        disposition=record.disposition,
        amaflags=a.channel.ama_flags,
        uniqueid=record.uniqueid,
        userfield=user_field,
        linkedid=record.linkedid,
        peeraccount=b.channel.accountcode if b is not None else "",
        sequence=record.sequence,
        tenantid=a.channel.tenantid,
        peertenantid=b.channel.tenantid if b is not None else "",
        variables=variables,
    )
