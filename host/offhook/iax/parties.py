"""Connected and redirecting parties as Asterisk writes them into control frames: number, length and octets a field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

VERSION = 2

_CONNECTED = {
    "number": 0, "name": 1, "number_plan": 2, "id_presentation": 3, "source": 4, "tag": 9, "version": 10,
    "name_valid": 11, "name_charset": 12, "name_presentation": 13, "number_valid": 14, "number_presentation": 15,
}  # fmt: skip
_FROM = {
    "number": 0, "name": 1, "number_plan": 2, "id_presentation": 3, "tag": 18, "name_valid": 21, "name_charset": 22,
    "name_presentation": 23, "number_valid": 24, "number_presentation": 25,
}  # fmt: skip
_TO = {
    "number": 4, "name": 5, "number_plan": 6, "id_presentation": 7, "tag": 19, "name_valid": 26, "name_charset": 27,
    "name_presentation": 28, "number_valid": 29, "number_presentation": 30,
}  # fmt: skip
_REASON, _COUNT, _REDIRECTING_VERSION, _REASON_TEXT = 8, 9, 20, 84
_LONG = 4
_CHARSET_LATIN1 = 1


@dataclass(slots=True)
class Identity:
    """Name and number of a party; None where there is none."""

    name: str | None = None
    number: str | None = None
    name_presentation: int = 0
    number_presentation: int = 0
    plan: int = 0
    tag: str = ""


@dataclass(slots=True)
class ConnectedParty:
    """Who is connected, and why that changed (a number of Asterisk's: 1 answer, 2 transfer, ...)."""

    id: Identity = field(default_factory=Identity)
    source: int = 0


@dataclass(slots=True)
class RedirectingParties:
    """Who forwarded the call, to whom, and why (a number of Asterisk's)."""

    from_: Identity = field(default_factory=Identity)
    to: Identity = field(default_factory=Identity)
    reason: int = 0
    reason_text: str = ""
    count: int = 0


def fields(data: bytes) -> dict[int, bytes]:
    """The fields of a frame; what is cut off is left out."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 2 <= len(data):
        number, size = data[at], data[at + 1]
        at += 2
        if at + size > len(data):
            break
        found[number] = data[at : at + size]
        at += size
    return found


def _join(items: Iterable[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes((number, len(octets[:255]))) + octets[:255] for number, octets in items)


def _long(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(_LONG, "big")


def _write(identity: Identity, numbers: dict[str, int]) -> Iterator[tuple[int, bytes]]:
    for part, text, shown in (
        ("name", identity.name, identity.name_presentation),
        ("number", identity.number, identity.number_presentation),
    ):
        if text is not None:
            yield numbers[part], text.encode()
        yield numbers[f"{part}_valid"], bytes((text is not None,))
        if part == "name":
            yield numbers["name_charset"], bytes((_CHARSET_LATIN1,))
        else:
            yield numbers["number_plan"], bytes((identity.plan & 0xFF,))
        yield numbers[f"{part}_presentation"], bytes((shown & 0xFF,))
    if identity.tag:
        yield numbers["tag"], identity.tag.encode()
    # What those understand that know no better.
    yield numbers["id_presentation"], bytes((identity.number_presentation & 0xFF,))


def _read(found: dict[int, bytes], numbers: dict[str, int]) -> Identity:
    identity = Identity()

    def octet(name: str, default: int) -> int:
        value = found.get(numbers[name], b"")
        return value[0] if len(value) == 1 else default

    combined = octet("id_presentation", 0)
    for part in ("name", "number"):
        octets = found.get(numbers[part])
        text = octets.decode("utf-8", "replace") if octets is not None else None
        valid = octet(f"{part}_valid", text is not None)
        setattr(identity, part, (text or "") if valid else None)
        setattr(identity, f"{part}_presentation", octet(f"{part}_presentation", combined))
    identity.plan = octet("number_plan", 0)
    identity.tag = found.get(numbers["tag"], b"").decode("utf-8", "replace")
    return identity


def write_connected(party: ConnectedParty) -> bytes:
    """The payload of a control frame CONNECTED_LINE."""
    items = [(_CONNECTED["version"], bytes((VERSION,))), *_write(party.id, _CONNECTED)]
    return _join([*items, (_CONNECTED["source"], _long(party.source))])


def read_connected(data: bytes) -> ConnectedParty:
    """Read it."""
    found = fields(data)
    source = found.get(_CONNECTED["source"], b"")
    return ConnectedParty(_read(found, _CONNECTED), int.from_bytes(source, "big") if len(source) == _LONG else 0)


def write_redirecting(parties: RedirectingParties) -> bytes:
    """The payload of a control frame REDIRECTING."""
    items = [(_REDIRECTING_VERSION, bytes((VERSION,)))]
    items += [*_write(parties.from_, _FROM), *_write(parties.to, _TO)]
    items += [(_REASON, _long(parties.reason)), (_COUNT, _long(parties.count))]
    if parties.reason_text:
        items.append((_REASON_TEXT, parties.reason_text.encode()))
    return _join(items)


def read_redirecting(data: bytes) -> RedirectingParties:
    """Read it."""
    found = fields(data)

    def long(number: int) -> int:
        octets = found.get(number, b"")
        return int.from_bytes(octets, "big") if len(octets) == _LONG else 0

    text = found.get(_REASON_TEXT, b"").decode("utf-8", "replace")
    return RedirectingParties(_read(found, _FROM), _read(found, _TO), long(_REASON), text, long(_COUNT))
