"""Records in files: Master.csv and its accounts, and lines of one's own making (cdr_custom)."""

from __future__ import annotations

import logging
import os
from typing import NamedTuple, Protocol

from offhook.calls.pbx import Pbx
from offhook.dialplan.scope import Scope
from offhook.dialplan.substitution import compile_template
from offhook.modules import Module
from offhook.services.advanced_mapping import AdvancedMapping, mapped_files
from offhook.services.cdr.delivery import Backend
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.mapping import CDR_FIELDS
from offhook.storage.disk import Disk
from offhook.storage.lines import LineWriter

log = logging.getLogger(__name__)
csv_module = Module("cdr_csv", "Comma Separated Values CDR Backend", depends=("cdr",), priority=12)
custom_module = Module("cdr_custom", "Customizable Comma Separated Values CDR Backend", depends=("cdr",), priority=12)

_COLUMNS = (
    "accountcode",
    "src",
    "dst",
    "dcontext",
    "clid",
    "channel",
    "dstchannel",
    "lastapp",
    "lastdata",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "amaflags",
)
_NUMBERS = frozenset({"duration", "billsec", "sequence"})


class _Lines(Protocol):
    def lines(self, fields: Fields) -> list[tuple[str, str]]: ...


def files_backend(pbx: Pbx, target: _Lines, disk: Disk | None = None) -> Backend:
    """A backend that appends the lines a target makes of records to files."""
    writer = LineWriter(pbx.loop, disk)

    def write(fields: Fields) -> None:
        for path, line in target.lines(fields):
            writer.append(path, line)

    async def missing(records: list[Fields]) -> list[Fields]:
        """Which records are not in the files, or only in some of them; these are put in order here."""
        by_path: dict[str, list[tuple[str, Fields]]] = {}
        for fields in records:
            for path, line in target.lines(fields):
                by_path.setdefault(path, []).append((line, fields))
        for path, found in by_path.items():
            for index in await writer.missing(path, [line for line, _ in found]):
                writer.append(path, found[index][0])
        return []

    return Backend(write, writer, missing)


class _CsvSettings(NamedTuple):
    utc: bool
    columns: tuple[str, ...]
    accounts: bool


def _csv_settings(pbx: Pbx) -> _CsvSettings | None:
    config = pbx.config.load("cdr.conf", csv_module.name)
    section = config.get("csv") if config is not None else None
    if section is None:
        return None
    columns = [*_COLUMNS]
    if section.boolean("loguniqueid"):
        columns.append("uniqueid")
    if section.boolean("loguserfield"):
        columns.append("userfield")
    if section.boolean("newcdrcolumns"):
        columns += ["peeraccount", "linkedid", "sequence"]
    return _CsvSettings(section.boolean("usegmtime"), tuple(columns), section.boolean("accountlogs", True))


def quoted(text: str) -> str:
    """A text field of a CSV line."""
    return '"' + text.replace('"', '""') + '"'


def csv_line(fields: Fields, columns: tuple[str, ...], *, utc: bool = False) -> str:
    """One line of Master.csv, with its newline."""
    cells = []
    for name in columns:
        text = fields.text(name, utc=utc)
        cells.append(text if name in _NUMBERS else quoted(text))
    return ",".join(cells) + "\n"


class _Csv:
    """The backend of Master.csv."""

    def __init__(self, pbx: Pbx, settings: _CsvSettings) -> None:
        self.folder = os.path.join(pbx.paths.log, "cdr-csv")
        self.settings = settings

    def lines(self, fields: Fields) -> list[tuple[str, str]]:
        """The files a record goes to, and what is written there."""
        line = csv_line(fields, self.settings.columns, utc=self.settings.utc)
        found = [(os.path.join(self.folder, "Master.csv"), line)]
        account = fields.accountcode
        if self.settings.accounts and account:
            if "/" in account or account.startswith("."):
                log.warning("account code %r is no file name; its record is in Master.csv only", account)
            else:
                found.append((os.path.join(self.folder, f"{account}.csv"), line))
        return found


@csv_module.on_load
@csv_module.on_reload
def load_csv(pbx: Pbx) -> None:
    """Write to Master.csv when cdr.conf has a section [csv]."""
    settings = _csv_settings(pbx)
    backends = pbx.parts["cdr"].delivery.backends
    present: _Csv | None = pbx.parts.get("cdr_csv")
    if settings is None:
        backends.pop("csv", None)
        return
    if present is None:
        present = pbx.parts["cdr_csv"] = _Csv(pbx, settings)
    present.settings = settings
    backends.setdefault("csv", files_backend(pbx, present))


@csv_module.on_unload
async def unload_csv(pbx: Pbx) -> None:
    """Finish writing."""
    present: _Csv | None = pbx.parts.pop("cdr_csv", None)
    if present is not None:
        await pbx.parts["cdr"].delivery.close()
        pbx.parts["cdr"].delivery.backends.pop("csv", None)


class _Custom:
    """The backend of cdr_custom.conf: files and the templates of their lines."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.folder = os.path.join(pbx.paths.log, "cdr-custom")
        self.templates: list[tuple[str, str]] = []
        """Files, and lines that are worked out as in the dialplan."""
        self.mappings: list[tuple[str, AdvancedMapping[Fields]]] = []

    def lines(self, fields: Fields) -> list[tuple[str, str]]:
        """The files a record goes to, and what is written there."""
        found = [(name, mapping.line(fields)) for name, mapping in self.mappings]
        if self.templates:
            scope = record_scope(self.pbx, fields)
            found += [(name, compile_template(template).get(scope)) for name, template in self.templates]
        return [(os.path.join(self.folder, name), line + "\n") for name, line in found]


def record_scope(pbx: Pbx, fields: Fields) -> Scope:
    """A scope in which CDR(...) reads a finished record."""
    from offhook.dialplan.variables import Variables

    scope = Scope(pbx, None, Variables())
    pbx.parts["cdr_finished"] = fields
    return scope


@custom_module.on_load
@custom_module.on_reload
def load_custom(pbx: Pbx) -> None:
    """Write the files of cdr_custom.conf: those of its section [mappings], and one of each other section."""
    present: _Custom = pbx.parts.get("cdr_custom") or _Custom(pbx)
    pbx.parts["cdr_custom"] = present
    config = pbx.config.load("cdr_custom.conf", custom_module.name)
    section = config.get("mappings") if config is not None else None
    present.templates = [(entry.name, entry.value) for entry in section or () if entry.value]
    present.mappings = list(mapped_files(config, "cdr_custom.conf", CDR_FIELDS))
    backends = pbx.parts["cdr"].delivery.backends
    if present.templates or present.mappings:
        backends.setdefault("cdr-custom", files_backend(pbx, present))
    else:
        backends.pop("cdr-custom", None)


@custom_module.on_unload
async def unload_custom(pbx: Pbx) -> None:
    """Finish writing."""
    present: _Custom | None = pbx.parts.pop("cdr_custom", None)
    if present is not None:
        await pbx.parts["cdr"].delivery.close()
        pbx.parts["cdr"].delivery.backends.pop("cdr-custom", None)
