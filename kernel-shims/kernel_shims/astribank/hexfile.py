"""Intel hex files as firmware comes in: records of data with their checksums, and a version in a comment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from kernel_shims.line import LineError

_DATA, _END = 0, 1
_OTHERS = {2: 2, 3: 4, 4: 2, 5: 4}
"""Lengths of the kinds that name segments and start addresses; nothing here needs them."""
_VERSION = re.compile(r"\$Id: \S+ (\S+)")


@dataclass(frozen=True, slots=True)
class Record:
    """Octets for an address; ``line`` is where they stand."""

    address: int
    data: bytes
    line: int


@dataclass(frozen=True, slots=True)
class HexFile:
    """A file's data in its order."""

    path: Path
    version: str
    records: tuple[Record, ...]


def read_hex(path: Path) -> HexFile:
    """Read a file. Raises LineError with the file, the line and what is wrong with it."""
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise LineError(f"{path}: {error.strerror}") from None
    version, records, ended = "", [], False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip().strip("\x1a")
        if not bare:
            continue
        if bare.startswith("#"):
            found = _VERSION.search(bare)
            version = found[1] if found else version
            continue
        if ended:
            raise LineError(f"{path}:{number}: something follows the record that ends the file; it is damaged")
        try:
            kind, record = _record(bare, number)
        except ValueError as error:
            raise LineError(f"{path}:{number}: {error}; the file is damaged, install it again") from None
        ended = kind == _END
        if kind == _DATA:
            records.append(record)
    if not ended:
        raise LineError(f"{path}: the record that ends the file is missing; it is cut short, install it again")
    return HexFile(path, version, tuple(records))


def _record(text: str, line: int) -> tuple[int, Record]:
    if not text.startswith(":"):
        raise ValueError('a record begins with ":"')
    try:
        octets = bytes.fromhex(text[1:])
    except ValueError:
        raise ValueError("a record has hexadecimal digits only") from None
    if len(octets) < 5 or len(octets) != octets[0] + 5:
        raise ValueError(f"the record is {len(octets)} octets long and says {octets[0] + 5 if octets else 5}")
    if sum(octets) & 0xFF:
        raise ValueError("the checksum is wrong")
    kind = octets[3]
    if kind not in (_DATA, _END) and _OTHERS.get(kind) != octets[0]:
        raise ValueError(f"there is no kind {kind} of {octets[0]} octets")
    return kind, Record(int.from_bytes(octets[1:3], "big"), octets[4:-1], line)


def write_hex(path: Path, records: list[tuple[int, bytes]], version: str = "1") -> None:
    """Write a file of such records (tests and the simulator's firmware are made so)."""
    lines = ["#", f"# $Id: {path.name} {version} 2026-01-01 00:00:00Z nobody $", "#"]
    for address, data in [*records, (0, b"")]:
        kind = _DATA if data else _END
        octets = bytes([len(data), *address.to_bytes(2, "big"), kind, *data])
        lines.append(f":{octets.hex().upper()}{-sum(octets) & 0xFF:02X}")
    path.write_text("\n".join(lines) + "\n")
